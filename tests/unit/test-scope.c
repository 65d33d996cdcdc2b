/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-scope run for real, on a private bus, with a systemd that is made up
 * (mock-systemd.c) and control groups that are, too. Only the program that
 * asks and what believes the answer are those of a run.
 */
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bt-helper-path.h"
#include "lib/bt-scope.h"

#define MEMORY (1u << BT_LIMIT_MEMORY)
#define CPU (1u << BT_LIMIT_CPU)
#define PIDS (1u << BT_LIMIT_PIDS)

static const char *helper = BT_TEST_SCOPE;

/* Instead of the one in the library, which looks beside the running program. */
char *
bt_helper_path(const char *name, GError **error)
{
  g_assert_cmpstr(name, ==, "buntime-scope");
  return g_strdup(helper);
}

typedef struct {
  GTestDBus *bus; /* NULL: none */
  GPid mock;
  char *root, *proc, *tree;
  BtCgroupPlace place;
  BtPolicy *policy;
  GPtrArray *notices;
  BtScope *scope; /* the last that was settled */
  guint held;
  GError *error;
} Fixture;

/* In a child the death signal is set before it could miss the end of this program. */
static void
start_mock(Fixture *f, const char *mode)
{
  const char *argv[] = { BT_TEST_MOCK_SYSTEMD, mode, f->root, NULL };
  g_autoptr(GError) error = NULL;
  char ready[6];
  int out;

  g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                           &f->mock, NULL, &out, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpint(read(out, ready, sizeof ready), ==, sizeof ready);
  close(out);
}

/* mode: of mock-systemd; NULL: a bus without it; "": no bus. */
static void
set_up(Fixture *f, gconstpointer mode)
{
  f->root = g_dir_make_tmp("test-scope-XXXXXX", NULL);
  f->proc = g_build_filename(f->root, "proc", NULL);
  f->tree = g_build_filename(f->root, "tree", NULL);
  g_assert_cmpint(g_mkdir(f->tree, 0755), ==, 0);
  f->place = (BtCgroupPlace){ .proc = f->proc, .tree = f->tree, .timeout_ms = 10000 };
  f->policy = bt_policy_new();
  f->notices = g_ptr_array_new_with_free_func(g_free);
  helper = BT_TEST_SCOPE;
  g_unsetenv("DBUS_SESSION_BUS_ADDRESS");
  g_unsetenv("XDG_RUNTIME_DIR");
  if (g_strcmp0(mode, "") == 0)
    return;
  f->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
  g_test_dbus_up(f->bus);
  if (mode != NULL)
    start_mock(f, mode);
}

static void
remove_all(const char *path)
{
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *below = g_build_filename(path, name, NULL);
    remove_all(below);
  }
  g_remove(path);
}

static void
tear_down(Fixture *f, gconstpointer mode)
{
  if (f->mock != 0) {
    kill(f->mock, SIGKILL);
    g_spawn_close_pid(f->mock);
  }
  if (f->bus != NULL) {
    g_test_dbus_down(f->bus);
    g_object_unref(f->bus);
  }
  g_clear_pointer(&f->scope, bt_scope_free);
  g_clear_error(&f->error);
  g_ptr_array_unref(f->notices);
  bt_policy_unref(f->policy);
  remove_all(f->root);
  g_free(f->root);
  g_free(f->proc);
  g_free(f->tree);
}

static void
limit(Fixture *f, BtLimit which, const char *word)
{
  g_autoptr(GError) error = NULL;
  bt_policy_add_limit(f->policy, BT_LAYER_FLAGS, which, word, &error);
  g_assert_no_error(error);
}

static void
limit_all(Fixture *f)
{
  limit(f, BT_LIMIT_MEMORY, "1M");
  limit(f, BT_LIMIT_CPU, "50%");
  limit(f, BT_LIMIT_PIDS, "10");
}

