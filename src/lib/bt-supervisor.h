/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run, from a compiled plan to the worker's exit status.
 */

#include <sys/signalfd.h>

#include "lib/bt-explain.h"
#include "lib/bt-guard.h"
#include "lib/bt-launch.h"
#include "lib/bt-output.h"
#include "lib/bt-scope.h"
#include "plan/bt-plan-compile.h"
#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

typedef void (*BtSupervisorFunc)(gpointer data);

typedef struct {
  BtPolicy *policy;
  const BtPlan *plan;
  BtExplainer *explainer;
  const char *entry; /* for the events "started" and "exited" */
  gboolean foreground; /* the process is there for this run alone, and stops when the worker does */
  BtScope *scope;    /* NULL: no control group was wanted */
  GPtrArray *published; /* BtPublished: their sockets go to buntime-net */
  BtOutput *output;  /* NULL: stdout and stderr are the worker's own */
  int capture_fd;    /* frames are recorded there; -1: nowhere */
  BtGuard *guard;    /* of what mounts deny; NULL: nothing */
  BtSupervisorFunc started; /* told with the data of the end; NULL: nobody wants to know */
} BtRun;

typedef struct {
  gboolean started; /* the program ran */
  int exit_status;  /* the worker's, as a shell reports it (128 + n for a signal), or 124 */
  int limit;        /* the BtLimit for which it was ended; -1: none */
  gboolean counted; /* by buntime-net, where there are events and a network */
  BtNetMsgCounts counts;
} BtOutcome;

#define BT_OUTCOME_INIT ((BtOutcome){ .limit = -1 })

typedef struct _BtSupervisor BtSupervisor;

/*
 * Takes what launch holds. In the thread's main context the run goes on by itself
 * until func is told, once, that the worker has ended and everything under it is
 * gone; then the supervisor is to be freed, though not in func. NULL: nothing runs.
 * run must outlive it.
 */
BtSupervisor *bt_supervisor_new(const BtRun *run, BtLaunch *launch, BtSupervisorFunc func,
                                gpointer data, GError **error);
/*
 * The array of buntime_worker_layers_to_json(), true from the start of the program to its end
 * (transfer full). (bt-supervisor-layers.c)
 */
char *bt_supervisor_layers_to_json(const BtSupervisor *self);
/* What another process sent to the caller, who stands for the worker. */
void bt_supervisor_take_signal(BtSupervisor *self, const struct signalfd_siginfo *info);
/* To the worker, and SIGCONT with what is to end it; it must have started. */
void bt_supervisor_signal(BtSupervisor *self, int number);
gboolean bt_supervisor_has_started(const BtSupervisor *self);
/* buntime-init, until the end (transfer none). */
const BtHelper *bt_supervisor_get_init(const BtSupervisor *self);
/* Ends the run at once; func is told as of any end. */
void bt_supervisor_kill(BtSupervisor *self);
/* More than the policy lets be written has come, by the channel. */
void bt_supervisor_exceed_output(BtSupervisor *supervisor);
/* What it tells (transfer full). */
BtEvent *bt_supervisor_event_of_output(BtPolicy *policy);
/* Before func was told, waits until all of it is gone. FALSE with error set: it failed. */
gboolean bt_supervisor_free(BtSupervisor *self, BtOutcome *outcome_out, GError **error);

G_END_DECLS
