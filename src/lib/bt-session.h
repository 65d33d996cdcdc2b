/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One run of a launcher, from its policy to the outcome.  Everything that lives
 * as long as the run is kept here:
 *
 *   begin     init is started, the policy settled, a control group asked for
 *   settle    when that is there, the plan is compiled; nothing of
 *             the worker's has been run, and all of it can be thrown away
 *   start     init goes on; from here the thread's main context drives the run
 *   finish    after its end: the outcome, and hints for the reader
 */

#include "lib/bt-question.h"
#include "lib/bt-root.h"
#include "lib/bt-supervisor.h"
#include "lib/buntime-sandbox.h"

G_BEGIN_DECLS

typedef struct _BtSession BtSession;

/* Borrowed: all of it outlives the session. */
typedef struct {
  BuntimeSandbox *sandbox;
  const BtCaller *caller;
  const char *entry;  /* with harness a name for it */
  gboolean harness;   /* of the launcher's kind */
  const char *const *args;
  BtExplainer *explainer;
  BtWorkerFds fds;
  int terminal_fd; /* which of 0-2 is a terminal; -1: none */
  gboolean foreground; /* the process is there for this run alone, and stops when the worker does */
  const char *const *environment; /* NULL: the process's own */
  BtSupervisorFunc started; /* with the data of start(); NULL: nobody wants to know */
} BtSessionSetup;

/* As two steps: what settle() may have to wait for is known after begin(). */
BtSession *bt_session_begin(const BtSessionSetup *setup, GError **error);
/* To be readable, and for how long at most; -1: for nothing. */
int bt_session_get_wait(const BtSession *session, guint *ms_out);
gboolean bt_session_settle(BtSession *session, GError **error);
BtSession *bt_session_prepare(const BtSessionSetup *setup, GError **error);
/* func as of bt_supervisor_new(). */
gboolean bt_session_start(BtSession *session, BtSupervisorFunc func, gpointer data,
                          GError **error);
/* After a successful start, until finish. */
BtSupervisor *bt_session_get_supervisor(BtSession *session);
/* While it runs, for its worker; never waits. */
BtAction bt_session_ask(BtSession *session, const BtQuestion *question);
/* What a finished run is told by. */
void bt_session_tell_exit(BtExplainer *explainer, const char *entry, const BtOutcome *outcome);
gboolean bt_session_finish(BtSession *session, BtOutcome *outcome_out, GError **error);
/* Ends what still runs. */
void bt_session_free(BtSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtSession, bt_session_free)

G_END_DECLS
