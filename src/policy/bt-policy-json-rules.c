/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of a policy file: fs, exec, ffi, unix and net.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-net-item.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"
#include "policy/bt-policy-reader.h"
#include "policy/bt-policy-vars.h"

/* What every rule has. FALSE: told. */
static gboolean
read_action(BtPolicyReader *self, const BtJsonNode *node, BtAction *action_out)
{
  const BtJsonNode *member = bt_reader_get(node, "action", BT_JSON_STRING);

  if (member == NULL) {
    /* A wrong type has been told already. */
    if (!bt_reader_has(node, "action"))
      bt_reader_complain(self, node, _("a rule without \"action\""),
                         _("write allow, warn or deny"));
    return FALSE;
  }
  gsize outside = bt_reader_enter_key(self, "action");
  gboolean ok = bt_reader_read_action_word(self, member, TRUE, action_out);
  bt_reader_leave(self, outside);
  return ok;
}

static void
init_rule(BtPolicyReader *self, BtRule *rule, BtAction action, const BtJsonNode *node)
{
  bt_rule_init(rule, action, self->layer, self->file, node->position.line, self->path->str);
}

/* Absolute, from a member that is a string; NULL: told. */
static char *
read_path(BtPolicyReader *self, const BtJsonNode *member)
{
  g_autofree char *expanded = NULL;
  char *path = NULL;
  GError *cause = NULL;
  gsize outside = bt_reader_enter_key(self, member->name);

  expanded = bt_policy_expand_variables(member->string, self->home, &cause);
  if (expanded != NULL)
    path = bt_path_absolute(expanded, self->folder, self->home, &cause);
  if (path == NULL)
    bt_reader_complain_because(self, member, cause);
  bt_reader_leave(self, outside);
  return path;
}

static BtFsPerms
read_perm(BtPolicyReader *self, const BtJsonNode *node)
{
  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return 0;
  BtFsPerms perms = bt_fs_perms_parse(node->string);
  if (perms == 0) {
    g_autofree const char **words = bt_fs_perms_list();
    bt_reader_complain_choice(self, &node->position, node->string, words,
                              _("\"%s\" is no permission"), node->string);
  }
  return perms;
}

static BtFsPerms
read_perms(BtPolicyReader *self, const BtJsonNode *rule)
{
  const BtJsonNode *list = bt_reader_get(rule, "perms", BT_JSON_ARRAY);
  BtFsPerms perms = 0;

  if (list == NULL || list->children->len == 0) {
    if (list != NULL || !bt_reader_has(rule, "perms"))
      bt_reader_complain(self, list != NULL ? list : rule, _("a rule without permissions"),
                         _("write \"perms\": [\"read_file\", \"read_dir\"] or others"));
    return 0;
  }
  gsize outside = bt_reader_enter_key(self, "perms");
  for (guint i = 0; i < list->children->len; i++) {
    gsize list_length = bt_reader_enter_index(self, i);
    perms |= read_perm(self, g_ptr_array_index(list->children, i));
    bt_reader_leave(self, list_length);
  }
  bt_reader_leave(self, outside);
  return perms;
}

void
bt_reader_read_fs_rule(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "action", BT_JSON_STRING, NULL },
    { "path", BT_JSON_STRING, NULL },
    { "perms", BT_JSON_ARRAY, NULL },
  };
  g_autoptr(BtPathRule) rule = bt_path_rule_new(0);
  BtAction action;

  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean acts = read_action(self, node, &action);
  rule->perms = read_perms(self, node);
  const BtJsonNode *path = bt_reader_get(node, "path", BT_JSON_STRING);
  if (path != NULL)
    rule->path = read_path(self, path);
  else if (!bt_reader_has(node, "path"))
    bt_reader_complain(self, node, _("a rule without \"path\""), NULL);
  if (!acts || rule->perms == 0 || path == NULL || rule->path == NULL)
    return;
  rule->written = g_strdup(path->string);
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->fs_rules, g_steal_pointer(&rule));
}

