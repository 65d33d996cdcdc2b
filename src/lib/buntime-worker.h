/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program in a sandbox, as the program that started it sees it.
 */

#include <gio/gio.h>

#include "buntime-event.h"
#include "buntime-sandbox.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * BuntimeStream:
 * @BUNTIME_STREAM_STDOUT: standard output
 * @BUNTIME_STREAM_STDERR: standard error
 *
 * Where output went.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_STREAM_STDOUT = 1,
  BUNTIME_STREAM_STDERR = 2,
} BuntimeStream;

/**
 * BuntimeWorker:
 *
 * A program in a sandbox. It belongs to the thread that started it: signals are emitted in
 * what was that thread's default main context then. A worker that nobody refers to is ended.
 *
 * Whatever comes from a worker is the worker's word.
 *
 * Since: 1.0
 */
#define BUNTIME_TYPE_WORKER (buntime_worker_get_type())
G_DECLARE_FINAL_TYPE(BuntimeWorker, buntime_worker, BUNTIME, WORKER, GObject)

/**
 * BuntimeWorker::ready:
 * @self: a worker
 *
 * The program said that it is ready for messages.
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::output:
 * @self: a worker
 * @stream: where it went
 * @bytes: a part of it
 *
 * The program, or code that it runs, wrote something.
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::message:
 * @self: a worker
 * @bytes: the message
 *
 * A message of the program's.
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::request:
 * @self: a worker
 * @id: of the request
 * @bytes: the request
 *
 * The program waits for an answer: buntime_worker_reply().
 *
 * Returns: %TRUE if it is or will be answered; nobody's %TRUE is a failure to the program
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::state:
 * @self: a worker
 * @state: `exec_start`, `exec_end`, `exception` or `interrupted`
 * @id: of the code
 * @exit_code: of `exec_end`
 * @text: of `exception`: its class and message
 *
 * What becomes of code.
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::event:
 * @self: a worker
 * @event: an event
 *
 * Something was refused, reported, or happened to the worker. Where the main context does not run
 * in time events are dropped, and a later one, whose state is "dropped", counts them.
 *
 * Since: 1.0
 */

/**
 * BuntimeWorker::exited:
 * @self: a worker
 * @status: as a shell reports it
 *
 * The worker and all that it started are gone, all output was emitted, and calls that had no
 * answer have failed. Emitted once. buntime_worker_get_error() says why it failed, if it did.
 *
 * Since: 1.0
 */

/**
 * buntime_sandbox_spawn:
 * @sandbox: a launcher, taken as it is now
 * @entry: (nullable): the program, as on the command line; %NULL: one that takes code,
 *   Python's or that of buntime_sandbox_set_worker()
 * @args: (nullable) (array zero-terminated=1): its arguments
 * @error: return location for an error
 *
 * Starts a program. Its stdin is empty, its stdout and stderr are emitted. What goes wrong
 * later, also that the program is not found, ends the worker: #BuntimeWorker::exited.
 *
 * What takes code keeps its state from one buntime_worker_run_code() to the next. To start
 * anew, spawn another from the same launcher, and stop this one.
 *
 * Returns: (transfer full): the worker, or %NULL with @error set
 *
 * Since: 1.0
 */
BuntimeWorker *buntime_sandbox_spawn(BuntimeSandbox *sandbox, const char *entry,
                                     const char *const *args, GError **error);

/**
 * buntime_sandbox_spawn_with_channel:
 * @sandbox: a launcher, taken as it is now
 * @entry: (nullable): as for buntime_sandbox_spawn()
 * @args: (nullable) (array zero-terminated=1): its arguments
 * @memory_out: (out): descriptor of the rings' file
 * @wake_out: (out): descriptor of the socket for waking
 * @control_out: (out): descriptor of the control socket
 * @error: return location for an error
 *
 * Starts a program whose channel is the caller's, who takes the supervisor's side of
 * buntime-ipc(7), or hands it on: buntime_channel_open_supervisor() of libbuntime-worker
 * speaks it. The hello was said. Nothing that comes by the channel is emitted, and
 * buntime_worker_send() and all that need it fail; output by stdout and stderr, events and
 * #BuntimeWorker::exited are as ever.
 *
 * The worker may be hostile to whoever reads the rings.
 *
 * Returns: (transfer full): the worker, or %NULL with @error set; the descriptors are the
 *   caller's to close
 *
 * Since: 1.0
 */
BuntimeWorker *buntime_sandbox_spawn_with_channel(BuntimeSandbox *sandbox, const char *entry,
                                                  const char *const *args, int *memory_out,
                                                  int *wake_out, int *control_out,
                                                  GError **error);

