/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host program's view of a worker, for tests of the library. */

#include <gio/gio.h>
#include <string.h>

#include "lib/buntime.h"

#define PATIENCE_SECONDS 30

/* What a worker told. */
typedef struct {
  BuntimeWorker *worker;
  GMainLoop *loop;
  GString *output[2];
  GPtrArray *messages, *states; /* char * */
  GString *events;              /* JSON lines */
  gboolean ready;
  int status; /* -1: has not exited */
  guint patience;
} Seen;

static inline gboolean
on_patience_over(gpointer data)
{
  g_error("a worker takes too long");
  return G_SOURCE_REMOVE;
}

static inline void
on_ready(BuntimeWorker *worker, Seen *seen)
{
  seen->ready = TRUE;
  g_main_loop_quit(seen->loop);
}

static inline void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, Seen *seen)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  g_string_append_len(seen->output[stream - 1], data, (gssize)size);
}

static inline void
on_message(BuntimeWorker *worker, GBytes *bytes, Seen *seen)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  g_ptr_array_add(seen->messages, g_strndup(data, size));
  g_main_loop_quit(seen->loop);
}

static inline gboolean
on_request(BuntimeWorker *worker, guint id, GBytes *bytes, Seen *seen)
{
  g_autoptr(GBytes) reply = g_bytes_new_static("answer", 6);
  return buntime_worker_reply(worker, id, reply, NULL);
}

static inline void
on_state(BuntimeWorker *worker, const char *state, guint id, int exit_code, const char *text,
         Seen *seen)
{
  g_ptr_array_add(seen->states, g_strdup(state));
}

static inline void
on_event(BuntimeWorker *worker, BuntimeEvent *event, Seen *seen)
{
  g_autofree char *json = buntime_event_to_json(event);
  g_string_append_printf(seen->events, "%s\n", json);
}

static inline void
on_exited(BuntimeWorker *worker, int status, Seen *seen)
{
  g_assert_cmpint(seen->status, ==, -1);
  seen->status = status;
  g_main_loop_quit(seen->loop);
}

static inline void
seen_watch(Seen *seen, BuntimeWorker *worker)
{
  *seen = (Seen){
    .worker = worker,
    .loop = g_main_loop_new(NULL, FALSE),
    .output = { g_string_new(NULL), g_string_new(NULL) },
    .messages = g_ptr_array_new_with_free_func(g_free),
    .states = g_ptr_array_new_with_free_func(g_free),
    .events = g_string_new(NULL),
    .status = -1,
    .patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, NULL),
  };
  g_assert_nonnull(worker);
  g_signal_connect(seen->worker, "ready", G_CALLBACK(on_ready), seen);
  g_signal_connect(seen->worker, "output", G_CALLBACK(on_output), seen);
  g_signal_connect(seen->worker, "message", G_CALLBACK(on_message), seen);
  g_signal_connect(seen->worker, "request", G_CALLBACK(on_request), seen);
  g_signal_connect(seen->worker, "state", G_CALLBACK(on_state), seen);
  g_signal_connect(seen->worker, "event", G_CALLBACK(on_event), seen);
  g_signal_connect(seen->worker, "exited", G_CALLBACK(on_exited), seen);
}

static inline void
seen_start(Seen *seen, BuntimeSandbox *sandbox, const char *entry, const char *const *args)
{
  g_autoptr(GError) error = NULL;

  seen_watch(seen, buntime_sandbox_spawn(sandbox, entry, args, &error));
  g_assert_no_error(error);
}

static inline void
seen_wait(Seen *seen)
{
  while (seen->status < 0)
    g_main_loop_run(seen->loop);
}

static inline void
seen_clear(Seen *seen)
{
  g_source_remove(seen->patience);
  g_assert_finalize_object(seen->worker);
  g_main_loop_unref(seen->loop);
  g_string_free(seen->output[0], TRUE);
  g_string_free(seen->output[1], TRUE);
  g_ptr_array_unref(seen->messages);
  g_ptr_array_unref(seen->states);
  g_string_free(seen->events, TRUE);
}

static inline BuntimeSandbox *
sandbox_new(void)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(GError) error = NULL;

  buntime_policy_add_permission(policy, BUNTIME_PERMISSION_RUN, TRUE, "/usr/bin/sleep", &error);
  buntime_policy_add_permission(policy, BUNTIME_PERMISSION_NET, TRUE, "granted.example:443",
                                &error);
  g_assert_no_error(error);
  return buntime_sandbox_new(policy);
}

static inline void
on_answer(GObject *object, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref(result);
}

static inline char *
await_call(Seen *seen, GAsyncResult **result, gboolean code, GError **error)
{
  while (*result == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_autoptr(GAsyncResult) own = g_steal_pointer(result);
  if (code)
    return buntime_worker_run_code_finish(seen->worker, own, error);
  g_autoptr(GBytes) bytes = buntime_worker_call_finish(seen->worker, own, error);
  gsize size;
  const char *data = bytes != NULL ? g_bytes_get_data(bytes, &size) : NULL;
  return data != NULL ? g_strndup(data, size) : NULL;
}

static inline char *
call(Seen *seen, const char *text, int timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  GAsyncResult *result = NULL;

  buntime_worker_call(seen->worker, bytes, timeout, cancellable, on_answer, &result);
  if (cancellable != NULL)
    g_cancellable_cancel(cancellable);
  return await_call(seen, &result, FALSE, error);
}

static inline void
send_text(Seen *seen, const char *text)
{
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  g_autoptr(GError) error = NULL;
  g_assert_true(buntime_worker_send(seen->worker, bytes, &error));
}

static inline const char *
next_message(Seen *seen)
{
  guint before = seen->messages->len;
  while (seen->messages->len == before && seen->status < 0)
    g_main_loop_run(seen->loop);
  g_assert_cmpuint(seen->messages->len, >, before);
  return g_ptr_array_index(seen->messages, before);
}

static inline gboolean
on_time_over(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets the loop run for a while; how often it had something to do. */
static inline guint
iterate(guint milliseconds)
{
  gboolean over = FALSE;
  guint count = 0;

  g_timeout_add(milliseconds, on_time_over, &over);
  while (!over) {
    g_main_context_iteration(NULL, TRUE);
    count++;
  }
  return count;
}
