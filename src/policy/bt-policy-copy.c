/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy's copy: all that it says.  What was made from that for speed, indexes and the
 * compiled net rules, each makes for itself.
 */
#include "policy/bt-policy-private.h"

static void
rule_copy(BtRule *to, const BtRule *from)
{
  to->action = from->action;
  to->layer = from->layer;
  bt_origin_init(&to->origin, from->origin.source, from->origin.line, from->origin.text);
}

BtPathRule *
bt_path_rule_copy(const BtPathRule *from)
{
  BtPathRule *rule = bt_path_rule_new(from->perms);
  rule_copy(&rule->rule, &from->rule);
  rule->written = g_strdup(from->written);
  rule->path = g_strdup(from->path);
  rule->real = g_strdup(from->real);
  rule->to_make = from->to_make;
  rule->sha256 = g_strdup(from->sha256);
  rule->bytes = from->bytes != NULL ? g_bytes_ref(from->bytes) : NULL;
  rule->everything = from->everything;
  return rule;
}

BtNetItem *
bt_net_item_copy(const BtNetItem *from)
{
  BtNetItem *item = g_new0(BtNetItem, 1);
  *item = *from;
  rule_copy(&item->rule, &from->rule);
  item->host = g_strdup(from->host);
  item->ports = g_array_copy(from->ports);
  return item;
}

static BtEnvRule *
env_rule_copy(const BtEnvRule *from)
{
  BtEnvRule *rule = bt_env_rule_new(from->pattern);
  rule_copy(&rule->rule, &from->rule);
  return rule;
}

static BtEnvSet *
env_set_copy(const BtEnvSet *from)
{
  BtEnvSet *set = bt_env_set_new(from->name, from->value);
  rule_copy(&set->rule, &from->rule);
  return set;
}

static BtSysRule *
sys_rule_copy(const BtSysRule *from)
{
  BtSysRule *rule = bt_sys_rule_new(from->kinds);
  rule_copy(&rule->rule, &from->rule);
  return rule;
}

static BtDenySyscall *
deny_syscall_copy(const BtDenySyscall *from)
{
  BtDenySyscall *syscall = bt_deny_syscall_new(from->name);
  bt_origin_init(&syscall->origin, from->origin.source, from->origin.line, from->origin.text);
  return syscall;
}

static void
copy_list(GPtrArray *to, const GPtrArray *from, gpointer (*copy)(gconstpointer))
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add(to, copy(g_ptr_array_index(from, i)));
}

static void
origin_copy(BtOrigin *to, const BtOrigin *from)
{
  bt_origin_clear(to);
  bt_origin_init(to, from->source, from->line, from->text);
}

#define COPY_LIST(to, from, list, copy) \
  copy_list((to)->list, (from)->list, (gpointer(*)(gconstpointer))(copy))

BtPolicy *
bt_policy_copy(const BtPolicy *from)
{
  BtPolicy *policy = bt_policy_new();

  COPY_LIST(policy, from, fs_rules, bt_path_rule_copy);
  COPY_LIST(policy, from, run_rules, bt_path_rule_copy);
  COPY_LIST(policy, from, unix_rules, bt_path_rule_copy);
  COPY_LIST(policy, from, ffi_rules, bt_path_rule_copy);
  COPY_LIST(policy, from, net_items, bt_net_item_copy);
  COPY_LIST(policy, from, env_rules, env_rule_copy);
  COPY_LIST(policy, from, env_set, env_set_copy);
  COPY_LIST(policy, from, sys_rules, sys_rule_copy);
  COPY_LIST(policy, from, deny_syscalls, deny_syscall_copy);
  policy->n_net_rules = from->n_net_rules;
  policy->n_net_ports = from->n_net_ports;
  policy->has_files = from->has_files;
  policy->plugins = from->plugins;
  policy->has_plugins = from->has_plugins;
  policy->weaker_tier = from->weaker_tier;
  origin_copy(&policy->tier_origin, &from->tier_origin);
  policy->audit = from->audit;
  for (guint i = 0; i < BT_N_AUDIT; i++)
    origin_copy(&policy->audit_origins[i], &from->audit_origins[i]);
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    origin_copy(&policy->plugin_origins[i], &from->plugin_origins[i]);
  for (guint kind = 0; kind < BT_N_KINDS; kind++) {
    policy->defaults[kind] = from->defaults[kind];
    origin_copy(&policy->default_origins[kind], &from->default_origins[kind]);
  }
  for (guint limit = 0; limit < BT_N_LIMITS; limit++) {
    policy->limits[limit] = from->limits[limit];
    policy->limits[limit].origin = (BtOrigin){ 0 };
    origin_copy(&policy->limits[limit].origin, &from->limits[limit].origin);
  }
  return policy;
}
