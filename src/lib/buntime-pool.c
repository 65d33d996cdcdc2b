/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Workers that are ready before they are wanted.
 *
 *   (started) ──ready──▶ (preloaded) ──result──▶ WAITING ──take──▶ the caller's
 *       └───────────────────┴──────── ended, failed ─┘
 *
 * As many are started as are to wait, and one for each who waits for one, a few at a time.  What
 * ends before it was taken is a failure: nothing is started for a while then, which doubles from
 * one failure to the next until a worker was taken, or has waited for long.  When a failure leaves
 * nobody who could still become ready, all who wait for a worker are told.
 *
 * Nothing here is ever looked at again and again: each step is the answer to an event.
 */
#include "lib/buntime-pool.h"

#include <glib/gi18n-lib.h>

#include "lib/bt-sandbox-private.h"
#include "policy/buntime-error.h"

#define FIRST_PAUSE_MS 100
#define LAST_PAUSE_MS 5000
/*
 * What takes a worker's place is started so much later, in µs: that keeps two processors busy for
 * a while, which are the first code's until then. If somebody waits it is not put off.
 */
#define HEAD_START (5 * G_TIME_SPAN_MILLISECOND)
/* One that has waited for so long did not fail for how it was started. */
#define LONG_WAIT (10 * G_USEC_PER_SEC)

/* One worker, until it is taken. */
typedef struct {
  BuntimePool *pool; /* NULL: it was dropped, and a late answer is nobody's */
  BuntimeWorker *worker;
  gulong on_ready, on_exited;
  GCancellable *preloading; /* NULL: it is not */
  gint64 waits_since;       /* 0: it is not ready yet */
} Slot;

struct _BuntimePool {
  GObject parent_instance;
  BuntimeSandbox *sandbox;
  GMainContext *context;
  guint size;
  char *entry; /* NULL: what takes code */
  GStrv args;
  char *preload;
  GPtrArray *starting; /* Slot */
  GQueue waiting;      /* Slot, the oldest first */
  GQueue takers;       /* GTask, the oldest first */
  GSource *filling;    /* NULL: there is nothing to start */
  GSource *pause;      /* NULL: there was no failure lately */
  guint failures;      /* since the last that was taken */
  gboolean stopped;
};

G_DEFINE_FINAL_TYPE(BuntimePool, buntime_pool, G_TYPE_OBJECT)

static void
clear_source(GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy(*source);
  g_source_unref(g_steal_pointer(source));
}

static void fill_soon(BuntimePool *self);
static void begin_pause(BuntimePool *self);

/* ---- those who take ---- */

static void
clear_taker(gpointer task)
{
  GSource *cancelled = g_task_get_task_data(task);

  if (cancelled != NULL)
    g_source_destroy(cancelled);
  g_object_unref(task);
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer data)
{
  BuntimePool *self = g_task_get_source_object(data);

  if (g_queue_remove(&self->takers, data)) {
    g_task_return_error_if_cancelled(data);
    clear_taker(data);
  }
  return G_SOURCE_REMOVE;
}

/* Those who wait now: in its callback one may ask again. */
static void
fail_takers(BuntimePool *self, const GError *error)
{
  GQueue takers = self->takers;
  GTask *task;

  g_queue_init(&self->takers);
  while ((task = g_queue_pop_head(&takers)) != NULL) {
    g_task_return_error(task, g_error_copy(error));
    clear_taker(task);
  }
}

/* ---- one worker ---- */

static void
clear_slot(gpointer data)
{
  Slot *slot = data;
  g_clear_object(&slot->worker);
}

static void
slot_unref(gpointer slot)
{
  g_rc_box_release_full(slot, clear_slot);
}

/* From here the pool has nothing to do with the worker. */
static void
let_go(Slot *slot)
{
  g_clear_signal_handler(&slot->on_ready, slot->worker);
  g_clear_signal_handler(&slot->on_exited, slot->worker);
  slot->pool = NULL;
}

static void
drop(Slot *slot)
{
  let_go(slot);
  /* Code that runs keeps its worker: dropping it alone would not end it. */
  buntime_worker_stop(slot->worker, 0);
  if (slot->preloading != NULL)
    g_cancellable_cancel(slot->preloading);
  slot_unref(slot);
}

/* It was not taken. Takes error. */
static void
fail(BuntimePool *pool, Slot *slot, GError *error)
{
  /* Callbacks of those who wait may drop it. */
  g_autoptr(BuntimePool) self = g_object_ref(pool);
  gboolean long_ago =
    slot != NULL && slot->waits_since != 0 &&
    g_get_monotonic_time() - slot->waits_since > LONG_WAIT;

  if (slot != NULL) {
    if (!g_ptr_array_remove_fast(self->starting, slot))
      g_queue_remove(&self->waiting, slot);
    drop(slot);
  }
  /* What fails together counts once. */
  if (self->pause == NULL) {
    self->failures = long_ago ? 1 : self->failures + 1;
    begin_pause(self);
  }
  if (self->starting->len == 0)
    fail_takers(self, error);
  g_error_free(error);
}

