/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who reads what a worker writes: nobody for a while, or somebody else.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "library-fixture.h"

/* Whose channel is another's: he hears it, and the worker's end. */
static void
test_given_channel(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
  g_autoptr(GError) error = NULL;
  int fds[3];
  char text[200] = "";
  Seen seen;

  seen_watch(&seen, buntime_sandbox_spawn_with_channel(sandbox, BT_TEST_PEER, NULL, &fds[0],
                                                       &fds[1], &fds[2], &error));
  g_assert_no_error(error);
  /* The peer's own hello. */
  g_assert_cmpint(recv(fds[2], text, sizeof text - 1, 0), >, 0);
  g_assert_true(g_str_has_prefix(text, "{\"type\":\"hello\",\"version\":1,"));
  g_assert_cmpint(fcntl(fds[0], F_GET_SEALS) & F_SEAL_SHRINK, ==, F_SEAL_SHRINK);
  g_assert_false(buntime_worker_send(seen.worker, bytes, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  guint64 capacity = 1;
  g_assert_false(buntime_worker_get_ring_usage(seen.worker, BUNTIME_RING_TO_WORKER, &capacity, NULL,
                                               NULL));
  g_assert_cmpuint(capacity, ==, 0);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  g_assert_false(seen.ready);
  g_assert_cmpint(seen.status, ==, 128 + SIGKILL);
  while (recv(fds[1], text, sizeof text, 0) > 0)
    ;
  for (int i = 0; i < 3; i++) {
    g_assert_cmpint(fcntl(fds[i], F_GETFD), ==, FD_CLOEXEC);
    close(fds[i]);
  }
  seen_clear(&seen);
}

/* Nothing is lost, nothing comes, and what has ended keeps nobody awake. */
static void
test_pause(void)
{
  static const char *const args[] = {
    "-c", "i=0; while [ $i -lt 3000 ]; do echo $(printf %0999d 0); i=$((i + 1)); done; exit 4", NULL
  };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", args);
  while (seen.output[0]->len == 0)
    g_main_context_iteration(NULL, TRUE);
  buntime_worker_pause_reading(seen.worker);
  gsize before = seen.output[0]->len;
  iterate(300);
  g_assert_cmpuint(seen.output[0]->len, ==, before);
  g_assert_cmpint(seen.status, ==, -1);
  buntime_worker_resume_reading(seen.worker);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 4);
  g_assert_cmpuint(seen.output[0]->len, ==, 3000000);
  seen_clear(&seen);
}

static void
test_pause_channel(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  send_text(&seen, "first");
  next_message(&seen);
  buntime_worker_pause_reading(seen.worker);
  for (int i = 0; i < 100; i++)
    send_text(&seen, "more");
  send_text(&seen, "end");
  iterate(300);
  g_assert_cmpuint(iterate(300), <, 100);
  g_assert_cmpuint(seen.messages->len, ==, 1);
  g_assert_cmpint(seen.status, ==, -1);
  buntime_worker_resume_reading(seen.worker);
  g_assert_cmpuint(seen.messages->len, ==, 1);
  seen_wait(&seen);
  g_assert_cmpuint(seen.messages->len, ==, 101);
  g_assert_cmpint(seen.status, ==, 7);
  seen_clear(&seen);
}

/* Also where it never goes on. */
static void
test_pause_dropped(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  send_text(&seen, "first");
  next_message(&seen);
  buntime_worker_pause_reading(seen.worker);
  buntime_worker_stop(seen.worker, 0);
  iterate(200);
  g_assert_cmpint(seen.status, ==, -1);
  seen_clear(&seen);
}

/* The header of a frame. */
#define HEADER 9

static guint64
used_of(Seen *seen, BuntimeRing ring, guint64 *bytes_out)
{
  guint64 capacity, used;

  g_assert_true(buntime_worker_get_ring_usage(seen->worker, ring, &capacity, &used, bytes_out));
  g_assert_cmpuint(capacity, ==, 512 << 10);
  g_assert_cmpuint(used, <=, capacity);
  return used;
}

static void
test_usage(void)
{
  const guint64 first = HEADER + 5, more = 10 * (HEADER + 4);
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  guint64 bytes;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  send_text(&seen, "first");
  next_message(&seen);
  g_assert_cmpuint(used_of(&seen, BUNTIME_RING_FROM_WORKER, &bytes), ==, 0);
  g_assert_cmpuint(bytes, ==, first);
  buntime_worker_pause_reading(seen.worker);
  for (int i = 0; i < 10; i++)
    send_text(&seen, "more");
  used_of(&seen, BUNTIME_RING_TO_WORKER, &bytes);
  g_assert_cmpuint(bytes, ==, first + more);
  /* What waits has not gone by yet. */
  for (int i = 0; i < 500 && used_of(&seen, BUNTIME_RING_FROM_WORKER, &bytes) < more; i++)
    iterate(10);
  g_assert_cmpuint(used_of(&seen, BUNTIME_RING_FROM_WORKER, &bytes), ==, more);
  g_assert_cmpuint(bytes, ==, first);
  buntime_worker_resume_reading(seen.worker);
  while (seen.messages->len < 11)
    g_main_loop_run(seen.loop);
  g_assert_cmpuint(used_of(&seen, BUNTIME_RING_FROM_WORKER, &bytes), ==, 0);
  g_assert_cmpuint(bytes, ==, first + more);
  /* It tells of what it has read when it finds nothing more. */
  for (int i = 0; i < 500 && used_of(&seen, BUNTIME_RING_TO_WORKER, NULL) > 0; i++)
    iterate(10);
  g_assert_cmpuint(used_of(&seen, BUNTIME_RING_TO_WORKER, NULL), ==, 0);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  g_assert_false(buntime_worker_get_ring_usage(seen.worker, BUNTIME_RING_FROM_WORKER, NULL, NULL,
                                               &bytes));
  g_assert_cmpuint(bytes, ==, 0);
  seen_clear(&seen);
}

/* The sum of what such events stand for. */
static guint
count_events(const Seen *seen, const char *what)
{
  guint sum = 0;

  for (const char *at = seen->events->str; (at = strstr(at, what)) != NULL; at += strlen(what))
    sum += (guint)g_ascii_strtoull(strstr(at, "\"count\":") + strlen("\"count\":"), NULL, 10);
  return sum;
}

static gboolean
has_processes(const Seen *seen)
{
  g_autofree char *processes = buntime_worker_processes_to_json(seen->worker);
  return strcmp(processes, "[]") != 0;
}

/* Another run, told elsewhere: when that has ended, an earlier one's end is on its way, too. */
static void
run_elsewhere(BuntimeSandbox *sandbox)
{
  static const char *const args[] = { "-c", "exit 3", NULL };
  g_autoptr(GMainContext) context = g_main_context_new();
  g_autoptr(GError) error = NULL;

  g_main_context_push_thread_default(context);
  g_autoptr(BuntimeWorker) worker = buntime_sandbox_spawn(sandbox, "/bin/sh", args, &error);
  g_assert_no_error(error);
  while (!buntime_worker_get_exited(worker))
    g_main_context_iteration(context, TRUE);
  g_main_context_pop_thread_default(context);
}

/* Who does not look loses events, but is told how many, and what became of the run. */
static void
test_events_lost(void)
{
  static const char *const args[] = {
    "-c", "i=0; while [ $i -lt 10000 ]; do true 2>/dev/null >/etc/made-$i; i=$((i + 1)); done", NULL
  };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", args);
  while (count_events(&seen, "\"action\":\"started\"") == 0)
    g_main_context_iteration(NULL, TRUE);
  while (has_processes(&seen))
    g_usleep(5000);
  run_elsewhere(sandbox);
  seen_wait(&seen);
guint told = count_events(&seen, "\"object\":\"/etc/made-"),
        lost = count_events(&seen, "\"action\":\"dropped\"");
  g_assert_cmpuint(told + lost, ==, 10000);
  g_assert_cmpuint(lost, >, 0);
  /* A look now and then is enough. */
  g_assert_cmpuint(told, >=, 4000);
  g_assert_cmpuint(count_events(&seen, "\"action\":\"exited\""), ==, 1);
  seen_clear(&seen);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/library-reading/given-channel", test_given_channel);
  g_test_add_func("/library-reading/pause", test_pause);
  g_test_add_func("/library-reading/pause-channel", test_pause_channel);
  g_test_add_func("/library-reading/pause-dropped", test_pause_dropped);
  g_test_add_func("/library-reading/usage", test_usage);
  g_test_add_func("/library-reading/events-lost", test_events_lost);
  return g_test_run();
}
