/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool of real workers: mostly of a program in C, which is quick to start.
 */
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime.h"

#define PATIENCE_SECONDS 60
#define IDLE_SECONDS 2
/* As buntime_pool_take_async() says. */
#define HEAD_START_MS 5

static gboolean
on_patience_over(gpointer data)
{
  g_error("the pool takes too long");
  return G_SOURCE_REMOVE;
}

static BuntimePool *
pool_new(guint size, const char *entry)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  BuntimePool *pool = buntime_pool_new(sandbox, size);

  buntime_pool_set_program(pool, entry, NULL);
  return pool;
}

static void
on_result(GObject *object, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref(result);
}

static BuntimeWorker *
await_worker(BuntimePool *pool, GAsyncResult **result, GError **error)
{
  while (*result == NULL)
    g_main_context_iteration(NULL, TRUE);
  g_autoptr(GAsyncResult) own = g_steal_pointer(result);
  return buntime_pool_take_finish(pool, own, error);
}

static BuntimeWorker *
take(BuntimePool *pool, GError **error)
{
  GAsyncResult *result = NULL;

  buntime_pool_take_async(pool, NULL, on_result, &result);
  return await_worker(pool, &result, error);
}

static char *
run(BuntimeWorker *worker, const char *code)
{
  g_autoptr(GAsyncResult) result = NULL;

  buntime_worker_run_code(worker, code, -1, NULL, on_result, &result);
  while (result == NULL)
    g_main_context_iteration(NULL, TRUE);
  return buntime_worker_run_code_finish(worker, result, NULL);
}

static void
await_ready(BuntimePool *pool, guint wanted)
{
  while (buntime_pool_get_ready(pool) != wanted)
    g_main_context_iteration(NULL, TRUE);
}

/* ---- what there is in /proc ---- */

typedef struct {
  pid_t pid, parent;
  char name[32];
} Process;

static GArray *
list_processes(void)
{
  GArray *list = g_array_new(FALSE, TRUE, sizeof(Process));
  g_autoptr(GDir) folder = g_dir_open("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *path = g_strconcat("/proc/", name, "/stat", NULL), *text = NULL;
    Process process = { 0 };
    if (g_ascii_isdigit(name[0]) && g_file_get_contents(path, &text, NULL, NULL) &&
        sscanf(text, "%d (%31[^)]) %*c %d", &process.pid, process.name, &process.parent) == 3)
      g_array_append_val(list, process);
  }
  return list;
}

static gboolean
is_ours(const GArray *list, pid_t pid)
{
  for (guint steps = 0; pid > 1 && steps < 64; steps++) {
    pid_t parent = 0;
    for (guint i = 0; parent == 0 && i < list->len; i++)
      if (g_array_index(list, Process, i).pid == pid)
        parent = g_array_index(list, Process, i).parent;
    if (parent == getpid())
      return TRUE;
    pid = parent;
  }
  return FALSE;
}

/* Those that this test started; name: only of these, or NULL (element-type pid_t). */
static GArray *
descendants(const char *name)
{
  g_autoptr(GArray) list = list_processes();
  GArray *found = g_array_new(FALSE, FALSE, sizeof(pid_t));

  for (guint i = 0; i < list->len; i++) {
    const Process *process = &g_array_index(list, Process, i);
    if ((name == NULL || strcmp(process->name, name) == 0) && is_ours(list, process->pid))
      g_array_append_val(found, process->pid);
  }
  return found;
}

