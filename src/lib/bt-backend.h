/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A run that the supervisor's thread drives, for the thread that asked for it.
 *
 *   the caller's thread            the supervisor's thread (bt-thread.h)
 *   bt_backend_new()        ───▶   prepares and starts a session
 *                 ended     ◀───   or says why not
 *                 event     ◀───   each event, within bounds; "dropped": so many had no room
 *   bt_backend_signal()     ───▶   to the worker
 *   bt_backend_ask()        ───▶   a question of the worker's ...
 *                 answered  ◀───   ... was decided
 *   bt_backend_settle()     ───▶   after all signals before it ...
 *                 settled   ◀───   ... were sent
 *                 ended     ◀───   all of it is gone
 *
 * What comes back is called in the main context that was the caller's default one
 * at the start, in this order, and never after bt_backend_free().
 */

#include "lib/bt-explain.h"
#include "lib/bt-question.h"
#include "lib/bt-spawn.h"
#include "lib/bt-supervisor.h"
#include "lib/buntime-sandbox.h"

G_BEGIN_DECLS

typedef struct _BtBackend BtBackend;

typedef struct {
  void (*event)(gpointer data, BtEvent *event); /* takes it */
  void (*answered)(gpointer data, guint32 id, BtAction action);
  void (*settled)(gpointer data);
  /* outcome: NULL if error is set (transfer none). */
  void (*ended)(gpointer data, const BtOutcome *outcome, const GError *error);
} BtBackendFuncs;

/*
 * sandbox is taken as it is now; harness: entry is only a name for it. Takes the
 * descriptors in fds, all of which are the backend's to close.
 */
BtBackend *bt_backend_new(const BuntimeSandbox *sandbox, const char *entry, gboolean harness,
                          const char *const *args, const BtWorkerFds *fds,
                          const BtBackendFuncs *funcs, gpointer data);
/* To the worker, if it has started; SIGKILL ends the whole run. */
void bt_backend_signal(BtBackend *backend, int number);
/* Takes the question. */
void bt_backend_ask(BtBackend *backend, guint32 id, BtQuestion *question);
/* Asks to be told when every signal asked for so far has been sent. */
void bt_backend_settle(BtBackend *backend);
/* As if the worker had written too much to its descriptors. */
void bt_backend_exceed_output(BtBackend *backend);
/* What is told then, for a run that is over (transfer full). */
BtEvent *bt_backend_event_of_output(BtBackend *backend);
/*
 * The array of bt_processes_to_json(), by the caller's own thread: nobody is waited for. Empty
 * before the program was started and after the end (transfer full).
 */
char *bt_backend_processes_to_json(BtBackend *backend);
/* What bt_supervisor_layers_to_json() said when the program was started (transfer full). */
char *bt_backend_layers_to_json(BtBackend *backend);
/* Nothing is told any more, and what still runs is ended. */
void bt_backend_free(BtBackend *backend);

G_END_DECLS
