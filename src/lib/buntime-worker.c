/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker of a host program: what its thread sees of the run (bt-backend.h), the
 * channel (bt-link.h) and the output (bt-pipe.h).
 *
 * The end: the backend says that all is gone.  What the worker left in its pipes
 * and in the ring is still emitted, and what waits for an answer fails; then
 * ::exited.
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

/* ---- calls ---- */

/* One that waits for an answer. */
typedef struct {
  guint32 id;
  GSource *timeout;   /* NULL: for ever */
  GSource *cancelled; /* NULL: it cannot be */
  gboolean code;
} Call;

static void
clear_source(GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_source_unref(g_steal_pointer(source));
}

static void
call_free(gpointer data)
{
  g_free(data);
}

/* Takes it out; the task is the caller's to answer. */
static GTask *
take_call(BuntimeWorker *self, guint32 id)
{
  gpointer task = NULL;

  if (!g_hash_table_steal_extended(self->calls, GUINT_TO_POINTER(id), NULL, &task))
    return NULL;
  Call *call = g_task_get_task_data(task);
  clear_source(&call->timeout);
  clear_source(&call->cancelled);
  return task;
}

static void
fail_call(BuntimeWorker *self, guint32 id, BuntimeError code, const char *reason)
{
  g_autoptr(GTask) task = take_call(self, id);

  if (task == NULL)
    return;
  GError *error = NULL;
  bt_fail(&error, code, self->name, reason, NULL);
  g_task_return_error(task, error);
}

static gboolean
on_timeout(gpointer data)
{
  BuntimeWorker *self = g_task_get_source_object(data);
  const Call *call = g_task_get_task_data(data);

  fail_call(self, call->id, BUNTIME_ERROR_TIMED_OUT, _("no answer came in time"));
  return G_SOURCE_REMOVE;
}

/*
 * The signal wakes the program, the message says what is meant: by the time the signal
 * comes it may have gone on to other code.  And before code runs there is nothing to be
 * interrupted, but perhaps other code, or an interpreter that starts.
 */
static void
interrupt_code(BuntimeWorker *self, guint32 id)
{
  g_autofree char *message = g_strdup_printf("{\"type\":\"interrupt\",\"id\":%u}", id);

  BtCut cut =
    self->ended || self->link == NULL ? BT_CUT_DONE : bt_codes_interrupt(&self->codes, id);
  if (cut != BT_CUT_DONE)
    bt_link_send_control(self->link, message);
  if (cut == BT_CUT_NOW)
    bt_backend_signal(self->backend, SIGINT);
}

/* Of the code that has no answer yet; 0: there is none. */
static guint32
oldest_code(BuntimeWorker *self)
{
  GHashTableIter iter;
  gpointer id, task;
  guint32 oldest = 0;

  g_hash_table_iter_init(&iter, self->calls);
  while (g_hash_table_iter_next(&iter, &id, &task)) {
    const Call *call = g_task_get_task_data(task);
    /* They are counted up, and around. */
    if (call->code && (oldest == 0 || (gint32)(call->id - oldest) < 0))
      oldest = call->id;
  }
  return oldest;
}

static void
follow_code(BuntimeWorker *self, const BtControl *message)
{
  if (message->state == BT_CONTROL_EXEC_START) {
    self->takes_code = TRUE;
    if (bt_codes_started(&self->codes, message->id))
      bt_backend_signal(self->backend, SIGINT);
  } else if (message->state == BT_CONTROL_EXEC_END) {
    self->codes.running = 0;
  }
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
  BuntimeWorker *self = g_task_get_source_object(data);
  const Call *call = g_task_get_task_data(data);
  g_autoptr(GTask) task = take_call(self, call->id);

  if (task == NULL)
    return G_SOURCE_REMOVE;
  if (call->code && bt_codes_forget(&self->codes, call->id))
    ; /* the worker never hears of it */
  else if (call->code && self->takes_code)
    interrupt_code(self, call->id);
  else if (call->code)
    buntime_worker_interrupt(self);
  /* Also where it was reset meanwhile. */
  g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _("the call was given up"));
  return G_SOURCE_REMOVE;
}