/* This program is what goes into the scope, since nothing is really moved. */
static void
settle(Fixture *f)
{
  g_clear_pointer(&f->scope, bt_scope_free);
  f->scope = bt_scope_start(f->policy, getpid(), &f->place);
  g_assert_nonnull(f->scope);
  gboolean ok = bt_scope_settle(f->scope, f->notices, &f->held, &f->error);
  g_assert_true(!ok || bt_scope_get_held(f->scope) == f->held);
  g_assert_true(ok == (f->error == NULL));
}

static const char *
notice(Fixture *f, guint i)
{
  g_assert_cmpuint(i, <, f->notices->len);
  return g_ptr_array_index(f->notices, i);
}

#define assert_in(text, part) g_assert_nonnull(strstr(text, part))

/* None asks for a group, and then nothing is even looked for. */
static void
test_unlimited(Fixture *f, gconstpointer mode)
{
  g_assert_null(bt_scope_start(f->policy, getpid(), &f->place));
  limit(f, BT_LIMIT_OPEN_FILES, "10");
  limit(f, BT_LIMIT_NET_BYTES, "1G");
  limit(f, BT_LIMIT_WALL_TIME, "1m");
  g_assert_null(bt_scope_start(f->policy, getpid(), &f->place));
}

static void
test_apply(Fixture *f, gconstpointer mode)
{
  g_autofree char *path = g_build_filename(f->root, "request", NULL), *request = NULL;
  g_autofree char *unit = g_strdup_printf("buntime-%d-%d.scope", getpid(), getpid());
  g_autofree char *pids = g_strdup_printf("('PIDs', <[uint32 %d]>)", getpid());

  limit_all(f);
  settle(f);
  g_assert_no_error(f->error);
  g_assert_cmpuint(f->held, ==, MEMORY | CPU | PIDS);
  g_assert_cmpuint(f->notices->len, ==, 1);
  assert_in(notice(f, 0), "--memory=1M, --cpu=50%, --pids=10: held by the control group ");
  assert_in(notice(f, 0), unit);
  g_assert_true(g_file_get_contents(path, &request, NULL, NULL));
  const char *const parts[] = {
    unit, pids, "('MemoryMax', <uint64 1048576>)", "('MemorySwapMax', <uint64 0>)",
    "('CPUQuotaPerSecUSec', <uint64 500000>)", "('TasksMax', <uint64 11>)",
    "('CollectMode', <'inactive-or-failed'>)",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
    assert_in(request, parts[i]);
  g_assert_null(strstr(request, "Delegate"));
}

/* What is not limited is not asked for. */
static void
test_one(Fixture *f, gconstpointer mode)
{
  g_autofree char *path = g_build_filename(f->root, "request", NULL), *request = NULL;

  limit(f, BT_LIMIT_PIDS, "3");
  settle(f);
  g_assert_cmpuint(f->held, ==, PIDS);
  g_assert_true(g_file_get_contents(path, &request, NULL, NULL));
  assert_in(request, "('TasksMax', <uint64 4>)");
  g_assert_null(strstr(request, "Memory"));
  g_assert_null(strstr(request, "CPU"));
}

/* A group of a process less might not let it start; without namespaces none is to spare. */
static void
test_one_process(Fixture *f, gconstpointer mode)
{
  g_autofree char *path = g_build_filename(f->root, "request", NULL), *request = NULL;

  limit(f, BT_LIMIT_PIDS, "1");
  settle(f);
  g_assert_cmpuint(f->held, ==, PIDS);
  g_assert_true(g_file_get_contents(path, &request, NULL, NULL));
  assert_in(request, "('TasksMax', <uint64 3>)");
  g_free(g_steal_pointer(&request));

  const BtOrigin origins[BT_N_PLUGINS] = { { (char *)"p.json", 1, (char *)"plugins" } };
  bt_policy_merge_plugins(f->policy, BT_PLUGINS_ALL & ~BT_PLUGIN_NAMESPACES, origins);
  settle(f);
  g_assert_cmpuint(f->held, ==, PIDS);
  g_assert_true(g_file_get_contents(path, &request, NULL, NULL));
  assert_in(request, "('TasksMax', <uint64 2>)");
}

/* The runtime folder's bus is used where no address is given. */
static void
test_runtime_folder(Fixture *f, gconstpointer mode)
{
  g_autofree char *address = g_strdup(g_getenv("DBUS_SESSION_BUS_ADDRESS"));
  g_autofree char *folder = g_build_filename(f->root, "run time", NULL);
  g_autofree char *link = g_build_filename(folder, "bus", NULL);
  g_auto(GStrv) parts = g_strsplit_set(address, "=,", -1);

  /* "unix:path=/tmp/dbus-x,guid=..." */
  g_assert_cmpstr(parts[0], ==, "unix:path");
  g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
  g_assert_cmpint(symlink(parts[1], link), ==, 0);
  g_unsetenv("DBUS_SESSION_BUS_ADDRESS");
  g_setenv("XDG_RUNTIME_DIR", folder, TRUE);
  limit(f, BT_LIMIT_PIDS, "3");
  settle(f);
  g_assert_cmpuint(f->held, ==, PIDS);
}

/* What one controller lacks is said of that limit alone. */
static void
test_partly(Fixture *f, gconstpointer mode)
{
  gboolean cpu = strcmp(mode, "no-cpu") == 0;

  limit_all(f);
  settle(f);
  g_assert_cmpuint(f->held, ==, cpu ? MEMORY | PIDS : CPU | PIDS);
  if (cpu) {
    g_assert_error(f->error, BUNTIME_ERROR, BUNTIME_ERROR_SETUP);
    assert_in(f->error->message, "--cpu=50% (command line): only a control group can hold it");
    assert_in(f->error->message, "lacks the controller");
    return;
  }
  g_assert_cmpuint(f->notices->len, ==, 2);
  assert_in(notice(f, 0), "--cpu=50%, --pids=10: held by the control group");
  assert_in(notice(f, 1), "--memory=1M: held by the kernel's resource limits, not by a control "
                          "group (the control group that systemd made lacks the controller)");
}

/* Each way to have none, and what is said of it. */
typedef struct {
  const char *mode, *reason;
} None;

static void
check_none(Fixture *f, const char *reason)
{
  limit(f, BT_LIMIT_MEMORY, "1M");
  limit(f, BT_LIMIT_PIDS, "10");
  settle(f);
  g_assert_no_error(f->error);
  g_assert_cmpuint(f->held, ==, 0);
  g_assert_cmpuint(f->notices->len, ==, 1);
  assert_in(notice(f, 0), "--memory=1M, --pids=10: held by the kernel's resource limits, not by a "
                          "control group (");
  assert_in(notice(f, 0), reason);
  g_assert_null(strpbrk(notice(f, 0), "\x1b\n"));

  limit(f, BT_LIMIT_CPU, "2");
  settle(f);
  g_assert_error(f->error, BUNTIME_ERROR, BUNTIME_ERROR_SETUP);
  assert_in(f->error->message, "--cpu=2 (command line): only a control group can hold it");
  assert_in(f->error->message, reason);
}

static void
test_refused(Fixture *f, gconstpointer mode)
{
  check_none(f, "systemd --user made none: no \\x1b[31mscopes\\x0a today");
}

static void
test_failed(Fixture *f, gconstpointer mode)
{
  check_none(f, "systemd --user made none: failed");
}

static void
test_not_believed(Fixture *f, gconstpointer mode)
{
  check_none(f, "the control groups do not show what systemd says it did");
}

static void
test_no_systemd(Fixture *f, gconstpointer mode)
{
  check_none(f, "systemd --user made none: The name org.freedesktop.systemd1 was not provided");
}

static void
test_no_bus(Fixture *f, gconstpointer mode)
{
  check_none(f, "there is no session bus");
}

/* GIO would start a bus for one of these. */
static void
test_other_addresses(Fixture *f, gconstpointer mode)
{
  static const char *const addresses[] = { "autolaunch:", "tcp:host=127.0.0.1,port=1",
                                           "unixexec:path=/bin/false", "nonsense" };

  limit(f, BT_LIMIT_PIDS, "10");
  for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
    g_setenv("DBUS_SESSION_BUS_ADDRESS", addresses[i], TRUE);
    settle(f);
    assert_in(notice(f, i), "there is no session bus");
  }
}

