/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-served.h"

#include <string.h>

#include "serve/bt-rest.h"

struct _BtServed {
  BtClient *client;
  BuntimeWorker *worker;
  guint number;
  char *entry;
  gboolean ready;
  BtRest rests[2]; /* of its output streams */
  guint dropped;   /* events */
};

static guint n_dying;

/* ---- output ---- */

static void
tell_output(BtServed *self, int stream, const guint8 *bytes, gsize size)
{
  GString *line = bt_client_begin_notification("output", self->number);

  bt_put_string(line, "stream", stream == BUNTIME_STREAM_STDOUT ? "stdout" : "stderr", -1);
  bt_put_bytes(line, bytes, size);
  bt_client_notify(self->client, line);
}

static void
flush_rest(BtServed *self, int stream)
{
  BtRest *rest = &self->rests[stream - 1];

  if (rest->count > 0)
    tell_output(self, stream, rest->bytes, rest->count);
  rest->count = 0;
}

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, BtServed *self)
{
  g_autoptr(GByteArray) joined = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);

  data = bt_rest_add(&self->rests[stream - 1], data, &size, &joined);
  if (size > 0)
    tell_output(self, stream, data, size);
}

/* ---- the other signals ---- */

static void
tell_bytes(BtServed *self, GString *line, GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);

  bt_put_bytes(line, data, size);
  bt_client_notify(self->client, line);
}

static void
on_ready(BuntimeWorker *worker, BtServed *self)
{
  self->ready = TRUE;
  bt_client_notify(self->client, bt_client_begin_notification("ready", self->number));
}

static void
on_message(BuntimeWorker *worker, GBytes *bytes, BtServed *self)
{
  tell_bytes(self, bt_client_begin_notification("message", self->number), bytes);
}

static gboolean
on_request(BuntimeWorker *worker, guint id, GBytes *bytes, BtServed *self)
{
  GString *line = bt_client_begin_notification("request", self->number);

  bt_put_int(line, "request", id);
  tell_bytes(self, line, bytes);
  return TRUE;
}

static void
on_state(BuntimeWorker *worker, const char *state, guint id, int exit_code, const char *text,
         BtServed *self)
{
  GString *line = bt_client_begin_notification("state", self->number);

  bt_put_string(line, "state", state, -1);
  bt_put_int(line, "code", id);
  if (strcmp(state, "exec_end") == 0)
    bt_put_int(line, "exitCode", exit_code);
  if (strcmp(state, "exception") == 0)
    bt_put_string(line, "text", text, -1);
  bt_client_notify(self->client, line);
}

static void
tell_dropped(BtServed *self)
{
  if (self->dropped == 0)
    return;
  GString *line = bt_client_begin_notification("dropped", self->number);
  bt_put_int(line, "count", self->dropped);
  self->dropped = 0;
  bt_client_notify(self->client, line);
}

/* They do not come from what is paused: a client that does not read loses them. */
static void
on_event(BuntimeWorker *worker, BuntimeEvent *event, BtServed *self)
{
  if (bt_client_is_full(self->client)) {
    self->dropped += buntime_event_get_count(event);
    return;
  }
  tell_dropped(self);
  g_autofree char *json = buntime_event_to_json(event);
  GString *line = bt_client_begin_notification("event", self->number);
  bt_put_json(line, "event", json);
  bt_client_notify(self->client, line);
}

static void
on_exited(BuntimeWorker *worker, int status, BtServed *self)
{
  const GError *error = buntime_worker_get_error(worker);

  flush_rest(self, BUNTIME_STREAM_STDOUT);
  flush_rest(self, BUNTIME_STREAM_STDERR);
  tell_dropped(self);
  GString *line = bt_client_begin_notification("exited", self->number);
  bt_put_int(line, "status", status);
  if (error != NULL)
    bt_put_error(line, "error", error);
  bt_client_notify(self->client, line);
  bt_client_remove_worker(self->client, self->number);
}

/* ---- */

BtServed *
bt_served_new(BtClient *client, BuntimeWorker *worker, const char *entry, gboolean ready)
{
  BtServed *self = g_new0(BtServed, 1);

  self->client = client;
  self->worker = worker;
  self->entry = g_strdup(entry);
  self->ready = ready;
  g_signal_connect(worker, "ready", G_CALLBACK(on_ready), self);
  g_signal_connect(worker, "output", G_CALLBACK(on_output), self);
  g_signal_connect(worker, "message", G_CALLBACK(on_message), self);
  g_signal_connect(worker, "request", G_CALLBACK(on_request), self);
  g_signal_connect(worker, "state", G_CALLBACK(on_state), self);
  g_signal_connect(worker, "event", G_CALLBACK(on_event), self);
  g_signal_connect(worker, "exited", G_CALLBACK(on_exited), self);
  self->number = bt_client_add_worker(client, self);
  return self;
}

static void
on_dead(BuntimeWorker *worker, int status, gpointer data)
{
  n_dying--;
  g_object_unref(worker);
}

void
bt_served_free(BtServed *self)
{
  g_signal_handlers_disconnect_by_data(self->worker, self);
  if (buntime_worker_get_exited(self->worker)) {
    g_object_unref(self->worker);
  } else {
    n_dying++;
    g_signal_connect(self->worker, "exited", G_CALLBACK(on_dead), NULL);
    buntime_worker_resume_reading(self->worker);
    buntime_worker_stop(self->worker, 0);
  }
  g_free(self->entry);
  g_free(self);
}

guint
bt_served_count_dying(void)
{
  return n_dying;
}

BuntimeWorker *
bt_served_get_worker(const BtServed *self)
{
  return self->worker;
}

guint
bt_served_get_number(const BtServed *self)
{
  return self->number;
}

void
bt_served_set_paused(BtServed *self, gboolean paused)
{
  if (paused)
    buntime_worker_pause_reading(self->worker);
  else
    buntime_worker_resume_reading(self->worker);
}

void
bt_served_describe(const BtServed *self, GString *text)
{
  bt_put_int(text, "worker", self->number);
  if (self->entry != NULL)
    bt_put_string(text, "entry", self->entry, -1);
  bt_put_bool(text, "ready", self->ready);
}
