/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-run.h"

#include <string.h>

#include "debug-ui/bt-problem.h"

#define OUTPUT_SIZE (4u << 20)
#define EVENTS_SIZE (32u << 20)
#define MESSAGES_SIZE (1u << 20)
#define MAX_ENTRIES 100000
/* Of a message that is shown. */
#define MAX_MESSAGE (256u << 10)
/* Milliseconds from SIGTERM to SIGKILL. */
#define GRACE 2000

static guint n_dying;

static gint64
now_ms(void)
{
  return g_get_real_time() / 1000;
}

static void
tell(BtRun *self)
{
  self->changed(self->data, self);
}

static void
set_state(BtRun *self, BtRunState state)
{
  /* What they say then they say for ever. */
  if (self->layers == NULL && self->worker != NULL && state != BT_RUN_STARTING)
    self->layers = buntime_worker_layers_to_json(self->worker);
  self->state = state;
  self->serial++;
  tell(self);
}

/* ---- output ---- */

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, BtRun *self)
{
  g_autoptr(GByteArray) joined = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);

  data = bt_rest_add(&self->rests[stream - 1], data, &size, &joined);
  if (size == 0)
    return;
  bt_scrollback_add(self->output, (guint)stream, data, size);
  tell(self);
}

/* The end of a character that never came. */
static void
flush_rests(BtRun *self)
{
  for (guint i = 0; i < G_N_ELEMENTS(self->rests); i++) {
    if (self->rests[i].count > 0)
      bt_scrollback_add(self->output, i + 1, self->rests[i].bytes, self->rests[i].count);
    self->rests[i].count = 0;
  }
}

/* ---- messages ---- */

/* FALSE: it is too large to be shown. */
static gboolean
add_message(BtRun *self, GBytes *bytes, gint64 request)
{
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);
  g_autoptr(GString) text = g_string_new("{");

  if (size > MAX_MESSAGE) {
    bt_scrollback_skip(self->messages, 1);
    tell(self);
    return FALSE;
  }
  bt_put_int(text, "time", now_ms());
  if (request >= 0)
    bt_put_int(text, "request", request);
  else
    bt_put_json(text, "request", "null");
  bt_put_bytes(text, data != NULL ? data : "", size);
  g_string_append_c(text, '}');
  bt_scrollback_add(self->messages, 0, text->str, text->len);
  tell(self);
  return TRUE;
}

static void
on_message(BuntimeWorker *worker, GBytes *bytes, BtRun *self)
{
  add_message(self, bytes, -1);
}

static gboolean
on_request(BuntimeWorker *worker, guint id, GBytes *bytes, BtRun *self)
{
  return add_message(self, bytes, id);
}

/* ---- events ---- */

/* An event stands for one kind of call, as far as events go; what became of a connection is none. */
static void
count_calls(BtRun *self, const BuntimeEvent *event)
{
  const char *kind = buntime_event_get_kind(event);
  guint count = buntime_event_get_count(event);

  if (buntime_event_get_state(event) != NULL)
    return;
  if (strcmp(kind, "net") == 0 || strcmp(kind, "unix") == 0)
    self->connects += count;
  else if (strcmp(kind, "read") == 0 || strcmp(kind, "write") == 0)
    self->opens += count;
  else if (strcmp(kind, "run") == 0)
    self->execs += count;
}

/* Its JSON, and why it happened in the language of the page. */
static char *
format_event(const BuntimeEvent *event)
{
  char *json = buntime_event_to_json(event);
  const char *reason = buntime_event_get_reason(event);

  if (reason == NULL)
    return json;
  GString *text = g_string_new_len(json, (gssize)strlen(json) - 1);
  g_free(json);
  bt_put_string(text, "told", reason, -1);
  g_string_append_c(text, '}');
  return g_string_free(text, FALSE);
}