static void
hand_out(BuntimePool *self, Slot *slot)
{
  GTask *task = g_queue_pop_head(&self->takers);

  let_go(slot);
  self->failures = 0;
  clear_source(&self->pause);
  g_task_return_pointer(task, g_object_ref(slot->worker), g_object_unref);
  clear_taker(task);
  slot_unref(slot);
}

static void
wait_for_taker(Slot *slot)
{
  g_autoptr(BuntimePool) self = g_object_ref(slot->pool);

  g_ptr_array_remove_fast(self->starting, slot);
  slot->waits_since = g_get_monotonic_time();
  g_queue_push_tail(&self->waiting, slot);
  if (!g_queue_is_empty(&self->takers))
    hand_out(self, g_queue_pop_head(&self->waiting));
  fill_soon(self);
}

static void
on_preloaded(GObject *object, GAsyncResult *result, gpointer data)
{
  Slot *slot = data;
  GError *error = NULL;
  g_autofree char *value =
    buntime_worker_run_code_finish(BUNTIME_WORKER(object), result, &error);

  g_clear_object(&slot->preloading);
  if (slot->pool == NULL)
    g_clear_error(&error);
  else if (value != NULL)
    wait_for_taker(slot);
  else
    fail(slot->pool, slot, error);
  slot_unref(slot);
}

static void
on_ready(BuntimeWorker *worker, Slot *slot)
{
  BuntimePool *self = slot->pool;

  /* It may say so more than once. */
  if (slot->waits_since != 0 || slot->preloading != NULL)
    return;
  if (self->preload == NULL) {
    wait_for_taker(slot);
    return;
  }
  slot->preloading = g_cancellable_new();
  buntime_worker_run_code(worker, self->preload, -1, slot->preloading, on_preloaded,
                          g_rc_box_acquire(slot));
}

static void
on_exited(BuntimeWorker *worker, int status, Slot *slot)
{
  const GError *cause = buntime_worker_get_error(worker);
  GError *error = NULL;

  if (cause != NULL) {
    error = g_error_copy(cause);
  } else {
    g_autofree char *reason =
      g_strdup_printf(_("it ended with status %d before it was wanted"), status);
    bt_fail(&error, BUNTIME_ERROR_ENDED, "pool", reason, NULL);
  }
  fail(slot->pool, slot, error);
}

static gboolean
start_one(BuntimePool *self)
{
  GError *error = NULL;

  /* The worker's signals are to come here, whatever context this thread has chosen since. */
  g_main_context_push_thread_default(self->context);
  BuntimeWorker *worker = buntime_sandbox_spawn(self->sandbox, self->entry,
                                                (const char *const *)self->args, &error);
  g_main_context_pop_thread_default(self->context);
  if (worker == NULL) {
    fail(self, NULL, error);
    return FALSE;
  }
  Slot *slot = g_rc_box_new0(Slot);
  slot->pool = self;
  slot->worker = worker;
  slot->on_ready = g_signal_connect(worker, "ready", G_CALLBACK(on_ready), slot);
  slot->on_exited = g_signal_connect(worker, "exited", G_CALLBACK(on_exited), slot);
  g_ptr_array_add(self->starting, slot);
  return TRUE;
}

/* ---- how many ---- */

static gboolean
on_pause_over(gpointer data)
{
  BuntimePool *self = data;

  clear_source(&self->pause);
  fill_soon(self);
  return G_SOURCE_REMOVE;
}

static void
begin_pause(BuntimePool *self)
{
  guint doublings = MIN(self->failures - 1, 6);

  clear_source(&self->filling);
  self->pause = g_timeout_source_new(MIN(FIRST_PAUSE_MS << doublings, LAST_PAUSE_MS));
  g_source_set_callback(self->pause, on_pause_over, self, NULL);
  g_source_attach(self->pause, self->context);
}

/* At the same time: more would only wait for each other. After a failure one is tried. */
static guint
most_at_once(const BuntimePool *self)
{
  return self->failures > 0 ? 1 : MAX(g_get_num_processors(), 2);
}

static gboolean
fill(gpointer data)
{
  g_autoptr(BuntimePool) self = g_object_ref(data);
  guint wanted = self->size + g_queue_get_length(&self->takers);
  gboolean going_on = TRUE;

  clear_source(&self->filling);
  while (going_on && self->starting->len < most_at_once(self) &&
         self->starting->len + g_queue_get_length(&self->waiting) < wanted)
    going_on = start_one(self);
  return G_SOURCE_REMOVE;
}

