/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-init without namespaces, run for real as in test-init.c. What is
 * below it has the numbers that we see, so that its end can be looked at.
 */
#include "init-harness.h"
#include "lib/bt-process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
await_no_process(int pid)
{
  gint64 end = g_get_monotonic_time() + PATIENCE_MS * 1000ll;

  while (kill(pid, 0) == 0) {
    g_assert_cmpint(g_get_monotonic_time(), <, end);
    g_usleep(2000);
  }
  g_assert_cmpint(errno, ==, ESRCH);
}

/* What a child of the shell sees of /proc is nothing, so the shell looks itself. */
#define STATUS(word) "while read -r name value; do case $name in " word ") echo $value;; esac; " \
                     "done </proc/self/status"

static const View views[] = {
  { "runs", "echo hello $0", "hello sh\n" },
  { "umask", "umask", "0027\n" },
  { "capabilities", STATUS("CapEff:|CapPrm:|CapInh:|CapAmb:"),
    "0000000000000000\n0000000000000000\n0000000000000000\n0000000000000000\n" },
  { "no-new-privs", STATUS("NoNewPrivs:"), "1\n" },
  { "signals", STATUS("SigBlk:"), "0000000000000000\n" },
  { "descriptors", "cd /proc/self/fd; echo *", "0 1 2 3\n" },
  { "its-proc", "for f in maps stat statm cmdline comm limits auxv; do "
                "read -r x </proc/self/$f; test -n \"$x\" || echo no $f; done 2>/dev/null",
    "" },
  { "no-proc", "exec 2>/dev/null; for f in /proc/1/cmdline /proc/self/net/dev /proc/stat "
               "/proc/self/environ /proc/self/cgroup /proc/$PPID/status; do "
               "read -r x <$f && echo $f; done; cd /proc; echo *",
    "*\n" },
  { "no-files", "exec 2>/dev/null; read x </etc/passwd || echo passwd; echo x >/tmp/buntime-flat "
                "|| echo tmp; cd /; echo *; echo x >/dev/null && echo null",
    "passwd\ntmp\n*\nnull\n" },
  { "init", "exec 2>/dev/null; for s in 0 KILL STOP TERM CHLD; do kill -$s $PPID && echo $s; done; "
            "for f in environ maps fd root; do test -r /proc/$PPID/$f/ && ls /proc/$PPID/$f/; done; "
            "echo alive",
    "alive\n" },
  { "exit-kills", "sleep 1000 & echo done", "done\n" },
};

static void
test_view(gconstpointer data)
{
  const View *view = data;
  assert_view(view, plan_new_flat(view->script), run_start_flat);
}

/*
 * As for a kernel whose Landlock knows no scopes. What keeps signals inside are then filters, which
 * these plans do not have.
 */
static Plan *
plan_new_old(const char *script)
{
  Plan *plan = plan_new_flat(script);

  plan->header.flags |= BT_PLAN_KILLABLE;
  plan->header.landlock_net = plan->header.landlock_scoped = 0;
  return plan;
}

static void
test_old_view(gconstpointer data)
{
  const View *view = data;
  assert_view(view, plan_new_old(view->script), run_start_flat);
}

/* ---- failures ---- */

static void
linked_rule(Plan *plan)
{
  plan_add_rule(plan, "/proc/self", LANDLOCK_ACCESS_FS_READ_FILE);
}

static void
missing_rule(Plan *plan)
{
  plan_add_rule(plan, "/missing", LANDLOCK_ACCESS_FS_READ_FILE);
}

static void
missing_program(Plan *plan)
{
  plan->header.executable = plan_add_string(plan, "/usr/bin/missing");
}

static void
no_program(Plan *plan)
{
  plan->header.executable = plan_add_string(plan, "/etc/hostname");
}

static void
with_namespaces(Plan *plan)
{
  plan->header.flags = 0;
  plan->header.landlock_net = 0;
}

static const Failure failures[] = {
  { "linked-rule", linked_rule, BT_STAGE_LANDLOCK, ELOOP, "/proc/self" },
  { "missing-rule", missing_rule, BT_STAGE_LANDLOCK, ENOENT, "/missing" },
  { "missing-program", missing_program, BT_STAGE_EXEC, ENOENT, "/usr/bin/missing" },
  { "no-program", no_program, BT_STAGE_EXEC, EACCES, "/etc/hostname" },
  { "another-plan", with_namespaces, BT_STAGE_PLAN, EPERM, "plan: for another kind of sandbox" },
};

static void
test_failure(gconstpointer data)
{
  assert_failure(data, plan_new_flat("echo ran"), run_start_flat);
}

/* A plan without namespaces is not carried out by who made them. */
static void
test_other_init(void)
{
  Run run;

  run_start(&run, plan_new_flat("echo ran"));
  assert_refused(&run);
}

