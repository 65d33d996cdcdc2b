/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Layers that a policy file turned off ("plugins"): each is announced with
 * what is open then, and a policy that needs the layer is refused, since it
 * would promise what nothing holds.
 *
 *   seccomp     no allow-list, and no call is notified: no event but the
 *               network's, no mediation of Unix sockets, no refused memfd
 *   landlock    mounts and namespaces alone: they know reading, writing and
 *               running, for whole places
 *   namespaces  no mounts, no network, no processes of its own: bt-plan-flat.c
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>

gboolean
bt_compile_has_plugin(const BtCompile *self, BtPlugins plugin)
{
  return (bt_policy_get_plugins(self->request->policy) & plugin) != 0;
}

gboolean
bt_compile_refuse(const BtCompile *self, const BtOrigin *wanted, const char *reason, GError **error)
{
  const BtOrigin *origin = bt_policy_get_plugin_origin(
    self->request->policy, self->flat ? BT_PLUGIN_NAMESPACES : BT_PLUGIN_SECCOMP);
  g_autofree char *object = bt_origin_format(wanted);
  g_autofree char *safe = bt_text_neutralise(object, -1);
  g_autofree char *where = bt_origin_format(origin);
  g_autofree char *cure = g_strdup_printf(_("leave it out, or leave the layer on (%s)"), where);
  return bt_fail(error, BUNTIME_ERROR_POLICY, safe, reason, cure);
}

typedef gboolean (*NeedFunc)(const BtRule *rule);

static gboolean
is_warning(const BtRule *rule)
{
  return rule->action == BT_ACTION_WARN;
}

static gboolean
is_denial(const BtRule *rule)
{
  return rule->action == BT_ACTION_DENY;
}

static gboolean
is_no_grant(const BtRule *rule)
{
  return rule->action != BT_ACTION_ALLOW;
}

/* Every kind of rule starts with a BtRule. */
static const BtOrigin *
find_need(GPtrArray *rules, NeedFunc needs)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtRule *rule = g_ptr_array_index(rules, i);
    if (needs(rule))
      return &rule->origin;
  }
  return NULL;
}

static gboolean
check_seccomp(BtCompile *self, GError **error)
{
  BtPolicy *policy = self->request->policy;
  const struct {
    GPtrArray *rules;
    NeedFunc needs;
  } needs[] = {
    { bt_policy_get_fs_rules(policy), is_warning },
    { bt_policy_get_run_rules(policy), is_warning },
    { bt_policy_get_unix_rules(policy), is_no_grant },
    { bt_policy_get_sys_rules(policy), is_denial },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(needs); i++) {
    const BtOrigin *origin = find_need(needs[i].rules, needs[i].needs);
    if (origin != NULL)
      return bt_compile_refuse(
        self, origin, _("it needs the layer seccomp, which the policy turned off"), error);
  }
  if (bt_policy_get_deny_syscalls(policy)->len > 0 || bt_policy_get_audit(policy) != 0)
    return bt_fail(error, BUNTIME_ERROR_POLICY, "plugins.seccomp",
                   _("antiEscape and audit need the layer seccomp, which the policy turned off"),
                   _("leave them out, or leave the layer on"));
  bt_compile_note(self, g_strdup(_("plugins.seccomp is off: every system call is allowed; Unix "
                                   "sockets that are visible can be connected to, programs can be "
                                   "run from memory, and refusals are not explained")));
  return TRUE;
}

gboolean
bt_compile_plugins(BtCompile *self, GError **error)
{
  if (self->flat && !bt_compile_check_flat(self, error))
    return FALSE;
  if (!bt_compile_has_plugin(self, BT_PLUGIN_SECCOMP) && !check_seccomp(self, error))
    return FALSE;
  if (!bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK))
    bt_compile_note(self, g_strdup(_("plugins.landlock is off: what is visible is held by mounts "
                                     "alone; programs in library directories can be run")));
  return TRUE;
}

gboolean
bt_compile_check_grants(const BtCompile *self, GError **error)
{
  const guint64 write = BT_FS_WRITE & ~(guint64)BT_FS_REFER;

  if (bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK))
    return bt_compile_check_metadata(self, error);
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    guint64 all = grant->folder ? BT_FS_READ | write : BT_FS_READ_FILE | BT_FS_WRITE_FILE;
    guint64 has = grant->perms & all;
    if (has != all && has != (all & BT_FS_READ))
      return bt_fail(error, BUNTIME_ERROR_POLICY, grant->path,
                     _("without the layer landlock, which the policy turned off, a place can only "
                       "be granted for reading, or for reading and writing as a whole"),
                     _("grant both there, or leave the layer on"));
  }
  return TRUE;
}
