/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Code that is loaded.  Only a mount without noexec lets a file be mapped
 * executable, so a grant is one: read-only, since what can be written and
 * mapped would be any code.  It is none to run programs: that needs Landlock's
 * EXECUTE, which is not given.  A denial is a mount with noexec.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static gboolean
is_denied(const BtCompile *self, const char *path)
{
  return bt_policy_check_ffi(self->request->policy, path).action == BT_ACTION_DENY;
}

static void
deny(BtCompile *self, const BtPathRule *rule)
{
  BtPolicy *policy = self->request->policy;

  if (strcmp(rule->real, "/") == 0 || !is_denied(self, rule->real))
    return;
  bt_compile_spot(self, rule->real, BT_SPOT_SHOW, BT_PLAN_NOEXEC);
  if (bt_policy_check_run(policy, rule->real).action != BT_ACTION_DENY)
    bt_compile_note(self, g_strdup_printf(_("%s is denied to be loaded as code: what is there does "
                                            "not run as a program either"), rule->written));
}

static void
allow(BtCompile *self, const BtPathRule *rule)
{
  /* Everything: self->map_noexec says it. */
  if (strcmp(rule->real, "/") == 0 || is_denied(self, rule->real))
    return;
  if (bt_path_is_never(rule->real) || strcmp(rule->real, "/tmp") == 0) {
    bt_compile_note(self, g_strdup_printf(_("%s is not granted to be loaded as code: it is never "
                                            "the host's"), rule->written));
    return;
  }
  if (rule->path != NULL)
    g_free(bt_compile_show(self, rule->path));
  bt_compile_spot(self, rule->real, BT_SPOT_LIBRARY, 0);
  if ((bt_policy_path_perms(self->request->policy, rule->real, NULL) & BT_FS_WRITE) != 0)
    bt_compile_note(self, g_strdup_printf(_("%s is granted to be loaded as code, so it is "
                                            "read-only"), rule->written));
}

void
bt_compile_ffi(BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_ffi_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->real == NULL)
      continue;
    if (rule->rule.action == BT_ACTION_DENY)
      deny(self, rule);
    else
      allow(self, rule);
  }
}
