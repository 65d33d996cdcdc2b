/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits without cgroups.  RLIMIT_NPROC counts a user's processes in one user
 * namespace since 5.14, so here those of the sandbox alone.  Never RLIMIT_AS:
 * runtimes reserve more addresses than any machine has memory.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <sys/resource.h>

#define PROCESSES 1024

/* A limit that is not applied would be a wish that nobody hears. */
static gboolean
check_applied(BtCompile *self, GError **error)
{
  for (guint i = 0; i < BT_N_LIMITS; i++) {
    const BtOrigin *origin;
    guint64 value;
    if (!bt_policy_get_limit(self->request->policy, i, &value, &origin))
      continue;
    g_autofree char *object = bt_origin_format(origin);
    return bt_fail(error, BUNTIME_ERROR_SETUP, object, _("this limit cannot be applied yet"),
                   _("leave it out"));
  }
  return TRUE;
}

gboolean
bt_compile_limits(BtCompile *self, GError **error)
{
  struct rlimit files;

  /* One byte, not none: a core handler is started whatever the limit, unless it is 1. */
  bt_plan_builder_limit(self->builder, RLIMIT_CORE, 1, 1);
  bt_plan_builder_limit(self->builder, RLIMIT_NPROC, PROCESSES, PROCESSES);
  /* A processor taken for good is the whole machine's; audio users may do that. */
  bt_plan_builder_limit(self->builder, RLIMIT_RTPRIO, 0, 0);
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY)
    bt_plan_builder_limit(self->builder, RLIMIT_NOFILE, files.rlim_cur, files.rlim_max);
  return check_applied(self, error);
}
