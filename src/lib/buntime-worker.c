/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker of a host program: what its thread sees of the run (bt-backend.h), the
 * channel (bt-link.h) and the output (bt-pipe.h).
 *
 * The end: the backend says that all is gone.  What the worker left in its pipes
 * and in the ring is still emitted, and what waits for an answer fails; then
 * ::exited.  The channel is mostly closed a moment before it says so, and why:
 * what waits for an answer waits for that, too.
 */
#include "lib/buntime-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-backend.h"
#include "lib/bt-codes.h"
#include "lib/bt-event-object.h"
#include "lib/bt-link-fds.h"
#include "lib/bt-link.h"
#include "lib/bt-pipe.h"
#include "lib/bt-sandbox-private.h"
#include "lib/bt-worker-object.h"

enum {
  SIGNAL_READY,
  SIGNAL_OUTPUT,
  SIGNAL_MESSAGE,
  SIGNAL_REQUEST,
  SIGNAL_STATE,
  SIGNAL_EVENT,
  SIGNAL_EXITED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(BuntimeWorker, buntime_worker, G_TYPE_OBJECT)

/* ---- the end ---- */

/* From when its channel is closed: one that goes on is asked nothing any more. */
#define END_MS 1000

static void emit_exited(BuntimeWorker *self);

static gboolean
on_failed(gpointer data)
{
  g_autoptr(BuntimeWorker) self = g_object_ref(data);

  bt_worker_clear_source(&self->exiting);
  emit_exited(self);
  return G_SOURCE_REMOVE;
}

/* Whoever waits for an answer is told first that there will be none, in a later turn. */
static void
fail_calls(BuntimeWorker *self)
{
  bt_worker_fail_calls(self, self->error != NULL ? self->error->message
                                                 : _("the worker has ended"));
  self->exiting = g_idle_source_new();
  g_source_set_priority(self->exiting, G_PRIORITY_DEFAULT);
  g_source_set_callback(self->exiting, on_failed, self, NULL);
  g_source_attach(self->exiting, self->context);
}

static void emit_event(BuntimeWorker *self, BtEvent *event);

/* The run was over before it was seen that what it left was too much: its output is cut all the same. */
static void
settle_output(BuntimeWorker *self)
{
  if (!self->output_over || self->limit >= 0 || self->error != NULL)
    return;
  self->limit = BT_LIMIT_OUTPUT;
  self->status = 128 + SIGKILL;
  emit_event(self, bt_backend_event_of_output(self->backend));
}

static void
emit_exited(BuntimeWorker *self)
{
  if (self->exited || !self->ended || self->pipes[0] != NULL || self->pipes[1] != NULL ||
      self->link != NULL || self->exiting != NULL)
    return;
  if (g_hash_table_size(self->calls) > 0) {
    fail_calls(self);
    return;
  }
  self->exited = TRUE;
  settle_output(self);
  g_signal_emit(self, signals[SIGNAL_EXITED], 0, self->status);
}

/* ---- output ---- */

/* What comes by the channel is output, too: the limit is on both together. */
static void
emit_output(BuntimeWorker *self, BuntimeStream stream, GBytes *bytes)
{
  gsize size = g_bytes_get_size(bytes);
  gsize part = (gsize)MIN(size, self->output_left);

  self->output_left -= part;
  if (part > 0 || size == 0) {
    g_autoptr(GBytes) shown = g_bytes_new_from_bytes(bytes, 0, part);
    g_signal_emit(self, signals[SIGNAL_OUTPUT], 0, stream, shown);
  }
  if (part == size || self->output_over)
    return;
  self->output_over = TRUE;
  if (self->backend != NULL)
    bt_backend_exceed_output(self->backend);
}

static void
on_output(gpointer data, BtPipe *pipe, GBytes *bytes)
{
  BuntimeWorker *self = g_object_ref(data);
  int index = pipe == self->pipes[1];

  if (bytes != NULL) {
    emit_output(self, index == 0 ? BUNTIME_STREAM_STDOUT : BUNTIME_STREAM_STDERR, bytes);
  } else {
    g_clear_pointer(&self->pipes[index], bt_pipe_free);
    emit_exited(self);
  }
  g_object_unref(self);
}

/* ---- the channel ---- */

/* ---- questions ---- */

#define NOBODY_ANSWERS "nobody answers requests"

/* To what the worker wants to know: it is not kept without bounds for one who does not look. */
static void
send_answer(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes)
{
  if (!bt_worker_send_bytes(self, type, id, bytes, NULL) && self->link != NULL)
    bt_link_break(self->link, "it does not read the answers to its questions");
}

static void
on_answered(gpointer data, guint32 id, BtAction action)
{
  BuntimeWorker *self = data;
  /* No more than that: rule and suggestion tell of policy files, and of what the host has where. */
  g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);

