/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host program asks of a worker: messages, and calls, each of which waits for an answer
 * until it comes, or its time is up, or it is given up, or the worker ends.
 */
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>

#include "lib/bt-worker-object.h"
#include "wire/bt-frame.h"

/* One that waits for an answer. */
typedef struct {
  guint32 id;
  GSource *timeout;   /* NULL: for ever */
  GSource *cancelled; /* NULL: it cannot be */
  gboolean code;
} Call;

void
bt_worker_clear_source(GSource **source)
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
  bt_worker_clear_source(&call->timeout);
  bt_worker_clear_source(&call->cancelled);
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

  /* What is kept back, and given up, never runs. */
  if (call->code)
    bt_codes_forget(&self->codes, call->id);
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

void
bt_worker_follow_code(BuntimeWorker *self, const BtControl *message)
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

gboolean
bt_worker_send_bytes(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes, GError **error)
{
  g_autoptr(GBytes) payload = bytes != NULL ? g_bytes_ref(bytes) : g_bytes_new(NULL, 0);

  if (self->channel_is_given)
    return bt_fail(error, BUNTIME_ERROR_USAGE, self->name, _("its channel is another's"), NULL);
  if (self->ended || self->link == NULL)
    return bt_fail(error, BUNTIME_ERROR_ENDED, self->name, _("the worker has ended"), NULL);
  if (g_bytes_get_size(payload) > BT_FRAME_MAX_MESSAGE)
    return bt_fail(error, BUNTIME_ERROR_USAGE, self->name, _("a message of more than 64 MiB"),
                   _("send it in parts"));
  if (!bt_link_send(self->link, type, id, payload))
    return bt_fail(error, BUNTIME_ERROR_BUSY, self->name,
                   _("it does not read what is sent to it"), NULL);
  return TRUE;
}

/* What was kept back is given to the worker, since every signal has been sent. */
void
bt_worker_settle_codes(gpointer data)
{
  g_autoptr(BuntimeWorker) self = g_object_ref(data);
  g_autoptr(GBytes) bytes = NULL;
  guint32 id;

  bt_codes_settled(&self->codes);
  while (bt_codes_next(&self->codes, &id, &bytes)) {
    GError *error = NULL;
    if (!bt_worker_send_bytes(self, BT_FRAME_CODE, id, bytes, &error)) {
      g_autoptr(GTask) task = take_call(self, id);
      bt_codes_unsent(&self->codes, id);
      if (task != NULL)
        g_task_return_error(task, g_steal_pointer(&error));
      g_clear_error(&error);
    }
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
  return result == BT_CODE_KEPT || bt_worker_send_bytes(self, type, id, bytes, error);
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

void
bt_worker_fail_calls(BuntimeWorker *self, const char *reason)
{
  g_autoptr(GList) ids = g_hash_table_get_keys(self->calls);

  bt_codes_forget_all(&self->codes);
  for (GList *id = ids; id != NULL; id = id->next)
    fail_call(self, GPOINTER_TO_UINT(id->data), BUNTIME_ERROR_ENDED, reason);
}

/* ---- answers ---- */

/* Of an error that the worker tells: each byte of it could become three. */
#define MAX_ERROR_TEXT (1u << 20)

void
bt_worker_answer(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes)
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

/* ---- by the host program ---- */

gboolean
buntime_worker_send(BuntimeWorker *self, GBytes *bytes, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  return bt_worker_send_bytes(self, BT_FRAME_MESSAGE, 0, bytes, error);
}

gboolean
buntime_worker_reply(BuntimeWorker *self, guint id, GBytes *bytes, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  return bt_worker_send_bytes(self, BT_FRAME_REPLY, id, bytes, error);
}

gboolean
buntime_worker_reply_error(BuntimeWorker *self, guint id, const char *text, GError **error)
{
  g_return_val_if_fail(BUNTIME_IS_WORKER(self), FALSE);
  g_autoptr(GBytes) bytes = g_bytes_new(text, text != NULL ? strlen(text) : 0);
  return bt_worker_send_bytes(self, BT_FRAME_ERROR, id, bytes, error);
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
  g_autoptr(GBytes) bytes = g_bytes_new(code, code != NULL ? strlen(code) : 0);
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
