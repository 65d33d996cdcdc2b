/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libbuntime as a host program has it, with real sandboxes.
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "library-fixture.h"
#include "lib/buntime-types.h"
#include "lib/buntime-worker.h"
#include "lib/buntime.h"

static void
test_output(void)
{
  static const char *const args[] = { "-c", "echo out; echo err >&2; true >/etc/x; exit 5", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", args);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 5);
  g_assert_null(buntime_worker_get_error(seen.worker));
  g_assert_cmpstr(seen.output[0]->str, ==, "out\n");
  g_assert_nonnull(strstr(seen.output[1]->str, "err\n"));
  g_assert_nonnull(strstr(seen.events->str, "\"kind\":\"write\",\"action\":\"deny\""));
  g_assert_nonnull(strstr(seen.events->str, "\"action\":\"exited\""));
  seen_clear(&seen);
}

static void
test_not_found(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/nonexistent/program", NULL);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 127);
  g_assert_error(buntime_worker_get_error(seen.worker), BUNTIME_ERROR, BUNTIME_ERROR_NOT_FOUND);
  seen_clear(&seen);
}

static void
test_channel(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autofree char *large = g_strnfill(5 << 20, 'x');
  g_autoptr(GError) error = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  send_text(&seen, "before it is ready");
  g_assert_cmpstr(next_message(&seen), ==, "before it is ready");
  g_assert_true(seen.ready);
  send_text(&seen, large);
  g_assert_cmpuint(strlen(next_message(&seen)), ==, 5 << 20);
  g_autofree char *answer = call(&seen, "hello", -1, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(answer, ==, "hello");
  g_assert_null(call(&seen, "fail", -1, NULL, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_FAILED);
  g_clear_error(&error);
  g_assert_null(call(&seen, "silence", 50, NULL, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_TIMED_OUT);
  g_clear_error(&error);
  g_assert_null(call(&seen, "silence", -1, cancellable, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  send_text(&seen, "ask");
  g_assert_cmpstr(next_message(&seen), ==, "yes");
  send_text(&seen, "end");
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 7);
  seen_clear(&seen);
}

static void
test_code(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;
  GAsyncResult *result = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  buntime_worker_run_code(seen.worker, "6 * 7", -1, NULL, on_answer, &result);
  g_autofree char *answer = await_call(&seen, &result, TRUE, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(answer, ==, "42");
  g_assert_cmpstr(seen.output[0]->str, ==, "out");
  /* What waits when the worker ends is told. */
  g_autoptr(GBytes) silence = g_bytes_new_static("silence", 7);
  buntime_worker_call(seen.worker, silence, -1, NULL, on_answer, &result);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  g_assert_cmpuint(seen.states->len, ==, 1);
  g_assert_null(await_call(&seen, &result, FALSE, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED);
  seen_clear(&seen);
}

/* Each interrupt is for one code, and its signal comes when that runs. */
static void
test_interrupts(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  GAsyncResult *first = NULL, *second = NULL, *third = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  buntime_worker_run_code(seen.worker, "wait", -1, NULL, on_answer, &first);
  buntime_worker_run_code(seen.worker, "6 * 7", -1, cancellable, on_answer, &second);
  buntime_worker_run_code(seen.worker, "signals", -1, NULL, on_answer, &third);
  while (seen.states->len == 0)
    g_main_context_iteration(NULL, TRUE);
  g_cancellable_cancel(cancellable);
  g_assert_null(await_call(&seen, &second, TRUE, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error(&error);
  g_assert_null(first);
  buntime_worker_interrupt(seen.worker);
  g_assert_null(await_call(&seen, &first, TRUE, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_FAILED);
  g_assert_cmpstr(error->message, ==, "interrupted");
  g_autofree char *signals = await_call(&seen, &third, TRUE, &error);
  g_assert_cmpstr(signals, ==, "2");
  /* There is nothing to be interrupted. */
  buntime_worker_interrupt(seen.worker);
  buntime_worker_run_code(seen.worker, "signals", -1, NULL, on_answer, &first);
  g_autofree char *again = await_call(&seen, &first, TRUE, NULL);
  g_assert_cmpstr(again, ==, "2");
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

static void
test_request(void)
{
  static const char *const args[] = { "request", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 0);
  seen_clear(&seen);
}

/* Such a worker is ended with an event, while an honest one beside it goes on. */
static void
test_broken_protocol(void)
{
  static const char *const kinds[] = { "control", "version",     "flood",
                                       "empty",   "out-of-band", "questions" };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;
  Seen honest, seen;

  seen_start(&honest, sandbox, BT_TEST_PEER, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const char *const args[] = { kinds[i], NULL };
    seen_start(&seen, sandbox, BT_TEST_PEER, args);
    seen_wait(&seen);
    g_assert_cmpint(seen.status, ==, 128 + SIGKILL);
    g_assert_nonnull(strstr(seen.events->str, "broke the channel's protocol"));
    seen_clear(&seen);
  }
  g_autofree char *answer = call(&honest, "still here", -1, NULL, &error);
  g_assert_cmpstr(answer, ==, "still here");
  buntime_worker_stop(honest.worker, 0);
  seen_wait(&honest);
  seen_clear(&honest);
}

/* What a worker stuffs a host with is not kept for ever. */
static void
test_questions(void)
{
  static const char *const args[] = { "questions", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  struct rusage before, after;
  Seen seen;

  getrusage(RUSAGE_SELF, &before);
  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  seen_wait(&seen);
  getrusage(RUSAGE_SELF, &after);
  g_assert_nonnull(strstr(seen.events->str, "it does not read the answers"));
  /* ASan keeps what was freed. */
  g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 400 * 1024);
  seen_clear(&seen);
}

/* A descriptor that a worker sends is closed by nobody who has to wait for that. */
static void
test_lingering(void)
{
  static const char *const args[] = { "lingering", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time();
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  g_autofree char *answer = call(&seen, "hello", -1, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(answer, ==, "hello");
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
  g_assert_cmpint(g_get_monotonic_time() - start, <, 20 * G_USEC_PER_SEC);
}

/* The channel's sockets were made in the host's network: they tell nothing of it. */
static void
test_host_network(void)
{
  static const char *const args[] = { "host", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 0);
  seen_clear(&seen);
}

/* Where connects wait that block, one's do not stand before another's. */
static void
test_connects(void)
{
  static const char *const many[] = { "connects", NULL }, *const few[] = { "connect", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen, honest;

  seen_start(&seen, sandbox, BT_TEST_PEER, many);
  while (!seen.ready)
    g_main_context_iteration(NULL, TRUE);
  seen_start(&honest, sandbox, BT_TEST_PEER, few);
  seen_wait(&honest);
  g_assert_cmpint(honest.status, ==, 0);
  seen_clear(&honest);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

/* It lives on, but no answer can come any more. */
static void
test_closed(void)
{
  static const char *const args[] = { "closed", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  g_assert_null(call(&seen, "hello", -1, NULL, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED);
  g_assert_cmpint(seen.status, ==, -1);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

/* ---- ends of its channel that somebody else holds ---- */

static gboolean
on_given(int fd, GIOCondition condition, gpointer data)
{
  char text[64], space[CMSG_SPACE(8 * sizeof(int))];
  struct iovec iovec = { .iov_base = text, .iov_len = sizeof text };
  struct msghdr message = {
    .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
  };
  int peer = accept(fd, NULL, NULL), *given = data;

  g_assert_cmpint(recvmsg(peer, &message, 0), >, 0);
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  g_assert_nonnull(part);
  memcpy(given, CMSG_DATA(part), 4 * sizeof(int));
  close(peer);
  return G_SOURCE_REMOVE;
}

/* By a socket that is granted it may send them to whomever; it is gone all the same. */
static void
test_given(void)
{
  g_autofree char *folder = g_dir_make_tmp("buntime-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "socket", NULL);
  const char *const args[] = { "given", path, NULL };
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), given[4] = { -1, -1, -1, -1 };
  g_autoptr(GError) error = NULL;
  Seen seen;

  g_strlcpy(address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint(listen(fd, 1), ==, 0);
  g_unix_fd_add(fd, G_IO_IN, on_given, given);
  buntime_policy_add_permission(policy, BUNTIME_PERMISSION_UNIX, TRUE, path, &error);
  g_assert_no_error(error);
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  while (given[0] < 0)
    g_main_context_iteration(NULL, TRUE);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 6);
  seen_clear(&seen);
  for (int i = 0; i < 4; i++)
    close(given[i]);
  close(fd);
  g_unlink(path);
  g_rmdir(folder);
}

/* ---- a host that is not as simple ---- */

static gboolean
iterate_until_exited(BuntimeWorker *worker, gpointer a, gpointer b, gpointer c)
{
  buntime_worker_stop(worker, 0);
  while (!buntime_worker_get_exited(worker))
    g_main_context_iteration(NULL, TRUE);
  return TRUE;
}

static void
call_from_message(BuntimeWorker *worker, GBytes *bytes, Seen *seen)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *answer = call(seen, "nested", -1, NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(answer, ==, "nested");
}

/* Waits for the worker inside of what the worker made it do. */
static void
test_nested(void)
{
  static const char *const shell[] = { "-c", "echo; sleep 60", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", shell);
  g_signal_connect(seen.worker, "output", G_CALLBACK(iterate_until_exited), NULL);
  seen_wait(&seen);
  seen_clear(&seen);
  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  g_signal_connect(seen.worker, "message", G_CALLBACK(call_from_message), &seen);
  send_text(&seen, "first");
  g_assert_cmpstr(next_message(&seen), ==, "first");
  g_signal_connect(seen.worker, "message", G_CALLBACK(iterate_until_exited), NULL);
  g_signal_handlers_disconnect_by_func(seen.worker, call_from_message, &seen);
  send_text(&seen, "second");
  seen_wait(&seen);
  seen_clear(&seen);
}

/* A binding may do that with what still waits for an answer. */
static void
test_disposed(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GBytes) silence = g_bytes_new_static("silence", 7);
  g_autoptr(GError) error = NULL;
  GAsyncResult *result = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  send_text(&seen, "first");
  next_message(&seen);
  buntime_worker_call(seen.worker, silence, -1, NULL, on_answer, &result);
  g_object_run_dispose(G_OBJECT(seen.worker));
  g_assert_null(await_call(&seen, &result, FALSE, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED);
  g_clear_error(&error);
  buntime_worker_interrupt(seen.worker);
  buntime_worker_stop(seen.worker, 0);
  g_assert_false(buntime_worker_send(seen.worker, silence, &error));
  seen_clear(&seen);
}

static gpointer
cancel_all(gpointer data)
{
  GAsyncQueue *queue = data;
  GCancellable *cancellable;

  while ((cancellable = g_async_queue_pop(queue)) != (gpointer)queue) {
    g_cancellable_cancel(cancellable);
    g_object_unref(cancellable);
  }
  return NULL;
}

/* From another thread, at the moment of the answer. */
static void
test_cancelled_elsewhere(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GBytes) text = g_bytes_new_static("hello", 5);
  GAsyncQueue *queue = g_async_queue_new();
  GThread *thread = g_thread_new("canceller", cancel_all, queue);
  guint answers = 0;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  for (int i = 0; i < 3000; i++) {
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    GAsyncResult *result = NULL;
    buntime_worker_call(seen.worker, text, -1, cancellable, on_answer, &result);
    g_async_queue_push(queue, g_object_ref(cancellable));
    g_autofree char *answer = await_call(&seen, &result, FALSE, &error);
    answers += answer != NULL;
    g_assert_true(answer != NULL || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  }
  g_test_message("%u of 3000 were answered first", answers);
  g_async_queue_push(queue, queue);
  g_thread_join(thread);
  g_async_queue_unref(queue);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

/* Of a terminal that it would have to give back, as `buntime run` does. */
static void
take_terminal(void)
{
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

  g_assert_cmpint(master, >=, 0);
  g_assert_true(grantpt(master) == 0 && unlockpt(master) == 0);
  setsid();
  int slave = open(ptsname(master), O_RDWR | O_CLOEXEC);
  g_assert_cmpint(slave, >=, 0);
  ioctl(slave, TIOCSCTTY, 0);
  int tty = open("/dev/tty", O_RDONLY | O_CLOEXEC);
  g_assert_cmpint(tty, >=, 0);
  close(tty);
}

/* A worker that stops itself does not stop its host. */
static void
test_stopped(void)
{
  static const char *const args[] = { "stopped", NULL };
  Seen seen;

  if (!g_test_subprocess()) {
    g_test_trap_subprocess(NULL, 20 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    return;
  }
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  take_terminal();
  seen_start(&seen, sandbox, BT_TEST_PEER, args);
  while (!seen.ready)
    g_main_context_iteration(NULL, TRUE);
  iterate(500);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

static void
test_stop(void)
{
  static const char *const stubborn[] = { "-c", "trap '' TERM; echo; while :; do sleep 0.1; done",
                                          NULL };
  static const char *const sleeper[] = { "60", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", stubborn);
  while (seen.output[0]->len == 0)
    g_main_context_iteration(NULL, TRUE);
  buntime_worker_stop(seen.worker, 100);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, ==, 128 + SIGKILL);
  seen_clear(&seen);
  seen_start(&seen, sandbox, "/usr/bin/sleep", sleeper);
  buntime_worker_stop(seen.worker, 20000);
  seen_wait(&seen);
  g_assert_cmpint(seen.status, >=, 128 + SIGKILL);
  seen_clear(&seen);
}

/* Nobody refers to it any more. */
static void
test_dropped(void)
{
  static const char *const args[] = { "-c", "echo $$; sleep 60", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen;

  seen_start(&seen, sandbox, "/bin/sh", args);
  while (seen.output[0]->len == 0)
    g_main_context_iteration(NULL, TRUE);
  seen_clear(&seen);
  /* Its run ends in the other thread; a further worker is not disturbed. */
  seen_start(&seen, sandbox, "/nonexistent", NULL);
  seen_wait(&seen);
  seen_clear(&seen);
}

static void
test_many(void)
{
  static const char *const args[] = { "-c", "echo $0", NULL };
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  Seen seen[12];

  for (gsize i = 0; i < G_N_ELEMENTS(seen); i++)
    seen_start(&seen[i], sandbox, "/bin/sh", args);
  for (gsize i = 0; i < G_N_ELEMENTS(seen); i++) {
    seen_wait(&seen[i]);
    g_assert_cmpint(seen[i].status, ==, 0);
    g_assert_cmpuint(seen[i].output[0]->len, >, 0);
    seen_clear(&seen[i]);
  }
}

static void
test_policy(void)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new(), other = buntime_policy_new();
  g_autoptr(GError) error = NULL;

  g_assert_true(buntime_policy_add_permission(other, BUNTIME_PERMISSION_ENV, TRUE, "A", &error));
  g_assert_true(buntime_policy_merge(policy, other, &error));
  g_autoptr(BuntimePolicy) copy = buntime_policy_copy(policy);
  g_assert_true(buntime_policy_add_permission(policy, BUNTIME_PERMISSION_ENV, FALSE, "A", &error));
  for (int again = 0; again < 2; again++) {
    g_autoptr(BuntimeVerdict) denied =
      buntime_policy_check(policy, BUNTIME_PERMISSION_ENV, "A", &error);
    g_autoptr(BuntimeVerdict) allowed =
      buntime_policy_check(copy, BUNTIME_PERMISSION_ENV, "A", &error);
    g_assert_no_error(error);
    g_assert_cmpint(buntime_verdict_get_action(denied), ==, BUNTIME_ACTION_DENY);
    g_assert_cmpint(buntime_verdict_get_action(allowed), ==, BUNTIME_ACTION_ALLOW);
  }
  g_assert_false(buntime_policy_add_json(policy, "{", "text", &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
  g_assert_true(g_type_is_a(BUNTIME_TYPE_POLICY, G_TYPE_BOXED));
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/library/policy", test_policy);
  g_test_add_func("/library/output", test_output);
  g_test_add_func("/library/not-found", test_not_found);
  g_test_add_func("/library/channel", test_channel);
  g_test_add_func("/library/code", test_code);
  g_test_add_func("/library/interrupts", test_interrupts);
  g_test_add_func("/library/request", test_request);
  g_test_add_func("/library/broken-protocol", test_broken_protocol);
  g_test_add_func("/library/questions", test_questions);
  g_test_add_func("/library/lingering", test_lingering);
  g_test_add_func("/library/host-network", test_host_network);
  g_test_add_func("/library/connects", test_connects);
  g_test_add_func("/library/closed", test_closed);
  g_test_add_func("/library/given", test_given);
  g_test_add_func("/library/nested", test_nested);
  g_test_add_func("/library/disposed", test_disposed);
  g_test_add_func("/library/cancelled-elsewhere", test_cancelled_elsewhere);
  g_test_add_func("/library/stopped", test_stopped);
  g_test_add_func("/library/stop", test_stop);
  g_test_add_func("/library/dropped", test_dropped);
  g_test_add_func("/library/many", test_many);
  return g_test_run();
}