static void
test_dead_address(Fixture *f, gconstpointer mode)
{
  g_autofree char *address = g_strdup_printf("unix:path=%s/none", f->root);
  g_setenv("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
  check_none(f, "the session bus cannot be reached");
}

/* Among the children of this program are the bus and the mock. */
static void
assert_no_helper(void)
{
  g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", getpid());
  g_autofree char *text = NULL;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_auto(GStrv) children = g_strsplit(g_strstrip(text), " ", -1);
  for (guint i = 0; children[i] != NULL; i++) {
    g_autofree char *file = g_strdup_printf("/proc/%s/comm", children[i]), *name = NULL;
    if (g_file_get_contents(file, &name, NULL, NULL))
      g_assert_cmpstr(name, !=, "buntime-scope\n");
  }
}

/* Time is bounded, and nothing that was started is left. */
static void
check_slow(Fixture *f)
{
  gint64 begun = g_get_monotonic_time();

  f->place.timeout_ms = 300;
  check_none(f, "systemd --user did not answer in time");
  gint64 passed = g_get_monotonic_time() - begun;
  g_assert_cmpint(passed, >=, 2 * 300 * 1000);
  g_assert_cmpint(passed, <, 5 * G_USEC_PER_SEC);
  assert_no_helper();
}

static void
test_slow(Fixture *f, gconstpointer mode)
{
  check_slow(f);
}

/* Somebody listens, and never says a word. */
static void
test_deaf_bus(Fixture *f, gconstpointer mode)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autofree char *variable = NULL;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf(address.sun_path, sizeof address.sun_path, "%s/deaf", f->root);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_assert_cmpint(listen(fd, 8), ==, 0);
  variable = g_strconcat("unix:path=", address.sun_path, NULL);
  g_setenv("DBUS_SESSION_BUS_ADDRESS", variable, TRUE);
  check_slow(f);
  close(fd);
}