/**
 * buntime_worker_send:
 * @worker: a worker
 * @bytes: (nullable): a message, at most 64 MiB; %NULL: an empty one
 * @error: return location for an error
 *
 * Sends a message. It may be sent before the program is ready for it.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_ENDED, to
 *   %BUNTIME_ERROR_BUSY if more than 64 MiB wait to be read by the program, or to
 *   %BUNTIME_ERROR_USAGE if the message is too large
 *
 * Since: 1.0
 */
gboolean buntime_worker_send(BuntimeWorker *worker, GBytes *bytes, GError **error);

/**
 * buntime_worker_reply:
 * @worker: a worker
 * @id: of a request
 * @bytes: (nullable): the answer; %NULL: an empty one
 * @error: return location for an error
 *
 * Answers a request.
 *
 * Returns: as buntime_worker_send()
 *
 * Since: 1.0
 */
gboolean buntime_worker_reply(BuntimeWorker *worker, guint id, GBytes *bytes, GError **error);

/**
 * buntime_worker_reply_error:
 * @worker: a worker
 * @id: of a request
 * @text: (nullable): why it failed
 * @error: return location for an error
 *
 * Answers a request that failed.
 *
 * Returns: as buntime_worker_send()
 *
 * Since: 1.0
 */
gboolean buntime_worker_reply_error(BuntimeWorker *worker, guint id, const char *text,
                                    GError **error);

/**
 * buntime_worker_call:
 * @worker: a worker
 * @bytes: (nullable): a request; %NULL: an empty one
 * @timeout: milliseconds to wait for the answer; -1: for ever
 * @cancellable: (nullable): to give up waiting
 * @callback: (nullable): called with the answer
 * @data: for @callback
 *
 * Sends a request and waits for its answer.
 *
 * Since: 1.0
 */
void buntime_worker_call(BuntimeWorker *worker, GBytes *bytes, int timeout,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);

/**
 * buntime_worker_call_finish:
 * @worker: a worker
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends buntime_worker_call().
 *
 * Returns: (transfer full): the answer, or %NULL with @error set: %BUNTIME_ERROR_FAILED,
 *   %BUNTIME_ERROR_ENDED, %BUNTIME_ERROR_TIMED_OUT, or as of buntime_worker_send()
 *
 * Since: 1.0
 */
GBytes *buntime_worker_call_finish(BuntimeWorker *worker, GAsyncResult *result, GError **error);

/**
 * buntime_worker_run_code:
 * @worker: a worker whose program takes code
 * @code: (nullable): the code; %NULL: none
 * @timeout: milliseconds to wait for its end; -1: for ever. It is not interrupted then
 * @cancellable: (nullable): to interrupt it
 * @callback: (nullable): called at its end
 * @data: for @callback
 *
 * Runs code in the program. What is run after it finds what it left. While code that was
 * interrupted has not ended, later code is kept back, so that the interrupt hits no other; what
 * is given up meanwhile never runs.
 *
 * Since: 1.0
 */
void buntime_worker_run_code(BuntimeWorker *worker, const char *code, int timeout,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data);

/**
 * buntime_worker_run_code_finish:
 * @worker: a worker
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends buntime_worker_run_code().
 *
 * Returns: (transfer full): what the code came to, as text; or %NULL with @error set as of
 *   buntime_worker_call_finish(): %BUNTIME_ERROR_FAILED with the traceback
 *
 * Since: 1.0
 */
char *buntime_worker_run_code_finish(BuntimeWorker *worker, GAsyncResult *result, GError **error);

/**
 * buntime_worker_interrupt:
 * @worker: a worker
 *
 * Interrupts what the program does, as Ctrl-C in a terminal: SIGINT. Where it takes code, that
 * is interrupted, and nothing happens if there is none.
 *
 * Since: 1.0
 */
void buntime_worker_interrupt(BuntimeWorker *worker);

/**
 * buntime_worker_stop:
 * @worker: a worker
 * @grace: milliseconds for the program to end by itself; 0: it is killed at once
 *
 * Ends the worker: SIGTERM, then SIGKILL for it and all that it started.
 * #BuntimeWorker::exited tells when it is gone.
 *
 * Since: 1.0
 */
void buntime_worker_stop(BuntimeWorker *worker, guint grace);

/**
 * buntime_worker_pause_reading:
 * @worker: a worker
 *
 * Takes nothing from the worker until buntime_worker_resume_reading(): no output, message,
 * request, answer or state is emitted, nor that it has exited. The program is not stopped: it
 * waits where it writes, once there is no room left. For a host program that cannot keep up.
 *
 * Since: 1.0
 */
