/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * host WORKER: a program that starts another one in a sandbox, and talks to it.
 *
 *   cc host.c $(pkg-config --cflags --libs buntime-1.0) -o host
 *   cc worker.c $(pkg-config --cflags --libs buntime-worker-1.0) -o worker
 *   ./host ./worker
 *
 * The worker may reach github.com and nothing else.  It says that it is there, which is a message;
 * we ask it for something, which is a call; and we tell it to end.  What it writes, and what was
 * refused to it, comes to us as it happens.
 */
#include <buntime.h>
#include <string.h>

typedef struct {
  GMainLoop *loop;
  BuntimeWorker *worker;
} Host;

static GBytes *
bytes_of(const char *text)
{
  return g_bytes_new(text, strlen(text));
}

/* What a worker sends may be anything.  A terminal would obey it, so it is shown with escapes. */
static char *
text_of(GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data(bytes, &size);
  g_autofree char *text = g_strndup(data != NULL ? data : "", size);

  return g_strescape(g_strchomp(text), NULL);
}

static void
on_answer(GObject *object, GAsyncResult *result, gpointer data)
{
  Host *host = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) answer = buntime_worker_call_finish(host->worker, result, &error);
  g_autoptr(GBytes) goodbye = bytes_of("that was all");

  if (answer != NULL) {
    g_autofree char *text = text_of(answer);
    g_print("the answer is: %s\n", text);
  } else {
    /* What failed in the worker is told in its own words. */
    g_autofree char *text = g_strescape(error->message, NULL);
    g_print("no answer: %s\n", text);
  }
  /* Where it has ended already, that will be told, too. */
  buntime_worker_send(host->worker, goodbye, NULL);
}

static void
on_message(BuntimeWorker *worker, GBytes *bytes, Host *host)
{
  g_autofree char *text = text_of(bytes);
  g_autoptr(GBytes) question = bytes_of("who is there?");

  g_print("the worker says: %s\n", text);
  buntime_worker_call(worker, question, 5000, NULL, on_answer, host);
}

static void
on_output(BuntimeWorker *worker, int stream, GBytes *bytes, Host *host)
{
  g_autofree char *text = text_of(bytes);

  g_print("the worker writes: %s\n", text);
}

static void
on_event(BuntimeWorker *worker, BuntimeEvent *event, Host *host)
{
  g_autofree char *text = buntime_event_format(event);

  if (buntime_event_get_action(event) == BUNTIME_ACTION_DENY)
    g_print("%s", text);
}

static void
on_exited(BuntimeWorker *worker, int status, Host *host)
{
  g_print("the worker ended with %d\n", status);
  g_main_loop_quit(host->loop);
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  g_autoptr(BuntimeWorker) worker = NULL;

  if (argc != 2) {
    g_printerr("usage: host WORKER\n");
    return 2;
  }
  /* Everything is denied but what is granted here. */
  if (buntime_policy_add_permission(policy, BUNTIME_PERMISSION_NET, TRUE, "github.com:443", &error) &&
      buntime_policy_set_limit(policy, BUNTIME_LIMIT_WALL_TIME, "20s", &error))
    worker = buntime_sandbox_spawn(sandbox, argv[1], NULL, &error);
  if (worker == NULL) {
    g_autofree char *text = buntime_error_format(error);
    g_printerr("%s", text);
    return buntime_error_exit_status(error);
  }

  Host host = { loop, worker };
  g_signal_connect(worker, "message", G_CALLBACK(on_message), &host);
  g_signal_connect(worker, "output", G_CALLBACK(on_output), &host);
  g_signal_connect(worker, "event", G_CALLBACK(on_event), &host);
  g_signal_connect(worker, "exited", G_CALLBACK(on_exited), &host);
  g_main_loop_run(loop);

  /* That it could not be started at all is told by its end. */
  if (buntime_worker_get_error(worker) != NULL) {
    g_autofree char *text = buntime_error_format(buntime_worker_get_error(worker));
    g_printerr("%s", text);
  }
  return buntime_worker_get_exit_status(worker);
}