  send_answer(self,
              action == BT_ACTION_ALLOW  ? BT_FRAME_ALLOW
              : action == BT_ACTION_WARN ? BT_FRAME_WARN
                                         : BT_FRAME_DENY,
              id, nothing);
}

/* What cannot be answered would not be allowed. */
static void
on_question(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes)
{
  g_autoptr(BtQuestion) question = bt_question_new(type, bytes, &self->questions);

  if (question != NULL && self->backend != NULL)
    bt_backend_ask(self->backend, id, g_steal_pointer(&question));
  else
    on_answered(self, id, BT_ACTION_DENY);
}

/* ---- messages ---- */

static void
on_request(BuntimeWorker *self, guint32 id, GBytes *bytes)
{
  g_autoptr(GBytes) nobody = g_bytes_new_static(NOBODY_ANSWERS, strlen(NOBODY_ANSWERS));
  gboolean handled = FALSE;

  g_signal_emit(self, signals[SIGNAL_REQUEST], 0, id, bytes, &handled);
  if (!handled)
    send_answer(self, BT_FRAME_ERROR, id, nobody);
}

static void
on_message(gpointer data, BtFrameType type, guint32 id, GBytes *bytes)
{
  BuntimeWorker *self = g_object_ref(data);

  switch (type) {
  case BT_FRAME_STDOUT:
  case BT_FRAME_STDERR:
    emit_output(self, type == BT_FRAME_STDOUT ? BUNTIME_STREAM_STDOUT : BUNTIME_STREAM_STDERR,
                bytes);
    break;
  case BT_FRAME_MESSAGE:
    g_signal_emit(self, signals[SIGNAL_MESSAGE], 0, bytes);
    break;
  case BT_FRAME_REQUEST:
    on_request(self, id, bytes);
    break;
  case BT_FRAME_RESULT:
  case BT_FRAME_REPLY:
  case BT_FRAME_ERROR:
    bt_worker_answer(self, type, id, bytes);
    break;
  default:
    on_question(self, type, id, bytes);
    break;
  }
  g_object_unref(self);
}

/* Of buntime-ipc(7). */
#define CHANNEL_VERSION 1

static void
on_control(gpointer data, const BtControl *message)
{
  BuntimeWorker *self = g_object_ref(data);
  g_autofree char *text = NULL;

  switch (message->type) {
  case BT_CONTROL_HELLO:
    if (message->version != CHANNEL_VERSION)
      bt_link_break(self->link, "it speaks another version of it");
    break;
  case BT_CONTROL_READY:
    g_signal_emit(self, signals[SIGNAL_READY], 0);
    break;
  case BT_CONTROL_STATE:
    bt_worker_follow_code(self, message);
    text = message->name[0] != '\0' ? g_strconcat(message->name, ": ", message->text, NULL)
                                    : g_strdup(message->text);
    g_signal_emit(self, signals[SIGNAL_STATE], 0, bt_control_states[message->state], message->id,
                  message->exit_code, text);
    break;
  }
  g_object_unref(self);
}

static void
emit_event(BuntimeWorker *self, BtEvent *event)
{
  g_autoptr(BuntimeEvent) object = bt_event_object_new(event, self->name);
  g_signal_emit(self, signals[SIGNAL_EVENT], 0, object);
}

static gboolean
on_closed_for_long(gpointer data)
{
  /* The host may drop it in what is called. */
  g_autoptr(BuntimeWorker) self = g_object_ref(data);

  bt_worker_clear_source(&self->closed);
  bt_worker_fail_calls(self, _("the worker has closed its channel"));
  return G_SOURCE_REMOVE;
}

static void
wait_for_end(BuntimeWorker *self)
{
  self->closed = g_timeout_source_new(END_MS);
  g_source_set_callback(self->closed, on_closed_for_long, self, NULL);
  g_source_attach(self->closed, self->context);
}