static void
on_event(BuntimeWorker *worker, BuntimeEvent *event, BtRun *self)
{
  g_autofree char *json = format_event(event);
  const char *state = buntime_event_get_state(event);

  /* What the library dropped is missed as if it had fallen out here. */
  if (g_strcmp0(state, "dropped") == 0)
    bt_scrollback_skip(self->events, buntime_event_get_count(event));
  bt_scrollback_add(self->events, 0, json, strlen(json));
  count_calls(self, event);
  if (self->state == BT_RUN_STARTING && g_strcmp0(state, "started") == 0) {
    self->started = now_ms();
    set_state(self, BT_RUN_RUNNING);
  } else {
    tell(self);
  }
}

static void
on_ready(BuntimeWorker *worker, BtRun *self)
{
  if (self->state == BT_RUN_STARTING)
    set_state(self, BT_RUN_RUNNING);
}

/* ---- what is looked at now and then ---- */

static void
set_sample(BtRun *self, BtSampleKind kind, GString *text)
{
  BtSample *sample = &self->samples[kind];

  g_string_append_c(text, '}');
  g_free(sample->json);
  sample->json = g_string_free(text, FALSE);
  sample->serial++;
}

static GString *
begin_sample(const BtRun *self, const char *type)
{
  GString *text = g_string_new("{");

  bt_put_string(text, "type", type, -1);
  bt_put_int(text, "worker", self->number);
  bt_put_int(text, "time", now_ms());
  return text;
}

static void
sample_syscalls(BtRun *self)
{
  GString *text = begin_sample(self, "syscalls");

  bt_put_int(text, "connect", (gint64)self->connects);
  bt_put_int(text, "openat", (gint64)self->opens);
  bt_put_int(text, "execve", (gint64)self->execs);
  set_sample(self, BT_SAMPLE_SYSCALLS, text);
}

static void
put_ring(GString *text, const char *name, BuntimeWorker *worker, BuntimeRing ring)
{
  guint64 capacity, used, bytes;

  buntime_worker_get_ring_usage(worker, ring, &capacity, &used, &bytes);
  bt_put_name(text, name);
  g_string_append_c(text, '{');
  bt_put_int(text, "capacity", (gint64)capacity);
  bt_put_int(text, "used", (gint64)used);
  bt_put_int(text, "bytes", (gint64)bytes);
  g_string_append_c(text, '}');
}

static void
sample_rings(BtRun *self)
{
  GString *text = begin_sample(self, "rings");

  put_ring(text, "toWorker", self->worker, BUNTIME_RING_TO_WORKER);
  put_ring(text, "fromWorker", self->worker, BUNTIME_RING_FROM_WORKER);
  set_sample(self, BT_SAMPLE_RINGS, text);
}

static void
sample_processes(BtRun *self)
{
  g_autofree char *processes = buntime_worker_processes_to_json(self->worker);
  GString *text = begin_sample(self, "memory");

  bt_put_json(text, "processes", processes);
  set_sample(self, BT_SAMPLE_MEMORY, text);
}

void
bt_run_sample(BtRun *self, gboolean processes)
{
  if (self->state != BT_RUN_RUNNING)
    return;
  sample_rings(self);
  sample_syscalls(self);
  if (processes)
    sample_processes(self);
  tell(self);
}

/* ---- the end ---- */

static void
on_exited(BuntimeWorker *worker, int status, BtRun *self)
{
  const GError *error = buntime_worker_get_error(worker);

  flush_rests(self);
  sample_syscalls(self);
  self->ended = now_ms();
  self->exit = status;
  if (error != NULL)
    self->error = g_error_copy(error);
  set_state(self, error != NULL ? BT_RUN_FAILED : BT_RUN_EXITED);
}

gboolean
bt_run_is_over(const BtRun *self)
{
  return self->state >= BT_RUN_EXITED;
}

void
bt_run_stop(BtRun *self, gboolean force)
{
  if (!bt_run_is_over(self))
    buntime_worker_stop(self->worker, force ? 0 : GRACE);
}

/* ---- what it is like ---- */

