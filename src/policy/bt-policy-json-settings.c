/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a policy file says besides rules for paths and hosts: layers, further
 * system calls, audit, variables, facts about the machine, limits.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-policy-private.h"
#include "policy/bt-policy-reader.h"

static void
init_rule(BtPolicyReader *self, BtRule *rule, BtAction action, const BtJsonNode *node)
{
  bt_rule_init(rule, action, self->layer, self->file, node->position.line, self->path->str);
}

/* ---- plugins ---- */

void
bt_reader_read_plugins(BtPolicyReader *self, const BtJsonNode *node)
{
  BtReaderKey keys[BT_N_PLUGINS];
  BtPlugins on = BT_PLUGINS_ALL;
  BtOrigin off[BT_N_PLUGINS] = { { NULL } };

  for (guint i = 0; i < BT_N_PLUGINS; i++)
    keys[i] = (BtReaderKey){ bt_plugin_words[i], BT_JSON_BOOLEAN, NULL };
  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  for (guint i = 0; i < BT_N_PLUGINS; i++) {
    const BtJsonNode *member = bt_reader_get(node, bt_plugin_words[i], BT_JSON_BOOLEAN);
    if (member == NULL || member->boolean)
      continue;
    on &= ~(1u << i);
    gsize outside = bt_reader_enter_key(self, bt_plugin_words[i]);
    bt_origin_init(&off[i], self->file, member->position.line, self->path->str);
    bt_reader_leave(self, outside);
  }
  bt_policy_merge_plugins(self->found, on, off);
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    bt_origin_clear(&off[i]);
}

/* ---- antiEscape, audit ---- */

static void
read_syscall(BtPolicyReader *self, const BtJsonNode *node)
{
  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return;
  BtDenySyscall *call = bt_deny_syscall_new(node->string);
  bt_origin_init(&call->origin, self->file, node->position.line, self->path->str);
  g_ptr_array_add(self->found->deny_syscalls, call);
}

static void
read_syscalls(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, read_syscall);
}

void
bt_reader_read_anti_escape(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = { { "denySyscalls", BT_JSON_ARRAY, read_syscalls } };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

static BtAudit
read_event(BtPolicyReader *self, const BtJsonNode *node)
{
  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return 0;
  for (guint i = 0; i < BT_N_AUDIT; i++)
    if (strcmp(bt_audit_words[i], node->string) == 0)
      return 1u << i;
  bt_reader_complain_choice(self, &node->position, node->string, bt_audit_words,
                            _("\"%s\" is not connect, openat or execve"), node->string);
  return 0;
}

static void
add_audit(BtPolicyReader *self, const BtJsonNode *node, BtAudit events)
{
  BtOrigin origin = { NULL };

  bt_origin_init(&origin, self->file, node->position.line, self->path->str);
  bt_policy_add_audit(self->found, events, &origin);
  bt_origin_clear(&origin);
}

/* Without "events" all of them, without "enabled" they are on. */
void
bt_reader_read_audit(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "enabled", BT_JSON_BOOLEAN, NULL },
    { "events", BT_JSON_ARRAY, NULL },
  };

  if (!bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys)))
    return;
  const BtJsonNode *enabled = bt_reader_get(node, "enabled", BT_JSON_BOOLEAN);
  const BtJsonNode *list = bt_reader_get(node, "events", BT_JSON_ARRAY);
  BtAudit on = enabled == NULL || enabled->boolean ? BT_AUDIT_ALL : 0;
  if (list == NULL)
    add_audit(self, node, on);
  gsize outside = bt_reader_enter_key(self, "events");
  for (guint i = 0; list != NULL && i < list->children->len; i++) {
    const BtJsonNode *event = g_ptr_array_index(list->children, i);
    gsize length = bt_reader_enter_index(self, i);
    add_audit(self, event, read_event(self, event) & on);
    bt_reader_leave(self, length);
  }
  bt_reader_leave(self, outside);
}

/* ---- env ---- */

/* More than any program is given; each is compared with those of other files. */
#define MAX_VARIABLES 1024

static void
read_pattern(BtPolicyReader *self, const BtJsonNode *node, BtAction action)
{
  GError *cause = NULL;

  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return;
  if (!bt_env_pattern_check(node->string, &cause)) {
    bt_reader_complain_because(self, node, cause);
    return;
  }
  BtEnvRule *rule = bt_env_rule_new(node->string);
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->found->env_rules, rule);
}

static void
read_allowed_pattern(BtPolicyReader *self, const BtJsonNode *node)
{
  read_pattern(self, node, BT_ACTION_ALLOW);
}

