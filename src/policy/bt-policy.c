/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy object: rules, defaults and their origins.
 */
#include "policy/bt-policy-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Every kind is denied until a file or a flag says otherwise. */
static const char *const default_names[BT_N_KINDS] = {
  [BT_KIND_NET] = "defaults.net",  [BT_KIND_READ] = "defaults.fs", [BT_KIND_WRITE] = "defaults.fs",
  [BT_KIND_RUN] = "defaults.exec", [BT_KIND_ENV] = "defaults.env", [BT_KIND_UNIX] = "defaults.unix",
  [BT_KIND_FFI] = "defaults.ffi",  [BT_KIND_SYS] = "defaults.sys",
};

void
bt_origin_clear(BtOrigin *origin)
{
  g_clear_pointer(&origin->source, g_free);
  g_clear_pointer(&origin->text, g_free);
  origin->line = 0;
}

void
bt_origin_init(BtOrigin *origin, const char *source, guint line, const char *text)
{
  origin->source = g_strdup(source);
  origin->line = line;
  origin->text = g_strdup(text);
}

void
bt_rule_init(BtRule *rule, BtAction action, BtLayer layer, const char *source, guint line,
             const char *text)
{
  bt_origin_clear(&rule->origin);
  rule->action = action;
  rule->layer = layer;
  bt_origin_init(&rule->origin, source, line, text);
}

const char *
bt_layer_source(BtLayer layer)
{
  return layer == BT_LAYER_VARIABLES ? BT_SOURCE_VARIABLES : BT_SOURCE_FLAGS;
}

BtPathRule *
bt_path_rule_new(BtFsPerms perms)
{
  BtPathRule *rule = g_new0(BtPathRule, 1);
  rule->perms = perms;
  return rule;
}

void
bt_path_rule_free(BtPathRule *rule)
{
  bt_origin_clear(&rule->rule.origin);
  g_free(rule->written);
  g_free(rule->path);
  g_free(rule->real);
  g_free(rule->sha256);
  g_clear_pointer(&rule->bytes, g_bytes_unref);
  g_free(rule);
}

BtNetItem *
bt_net_item_new(void)
{
  BtNetItem *item = g_new0(BtNetItem, 1);
  item->ports = g_array_new(FALSE, FALSE, sizeof(BtPortRange));
  return item;
}

void
bt_net_item_free(BtNetItem *item)
{
  bt_origin_clear(&item->rule.origin);
  g_free(item->host);
  g_array_unref(item->ports);
  g_free(item);
}

BtEnvRule *
bt_env_rule_new(const char *pattern)
{
  BtEnvRule *rule = g_new0(BtEnvRule, 1);
  rule->pattern = g_strdup(pattern);
  return rule;
}

void
bt_env_rule_free(BtEnvRule *rule)
{
  bt_origin_clear(&rule->rule.origin);
  g_free(rule->pattern);
  g_free(rule);
}

BtEnvSet *
bt_env_set_new(const char *name, const char *value)
{
  BtEnvSet *set = g_new0(BtEnvSet, 1);
  set->name = g_strdup(name);
  set->value = g_strdup(value);
  return set;
}

void
bt_env_set_free(BtEnvSet *set)
{
  bt_origin_clear(&set->rule.origin);
  g_free(set->name);
  g_free(set->value);
  g_free(set);
}

BtSysRule *
bt_sys_rule_new(BtSys kinds)
{
  BtSysRule *rule = g_new0(BtSysRule, 1);
  rule->kinds = kinds;
  return rule;
}

void
bt_sys_rule_free(BtSysRule *rule)
{
  bt_origin_clear(&rule->rule.origin);
  g_free(rule);
}

static void
set_default(BtPolicy *policy, BtKind kind, BtAction action, const char *source, guint line)
{
  g_autofree char *text =
    g_strdup_printf("%s = %s", default_names[kind], action == BT_ACTION_ALLOW ? "allow" : "deny");
  bt_origin_clear(&policy->default_origins[kind]);
  bt_origin_init(&policy->default_origins[kind], source, line, text);
  policy->defaults[kind] = action;
  g_clear_pointer(&policy->net_bytes, g_bytes_unref);
}

BtPolicy *
bt_policy_new(void)
{
  BtPolicy *policy = g_new0(BtPolicy, 1);
  GDestroyNotify free_path = (GDestroyNotify)bt_path_rule_free;

  g_atomic_ref_count_init(&policy->refs);
  policy->fs_rules = g_ptr_array_new_with_free_func(free_path);
  policy->run_rules = g_ptr_array_new_with_free_func(free_path);
  policy->unix_rules = g_ptr_array_new_with_free_func(free_path);
  policy->ffi_rules = g_ptr_array_new_with_free_func(free_path);
  policy->net_items = g_ptr_array_new_with_free_func((GDestroyNotify)bt_net_item_free);
  policy->env_rules = g_ptr_array_new_with_free_func((GDestroyNotify)bt_env_rule_free);
  policy->env_set = g_ptr_array_new_with_free_func((GDestroyNotify)bt_env_set_free);
  policy->sys_rules = g_ptr_array_new_with_free_func((GDestroyNotify)bt_sys_rule_free);
  policy->deny_syscalls = g_ptr_array_new_with_free_func((GDestroyNotify)bt_deny_syscall_free);
  policy->net_sources = g_ptr_array_new();
  policy->plugins = BT_PLUGINS_ALL;
  for (guint kind = 0; kind < BT_N_KINDS; kind++)
    set_default(policy, kind, BT_ACTION_DENY, BT_SOURCE_BUILT_IN, 0);
  bt_origin_init(&policy->closure, BT_SOURCE_BUILT_IN, 0, N_("address closure"));
  return policy;
}

