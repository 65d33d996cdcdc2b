/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a pool of warm workers is worth, and what it takes: see tests/bench/pool.
 *
 *   bench-pool first ROUNDS PRELOAD COMMAND...
 *     COMMAND starts a program that writes the monotonic time of its first line, as eight bytes,
 *     to stdout.  A round is one of these and one worker of a pool, which runs code that tells
 *     the time: both from the moment they were asked for.  Prints "COLD WARM COLD WARM" in µs, the
 *     medians, and what the fastest tenth stayed below.
 *   bench-pool memory COUNT
 *     Prints the KiB that each of COUNT idle workers takes: of its interpreter, of its init, and
 *     of this program, by which they are supervised.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buntime.h"

#define MAX_ROUNDS 1000
#define TELL_TIME "__import__('time').clock_gettime_ns(1)"

static double
now(void)
{
  return (double)g_get_monotonic_time();
}

static BuntimePool *
pool_new(guint size)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);

  buntime_sandbox_set_worker(sandbox, BUNTIME_WORKER_PYTHON);
  return buntime_pool_new(sandbox, size);
}

static void
await_ready(BuntimePool *pool, guint wanted)
{
  while (buntime_pool_get_ready(pool) < wanted)
    g_main_context_iteration(NULL, TRUE);
}

static void
iterate_for(guint ms)
{
  double end = now() + ms * 1e3;

  while (now() < end) {
    while (g_main_context_iteration(NULL, FALSE))
      ;
    g_usleep(1000);
  }
}

/* ---- first code ---- */

static double
cold(char **argv)
{
  double before = now(), reached = 0;
  gint64 ns = 0;
  int fds[2];

  if (pipe(fds) != 0)
    g_error("pipe");
  pid_t pid = fork();
  if (pid == 0) {
    dup2(fds[1], 1);
    execv(argv[0], argv);
    _exit(127);
  }
  close(fds[1]);
  if (read(fds[0], &ns, sizeof ns) == sizeof ns)
    reached = ns / 1e3;
  close(fds[0]);
  waitpid(pid, NULL, 0);
  if (reached <= before)
    g_error("%s told no time", argv[0]);
  return reached - before;
}

typedef struct {
  double reached; /* 0: not yet */
} Warm;

static void
on_result(GObject *object, GAsyncResult *result, gpointer data)
{
  Warm *warm = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *value =
    buntime_worker_run_code_finish(BUNTIME_WORKER(object), result, &error);

  if (value == NULL)
    g_error("%s", error->message);
  warm->reached = g_ascii_strtod(value, NULL) / 1e3;
}

static void
on_taken(GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(BuntimeWorker) worker =
    buntime_pool_take_finish(BUNTIME_POOL(object), result, &error);

  if (worker == NULL)
    g_error("%s", error->message);
  buntime_worker_run_code(worker, TELL_TIME, -1, NULL, on_result, data);
}

static double
warm(BuntimePool *pool)
{
  Warm self = { 0 };

  await_ready(pool, 2);
  /* What the one before left is gone by then. */
  iterate_for(30);
  double before = now();
  buntime_pool_take_async(pool, NULL, on_taken, &self);
  while (self.reached == 0)
    g_main_context_iteration(NULL, TRUE);
  return self.reached - before;
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}


static void
first(guint rounds, const char *preload, char **argv)
{
  static double colds[MAX_ROUNDS], warms[MAX_ROUNDS];
  g_autoptr(BuntimePool) pool = pool_new(2);

  buntime_pool_set_preload(pool, preload);
  rounds = CLAMP(rounds, 1, MAX_ROUNDS);
  warm(pool);
  for (guint i = 0; i < rounds; i++) {
    warms[i] = warm(pool);
    colds[i] = cold(argv);
  }
  qsort(colds, rounds, sizeof *colds, compare);
  qsort(warms, rounds, sizeof *warms, compare);
  printf("%.0f %.0f %.0f %.0f\n", colds[rounds / 2], warms[rounds / 2], colds[rounds / 10],
         warms[rounds / 10]);
}

/* ---- memory ---- */

/* Of one process; one that is not to be looked into has few pages that are its own. */
static double
proportional_kib(const char *pid, guint sharers)
{
  g_autofree char *rollup = g_strdup_printf("/proc/%s/smaps_rollup", pid);
  g_autofree char *statm = g_strdup_printf("/proc/%s/statm", pid);
  g_autofree char *text = NULL;
  long resident = 0, shared = 0;

  if (g_file_get_contents(rollup, &text, NULL, NULL)) {
    const char *line = strstr(text, "\nPss:");
    return line != NULL ? g_ascii_strtod(line + 5, NULL) : 0;
  }
  if (!g_file_get_contents(statm, &text, NULL, NULL) ||
      sscanf(text, "%*d %ld %ld", &resident, &shared) != 2)
    return 0;
  return (double)(resident - shared + shared / MAX((long)sharers, 1)) * sysconf(_SC_PAGESIZE) / 1024;
}

static gboolean
is_ours(const char *pid)
{
  g_autofree char *at = g_strdup(pid);

  for (guint steps = 0; steps < 16; steps++) {
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", at), *text = NULL;
    int parent = 0;
    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        sscanf(text, "%*d (%*[^)]) %*c %d", &parent) != 1 || parent <= 1)
      return FALSE;
    if (parent == getpid())
      return TRUE;
    g_free(at);
    at = g_strdup_printf("%d", parent);
  }
  return FALSE;
}

/* Of our processes by that name. */
static double
sum_kib(const char *name, guint sharers)
{
  g_autoptr(GDir) folder = g_dir_open("/proc", 0, NULL);
  const char *pid;
  double sum = 0;

  while ((pid = g_dir_read_name(folder)) != NULL) {
    g_autofree char *path = g_strconcat("/proc/", pid, "/comm", NULL), *comm = NULL;
    if (!g_ascii_isdigit(pid[0]) || !g_file_get_contents(path, &comm, NULL, NULL))
      continue;
    if (strcmp(g_strchomp(comm), name) == 0 && is_ours(pid))
      sum += proportional_kib(pid, sharers);
  }
  return sum;
}

static void
memory(guint count)
{
  double before = proportional_kib("self", 1);
  g_autoptr(BuntimePool) pool = pool_new(count);

  await_ready(pool, count);
  iterate_for(1000);
  printf("%.0f %.0f %.0f\n", sum_kib("python3", count) / count,
         sum_kib("buntime-init", count) / count, (proportional_kib("self", 1) - before) / count);
}

int
main(int argc, char *argv[])
{
  if (argc >= 5 && strcmp(argv[1], "first") == 0)
    first((guint)atoi(argv[2]), argv[3], argv + 4);
  else if (argc == 3 && strcmp(argv[1], "memory") == 0)
    memory((guint)atoi(argv[2]));
  else
    return 2;
  return 0;
}
