/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run, from a compiled plan to the worker's exit status.
 */

#include "lib/bt-explain.h"
#include "lib/bt-guard.h"
#include "lib/bt-launch.h"
#include "lib/bt-output.h"
#include "lib/bt-scope.h"
#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

typedef struct {
  BtPolicy *policy;
  const BtPlan *plan;
  BtExplainer *explainer;
  const char *entry; /* for the events "started" and "exited" */
  BtScope *scope;    /* NULL: no control group was wanted */
  GPtrArray *published; /* BtPublished: their sockets go to buntime-net */
  BtOutput *output;  /* NULL: stdout and stderr are the worker's own */
  int capture_fd;    /* frames are recorded there; -1: nowhere */
  BtGuard *guard;    /* of what mounts deny; NULL: nothing */
} BtRun;

typedef struct {
  gboolean started; /* the program ran */
  int exit_status;  /* the worker's, as a shell reports it (128 + n for a signal), or 124 */
  int limit;        /* the BtLimit for which it was ended; -1: none */
} BtOutcome;

#define BT_OUTCOME_INIT ((BtOutcome){ .limit = -1 })

/*
 * Takes what launch holds, and runs a main loop until the worker has ended and
 * everything under it is gone.
 */
gboolean bt_supervise(const BtRun *run, BtLaunch *launch, BtOutcome *outcome_out, GError **error);

G_END_DECLS
