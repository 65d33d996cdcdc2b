/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Permission flags: lists of items, each of which becomes a rule.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-net-item.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

static BtFsPerms
perms_of(BtKind kind)
{
  switch (kind) {
  case BT_KIND_READ:
    return BT_FS_READ;
  case BT_KIND_WRITE:
    return BT_FS_WRITE;
  case BT_KIND_RUN:
    return BT_FS_EXECUTE;
  default:
    return 0;
  }
}

GPtrArray *
bt_split_paths(const char *list)
{
  GPtrArray *items = g_ptr_array_new_with_free_func(g_free);
  GString *item = g_string_new(NULL);

  for (const char *c = list; *c != '\0'; c++) {
    if (c[0] != ',') {
      g_string_append_c(item, *c);
    } else if (c[1] == ',') {
      g_string_append_c(item, ',');
      c++;
    } else {
      g_ptr_array_add(items, g_string_free(item, FALSE));
      item = g_string_new(NULL);
    }
  }
  g_ptr_array_add(items, g_string_free(item, FALSE));
  return items;
}

static void
init_rule(BtRule *rule, BtAction action, BtLayer layer, const char *flag, const char *item)
{
  g_autofree char *text = item != NULL ? g_strconcat(flag, "=", item, NULL) : g_strdup(flag);
  bt_rule_init(rule, action, layer, bt_layer_source(layer), 0, text);
}

static void
add_bare_net(BtPolicy *policy, BtLayer layer, BtAction action, const char *flag)
{
  BtNetItem *item = bt_net_item_new();
  init_rule(&item->rule, action, layer, flag, NULL);
  item->proto = BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP;
  item->everything = TRUE;
  bt_policy_take_net_item(policy, item);
}

void
bt_policy_add_bare(BtPolicy *policy, BtLayer layer, BtKind kind, BtAction action, const char *flag)
{
  if (kind == BT_KIND_NET) {
    add_bare_net(policy, layer, action, flag);
    return;
  }
  if (kind == BT_KIND_ENV) {
    BtEnvRule *rule = bt_env_rule_new("*");
    init_rule(&rule->rule, action, layer, flag, NULL);
    g_ptr_array_add(policy->env_rules, rule);
    return;
  }
  if (kind == BT_KIND_SYS) {
    BtSysRule *rule = bt_sys_rule_new(BT_SYS_ALL);
    init_rule(&rule->rule, action, layer, flag, NULL);
    g_ptr_array_add(policy->sys_rules, rule);
    return;
  }
  BtPathRule *rule = bt_path_rule_new(perms_of(kind));
  init_rule(&rule->rule, action, layer, flag, NULL);
  rule->written = g_strdup("/");
  rule->path = g_strdup("/");
  rule->everything = TRUE;
  g_ptr_array_add(bt_policy_path_rules(policy, kind), rule);
}

void
bt_policy_add_everything(BtPolicy *policy, BtLayer layer, const char *flag)
{
  for (guint kind = 0; kind < BT_N_KINDS; kind++)
    bt_policy_add_bare(policy, layer, kind, BT_ACTION_ALLOW, flag);
}

/* A value is asked for with the flag's own spelling. */
static gboolean
fail_item(GError **error, const char *flag, const char *item, GError *cause)
{
  g_autofree char *object = g_strconcat(flag, "=", item, NULL);
  return bt_fail_for(error, BUNTIME_ERROR_USAGE, object, cause);
}

static gboolean
add_net(BtPolicy *policy, BtLayer layer, BtAction action, const char *flag, const char *list,
        GError **error)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  g_autoptr(GPtrArray) written = g_ptr_array_new_with_free_func(g_free);
  GError *cause = NULL;

  if (!bt_net_item_parse_list(list, action, items, written, &cause)) {
    /* The cause starts with the item: "--allow-net=127.1: ..." */
    g_autofree char *message = g_strconcat(flag, "=", cause->message, NULL);
    g_error_free(cause);
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, message, NULL);
  }
  for (guint i = 0; i < items->len; i++) {
    BtNetItem *item = bt_net_item_copy(g_ptr_array_index(items, i));
    init_rule(&item->rule, action, layer, flag, g_ptr_array_index(written, i));
    if (!bt_policy_take_net_item(policy, item))
      return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("too many hosts and ports"),
                     _("write address blocks and *.names instead of single ones"));
  }
  return TRUE;
}