static guint32
next_id(BuntimeWorker *self)
{
  do
    self->last_id++;
  while (self->last_id == 0 || g_hash_table_contains(self->calls, GUINT_TO_POINTER(self->last_id)));
  return self->last_id;
}

static gboolean
send_bytes(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes, GError **error)
{
  if (self->channel_is_given)
    return bt_fail(error, BUNTIME_ERROR_USAGE, self->name, _("its channel is another's"), NULL);
  if (self->ended || self->link == NULL)
    return bt_fail(error, BUNTIME_ERROR_ENDED, self->name, _("the worker has ended"), NULL);
  if (!bt_link_send(self->link, type, id, bytes))
    return bt_fail(error, BUNTIME_ERROR_BUSY, self->name,
                   _("it does not read what is sent to it"), NULL);
  return TRUE;
}

/* What was kept back is given to the worker, since every signal has been sent. */
static void
on_settled(gpointer data)
{
  g_autoptr(BuntimeWorker) self = g_object_ref(data);
  g_autoptr(GBytes) bytes = NULL;
  guint32 id;

  bt_codes_settled(&self->codes);
  while (bt_codes_next(&self->codes, &id, &bytes)) {
    GError *error = NULL;
    g_autoptr(GTask) task =
      send_bytes(self, BT_FRAME_CODE, id, bytes, &error) ? NULL : take_call(self, id);
    if (task != NULL)
      g_task_return_error(task, g_steal_pointer(&error));
    g_clear_error(&error);
    g_clear_pointer(&bytes, g_bytes_unref);
  }
}

static gboolean
send_call(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes, GError **error)
{
  BtCodeResult result = BT_CODE_SEND;

  if (type == BT_FRAME_CODE && !self->ended && self->link != NULL)
    result = bt_codes_begin(&self->codes, id, bytes);
  if (result == BT_CODE_FULL)
    return bt_fail(error, BUNTIME_ERROR_BUSY, self->name, _("it does not end what it runs"), NULL);
  return result == BT_CODE_KEPT || send_bytes(self, type, id, bytes, error);
}

static void
begin_call(BuntimeWorker *self, BtFrameType type, GBytes *bytes, int timeout,
           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data, gpointer tag)
{
  g_autoptr(GTask) task = g_task_new(self, cancellable, callback, data);
  GError *error = NULL;
  Call *call = g_new0(Call, 1);

  g_task_set_source_tag(task, tag);
  g_task_set_task_data(task, call, call_free);
  call->id = next_id(self);
  call->code = type == BT_FRAME_CODE;
  if (g_task_return_error_if_cancelled(task))
    return;
  if (!send_call(self, type, call->id, bytes, &error)) {
    g_task_return_error(task, error);
    return;
  }
  g_hash_table_insert(self->calls, GUINT_TO_POINTER(call->id), g_object_ref(task));
  if (timeout >= 0) {
    call->timeout = g_timeout_source_new((guint)timeout);
    g_source_set_callback(call->timeout, on_timeout, task, NULL);
    g_source_attach(call->timeout, g_task_get_context(task));
  }
  if (cancellable == NULL)
    return;
  /* Not its signal: that is emitted in whatever thread cancels it, perhaps at this moment. */
  call->cancelled = g_cancellable_source_new(cancellable);
  g_source_set_callback(call->cancelled, G_SOURCE_FUNC(on_cancelled), task, NULL);
  g_source_attach(call->cancelled, g_task_get_context(task));
}

static void
fail_all_calls(BuntimeWorker *self, const char *reason)
{
  g_autoptr(GList) ids = g_hash_table_get_keys(self->calls);

  bt_codes_forget_all(&self->codes);
  for (GList *id = ids; id != NULL; id = id->next)
    fail_call(self, GPOINTER_TO_UINT(id->data), BUNTIME_ERROR_ENDED, reason);
}

/* ---- the end ---- */