static void
test_dying_helper(Fixture *f, gconstpointer mode)
{
  helper = "/bin/true";
  check_none(f, "buntime-scope ended unexpectedly");
}

static void
test_missing_helper(Fixture *f, gconstpointer mode)
{
  helper = "/nonexistent/buntime-scope";
  check_none(f, "/nonexistent/buntime-scope: No such file or directory");
}

/* ---- when a limit strikes ---- */

static void
on_out_of_time(gpointer data)
{
  g_assert_nonnull(data);
  *(gboolean *)data = TRUE;
}

static void
strike(Fixture *f, const char *file, const char *text)
{
  g_autofree char *path = g_strdup_printf("%s/app.slice/buntime-%d-%d.scope/%s", f->tree, getpid(),
                                          getpid(), file);
  FILE *stream = fopen(path, "w"); /* in place: the file is open */
  g_assert_nonnull(stream);
  g_assert_cmpint(fputs(text, stream), >=, 0);
  g_assert_cmpint(fclose(stream), ==, 0);
}

static void
test_events(Fixture *f, gconstpointer mode)
{
  char text[4096];
  int pipe_fds[2];

  g_assert_cmpint(pipe(pipe_fds), ==, 0);
  BtExplainer *explainer = bt_explainer_new(pipe_fds[1], FALSE);
  limit_all(f);
  settle(f);
  g_assert_true(bt_scope_watch(f->scope, explainer, on_out_of_time, NULL));
  strike(f, "memory.events", "low 0\noom 4\noom_kill 2\n");
  strike(f, "pids.events", "max 5\n");
  g_assert_true(bt_scope_ran_out_of_memory(f->scope));
  g_assert_true(bt_scope_ran_out_of_memory(f->scope)); /* told once */
  g_clear_pointer(&f->scope, bt_scope_free);
  bt_explainer_free(explainer);
  close(pipe_fds[1]);
  gssize got = read(pipe_fds[0], text, sizeof text - 1);
  close(pipe_fds[0]);
  g_assert_cmpint(got, >, 0);
  text[got] = '\0';
  assert_in(text, "buntime: limit memory: it ran out, and the kernel killed a process (2 times)\n"
                  "  rule:  --memory=1M (command line)\n  allow: --memory=2M\n");
  assert_in(text, "buntime: limit pids: there are as many as may be: one could not be made "
                  "(5 times)\n  rule:  --pids=10 (command line)\n  allow: --pids=20\n");
}

