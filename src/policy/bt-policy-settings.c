/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a policy says besides rules and limits: layers that are off, audit,
 * further system calls to refuse.
 */
#include "policy/bt-policy-private.h"

const char *const bt_sys_words[BT_N_SYS + 1] = {
  "hostname",  "loadavg",  "networkInterfaces", "systemMemoryInfo",
  "osRelease", "osUptime", "uid",               "gid",
};

const char *const bt_plugin_words[BT_N_PLUGINS + 1] = { "namespaces", "landlock", "seccomp" };

const char *const bt_audit_words[BT_N_AUDIT + 1] = { "connect", "openat", "execve" };

static void
replace_origin(BtOrigin *to, const BtOrigin *from)
{
  bt_origin_clear(to);
  bt_origin_init(to, from->source, from->line, from->text);
}

const char *
bt_sys_word(BtSys kind)
{
  return bt_sys_words[g_bit_nth_lsf(kind, -1)];
}

BtPlugins
bt_policy_get_plugins(BtPolicy *policy)
{
  return policy->weaker_tier ? policy->plugins & ~BT_PLUGIN_NAMESPACES : policy->plugins;
}

const BtOrigin *
bt_policy_get_plugin_origin(BtPolicy *policy, BtPlugins plugin)
{
  if (plugin == BT_PLUGIN_NAMESPACES && policy->weaker_tier)
    return &policy->tier_origin;
  return &policy->plugin_origins[g_bit_nth_lsf(plugin, -1)];
}

void
bt_policy_set_weaker_tier(BtPolicy *policy, const BtOrigin *origin)
{
  policy->weaker_tier = origin != NULL;
  bt_origin_clear(&policy->tier_origin);
  if (origin != NULL)
    bt_origin_init(&policy->tier_origin, origin->source, origin->line, origin->text);
}

gboolean
bt_policy_has_weaker_tier(BtPolicy *policy)
{
  return policy->weaker_tier;
}

void
bt_policy_merge_plugins(BtPolicy *policy, BtPlugins on, const BtOrigin *origins)
{
  /* Absent means on: the first file replaces the built-in word, a further one can only add. */
  BtPlugins merged = policy->has_plugins ? policy->plugins | on : on;

  for (guint i = 0; i < BT_N_PLUGINS; i++)
    if ((policy->plugins & ~merged & (1u << i)) != 0)
      replace_origin(&policy->plugin_origins[i], &origins[i]);
  policy->plugins = merged;
  policy->has_plugins = TRUE;
}

gboolean
bt_policy_wants_namespaces(BtPolicy *policy)
{
  return policy->has_files && (policy->plugins & BT_PLUGIN_NAMESPACES) != 0;
}

BtAudit
bt_policy_get_audit(BtPolicy *policy)
{
  return policy->audit;
}

void
bt_policy_add_audit(BtPolicy *policy, BtAudit events, const BtOrigin *origin)
{
  for (guint i = 0; i < BT_N_AUDIT; i++)
    if ((events & ~policy->audit & (1u << i)) != 0)
      replace_origin(&policy->audit_origins[i], origin);
  policy->audit |= events;
}

BtDenySyscall *
bt_deny_syscall_new(const char *name)
{
  BtDenySyscall *syscall = g_new0(BtDenySyscall, 1);
  syscall->name = g_strdup(name);
  return syscall;
}

void
bt_deny_syscall_free(BtDenySyscall *syscall)
{
  bt_origin_clear(&syscall->origin);
  g_free(syscall->name);
  g_free(syscall);
}

void
bt_policy_settings_clear(BtPolicy *policy)
{
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    bt_origin_clear(&policy->plugin_origins[i]);
  bt_origin_clear(&policy->tier_origin);
  for (guint i = 0; i < BT_N_LIMITS; i++)
    bt_origin_clear(&policy->limits[i].origin);
  for (guint i = 0; i < BT_N_AUDIT; i++)
    bt_origin_clear(&policy->audit_origins[i]);
}