/* ---- ends ---- */

/* Leaves the session and its parent, ignores what can be, and says its number. */
#define DAEMON "(setsid bash -c 'trap \"\" TERM HUP INT; echo $$; exec sleep 1000' &) ; "

static gboolean
has_said(Run *run)
{
  return strchr(run_output(run), '\n') != NULL;
}

static gboolean
is_taken(Run *run)
{
  return run->taken;
}

/* Until the daemon has said its number and all execs are answered. */
static int
run_daemon(Run *run, const char *script, gboolean old)
{
  gint64 end = g_get_monotonic_time() + PATIENCE_MS * 1000ll;

  run_start_flat(run, old ? plan_new_old(script) : plan_new_flat(script));
  run_until(run, is_taken);
  while (!has_said(run)) {
    struct pollfd call = { .fd = run->listener, .events = POLLIN };
    g_assert_cmpint(g_get_monotonic_time(), <, end);
    if (poll(&call, 1, 10) > 0)
      run_answer(run);
  }
  return atoi(run_output(run));
}

/* Ends when the daemon has said its number, and most likely is what it is to become. */
#define WITH_DAEMON "{ " DAEMON "} | { read -r number; echo $number; }; sleep 0.2; exit 3"

/* GUARD_KILLED: where the guard is what was started. */
typedef enum { WORKER_ENDS, SUPERVISOR_ENDS, INIT_KILLED, GUARD_KILLED } Ending;

static const struct {
  const char *name;
  Ending ending;
  gboolean old;
} endings[] = {
  { "worker-ends", WORKER_ENDS, FALSE },
  { "supervisor-ends", SUPERVISOR_ENDS, FALSE },
  { "init-killed", INIT_KILLED, FALSE },
  { "old-worker-ends", WORKER_ENDS, TRUE },
  { "old-supervisor-ends", SUPERVISOR_ENDS, TRUE },
  { "old-init-killed", INIT_KILLED, TRUE },
  { "old-guard-killed", GUARD_KILLED, TRUE },
};

/* Many, each the other's child, of which all but the last wait. */
#define CHAIN "f() { if test $1 = 0; then " DAEMON "sleep 1000; else (f $(($1 - 1)); :); fi; }; f 40"

static pid_t
parent_of_worker(const Run *run)
{
  pid_t parent = 0, group, pid = bt_process_pid_behind(getpid(), run->worker);

  g_assert_cmpint(pid, >, 0);
  g_assert_true(bt_process_kin(pid, &parent, &group));
  return parent;
}

static void
test_ending(gconstpointer data)
{
  gsize number = GPOINTER_TO_SIZE(data);
  Ending ending = endings[number].ending;
  gboolean old = endings[number].old;
  Run run;
  int daemon = run_daemon(&run, ending == WORKER_ENDS ? WITH_DAEMON : CHAIN, old);

  g_assert_cmpint(daemon, >, 1);
  if (ending == WORKER_ENDS) {
    run_until(&run, NULL);
    g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
    g_assert_cmpuint(run.last.value, ==, 3 << 8);
  } else if (ending == SUPERVISOR_ENDS) {
    close(run.status_fd);
    run.status_fd = dup(0);
  } else {
    pid_t init = ending == INIT_KILLED ? parent_of_worker(&run) : run.init.pid;
    g_assert_cmpint(old, ==, run.init.pid != parent_of_worker(&run));
    g_assert_cmpint(kill(init, SIGKILL), ==, 0);
  }
  run_await_end(run.init.pidfd);
  run_await_end(run.worker);
  /* When init has ended by itself, so have all. */
  if (ending < INIT_KILLED)
    g_assert_cmpint(kill(daemon, 0), !=, 0);
  await_no_process(daemon);
  run_clear(&run);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (getuid() == 0)
    g_error("to be run as an ordinary user");
  umask(027);
  for (gsize i = 0; i < G_N_ELEMENTS(views); i++) {
    g_autofree char *path = g_strdup_printf("/init-flat/view/%s", views[i].name);
    g_test_add_data_func(path, &views[i], test_view);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(views); i++) {
    g_autofree char *path = g_strdup_printf("/init-flat/old-view/%s", views[i].name);
    if (strcmp(views[i].name, "init") != 0)
      g_test_add_data_func(path, &views[i], test_old_view);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
    g_autofree char *path = g_strdup_printf("/init-flat/failure/%s", failures[i].name);
    g_test_add_data_func(path, &failures[i], test_failure);
  }
  g_test_add_func("/init-flat/other-init", test_other_init);
  for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
    g_autofree char *path = g_strdup_printf("/init-flat/%s", endings[i].name);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_ending);
  }
  return g_test_run();
}