static void
fill_after(BuntimePool *self, gint64 us)
{
  gint64 when = g_get_monotonic_time() + us;

  if (self->stopped || self->pause != NULL)
    return;
  if (self->filling == NULL) {
    self->filling = g_timeout_source_new(0);
    g_source_set_priority(self->filling, G_PRIORITY_DEFAULT_IDLE);
    g_source_set_callback(self->filling, fill, self, NULL);
    g_source_set_ready_time(self->filling, when);
    g_source_attach(self->filling, self->context);
  } else if (when < g_source_get_ready_time(self->filling)) {
    g_source_set_ready_time(self->filling, when);
  }
}

/* When nothing else is to be done: whoever was just given a worker goes first. */
static void
fill_soon(BuntimePool *self)
{
  fill_after(self, 0);
}

/* ---- the object ---- */

void
buntime_pool_stop(BuntimePool *self)
{
  g_return_if_fail(BUNTIME_IS_POOL(self));
  g_autoptr(GError) error = NULL;
  Slot *slot;

  self->stopped = TRUE;
  clear_source(&self->filling);
  clear_source(&self->pause);
  while (self->starting->len > 0)
    drop(g_ptr_array_steal_index_fast(self->starting, self->starting->len - 1));
  while ((slot = g_queue_pop_head(&self->waiting)) != NULL)
    drop(slot);
  bt_fail(&error, BUNTIME_ERROR_ENDED, "pool", _("it was stopped"), NULL);
  fail_takers(self, error);
}

static void
buntime_pool_dispose(GObject *object)
{
  buntime_pool_stop(BUNTIME_POOL(object));
  G_OBJECT_CLASS(buntime_pool_parent_class)->dispose(object);
}

static void
buntime_pool_finalize(GObject *object)
{
  BuntimePool *self = BUNTIME_POOL(object);

  g_ptr_array_unref(self->starting);
  g_clear_pointer(&self->sandbox, buntime_sandbox_unref);
  g_clear_pointer(&self->context, g_main_context_unref);
  g_strfreev(self->args);
  g_free(self->entry);
  g_free(self->preload);
  G_OBJECT_CLASS(buntime_pool_parent_class)->finalize(object);
}

static void
buntime_pool_class_init(BuntimePoolClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS(class);

  object_class->dispose = buntime_pool_dispose;
  object_class->finalize = buntime_pool_finalize;
}

static void
buntime_pool_init(BuntimePool *self)
{
  self->starting = g_ptr_array_new();
  g_queue_init(&self->waiting);
  g_queue_init(&self->takers);
}

/* ---- by the host program ---- */

BuntimePool *
buntime_pool_new(BuntimeSandbox *sandbox, guint size)
{
  BuntimePool *self = g_object_new(BUNTIME_TYPE_POOL, NULL);

  self->sandbox = bt_sandbox_snapshot(sandbox);
  self->context = g_main_context_ref_thread_default();
  self->size = MAX(size, 1);
  fill_soon(self);
  return self;
}

void
buntime_pool_set_program(BuntimePool *self, const char *entry, const char *const *args)
{
  g_return_if_fail(BUNTIME_IS_POOL(self));
  g_free(self->entry);
  g_strfreev(self->args);
  self->entry = g_strdup(entry);
  self->args = g_strdupv((char **)args);
}

void
buntime_pool_set_preload(BuntimePool *self, const char *code)
{
  g_return_if_fail(BUNTIME_IS_POOL(self));
  g_free(self->preload);
  self->preload = g_strdup(code);
}

guint
buntime_pool_get_ready(BuntimePool *self)
{
  g_return_val_if_fail(BUNTIME_IS_POOL(self), 0);
  return g_queue_get_length(&self->waiting);
}

void
buntime_pool_take_async(BuntimePool *self, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  g_return_if_fail(BUNTIME_IS_POOL(self));
  GTask *task = g_task_new(self, cancellable, callback, data);

  g_task_set_source_tag(task, buntime_pool_take_async);
  if (g_task_return_error_if_cancelled(task)) {
    g_object_unref(task);
    return;
  }
  g_queue_push_tail(&self->takers, task);
  if (self->stopped) {
    buntime_pool_stop(self);
    return;
  }
  if (!g_queue_is_empty(&self->waiting)) {
    hand_out(self, g_queue_pop_head(&self->waiting));
    fill_after(self, HEAD_START);
    return;
  }
  if (cancellable != NULL) {
    GSource *cancelled = g_cancellable_source_new(cancellable);
    g_task_attach_source(task, cancelled, G_SOURCE_FUNC(on_cancelled));
    g_task_set_task_data(task, cancelled, (GDestroyNotify)g_source_unref);
  }
  fill_soon(self);
}

BuntimeWorker *
buntime_pool_take_finish(BuntimePool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail(g_task_is_valid(result, self), NULL);
  return g_task_propagate_pointer(G_TASK(result), error);
}