static void
read_denied_pattern(BtPolicyReader *self, const BtJsonNode *node)
{
  read_pattern(self, node, BT_ACTION_DENY);
}

static void
read_env_allow(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, read_allowed_pattern);
}

static void
read_env_deny(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, read_denied_pattern);
}

static void
read_variable(BtPolicyReader *self, const BtJsonNode *node)
{
  const char *reason = NULL;

  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return;
  if (node->name[0] == '\0' || strpbrk(node->name, "=*?") != NULL)
    reason = _("not the name of one variable");
  if (reason != NULL) {
    bt_reader_complain_at(self, &node->name_position, reason, _("write a name like LANG"));
    return;
  }
  BtEnvSet *set = bt_env_set_new(node->name, node->string);
  init_rule(self, &set->rule, BT_ACTION_ALLOW, node);
  g_ptr_array_add(self->found->env_set, set);
}

static void
read_env_set(BtPolicyReader *self, const BtJsonNode *node)
{
  if (node->children->len > MAX_VARIABLES) {
    bt_reader_complain(self, node, _("more than 1024 variables"), _("set fewer"));
    return;
  }
  for (guint i = 0; i < node->children->len; i++) {
    const BtJsonNode *member = g_ptr_array_index(node->children, i);
    gsize outside = bt_reader_enter_key(self, member->name);
    read_variable(self, member);
    bt_reader_leave(self, outside);
  }
}

void
bt_reader_read_env(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "allow", BT_JSON_ARRAY, read_env_allow },
    { "deny", BT_JSON_ARRAY, read_env_deny },
    { "set", BT_JSON_OBJECT, read_env_set },
  };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

/* ---- sys ---- */

static void
read_fact(BtPolicyReader *self, const BtJsonNode *node, BtAction action)
{
  GError *cause = NULL;

  if (!bt_reader_has_kind(self, node, BT_JSON_STRING))
    return;
  BtSys kind = bt_sys_parse(node->string, action, &cause);
  if (kind == 0) {
    bt_reader_complain_because(self, node, cause);
    return;
  }
  BtSysRule *rule = bt_sys_rule_new(kind);
  init_rule(self, &rule->rule, action, node);
  g_ptr_array_add(self->found->sys_rules, rule);
}

static void
read_allowed_fact(BtPolicyReader *self, const BtJsonNode *node)
{
  read_fact(self, node, BT_ACTION_ALLOW);
}

static void
read_denied_fact(BtPolicyReader *self, const BtJsonNode *node)
{
  read_fact(self, node, BT_ACTION_DENY);
}

static void
read_sys_allow(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, read_allowed_fact);
}

static void
read_sys_deny(BtPolicyReader *self, const BtJsonNode *node)
{
  bt_reader_read_list(self, node, read_denied_fact);
}

void
bt_reader_read_sys(BtPolicyReader *self, const BtJsonNode *node)
{
  static const BtReaderKey keys[] = {
    { "allow", BT_JSON_ARRAY, read_sys_allow },
    { "deny", BT_JSON_ARRAY, read_sys_deny },
  };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}

/* ---- limits ---- */

static void
read_limit(BtPolicyReader *self, const BtJsonNode *node)
{
  BtRule rule = { .action = BT_ACTION_DENY };
  GError *cause = NULL;
  guint64 value = 0;
  BtLimit limit = 0;

  while (strcmp(bt_limit_key(limit), node->name) != 0)
    limit++;
  if (node->kind != BT_JSON_NUMBER && node->kind != BT_JSON_STRING) {
    bt_reader_complain_kind(self, node,
                            _("write a number, or a string like \"512M\", \"90s\" or \"50%\""));
    return;
  }
  if (!(node->kind == BT_JSON_NUMBER ? bt_limit_from_number(limit, node->number, &value, &cause)
                                     : bt_limit_parse(limit, node->string, &value, &cause))) {
    bt_reader_complain_because(self, node, cause);
    return;
  }
  init_rule(self, &rule, BT_ACTION_DENY, node);
  bt_policy_set_limit(self->found, self->layer, limit, value, &rule.origin);
  bt_origin_clear(&rule.origin);
}

void
bt_reader_read_limits(BtPolicyReader *self, const BtJsonNode *node)
{
  BtReaderKey keys[BT_N_LIMITS];

  for (guint i = 0; i < BT_N_LIMITS; i++)
    keys[i] = (BtReaderKey){ bt_limit_key(i),
                             bt_limit_is_count(i) ? BT_JSON_NUMBER : BT_JSON_NULL, read_limit };
  bt_reader_read_object(self, node, keys, G_N_ELEMENTS(keys));
}
