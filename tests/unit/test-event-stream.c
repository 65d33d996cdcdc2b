/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-event-stream.h"

static void
add_action(BtEventStream *stream, BtAction action, const char *object)
{
  g_autoptr(BtEvent) event = bt_event_new(BT_EVENT_READ, action);
  event->object = g_strdup(object);
  bt_event_stream_add(stream, event);
}

static void
add(BtEventStream *stream, const char *object)
{
  add_action(stream, BT_ACTION_DENY, object);
}

static guint
count(const char *text, const char *word)
{
  guint n = 0;
  for (const char *p = text; (p = strstr(p, word)) != NULL; p += strlen(word))
    n++;
  return n;
}

static char *
read_all(int fd)
{
  GString *text = g_string_new(NULL);
  char part[65536];
  gssize got;

  fcntl(fd, F_SETFL, O_NONBLOCK);
  while ((got = read(fd, part, sizeof part)) > 0)
    g_string_append_len(text, part, got);
  return g_string_free(text, FALSE);
}

static void
test_at_once(void)
{
  int fds[2];

  g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  add(stream, "/a");
  g_autofree char *text = read_all(fds[0]);
  g_assert_nonnull(strstr(text, "\"object\":\"/a\""));
  g_assert_true(g_str_has_suffix(text, "}\n"));
  bt_event_stream_free(stream);
  close(fds[0]);
}

/* By a pipe and by a socket that nobody reads: bounded, and what was dropped is told. */
static void
test_nobody_reads(gconstpointer data)
{
  gboolean by_socket = GPOINTER_TO_INT(data);
  g_autofree char *object = g_strnfill(4000, 'x');
  int fds[2];

  if (by_socket)
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  else
    g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  alarm(30);
  for (int i = 0; i < 1000; i++)
    add(stream, object);
  g_autofree char *first = read_all(fds[0]);
  g_assert_cmpuint(strlen(first), <, 1u << 20);
  /* There is room again: the rest comes out, then how many did not. */
  GString *all = g_string_new(first);
  for (int i = 0; i < 100; i++) {
    g_main_context_iteration(NULL, FALSE);
    g_autofree char *more = read_all(fds[0]);
    g_string_append(all, more);
  }
  add(stream, "/last");
  g_autofree char *end = read_all(fds[0]);
  g_string_append(all, end);
  alarm(0);
  guint shown = count(all->str, "\"action\":\"deny\"");
  g_autofree char *dropped =
    g_strdup_printf("\"action\":\"dropped\",\"object\":null,\"host\":null,\"reason\":null,"
                    "\"rule\":null,\"suggestion\":null,\"count\":%u,",
                    1001 - shown);
  g_assert_nonnull(strstr(all->str, dropped));
  g_assert_nonnull(strstr(all->str, "/last"));
  g_string_free(all, TRUE);
  bt_event_stream_free(stream);
  close(fds[0]);
}

static void
test_rate(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  int fd = g_file_open_tmp("events-XXXXXX", &path, &error);

  g_assert_no_error(error);
  BtEventStream *stream = bt_event_stream_new(fd, "w-1");
  for (int i = 0; i < 20000; i++)
    add(stream, "/a");
  bt_event_stream_free(stream);
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  guint shown = count(text, "\"action\":\"deny\"");
  g_assert_cmpuint(shown, >=, 8192);
  g_assert_cmpuint(shown, <, 12000);
  g_assert_cmpuint(count(text, "\"action\":\"dropped\""), >=, 1);
  unlink(path);
}

/* A worker that has much allowed, as fast as it can, hides no refusal by it, nor a warning. */
static void
test_refusals_have_room(void)
{
  g_autofree char *object = g_strnfill(200, 'x');
  int fds[2];

  /* Neither where the rate is the bound nor where nobody reads. */
  for (int by_file = 0; by_file < 2; by_file++) {
    g_autofree char *path = NULL;
    if (by_file)
      fds[1] = g_file_open_tmp("events-XXXXXX", &path, NULL);
    else
      g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
    BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
    for (int i = 0; i < 20000; i++)
      add_action(stream, BT_ACTION_ALLOW, object);
    add(stream, "/refused");
    add_action(stream, BT_ACTION_WARN, "/warned");
    GString *text = g_string_new(NULL);
    for (int i = 0; !by_file && i < 1000; i++) {
      g_autofree char *more = read_all(fds[0]);
      g_string_append(text, more);
      g_main_context_iteration(NULL, FALSE);
    }
    bt_event_stream_free(stream);
    if (by_file) {
      g_autofree char *all = NULL;
      g_assert_true(g_file_get_contents(path, &all, NULL, NULL));
      g_string_append(text, all);
      unlink(path);
    } else {
      close(fds[0]);
    }
    g_assert_cmpuint(count(text->str, "\"object\":\"/refused\""), ==, 1);
    g_assert_cmpuint(count(text->str, "\"object\":\"/warned\""), ==, 1);
    g_assert_cmpuint(count(text->str, "\"action\":\"allow\""), >, 500);
    g_string_free(text, TRUE);
  }
}