static gboolean
is_sha256(const char *text)
{
  return strlen(text) == 64 && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static void
read_sha256(BtPolicyReader *self, const BtJsonNode *node)
{
  if (!is_sha256(node->string))
    bt_reader_complain(self, node, _("no SHA-256 sum"), _("write its 64 hexadecimal digits"));
}

/* An action and a path are all that there is; *action_out is set where it could be read. */
static BtPathRule *
read_plain_rule(BtPolicyReader *self, const BtJsonNode *node, BtAction *action_out)
{
  static const BtReaderKey keys[] = {
    { "action", BT_JSON_STRING, NULL },
    { "path", BT_JSON_STRING, NULL },
  };
  g_autoptr(BtPathRule) rule = bt_path_rule_new(0);

  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return NULL;
  gboolean acts = read_action(self, node, action_out);
  const BtJsonNode *path = bt_reader_get(node, "path", BT_JSON_STRING);
  if (path == NULL) {
    if (!bt_reader_has(node, "path"))
      bt_reader_complain(self, node, _("a rule without \"path\""), NULL);
    return NULL;
  }
  rule->path = read_path(self, path);
  if (!acts || rule->path == NULL)
    return NULL;
  rule->written = g_strdup(path->string);
  init_rule(self, &rule->rule, *action_out, node);
  return g_steal_pointer(&rule);
}

/* Mapping a file is no call that is seen: there is nothing to warn at. */
void
bt_reader_read_ffi_rule(BtPolicyReader *self, const BtJsonNode *node)
{
  BtAction action = BT_ACTION_NONE;
  g_autoptr(BtPathRule) rule = read_plain_rule(self, node, &action);

  if (action == BT_ACTION_WARN)
    bt_reader_complain(self, node, _("loading code cannot be warned of"), _("write allow or deny"));
  else if (rule != NULL)
    g_ptr_array_add(self->found->ffi_rules, g_steal_pointer(&rule));
}

void
bt_reader_read_unix_rule(BtPolicyReader *self, const BtJsonNode *node)
{
  BtAction action = BT_ACTION_NONE;
  BtPathRule *rule = read_plain_rule(self, node, &action);

  if (rule != NULL)
    g_ptr_array_add(self->found->unix_rules, rule);
}

void
bt_reader_read_exec_rule(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "action", BT_JSON_STRING, NULL },
    { "path", BT_JSON_STRING, NULL },
    { "glob", BT_JSON_STRING, NULL },
    { "sha256", BT_JSON_STRING, read_sha256 },
  };
  g_autoptr(BtPathRule) rule = bt_path_rule_new(BT_FS_EXECUTE);
  BtAction action;

  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean acts = read_action(self, node, &action);
  const BtJsonNode *path = bt_reader_get(node, "path", BT_JSON_STRING);
  const BtJsonNode *glob = bt_reader_get(node, "glob", BT_JSON_STRING);
  if (bt_reader_has(node, "path") == bt_reader_has(node, "glob")) {
    bt_reader_complain(self, node, _("a rule needs \"path\" or \"glob\""), _("write one of them"));
    return;
  }
  const BtJsonNode *place = path != NULL ? path : glob;
  if (place == NULL)
    return;
  gboolean name = strchr(place->string, '/') == NULL && place->string[0] != '~';
  if (name && (glob != NULL || place->string[0] == '\0' || bt_path_is_glob(place->string))) {
    bt_reader_complain(self, place, _("programs on PATH cannot be a pattern"),
                       _("write the pattern with its directory, like /usr/bin/git-*"));
    return;
  }
  /* A name alone is a program of PATH, as it is for --allow-run. */
  if (!name && (rule->path = read_path(self, place)) == NULL)
    return;
  if (!acts)
    return;
  rule->written = g_strdup(place->string);
  const char *sum = bt_reader_get_string(node, "sha256");
  rule->sha256 = sum != NULL ? g_ascii_strdown(sum, -1) : NULL;
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->run_rules, g_steal_pointer(&rule));
}

/* One member of a net rule; a set function of bt-net-item.h does the work. */
static gboolean
set_part(BtPolicyReader *self, BtNetItem *item, const BtJsonNode *rule, const char *name,
         gboolean (*set)(BtNetItem *, const char *, GError **))
{
  const BtJsonNode *member = bt_reader_get(rule, name, BT_JSON_STRING);
  GError *cause = NULL;

  if (member == NULL)
    return !bt_reader_has(rule, name);
  if (set(item, member->string, &cause))
    return TRUE;
  gsize outside = bt_reader_enter_key(self, name);
  bt_reader_complain_because(self, member, cause);
  bt_reader_leave(self, outside);
  return FALSE;
}

void
bt_reader_read_net_rule(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "action", BT_JSON_STRING, NULL }, { "proto", BT_JSON_STRING, NULL },
    { "cidr", BT_JSON_STRING, NULL },   { "host", BT_JSON_STRING, NULL },
    { "ports", BT_JSON_STRING, NULL },  { "inspect", BT_JSON_BOOLEAN, NULL },
  };
  g_autoptr(BtNetItem) item = bt_net_item_new();
  BtAction action = BT_ACTION_DENY;
  GError *cause = NULL;

  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  gboolean ok = read_action(self, node, &action);
  if (bt_reader_has(node, "cidr") == bt_reader_has(node, "host")) {
    bt_reader_complain(self, node, _("a rule needs \"cidr\" or \"host\""), _("write one of them"));
    return;
  }
  if (bt_reader_has(node, "inspect") && !bt_reader_has(node, "host")) {
    bt_reader_complain(self, node, _("\"inspect\" without \"host\""),
                       _("leave it out: flows that an address opens are not looked at"));
    return;
  }
  ok &= set_part(self, item, node, "cidr", bt_net_item_set_cidr);
  ok &= set_part(self, item, node, "host", bt_net_item_set_host);
  ok &= set_part(self, item, node, "ports", bt_net_item_add_ports);
  if (!bt_net_item_set_proto(item, bt_reader_get_string(node, "proto"), action, &cause)) {
    gsize outside = bt_reader_enter_key(self, "proto");
    bt_reader_complain_because(self, bt_reader_get(node, "proto", BT_JSON_STRING), cause);
    bt_reader_leave(self, outside);
    ok = FALSE;
  }
  if (!ok)
    return;
  init_rule(self, &item->rule, action, node);
  const BtJsonNode *inspect = bt_reader_get(node, "inspect", BT_JSON_BOOLEAN);
  if (inspect != NULL && !inspect->boolean && item->host != NULL && action != BT_ACTION_DENY)
    item->flags |= BT_NET_RULE_PLAIN;
  const char *host = bt_reader_get_string(node, "host");
  if (host != NULL && g_ascii_strncasecmp(host, "localhost", 9) == 0 && item->host == NULL)
    g_ptr_array_add(self->net_items, bt_net_item_localhost_v6(item));
  g_ptr_array_add(self->net_items, g_steal_pointer(&item));
}