static void
on_closed(gpointer data, const char *reason)
{
  BuntimeWorker *self = g_object_ref(data);

  /* Open until it is gone: it might see the end before the signal, and end by itself. */
  if (reason != NULL && self->backend != NULL && !self->ended) {
    bt_backend_signal(self->backend, SIGKILL);
    self->broken = g_steal_pointer(&self->link);
  }
  g_clear_pointer(&self->link, bt_link_free);
  if (reason != NULL) {
    BtEvent *event = bt_event_new_state("failed");
    event->reason = g_strdup_printf("the worker broke the channel's protocol: %s", reason);
    emit_event(self, event);
    bt_worker_fail_calls(self, _("the worker broke the channel's protocol"));
  } else if (!self->ended) {
    wait_for_end(self);
  }
  emit_exited(self);
  g_object_unref(self);
}

/* ---- the run ---- */

static void
on_event(gpointer data, BtEvent *event)
{
  BuntimeWorker *self = g_object_ref(data);
  emit_event(self, event);
  g_object_unref(self);
}

static void
on_ended(gpointer data, const BtOutcome *outcome, const GError *error)
{
  BuntimeWorker *self = g_object_ref(data);

  self->ended = TRUE;
  self->status = error != NULL ? buntime_error_exit_status(error) : outcome->exit_status;
  self->error = error != NULL ? g_error_copy(error) : NULL;
  self->limit = outcome != NULL ? outcome->limit : -1;
  bt_worker_clear_source(&self->grace);
  bt_worker_clear_source(&self->closed);
  g_clear_pointer(&self->broken, bt_link_free);
  /* Others may have its ends: it could have sent them to whom it may connect to. */
  if (self->link != NULL)
    bt_link_finish(self->link);
  for (int i = 0; i < 2; i++)
    if (self->pipes[i] != NULL)
      bt_pipe_finish(self->pipes[i]);
  emit_exited(self);
  g_object_unref(self);
}

/* ---- the object ---- */

static void
buntime_worker_dispose(GObject *object)
{
  BuntimeWorker *self = BUNTIME_WORKER(object);

  /* Each call refers to it: where there are some, somebody disposes of it all the same. */
  self->ended = self->exited = TRUE;
  g_clear_pointer(&self->backend, bt_backend_free);
  g_clear_pointer(&self->link, bt_link_free);
  g_clear_pointer(&self->broken, bt_link_free);
  for (int i = 0; i < 2; i++)
    g_clear_pointer(&self->pipes[i], bt_pipe_free);
  bt_worker_clear_source(&self->grace);
  bt_worker_clear_source(&self->closed);
  bt_worker_clear_source(&self->exiting);
  bt_worker_fail_calls(self, _("the worker has ended"));
  G_OBJECT_CLASS(buntime_worker_parent_class)->dispose(object);
}

static void
buntime_worker_finalize(GObject *object)
{
  BuntimeWorker *self = BUNTIME_WORKER(object);

  /* Each call holds the worker: there is none. */
  g_hash_table_unref(self->calls);
  bt_codes_clear(&self->codes);
  g_clear_error(&self->error);
  g_main_context_unref(self->context);
  g_free(self->name);
  G_OBJECT_CLASS(buntime_worker_parent_class)->finalize(object);
}

static guint
make_signal(const char *name, GType result, guint n_params, ...)
{
  GSignalAccumulator accumulator = result == G_TYPE_BOOLEAN ? g_signal_accumulator_true_handled
                                                            : NULL;
  va_list types;

  va_start(types, n_params);
  guint id = g_signal_new_valist(name, BUNTIME_TYPE_WORKER, G_SIGNAL_RUN_LAST, NULL, accumulator,
                                 NULL, NULL, result, n_params, types);
  va_end(types);
  return id;
}

static void
buntime_worker_class_init(BuntimeWorkerClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS(class);

  object_class->dispose = buntime_worker_dispose;
  object_class->finalize = buntime_worker_finalize;
  signals[SIGNAL_READY] = make_signal("ready", G_TYPE_NONE, 0);
  signals[SIGNAL_OUTPUT] = make_signal("output", G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_BYTES);
  signals[SIGNAL_MESSAGE] = make_signal("message", G_TYPE_NONE, 1, G_TYPE_BYTES);
  signals[SIGNAL_REQUEST] = make_signal("request", G_TYPE_BOOLEAN, 2, G_TYPE_UINT, G_TYPE_BYTES);
  signals[SIGNAL_STATE] =
    make_signal("state", G_TYPE_NONE, 4, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_INT, G_TYPE_STRING);
  signals[SIGNAL_EVENT] = make_signal("event", G_TYPE_NONE, 1, BUNTIME_TYPE_EVENT);
  signals[SIGNAL_EXITED] = make_signal("exited", G_TYPE_NONE, 1, G_TYPE_INT);
}

