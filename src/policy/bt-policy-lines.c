/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a policy holds, a line for each rule, default and setting: for people to
 * compare, and with where each came from.
 */
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-json-writer.h"
#include "policy/bt-policy-format.h"
#include "policy/bt-policy-private.h"

typedef struct {
  const char *kind;       /* a policy file's key */
  BtAction action;        /* NONE: it is a setting */
  const BtOrigin *origin; /* borrowed */
  char *text;
} Line;

static void
line_free(gpointer data)
{
  Line *line = data;
  g_free(line->text);
  g_free(line);
}

static void G_GNUC_PRINTF(5, 6)
add_line(GPtrArray *lines, const char *kind, BtAction action, const BtOrigin *origin,
         const char *format, ...)
{
  Line *line = g_new0(Line, 1);
  va_list args;

  va_start(args, format);
  *line = (Line){ kind, action, origin, g_strdup_vprintf(format, args) };
  va_end(args);
  g_ptr_array_add(lines, line);
}

const char *
bt_path_rule_get_path(const BtPathRule *rule)
{
  return rule->path != NULL ? rule->path : rule->written;
}

static void
add_paths(GPtrArray *lines, const char *kind, GPtrArray *rules)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    g_autoptr(GPtrArray) words = bt_fs_perms_words(strcmp(kind, "fs") == 0 ? rule->perms : 0);
    g_ptr_array_add(words, NULL);
    g_autofree char *perms = g_strjoinv(",", (char **)words->pdata);
    add_line(lines, kind, rule->rule.action, &rule->rule.origin, "%s: %s %s%s%s%s%s", kind,
             bt_action_word(rule->rule.action), bt_path_rule_get_path(rule),
             perms[0] != '\0' ? " " : "", perms, rule->sha256 != NULL ? " sha256 " : "",
             rule->sha256 != NULL ? rule->sha256 : "");
  }
}

static void
add_net(GPtrArray *lines, BtPolicy *policy)
{
  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    g_autofree char *cidr = bt_net_item_format_cidr(item);
    g_autofree char *ports = bt_net_item_format_ports(item);
    const char *where = item->everything ? "everything" : item->host != NULL ? item->host : cidr;
    add_line(lines, "net", item->rule.action, &item->rule.origin, "net: %s %s%s%s%s %s%s",
             bt_action_word(item->rule.action), item->below ? "*." : "", where,
             ports != NULL ? " " : "", ports != NULL ? ports : "", bt_net_item_proto_word(item),
             (item->flags & BT_NET_RULE_PLAIN) != 0 ? " not inspected" : "");
  }
}

static void
add_env(GPtrArray *lines, BtPolicy *policy)
{
  for (guint i = 0; i < policy->env_rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    add_line(lines, "env", rule->rule.action, &rule->rule.origin, "env: %s %s",
             bt_action_word(rule->rule.action), rule->pattern);
  }
  for (guint i = 0; i < policy->env_set->len; i++) {
    const BtEnvSet *set = g_ptr_array_index(policy->env_set, i);
    add_line(lines, "env", BT_ACTION_NONE, &set->rule.origin, "env: set %s=%s", set->name,
             set->value);
  }
}

static void
add_sys(GPtrArray *lines, BtPolicy *policy)
{
  for (guint i = 0; i < policy->sys_rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(policy->sys_rules, i);
    for (guint k = 0; k < BT_N_SYS; k++)
      if ((rule->kinds & (1u << k)) != 0)
        add_line(lines, "sys", rule->rule.action, &rule->rule.origin, "sys: %s %s",
                 bt_action_word(rule->rule.action), bt_sys_words[k]);
  }
}

static void
add_defaults(GPtrArray *lines, BtPolicy *policy)
{
  /* A file has one word for reading and writing. */
  static const BtKind kinds[] = { BT_KIND_READ, BT_KIND_NET, BT_KIND_RUN };

  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const BtOrigin *origin = &policy->default_origins[kinds[i]];
    add_line(lines, "defaults", policy->defaults[kinds[i]], origin, "%s", origin->text);
  }
}

static void
add_plugins(GPtrArray *lines, BtPolicy *policy)
{
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    if ((policy->plugins & (1u << i)) == 0)
      add_line(lines, "plugins", BT_ACTION_NONE, &policy->plugin_origins[i], "plugins.%s = false",
               bt_plugin_words[i]);
}

static void
add_settings(GPtrArray *lines, BtPolicy *policy)
{
  for (guint i = 0; i < policy->deny_syscalls->len; i++) {
    const BtDenySyscall *call = g_ptr_array_index(policy->deny_syscalls, i);
    add_line(lines, "antiEscape", BT_ACTION_DENY, &call->origin, "antiEscape: deny %s", call->name);
  }
  for (guint i = 0; i < BT_N_AUDIT; i++)
    if ((policy->audit & (1u << i)) != 0)
      add_line(lines, "audit", BT_ACTION_NONE, &policy->audit_origins[i], "audit: %s",
               bt_audit_words[i]);
  for (guint i = 0; i < BT_N_LIMITS; i++) {
    const BtOrigin *origin;
    guint64 value;
    if (!bt_policy_get_limit(policy, i, &value, &origin))
      continue;
    g_autofree char *word = bt_limit_format(i, value);
    add_line(lines, "limits", BT_ACTION_NONE, origin, "limits.%s = %s", bt_limit_key(i), word);
  }
}

/* In the order of bt_policy_format_json(). */
static GPtrArray *
list(BtPolicy *policy)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func(line_free);

  add_plugins(lines, policy);
  add_defaults(lines, policy);
  add_paths(lines, "fs", policy->fs_rules);
  add_net(lines, policy);
  add_paths(lines, "exec", policy->run_rules);
  add_env(lines, policy);
  add_paths(lines, "ffi", policy->ffi_rules);
  add_paths(lines, "unix", policy->unix_rules);
  add_sys(lines, policy);
  add_settings(lines, policy);
  return lines;
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
  return strcmp((*(const Line *const *)a)->text, (*(const Line *const *)b)->text);
}

GStrv
bt_policy_format_lines(BtPolicy *policy)
{
  g_autoptr(GPtrArray) lines = list(policy);
  GPtrArray *unique = g_ptr_array_new();
  const char *last = NULL;

  g_ptr_array_sort(lines, compare_lines);
  for (guint i = 0; i < lines->len; i++) {
    const Line *line = g_ptr_array_index(lines, i);
    if (last == NULL || strcmp(line->text, last) != 0)
      g_ptr_array_add(unique, g_strdup(line->text));
    last = line->text;
  }
  g_ptr_array_add(unique, NULL);
  return (GStrv)g_ptr_array_free(unique, FALSE);
}

char *
bt_policy_format_rules_json(BtPolicy *policy)
{
  g_autoptr(GPtrArray) lines = list(policy);
  GString *text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);

  bt_json_begin_array(&json, NULL);
  for (guint i = 0; i < lines->len; i++) {
    const Line *line = g_ptr_array_index(lines, i);
    bt_json_begin_object(&json, NULL);
    bt_json_put_string(&json, "kind", line->kind);
    bt_json_put_string(&json, "action",
                       line->action != BT_ACTION_NONE ? bt_action_word(line->action) : NULL);
    bt_json_put_string(&json, "text", line->text);
    bt_origin_put_json(line->origin, &json);
    bt_json_end(&json);
  }
  bt_json_end(&json);
  return g_string_free(text, FALSE);
}
