/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group's processor time, by a file that is written here. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-cpu-time.h"

typedef struct {
  char *path;
  int fd; /* writes it */
  BtCpuTime *cpu_time;
  gint64 begun;
  guint called;
} Fixture;

static void
use(Fixture *f, guint64 usec)
{
  g_autofree char *text = g_strdup_printf("usage_usec %" G_GUINT64_FORMAT "\nuser_usec 1\n", usec);
  gsize size = strlen(text);

  g_assert_cmpint(ftruncate(f->fd, 0), ==, 0);
  g_assert_cmpint(pwrite(f->fd, text, size, 0), ==, size);
}

static void
set_up(Fixture *f, gconstpointer data)
{
  f->fd = g_file_open_tmp("test-cpu-time-XXXXXX", &f->path, NULL);
  use(f, 5000);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  g_clear_pointer(&f->cpu_time, bt_cpu_time_free);
  close(f->fd);
  g_remove(f->path);
  g_free(f->path);
}

static void
on_used_up(gpointer data)
{
  ((Fixture *)data)->called++;
}

static void
start(Fixture *f, guint64 ms, guint n_processors)
{
  g_clear_pointer(&f->cpu_time, bt_cpu_time_free);
  f->begun = g_get_monotonic_time();
  f->cpu_time = bt_cpu_time_new(open(f->path, O_RDONLY | O_CLOEXEC), ms, n_processors, on_used_up, f);
  g_assert_nonnull(f->cpu_time);
}

static gboolean
on_time(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop for so long. */
static void
pass(guint ms)
{
  gboolean over = FALSE;

  g_timeout_add(ms, on_time, &over);
  while (!over)
    g_main_context_iteration(NULL, TRUE);
}

/* ms since it began */
static gint64
time_to_call(Fixture *f)
{
  while (f->called == 0 && g_get_monotonic_time() - f->begun < 5 * G_USEC_PER_SEC)
    pass(1);
  return (g_get_monotonic_time() - f->begun) / 1000;
}

/* What was used before it began does not count, and it is called once. */
static void
test_used_up(Fixture *f, gconstpointer data)
{
  start(f, 40, 1);
  use(f, 44999);
  pass(200);
  g_assert_cmpuint(f->called, ==, 0);
  use(f, 45000);
  g_assert_cmpint(time_to_call(f), <, 1000);
  pass(100);
  g_assert_cmpuint(f->called, ==, 1);
}

/* It is looked at no sooner than it can be used up, and then at once. */
static void
test_processors(Fixture *f, gconstpointer data)
{
  static const struct {
    guint ms, processors, first;
  } cases[] = { { 400, 1, 400 }, { 400, 4, 100 }, { 400, 0, 400 }, { 1, 64, BT_CPU_TIME_MIN_MS } };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    f->called = 0;
    use(f, 0);
    start(f, cases[i].ms, cases[i].processors);
    use(f, 1000000);
    gint64 ms = time_to_call(f);
    g_test_message("case %zu: %d ms", i, (int)ms);
    g_assert_cmpint(ms, >=, cases[i].first - 2);
    g_assert_cmpint(ms, <, cases[i].first + 1000);
  }
}

/* The group has ended with the sandbox. */
static void
test_gone(Fixture *f, gconstpointer data)
{
  start(f, 40, 1);
  g_assert_cmpint(ftruncate(f->fd, 0), ==, 0);
  pass(200);
  use(f, 1000000);
  pass(200);
  g_assert_cmpuint(f->called, ==, 0);
}

static void
test_unreadable(Fixture *f, gconstpointer data)
{
  g_assert_cmpint(ftruncate(f->fd, 0), ==, 0);
  g_assert_null(bt_cpu_time_new(open(f->path, O_RDONLY | O_CLOEXEC), 40, 1, on_used_up, f));
  g_assert_cmpint(errno, !=, 0);
}

/* A look is due for someone who was stopped, too. */
static void
test_stopped(Fixture *f, gconstpointer data)
{
  sigset_t set, before;
  const struct timespec wait = { .tv_sec = 5 };

  sigemptyset(&set);
  sigaddset(&set, SIGCONT);
  sigprocmask(SIG_BLOCK, &set, &before);
  start(f, 40, 1);
  g_assert_cmpint(sigtimedwait(&set, NULL, &wait), ==, SIGCONT);
  sigprocmask(SIG_SETMASK, &before, NULL);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                      \
  g_test_add("/cpu-time/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("used-up", test_used_up);
  ADD("processors", test_processors);
  ADD("gone", test_gone);
  ADD("unreadable", test_unreadable);
  ADD("stopped", test_stopped);
  return g_test_run();
}