gboolean
bt_env_pattern_check(const char *pattern, GError **error)
{
  if (pattern[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("an empty item"),
                   _("write names like LANG,AWS_*"));
  if (strchr(pattern, '=') != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("a value cannot be given here"),
                   _("set it in the environment of buntime and write only its name"));
  return TRUE;
}

static BtSys
sys_of(const char *word)
{
  for (guint i = 0; i < BT_N_SYS; i++)
    if (strcmp(bt_sys_words[i], word) == 0)
      return (BtSys)(1u << i);
  return 0;
}

/* A denial of what cannot be hidden would be one that does not hold. */
BtSys
bt_sys_parse(const char *word, BtAction action, GError **error)
{
  BtSys kind = sys_of(word);

  if (kind == 0) {
    const char *nearest = bt_nearest(word, bt_sys_words);
    g_autofree char *words = g_strjoinv(", ", (char **)bt_sys_words);
    g_autofree char *cure = nearest != NULL ? g_strdup_printf(_("did you mean %s?"), nearest)
                                            : g_strdup_printf(_("write one of %s"), words);
    bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("no such fact about the machine"), cure);
    return 0;
  }
  if (action == BT_ACTION_DENY && (kind & BT_SYS_HIDDEN) == 0) {
    bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("the kernel tells this to every process"),
            _("leave the denial out: it cannot be hidden"));
    return 0;
  }
  return kind;
}

static gboolean
add_sys(BtPolicy *policy, BtLayer layer, BtAction action, const char *flag, const char *list,
        GError **error)
{
  g_auto(GStrv) words = g_strsplit(list, ",", -1);

  for (char **word = words; *word != NULL; word++) {
    GError *cause = NULL;
    BtSys kind = bt_sys_parse(*word, action, &cause);
    if (kind == 0)
      return fail_item(error, flag, *word, cause);
    BtSysRule *rule = bt_sys_rule_new(kind);
    init_rule(&rule->rule, action, layer, flag, *word);
    g_ptr_array_add(policy->sys_rules, rule);
  }
  return TRUE;
}

static gboolean
add_env(BtPolicy *policy, BtLayer layer, BtAction action, const char *flag, const char *list,
        GError **error)
{
  g_auto(GStrv) patterns = g_strsplit(list, ",", -1);

  for (char **pattern = patterns; *pattern != NULL; pattern++) {
    GError *cause = NULL;
    if (!bt_env_pattern_check(*pattern, &cause))
      return fail_item(error, flag, *pattern, cause);
    BtEnvRule *rule = bt_env_rule_new(*pattern);
    init_rule(&rule->rule, action, layer, flag, *pattern);
    g_ptr_array_add(policy->env_rules, rule);
  }
  return TRUE;
}

/* A program without a slash is looked for on PATH, when the run starts. */
static gboolean
is_program_name(BtKind kind, const char *item)
{
  return kind == BT_KIND_RUN && strchr(item, '/') == NULL && item[0] != '~' &&
         strcmp(item, ".") != 0 && strcmp(item, "..") != 0;
}

static gboolean
add_path(BtPolicy *policy, BtLayer layer, BtKind kind, BtAction action, const char *flag,
         const char *item, const char *cwd, const char *home, GError **error)
{
  g_autoptr(BtPathRule) rule = bt_path_rule_new(perms_of(kind));
  GError *cause = NULL;

  if (item[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("an empty path in the list"),
                   _("take the comma out; write \",,\" for a comma in a path"));
  init_rule(&rule->rule, action, layer, flag, item);
  rule->written = g_strdup(item);
  if (!is_program_name(kind, item)) {
    rule->path = bt_path_absolute(item, cwd, home, &cause);
    if (rule->path == NULL)
      return fail_item(error, flag, item, cause);
  } else if (bt_path_is_glob(item)) {
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("programs on PATH cannot be a pattern"),
                   _("write the pattern with its directory, like /usr/bin/git-*"));
  }
  g_ptr_array_add(bt_policy_path_rules(policy, kind), g_steal_pointer(&rule));
  return TRUE;
}

gboolean
bt_policy_add_flag(BtPolicy *policy, BtLayer layer, BtKind kind, BtAction action, const char *flag,
                   const char *items, const char *cwd, const char *home, GError **error)
{
  if (items == NULL) {
    bt_policy_add_bare(policy, layer, kind, action, flag);
    return TRUE;
  }
  if (items[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, flag, _("an empty value"),
                   _("leave the \"=\" out for everything, or write a value after it"));
  if (kind == BT_KIND_NET)
    return add_net(policy, layer, action, flag, items, error);
  if (kind == BT_KIND_ENV)
    return add_env(policy, layer, action, flag, items, error);
  if (kind == BT_KIND_SYS)
    return add_sys(policy, layer, action, flag, items, error);
  g_autoptr(GPtrArray) paths = bt_split_paths(items);
  for (guint i = 0; i < paths->len; i++)
    if (!add_path(policy, layer, kind, action, flag, g_ptr_array_index(paths, i), cwd, home, error))
      return FALSE;
  return TRUE;
}