static void
buntime_worker_init(BuntimeWorker *self)
{
  self->calls = g_hash_table_new(NULL, NULL);
  self->context = g_main_context_ref_thread_default();
  bt_codes_init(&self->codes);
}

/* ---- by the host program ---- */

/* host_out: NULL if the channel is the worker object's. */
static gboolean
open_channel(BuntimeWorker *self, BtWorkerFds *fds, int *host_out, GError **error)
{
  static const BtLinkFuncs link_funcs = { on_message, on_control, on_closed };

  self->channel_is_given = host_out != NULL;
  if (self->channel_is_given)
    return bt_link_fds_open(BT_LINK_DEFAULT_SIZE, host_out, fds->channel, error);
  self->link = bt_link_new(BT_LINK_DEFAULT_SIZE, &link_funcs, self, fds->channel, error);
  return self->link != NULL;
}

static gboolean
open_all(BuntimeWorker *self, BtWorkerFds *fds, int *host_out, GError **error)
{
  if (!open_channel(self, fds, host_out, error))
    return FALSE;
  for (int i = 0; i < 2; i++) {
    self->pipes[i] = bt_pipe_new(on_output, self, &fds->stdio[i + 1], error);
    if (self->pipes[i] == NULL)
      return FALSE;
  }
  fds->stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return fds->stdio[0] >= 0 ||
         bt_fail(error, BUNTIME_ERROR_SETUP, "/dev/null", g_strerror(errno), NULL);
}

static BuntimeWorker *
spawn(BuntimeSandbox *sandbox, const char *entry, const char *const *args, int *host_out,
      GError **error)
{
  static const BtBackendFuncs funcs = { on_event, on_answered, bt_worker_settle_codes, on_ended };
  static const char *const none[] = { NULL };
  static gint count;
  g_autoptr(BuntimeWorker) self = g_object_new(BUNTIME_TYPE_WORKER, NULL);
  gboolean harness = entry == NULL;
  const char *what = !harness                           ? entry
                     : sandbox->worker == BT_WORKER_BUN ? "bun"
                                                        : "python";
  g_autofree char *base = g_path_get_basename(what);
  BtWorkerFds fds = { { -1, -1, -1 }, { -1, -1, -1 } };

  self->name = g_strdup_printf("%s-%d.%d", base, (int)getpid(), g_atomic_int_add(&count, 1) + 1);
  if (!sandbox->isolated) {
    bt_fail(error, BUNTIME_ERROR_USAGE, what, _("a worker always has a sandbox"), NULL);
    return NULL;
  }
  if (!open_all(self, &fds, host_out, error)) {
    bt_worker_fds_close(&fds);
    return NULL;
  }
  /* Whoever has the channel knows what runs: to us an interrupt is a signal. */
  self->takes_code = harness && !self->channel_is_given;
  if (!bt_policy_get_limit(sandbox->policy->rules, BT_LIMIT_OUTPUT, &self->output_left, NULL))
    self->output_left = G_MAXUINT64;
  self->backend =
    bt_backend_new(sandbox, what, harness, args != NULL ? args : none, &fds, &funcs, self);
  return g_steal_pointer(&self);
}

BuntimeWorker *
buntime_sandbox_spawn(BuntimeSandbox *sandbox, const char *entry, const char *const *args,
                      GError **error)
{
  return spawn(sandbox, entry, args, NULL, error);
}

BuntimeWorker *
buntime_sandbox_spawn_with_channel(BuntimeSandbox *sandbox, const char *entry,
                                   const char *const *args, int *memory_out, int *wake_out,
                                   int *control_out, GError **error)
{
  int host[BT_INIT_CHANNEL_FDS] = { -1, -1, -1 };
  BuntimeWorker *self = spawn(sandbox, entry, args, host, error);

  if (self == NULL)
    bt_link_fds_close(host);
  *memory_out = host[0];
  *wake_out = host[1];
  *control_out = host[2];
  return self;
}

static gboolean
on_grace_over(gpointer data)
{
  BuntimeWorker *self = data;

  bt_worker_clear_source(&self->grace);
  bt_backend_signal(self->backend, SIGKILL);
  return G_SOURCE_REMOVE;
}

void
buntime_worker_stop(BuntimeWorker *self, guint grace)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  if (self->ended)
    return;
  bt_backend_signal(self->backend, grace > 0 ? SIGTERM : SIGKILL);
  if (grace == 0 || self->grace != NULL)
    return;
  self->grace = g_timeout_source_new(grace);
  g_source_set_callback(self->grace, on_grace_over, self, NULL);
  g_source_attach(self->grace, g_main_context_get_thread_default());
}
