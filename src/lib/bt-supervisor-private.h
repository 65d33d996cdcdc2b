/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run's supervisor, for the files that it is made of.
 */

#include <signal.h>

#include "lib/bt-deadline.h"
#include "lib/bt-names.h"
#include "lib/bt-net-peer.h"
#include "lib/bt-notifier.h"
#include "lib/bt-spawn.h"
#include "lib/bt-supervisor.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef enum {
  BT_SUPERVISOR_RUNNING,
  BT_SUPERVISOR_ENDING,
  BT_SUPERVISOR_DRAINING, /* all have ended, and the rest of their output is passed on */
  BT_SUPERVISOR_OVER,
} BtSupervisorState;

struct _BtSupervisor {
  const BtRun *run;
  BtSupervisorFunc func; /* told of OVER */
  gpointer data;
  BtSupervisorState state;
  BtPlanView plan;
  BtHelper init;
  guint init_source, peer_source, patience; /* while they end */
  int status_fd; /* ours; -1 after hang-up */
  guint status_source;
  int worker_pidfd;     /* -1 until WORKER */
  sigset_t early;       /* signals that may be older than the worker */
  int listener_number;  /* -1 until LISTENER */
  int listener_error;   /* errno: it could not be taken */
  int opener_fd;        /* until the notifier has it; -1: none */
  int tmp_fd, shm_fd;   /* O_PATH of the worker's; -1: none, or not yet */
  BtMaker *maker;       /* until the notifier has it; NULL: none */
  BtNames *names;
  BtNetPeer *peer;
  gboolean net_came;
  BtPlanNetMode net_mode; /* that init took, once that came */
  guint64 network; /* bt_socket_get_network() of its sockets; 0: not known */
  BtNotifier *notifier; /* NULL until WORKER; listens once both came */
  BtDeadline *deadline; /* NULL: none */
  gboolean started; /* known when it ends: might the program have run? */
  gboolean ended;
  int wait_status;
  int limit; /* the BtLimit that ends the run; -1: none */
  int late_signal; /* one that came when the worker was gone already; 0: none */
  gboolean counted; /* by buntime-net */
  BtNetMsgCounts counts;
  GError *failure;
};

/* The run is to end; may be called from any callback, and again. */
void bt_supervisor_end(BtSupervisor *self);
/* Nothing is left to wait for. */
void bt_supervisor_settle(BtSupervisor *self);


/* ---- bt-supervisor-limits.c ---- */

gboolean bt_supervisor_start_limits(BtSupervisor *self, GError **error);
/* The worker failed: are its file systems full? */
void bt_supervisor_tell_full(BtSupervisor *self);
/* The worker has ended: was that for its processor time? */
void bt_supervisor_tell_cpu_time(BtSupervisor *self, guint32 cpu_ms);
/*
 * Passes on what is left of the output. Init must be gone. FALSE: the state is
 * DRAINING now. A reader that never reads is left by a signal, also by one that came since the
 * worker's end, or at the deadline.
 */
gboolean bt_supervisor_drain(BtSupervisor *self);

G_END_DECLS