void
bt_run_describe(const BtRun *self, GString *text)
{
  static const char *const states[] = { "starting", "running", "exited", "failed" };

  bt_put_int(text, "worker", self->number);
  bt_put_string(text, "tab", self->tab, -1);
  bt_put_string(text, "name", self->name, -1);
  bt_put_string(text, "language", self->language, -1);
  bt_put_string(text, "file", self->file, -1);
  bt_put_string(text, "state", states[self->state], -1);
  bt_put_int(text, "started", self->started);
  if (self->ended != 0)
    bt_put_int(text, "ended", self->ended);
  else
    bt_put_json(text, "ended", "null");
  if (self->state == BT_RUN_EXITED)
    bt_put_int(text, "exit", self->exit);
  else
    bt_put_json(text, "exit", "null");
  if (self->error != NULL)
    bt_problem_put_error(text, "problem", self->error);
  else
    bt_put_json(text, "problem", "null");
  bt_put_json(text, "layers", self->layers != NULL ? self->layers : "[]");
}

/* ---- */

static void
start(BtRun *self, const BtRunRequest *request, BuntimeSandbox *sandbox)
{
  self->worker = buntime_sandbox_spawn(sandbox, self->file, request->args, &self->error);
  if (self->worker == NULL) {
    self->state = BT_RUN_FAILED;
    self->ended = self->started;
    return;
  }
  g_signal_connect(self->worker, "ready", G_CALLBACK(on_ready), self);
  g_signal_connect(self->worker, "output", G_CALLBACK(on_output), self);
  g_signal_connect(self->worker, "message", G_CALLBACK(on_message), self);
  g_signal_connect(self->worker, "request", G_CALLBACK(on_request), self);
  g_signal_connect(self->worker, "event", G_CALLBACK(on_event), self);
  g_signal_connect(self->worker, "exited", G_CALLBACK(on_exited), self);
}

BtRun *
bt_run_new(guint number, const BtRunRequest *request, char *file, BuntimeSandbox *sandbox,
           BtRunFunc changed, gpointer data)
{
  BtRun *self = g_new0(BtRun, 1);

  self->number = number;
  self->tab = g_strdup(request->tab);
  self->name = g_strdup(request->name);
  self->language = g_strdup(request->language);
  self->file = file;
  self->changed = changed;
  self->data = data;
  self->serial = 1;
  self->started = now_ms();
  self->output = bt_scrollback_new(BT_SCROLLBACK_BYTES, OUTPUT_SIZE, G_MAXUINT);
  self->events = bt_scrollback_new(BT_SCROLLBACK_ITEMS, EVENTS_SIZE, MAX_ENTRIES);
  self->messages = bt_scrollback_new(BT_SCROLLBACK_ITEMS, MESSAGES_SIZE, MAX_ENTRIES);
  start(self, request, sandbox);
  return self;
}

static void
on_dead(BuntimeWorker *worker, int status, gpointer data)
{
  n_dying--;
  g_object_unref(worker);
}

static void
drop_worker(BtRun *self)
{
  g_signal_handlers_disconnect_by_data(self->worker, self);
  if (buntime_worker_get_exited(self->worker)) {
    g_object_unref(self->worker);
    return;
  }
  n_dying++;
  g_signal_connect(self->worker, "exited", G_CALLBACK(on_dead), NULL);
  buntime_worker_stop(self->worker, 0);
}

void
bt_run_free(BtRun *self)
{
  if (self->worker != NULL)
    drop_worker(self);
  for (guint i = 0; i < BT_N_SAMPLES; i++)
    g_free(self->samples[i].json);
  bt_scrollback_free(self->output);
  bt_scrollback_free(self->events);
  bt_scrollback_free(self->messages);
  g_clear_error(&self->error);
  g_free(self->layers);
  g_free(self->tab);
  g_free(self->name);
  g_free(self->language);
  g_free(self->file);
  g_free(self);
}

guint
bt_run_count_dying(void)
{
  return n_dying;
}