static void
add_state(BtEventStream *stream, const char *state)
{
  g_autoptr(BtEvent) event = bt_event_new_state(state);
  bt_event_stream_add(stream, event);
}

/* What became of the run is told whatever came before it, behind how much of that was not. */
static void
test_states_have_room(gconstpointer data)
{
  gboolean by_file = GPOINTER_TO_INT(data);
  g_autofree char *object = g_strnfill(4000, 'x');
  g_autofree char *path = NULL;
  g_autofree char *last = NULL;
  int fds[2];

  if (by_file)
    fds[1] = g_file_open_tmp("events-XXXXXX", &path, NULL);
  else
    g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  for (int i = 0; i < (by_file ? 20000 : 1000); i++)
    add(stream, by_file ? "/a" : object);
  add_state(stream, "exited");
  if (by_file) {
    bt_event_stream_free(stream);
    g_assert_true(g_file_get_contents(path, &last, NULL, NULL));
    unlink(path);
  } else {
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 1000; i++) {
      g_autofree char *more = read_all(fds[0]);
      g_string_append(text, more);
      g_main_context_iteration(NULL, FALSE);
    }
    bt_event_stream_free(stream);
    close(fds[0]);
    last = g_string_free(text, FALSE);
  }
  const char *dropped = strstr(last, "\"action\":\"dropped\"");
  g_assert_nonnull(dropped);
  while (strstr(dropped + 1, "\"action\":\"dropped\"") != NULL)
    dropped = strstr(dropped + 1, "\"action\":\"dropped\"");
  g_assert_cmpuint(count(last, "\"action\":\"exited\""), ==, 1);
  g_assert_nonnull(strstr(dropped, "\"action\":\"exited\""));
}

/* There is an end to that room, too. */
static void
test_states_are_bounded(void)
{
  int fds[2];

  g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  for (int i = 0; i < 20000; i++)
    add_state(stream, "notice");
  gsize size = 0;
  for (int i = 0; i < 1000; i++) {
    g_autofree char *more = read_all(fds[0]);
    size += strlen(more);
    g_main_context_iteration(NULL, FALSE);
  }
  g_assert_cmpuint(size, >, 1u << 20);
  g_assert_cmpuint(size, <, 3u << 20);
  bt_event_stream_free(stream);
  close(fds[0]);
}

/* In few parts, each far from the second after which it counts as one who does not read. */
static gpointer
read_slowly(gpointer data)
{
  GString *text = g_string_new(NULL);
  g_autofree char *part = g_malloc(65536);
  gssize got;

  while ((got = read(GPOINTER_TO_INT(data), part, 65536)) > 0) {
    g_string_append_len(text, part, got);
    g_usleep(100000);
  }
  return g_string_free(text, FALSE);
}

/* At the end, too, who reads is waited for: this takes more than the second that one who does not gets. */
static void
test_slow_reader(void)
{
  g_autofree char *object = g_strnfill(4000, 'x');
  int fds[2];

  g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  for (int i = 0; i < 300; i++)
    add(stream, object);
  add_state(stream, "exited");
  GThread *reader = g_thread_new("reader", read_slowly, GINT_TO_POINTER(fds[0]));
  bt_event_stream_free(stream);
  g_autofree char *text = g_thread_join(reader);
  close(fds[0]);
  g_assert_cmpuint(count(text, "\"action\":\"exited\""), ==, 1);
  g_assert_true(g_str_has_suffix(text, "}\n"));
}

/* By default SIGPIPE would end the program. */
static void
test_reader_gone(void)
{
  int fds[2];

  g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
  BtEventStream *stream = bt_event_stream_new(fds[1], "w-1");
  close(fds[0]);
  add(stream, "/a");
  add(stream, "/b");
  bt_event_stream_free(stream);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/event-stream/at-once", test_at_once);
  g_test_add_data_func("/event-stream/nobody-reads/pipe", GINT_TO_POINTER(FALSE),
                       test_nobody_reads);
  g_test_add_data_func("/event-stream/nobody-reads/socket", GINT_TO_POINTER(TRUE),
                       test_nobody_reads);
  g_test_add_func("/event-stream/rate", test_rate);
  g_test_add_func("/event-stream/refusals-have-room", test_refusals_have_room);
  g_test_add_data_func("/event-stream/states-have-room/pipe", GINT_TO_POINTER(FALSE),
                       test_states_have_room);
  g_test_add_data_func("/event-stream/states-have-room/file", GINT_TO_POINTER(TRUE),
                       test_states_have_room);
  g_test_add_func("/event-stream/states-are-bounded", test_states_are_bounded);
  g_test_add_func("/event-stream/slow-reader", test_slow_reader);
  g_test_add_func("/event-stream/reader-gone", test_reader_gone);
  return g_test_run();
}