/* Nothing limits it but who counts; a group is asked for all the same. */
static void
test_cpu_time(Fixture *f, gconstpointer mode)
{
  BtExplainer *explainer = bt_explainer_new(STDERR_FILENO, TRUE);
  gint64 begun = g_get_monotonic_time();
  gboolean called = FALSE;

  limit(f, BT_LIMIT_CPU_TIME, "50ms");
  settle(f);
  g_assert_cmpuint(f->held, ==, 1u << BT_LIMIT_CPU_TIME);
  assert_in(notice(f, 0), "--cpu-time=50ms: held by the control group");
  g_assert_true(bt_scope_watch(f->scope, explainer, on_out_of_time, &called));
  strike(f, "cpu.stat", "usage_usec 56999\n");
  while (g_get_monotonic_time() - begun < G_USEC_PER_SEC / 4)
    g_main_context_iteration(NULL, TRUE);
  g_assert_false(called);
  strike(f, "cpu.stat", "usage_usec 57000\n");
  while (!called && g_get_monotonic_time() - begun < 5 * G_USEC_PER_SEC)
    g_main_context_iteration(NULL, TRUE);
  g_assert_true(called);
  g_clear_pointer(&f->scope, bt_scope_free);
  bt_explainer_free(explainer);
}

/* What did not strike is not told. */
static void
test_no_events(Fixture *f, gconstpointer mode)
{
  char byte;
  int pipe_fds[2];

  g_assert_cmpint(pipe(pipe_fds), ==, 0);
  BtExplainer *explainer = bt_explainer_new(pipe_fds[1], FALSE);
  limit_all(f);
  settle(f);
  g_assert_true(bt_scope_watch(f->scope, explainer, on_out_of_time, NULL));
  g_assert_false(bt_scope_ran_out_of_memory(f->scope));
  g_clear_pointer(&f->scope, bt_scope_free);
  bt_explainer_free(explainer);
  close(pipe_fds[1]);
  g_assert_cmpint(read(pipe_fds[0], &byte, 1), ==, 0);
  close(pipe_fds[0]);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, mode, function)                                                                \
  g_test_add("/scope/" name, Fixture, mode, set_up, function, tear_down)
  ADD("unlimited", "", test_unlimited);
  ADD("apply", "apply", test_apply);
  ADD("one", "apply", test_one);
  ADD("one-process", "apply", test_one_process);
  ADD("runtime-folder", "apply", test_runtime_folder);
  ADD("no-memory", "no-memory", test_partly);
  ADD("no-cpu", "no-cpu", test_partly);
  ADD("refused", "refuse", test_refused);
  ADD("failed", "fail", test_failed);
  ADD("not-believed", "no-group", test_not_believed);
  ADD("no-systemd", NULL, test_no_systemd);
  ADD("no-bus", "", test_no_bus);
  ADD("other-addresses", "", test_other_addresses);
  ADD("dead-address", "", test_dead_address);
  ADD("silent", "silent", test_slow);
  ADD("others", "others", test_slow);
  ADD("deaf-bus", "", test_deaf_bus);
  ADD("dying-helper", NULL, test_dying_helper);
  ADD("missing-helper", NULL, test_missing_helper);
  ADD("events", "apply", test_events);
  ADD("cpu-time", "apply", test_cpu_time);
  ADD("no-events", "apply", test_no_events);
  return g_test_run();
}
