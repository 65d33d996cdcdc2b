/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run's supervisor, for the files that it is made of.
 */

#include "lib/bt-deadline.h"
#include "lib/bt-names.h"
#include "lib/bt-net-peer.h"
#include "lib/bt-notifier.h"
#include "lib/bt-spawn.h"
#include "lib/bt-supervisor.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct {
  const BtRun *run;
  BtPlanView plan;
  GMainLoop *loop;
  BtHelper init;
  int status_fd; /* ours; -1 after hang-up */
  int signal_fd;
  guint status_source, signal_source;
  int worker_pidfd;     /* -1 until WORKER */
  GArray *own_devices;  /* NULL until WORKER, and once the notifier has them */
  int listener_number;  /* -1 until LISTENER */
  int opener_fd;        /* until the notifier has it; -1: none */
  BtNames *names;
  BtNetPeer *peer;
  gboolean net_came;
  BtNotifier *notifier; /* NULL until both came */
  BtDeadline *deadline; /* NULL: none */
  gboolean ended;
  int wait_status;
  int limit; /* the BtLimit that ends the run; -1: none */
  gboolean draining; /* all have ended, and the rest of their output is passed on */
  GError *failure;
} BtSupervisor;

/* May the program have run? */
gboolean bt_supervisor_has_started(const BtSupervisor *self);
/* To the worker, and SIGCONT with what is to end it. */
void bt_supervisor_signal(BtSupervisor *self, int number);

/* ---- bt-supervisor-limits.c ---- */

gboolean bt_supervisor_start_limits(BtSupervisor *self, GError **error);
/* The worker has ended: was that for its processor time? */
void bt_supervisor_tell_cpu_time(BtSupervisor *self, guint32 cpu_ms);
/*
 * Passes on what is left of the output. Init must be gone. A reader that never
 * reads is left by a signal or at the deadline.
 */
void bt_supervisor_drain(BtSupervisor *self);

G_END_DECLS