static void
emit_exited(BuntimeWorker *self)
{
  if (self->exited || !self->ended || self->pipes[0] != NULL || self->pipes[1] != NULL ||
      self->link != NULL)
    return;
  self->exited = TRUE;
  fail_all_calls(self, _("the worker has ended"));
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
  if (!send_bytes(self, type, id, bytes, NULL) && self->link != NULL)
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

/* Of an error that the worker tells: each byte of it could become three. */
#define MAX_ERROR_TEXT (1u << 20)

static void
answer(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes)
{
  g_autoptr(GTask) task = take_call(self, id);
  const Call *call = task != NULL ? g_task_get_task_data(task) : NULL;
  gboolean ok = type != BT_FRAME_ERROR;
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);

  if (bt_codes_answered(&self->codes, id) && self->backend != NULL)
    bt_backend_settle(self->backend);
  /* An error that nobody waits for any more may be a request's. */
  if (self->link != NULL && (type == BT_FRAME_RESULT || (call != NULL && call->code)))
    bt_link_answered_code(self->link);
  /* Of one that was given up, or that the worker made up. */
  if (task == NULL)
    return;
  if (ok) {
    g_task_return_pointer(task, g_bytes_ref(bytes), (GDestroyNotify)g_bytes_unref);
    return;
  }
  g_autofree char *text =
    g_utf8_make_valid(data != NULL ? data : "", (gssize)MIN(size, MAX_ERROR_TEXT));
  g_task_return_error(task, g_error_new_literal(BUNTIME_ERROR, BUNTIME_ERROR_FAILED, text));
}

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
    answer(self, type, id, bytes);
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
    follow_code(self, message);
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

static void
on_closed(gpointer data, const char *reason)
{
  BuntimeWorker *self = g_object_ref(data);

  if (reason != NULL && self->backend != NULL)
    bt_backend_signal(self->backend, SIGKILL);
  g_clear_pointer(&self->link, bt_link_free);
  if (reason != NULL) {
    BtEvent *event = bt_event_new_state("failed");
    event->reason = g_strdup_printf("the worker broke the channel's protocol: %s", reason);
    emit_event(self, event);
  }
  fail_all_calls(self, _("the worker has closed its channel"));
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
  clear_source(&self->grace);
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
  for (int i = 0; i < 2; i++)
    g_clear_pointer(&self->pipes[i], bt_pipe_free);
  clear_source(&self->grace);
  fail_all_calls(self, _("the worker has ended"));
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
  static const BtBackendFuncs funcs = { on_event, on_answered, on_settled, on_ended };
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

gboolean
buntime_worker_send(BuntimeWorker *self, GBytes *bytes, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  return send_bytes(self, BT_FRAME_MESSAGE, 0, bytes, error);
}

gboolean
buntime_worker_reply(BuntimeWorker *self, guint id, GBytes *bytes, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  return send_bytes(self, BT_FRAME_REPLY, id, bytes, error);
}

gboolean
buntime_worker_reply_error(BuntimeWorker *self, guint id, const char *text, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  return send_bytes(self, BT_FRAME_ERROR, id, bytes, error);
}

void
buntime_worker_call(BuntimeWorker *self, GBytes *bytes, int timeout, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  begin_call(self, BT_FRAME_REQUEST, bytes, timeout, cancellable, callback, data,
             buntime_worker_call);
}

GBytes *
buntime_worker_call_finish(BuntimeWorker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), NULL);
  return g_task_propagate_pointer(G_TASK(result), error);
}

void
buntime_worker_run_code(BuntimeWorker *self, const char *code, int timeout,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  g_autoptr(GBytes) bytes = g_bytes_new(code, strlen(code));
  begin_call(self, BT_FRAME_CODE, bytes, timeout, cancellable, callback, data,
             buntime_worker_run_code);
}

char *
buntime_worker_run_code_finish(BuntimeWorker *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), NULL);
  g_autoptr(GBytes) bytes = g_task_propagate_pointer(G_TASK(result), error);
  if (bytes == NULL)
    return NULL;
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  return g_utf8_make_valid(data != NULL ? data : "", (gssize)size);
}

void
buntime_worker_interrupt(BuntimeWorker *self)
{
  g_return_if_fail(BUNTIME_IS_WORKER(self));
  if (self->ended)
    return;
  guint32 id = self->codes.running != 0 ? self->codes.running : oldest_code(self);
  if (!self->takes_code)
    bt_backend_signal(self->backend, SIGINT);
  else if (id != 0)
    interrupt_code(self, id);
}

static gboolean
on_grace_over(gpointer data)
{
  BuntimeWorker *self = data;

  clear_source(&self->grace);
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
