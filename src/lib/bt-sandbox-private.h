/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The launcher, for the files that run it.
 */

#include "lib/bt-policy-object.h"
#include "lib/buntime-sandbox.h"
#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

struct _BuntimeSandbox {
  gatomicrefcount refs;
  BuntimePolicy *policy;
  BtWorkerKind worker;
  BtPlanNetMode net_mode;
  gboolean packets_only; /* no fast path */
  GPtrArray *published; /* BtPublished */
  gboolean quiet;
  char *events; /* FILE, a descriptor's number or "-"; NULL: none */
  char *capture; /* FILE; NULL: frames are not recorded */
  gboolean isolated;
  int status_fd; /* -1: none */
};

/* As it is now, for a run that another thread drives (transfer full). */
BuntimeSandbox *bt_sandbox_snapshot(const BuntimeSandbox *self);

G_END_DECLS