void
bt_policy_drop_indexes(BtPolicy *policy)
{
  for (guint kind = 0; kind < BT_N_KINDS; kind++)
    g_clear_pointer(&policy->path_indexes[kind].index, bt_rule_index_free);
  g_clear_pointer(&policy->env_index.index, bt_rule_index_free);
  bt_name_index_clear(&policy->name_index);
}

BtPolicy *
bt_policy_ref(BtPolicy *policy)
{
  g_atomic_ref_count_inc(&policy->refs);
  return policy;
}

void
bt_policy_unref(BtPolicy *policy)
{
  if (!g_atomic_ref_count_dec(&policy->refs))
    return;
  bt_policy_drop_indexes(policy);
  g_ptr_array_unref(policy->fs_rules);
  g_ptr_array_unref(policy->run_rules);
  g_ptr_array_unref(policy->unix_rules);
  g_ptr_array_unref(policy->ffi_rules);
  g_ptr_array_unref(policy->net_items);
  g_ptr_array_unref(policy->env_rules);
  g_ptr_array_unref(policy->env_set);
  g_ptr_array_unref(policy->sys_rules);
  g_ptr_array_unref(policy->deny_syscalls);
  g_ptr_array_unref(policy->net_sources);
  g_clear_pointer(&policy->net_bytes, g_bytes_unref);
  for (guint kind = 0; kind < BT_N_KINDS; kind++)
    bt_origin_clear(&policy->default_origins[kind]);
  bt_origin_clear(&policy->closure);
  bt_policy_settings_clear(policy);
  g_free(policy);
}

void
bt_policy_set_default(BtPolicy *policy, BtKind kind, BtAction action, const char *source,
                      guint line)
{
  /* The first file replaces the built-in default; a further one can only take away. */
  gboolean stricter = policy->defaults[kind] == BT_ACTION_ALLOW && action == BT_ACTION_DENY;
  if (!policy->has_files || stricter)
    set_default(policy, kind, action, source, line);
}

BtVerdict
bt_policy_default_verdict(BtPolicy *policy, BtKind kind)
{
  return (BtVerdict){ policy->defaults[kind], &policy->default_origins[kind] };
}

gboolean
bt_policy_take_net_item(BtPolicy *policy, BtNetItem *item)
{
  guint rules = bt_net_item_count_rules(item);

  if (rules > BT_NET_POLICY_MAX_RULES - policy->n_net_rules ||
      item->ports->len > BT_NET_POLICY_MAX_PORTS - policy->n_net_ports ||
      item->ports->len > G_MAXUINT16) {
    bt_net_item_free(item);
    return FALSE;
  }
  policy->n_net_rules += rules;
  policy->n_net_ports += item->ports->len;
  g_ptr_array_add(policy->net_items, item);
  g_clear_pointer(&policy->net_bytes, g_bytes_unref);
  return TRUE;
}

GPtrArray *
bt_policy_path_rules(BtPolicy *policy, BtKind kind)
{
  if (kind == BT_KIND_RUN)
    return policy->run_rules;
  if (kind == BT_KIND_FFI)
    return policy->ffi_rules;
  return kind == BT_KIND_UNIX ? policy->unix_rules : policy->fs_rules;
}

GPtrArray *
bt_policy_get_fs_rules(BtPolicy *policy)
{
  return policy->fs_rules;
}

GPtrArray *
bt_policy_get_run_rules(BtPolicy *policy)
{
  return policy->run_rules;
}

GPtrArray *
bt_policy_get_unix_rules(BtPolicy *policy)
{
  return policy->unix_rules;
}

GPtrArray *
bt_policy_get_net_items(BtPolicy *policy)
{
  return policy->net_items;
}

GPtrArray *
bt_policy_get_env_rules(BtPolicy *policy)
{
  return policy->env_rules;
}

GPtrArray *
bt_policy_get_ffi_rules(BtPolicy *policy)
{
  return policy->ffi_rules;
}

GPtrArray *
bt_policy_get_env_set(BtPolicy *policy)
{
  return policy->env_set;
}

GPtrArray *
bt_policy_get_sys_rules(BtPolicy *policy)
{
  return policy->sys_rules;
}

GPtrArray *
bt_policy_get_deny_syscalls(BtPolicy *policy)
{
  return policy->deny_syscalls;
}

BtAction
bt_policy_get_default(BtPolicy *policy, BtKind kind)
{
  return policy->defaults[kind];
}