void buntime_worker_pause_reading(BuntimeWorker *worker);

/**
 * buntime_worker_resume_reading:
 * @worker: a worker
 *
 * Ends what buntime_worker_pause_reading() began. Nothing is emitted before it returns.
 *
 * Since: 1.0
 */
void buntime_worker_resume_reading(BuntimeWorker *worker);

/**
 * BuntimeRing:
 * @BUNTIME_RING_TO_WORKER: what the worker reads
 * @BUNTIME_RING_FROM_WORKER: what the worker writes
 *
 * One of the two rings of a worker's channel.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_RING_TO_WORKER,
  BUNTIME_RING_FROM_WORKER,
} BuntimeRing;

/**
 * buntime_worker_get_ring_usage:
 * @worker: a worker
 * @ring: one of its rings
 * @capacity_out: (out) (optional): bytes that it holds
 * @used_out: (out) (optional): bytes that wait in it to be read, at most its capacity
 * @bytes_out: (out) (optional): bytes that went by since the start, headers of frames included
 *
 * Says how busy a ring is at this moment. What found no room in it, and waits for it in this
 * process, is not counted. How far the worker has read or written is its own word.
 *
 * Returns: %TRUE, or %FALSE, and 0 everywhere, if the worker has no channel: it has exited, or
 *   the channel is another's
 *
 * Since: 1.0
 */
gboolean buntime_worker_get_ring_usage(BuntimeWorker *worker, BuntimeRing ring,
                                       guint64 *capacity_out, guint64 *used_out,
                                       guint64 *bytes_out);

/**
 * buntime_worker_processes_to_json:
 * @worker: a worker
 *
 * Says what runs in the sandbox at this moment: the program and what it started.
 *
 * Each object is about one process, by the lowest number first. Its keys are pid (inside the
 * sandbox, as of events; without namespaces the host's), parent (the same of its parent; 1, or
 * without namespaces a number that is not listed, where that is buntime-init, which is left
 * out), name, state (`running`, `sleeping`, `disk sleep`, `stopped`, `tracing stop`, `zombie`,
 * `dead`, `idle`), memory (resident bytes, those it shares with others included) and cpuTime
 * (microseconds). A name is the process's own word. A helper of buntime's may be among them:
 * `buntime-init` opens files for the program, `buntime-guard` ends it if need be.
 *
 * It takes up to some tens of milliseconds where there are very many, and nobody is waited for.
 *
 * Returns: (transfer full): a JSON array of at most 1,024 processes, on one line; `[]` before the
 *   program was started and after its end
 *
 * Since: 1.0
 */
char *buntime_worker_processes_to_json(BuntimeWorker *worker);

/**
 * buntime_worker_layers_to_json:
 * @worker: a worker
 *
 * Says what holds the program in this very run: what a policy turned off, what this machine does
 * not have, and what was used instead.
 *
 * Each object is about one layer, in the order in which they are set up: `namespaces`, `network`,
 * `gate` (of packets), `mounts`, `limits`, `landlock`, `privileges`, `seccomp`, `notifier` (of
 * system calls that the supervisor is asked about), `channel`. Its keys are layer, state and
 * detail, a text in English. state is `on`; `off`: a policy turned it off, and detail says which;
 * or `unneeded`: there is nothing that it would have to hold. Further layers may come.
 *
 * Returns: (transfer full): a JSON array, on one line; `[]` before the program was started. What
 *   it says then it says for ever, also after the end
 *
 * Since: 1.0
 */
char *buntime_worker_layers_to_json(BuntimeWorker *worker);

/**
 * buntime_worker_get_exited:
 * @worker: a worker
 *
 * Says whether it is over.
 *
 * Returns: whether #BuntimeWorker::exited was emitted
 *
 * Since: 1.0
 */
gboolean buntime_worker_get_exited(BuntimeWorker *worker);

/**
 * buntime_worker_get_exit_status:
 * @worker: a worker that has exited
 *
 * Says how the program ended.
 *
 * Returns: its status as a shell reports it; 124 to 127 and 2 as of `buntime run`
 *
 * Since: 1.0
 */
int buntime_worker_get_exit_status(BuntimeWorker *worker);

/**
 * buntime_worker_get_error:
 * @worker: a worker that has exited
 *
 * Says what went wrong.
 *
 * Returns: (transfer none) (nullable): why it was not started, or was ended
 *
 * Since: 1.0
 */
const GError *buntime_worker_get_error(BuntimeWorker *worker);

#pragma GCC visibility pop
G_END_DECLS