static gboolean
wake_up(gpointer data)
{
  *(gboolean *)data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
iterate_for(guint ms)
{
  gboolean over = FALSE;

  g_timeout_add(ms, wake_up, &over);
  while (!over)
    g_main_context_iteration(NULL, TRUE);
}

/* name: as above. */
static void
await_descendants(const char *name, guint wanted)
{
  for (guint i = 0; i < 500; i++) {
    g_autoptr(GArray) found = descendants(name);
    if (found->len == wanted)
      return;
    iterate_for(20);
  }
  g_error("%s: not %u of them", name != NULL ? name : "processes", wanted);
}

/* ---- */

static void
test_take(void)
{
  g_autoptr(BuntimePool) pool = pool_new(2, BT_TEST_PEER);
  g_autoptr(GError) error = NULL;

  await_ready(pool, 2);
  g_autoptr(BuntimeWorker) first = take(pool, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(buntime_pool_get_ready(pool), <=, 1);
  g_autoptr(BuntimeWorker) second = take(pool, &error);
  g_assert_no_error(error);
  g_assert_true(first != second);
  g_autofree char *value = run(first, "6 * 7"), *other = run(second, "x");
  g_assert_cmpstr(value, ==, "42");
  g_assert_cmpstr(other, ==, "42");
  /* Both are replaced; ending them ends nobody else. */
  await_ready(pool, 2);
  buntime_worker_stop(first, 0);
  g_clear_object(&second);
  while (!buntime_worker_get_exited(first))
    g_main_context_iteration(NULL, TRUE);
  g_assert_cmpuint(buntime_pool_get_ready(pool), ==, 2);
}

/* Each worker has some in this process from the moment it is begun. */
static guint
count_descriptors(void)
{
  g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (g_dir_read_name(folder) != NULL)
    count++;
  return count;
}

/* Takes one; TRUE: within the head start that it has, before which none is begun in its place. */
static gboolean
take_in_time(BuntimePool *pool)
{
  while (g_main_context_iteration(NULL, FALSE))
    ;
  guint before = count_descriptors();
  gint64 end = g_get_monotonic_time() + HEAD_START_MS * G_TIME_SPAN_MILLISECOND;
  g_autoptr(BuntimeWorker) worker = take(pool, NULL);

  g_assert_nonnull(worker);
  while (g_main_context_iteration(NULL, FALSE))
    ;
  guint after = count_descriptors();
  if (g_get_monotonic_time() >= end)
    return FALSE;
  g_assert_cmpuint(after, <=, before);
  return TRUE;
}

static void
test_head_start(void)
{
  guint tries = 0;

  await_descendants(NULL, 0);
  g_autoptr(BuntimePool) pool = pool_new(2, BT_TEST_PEER);
  /* The machine may be busy. */
  do {
    await_ready(pool, 2);
    await_descendants("library-peer", 2);
    g_assert_cmpuint(tries++, <, 100);
  } while (!take_in_time(pool));
  await_ready(pool, 2);
}

/* More than wait: each gets one, none gets another's. */
static void
test_crowd(void)
{
  g_autoptr(BuntimePool) pool = pool_new(1, BT_TEST_PEER);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(NULL, NULL, g_object_unref, NULL);
  GAsyncResult *results[8] = { NULL };
  g_autoptr(GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS(results); i++)
    buntime_pool_take_async(pool, NULL, on_result, &results[i]);
  for (gsize i = 0; i < G_N_ELEMENTS(results); i++) {
    BuntimeWorker *worker = await_worker(pool, &results[i], &error);
    g_assert_no_error(error);
    g_assert_true(g_hash_table_add(seen, worker));
  }
  await_ready(pool, 1);
}

static void
test_replaced(void)
{
  await_descendants(NULL, 0);
  g_autoptr(BuntimePool) pool = pool_new(2, BT_TEST_PEER);
  g_autoptr(GError) error = NULL;

  await_ready(pool, 2);
  g_autoptr(GArray) workers = descendants("library-peer");
  g_assert_cmpuint(workers->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpint(kill(g_array_index(workers, pid_t, i), SIGKILL), ==, 0);
  /* Of those that are gone none is given. */
  await_ready(pool, 0);
  await_ready(pool, 2);
  g_autoptr(BuntimeWorker) worker = take(pool, &error);
  g_assert_no_error(error);
  g_autofree char *value = run(worker, "x");
  g_assert_cmpstr(value, ==, "42");
}

static void
test_dropped(void)
{
  BuntimePool *pool = pool_new(3, BT_TEST_PEER);
  g_autoptr(GError) error = NULL;

  await_ready(pool, 3);
  BuntimeWorker *worker = take(pool, &error);
  /* While one is being started. */
  iterate_for(HEAD_START_MS + 1);
  g_assert_finalize_object(pool);
  g_autofree char *value = run(worker, "x");
  g_assert_cmpstr(value, ==, "42");
  g_assert_finalize_object(worker);
  await_descendants(NULL, 0);
  /* Nor of one that did nothing yet. */
  pool = pool_new(1, BT_TEST_PEER);
  g_assert_finalize_object(pool);
  await_descendants(NULL, 0);
}

static void
test_preload(void)
{
  g_autoptr(BuntimePool) pool = pool_new(1, BT_TEST_PEER);
  g_autoptr(GError) error = NULL;

  buntime_pool_set_preload(pool, "import this");
  g_autoptr(BuntimeWorker) worker = take(pool, &error);
  g_assert_no_error(error);
  g_assert_nonnull(worker);
  buntime_pool_stop(pool);
  g_autoptr(BuntimePool) other = pool_new(1, BT_TEST_PEER);
  buntime_pool_set_preload(other, "fail");
  g_assert_null(take(other, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_FAILED);
  g_assert_cmpstr(error->message, ==, "it fails");
}

/* What cannot start is not started again and again, however often it is asked for. */
static void
test_cannot_start(void)
{
  static const char *const entries[] = { "/nonexistent/program", "/usr/bin/true" };
  static const int codes[] = { BUNTIME_ERROR_NOT_FOUND, BUNTIME_ERROR_ENDED };

  for (gsize k = 0; k < G_N_ELEMENTS(entries); k++) {
    g_autoptr(BuntimePool) pool = pool_new(4, entries[k]);
    gint64 before = g_get_monotonic_time();
    for (guint i = 0; i < 4; i++) {
      g_autoptr(GError) error = NULL;
      g_assert_null(take(pool, &error));
      g_assert_error(error, BUNTIME_ERROR, codes[k]);
    }
    /* The pauses between four tries. */
    g_assert_cmpint(g_get_monotonic_time() - before, >=, (100 + 200 + 400) * 1000);
    g_assert_cmpuint(buntime_pool_get_ready(pool), ==, 0);
  }
}

static void
test_cancelled(void)
{
  g_autoptr(BuntimePool) pool = pool_new(1, BT_TEST_PEER);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  g_autoptr(GError) error = NULL;
  GAsyncResult *result = NULL, *stopped = NULL;

  buntime_pool_take_async(pool, cancellable, on_result, &result);
  g_cancellable_cancel(cancellable);
  g_assert_null(await_worker(pool, &result, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error(&error);
  await_ready(pool, 1);
  buntime_pool_take_async(pool, cancellable, on_result, &result);
  g_assert_null(await_worker(pool, &result, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error(&error);
  g_assert_cmpuint(buntime_pool_get_ready(pool), ==, 1);
  g_autoptr(BuntimeWorker) worker = take(pool, &error);
  g_assert_no_error(error);
  g_assert_nonnull(worker);
  /* Who waits when it is stopped is told, as who comes later is. */
  buntime_pool_take_async(pool, NULL, on_result, &result);
  buntime_pool_stop(pool);
  buntime_pool_take_async(pool, NULL, on_result, &stopped);
  g_assert_null(await_worker(pool, &result, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED);
  g_clear_error(&error);
  g_assert_null(await_worker(pool, &stopped, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_ENDED);
}

/* ---- wake-ups ---- */

static guint64
switches_of_thread(const char *process, const char *thread)
{
  g_autofree char *path = g_strdup_printf("/proc/%s/task/%s/status", process, thread), *text = NULL;
  guint64 sum = 0;

  if (!g_file_get_contents(path, &text, NULL, NULL))
    return 0;
  for (const char *at = text; (at = strstr(at, "ctxt_switches:")) != NULL; at++)
    sum += g_ascii_strtoull(at + strlen("ctxt_switches:"), NULL, 10);
  return sum;
}

/* How often threads were switched to: all of them but this one. */
static guint64
switches(void)
{
  g_autoptr(GArray) processes = descendants(NULL);
  pid_t self = getpid();
  guint64 sum = 0;

  g_array_append_val(processes, self);
  for (guint i = 0; i < processes->len; i++) {
    g_autofree char *process = g_strdup_printf("%d", g_array_index(processes, pid_t, i));
    g_autofree char *path = g_strconcat("/proc/", process, "/task", NULL);
    g_autoptr(GDir) threads = g_dir_open(path, 0, NULL);
    const char *thread;
    while (threads != NULL && (thread = g_dir_read_name(threads)) != NULL)
      if (g_ascii_strtoull(thread, NULL, 10) != (guint64)self)
        sum += switches_of_thread(process, thread);
  }
  return sum;
}

/* entry: NULL for Python that takes code. */
static void
test_idle(const char *entry)
{
  await_descendants(NULL, 0);
  g_autoptr(BuntimePool) pool = pool_new(4, entry);
  guint64 before = 0, now;

  await_ready(pool, 4);
  /* The last of them may have something to end yet. */
  for (guint i = 0; i < 50 && (now = switches()) != before; i++) {
    before = now;
    iterate_for(300);
  }
  g_autoptr(GArray) workers = descendants(entry != NULL ? "library-peer" : "python3");
  g_assert_cmpuint(workers->len, ==, 4);
  before = switches();
  g_assert_cmpuint(before, >, 0);
  /* Here too: what the main loop waits for is only that the time is over. */
  gint64 end = g_get_monotonic_time() + IDLE_SECONDS * G_USEC_PER_SEC;
  gboolean over = FALSE;
  guint rounds = 0;
  g_timeout_add_seconds(IDLE_SECONDS, wake_up, &over);
  while (!over) {
    g_main_context_iteration(NULL, TRUE);
    rounds++;
  }
  g_assert_cmpint(g_get_monotonic_time(), >=, end - G_USEC_PER_SEC);
  g_assert_cmpuint(rounds, ==, 1);
  g_assert_cmpuint(switches(), ==, before);
}

static void
test_idle_peer(void)
{
  test_idle(BT_TEST_PEER);
}

#ifdef BT_TEST_HARNESS
static void
test_idle_python(void)
{
  test_idle(NULL);
}
#endif

typedef struct {
  const char *path;
  void (*run)(void);
} Test;

static const Test tests[] = {
  { "/pool/take", test_take },
  { "/pool/head-start", test_head_start },
  { "/pool/crowd", test_crowd },
  { "/pool/replaced", test_replaced },
  { "/pool/dropped", test_dropped },
  { "/pool/preload", test_preload },
  { "/pool/cannot-start", test_cannot_start },
  { "/pool/cancelled", test_cancelled },
  { "/pool/idle", test_idle_peer },
#ifdef BT_TEST_HARNESS
  { "/pool/idle-python", test_idle_python },
#endif
};

/* Each has the patience for itself: the tries of one are not to be at the cost of the others. */
static void
test_with_patience(gconstpointer data)
{
  const Test *test = data;
  guint patience = g_timeout_add_seconds(PATIENCE_SECONDS, on_patience_over, NULL);

  test->run();
  g_source_remove(patience);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add_data_func(tests[i].path, &tests[i], test_with_patience);
  return g_test_run();
}
