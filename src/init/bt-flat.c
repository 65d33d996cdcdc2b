/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sandbox without namespaces: the worker is a process among the user's
 * others, in their tree of files, and Landlock and seccomp are all that holds
 * it.  What a pid namespace did for pid 1 has to be done by hand:
 *
 *   ends with the supervisor   by the hang-up of the status socket.  Until the
 *                              worker is made by PDEATHSIG, too; then no more,
 *                              since init still has something to do.
 *   takes all with it          kill(-1, SIGKILL).  Init enters a Landlock domain
 *                              that scopes signals, and the worker's domain lies
 *                              in it: so "every process" are init's own and what
 *                              came of them, whoever their parent is.  The kernel
 *                              goes through all processes under the lock that
 *                              fork() needs, hence none slips through.
 *   is out of reach            signals from the worker end at its own, inner
 *                              domain, and so do ptrace and all that asks as it
 *                              does (/proc/PID/mem, fd, environ).
 *   ignores signals            it blocks them, and leaves the terminal's session
 *                              once the worker is made.
 *   reaps                      it is a subreaper.  That also keeps what the worker
 *                              made below the supervisor, as Yama wants it for
 *                              the notifier's look at their memory.
 *
 * Should init itself be killed, by whoever runs out of memory or patience, its
 * guard does the same: a process that does nothing but wait for that.  If it is
 * the guard that is killed, init ends the run, since nobody would be left to.
 *
 * Killing "every process" in a domain that is not there would end the user's
 * session: whether it is there is tried before anything else is done.
 *
 * Before Linux 6.12 no domain scopes signals.  There the supervisor sends those of
 * the worker (lib/bt-notify-signal.c), and what is different here is
 *
 *   takes all with it          init kills its children, reaps them, and has theirs
 *                              then, since it is the subreaper, until there are
 *                              none.  A child's number is its own until it is
 *                              reaped, and nobody else does that: no other process
 *                              can be hit.  It comes to an end since none are made
 *                              meanwhile: fork() is notified, and the supervisor
 *                              says no more yes once a run ends.  If it is dead, the
 *                              kernel says no.
 *   its guard                  is not its child but its parent, and a subreaper like
 *                              it.  So init's children become the guard's if init is
 *                              killed, and it ends them in the same way.
 *
 *     supervisor ── guard (what was started as init) ── init ── worker ── ...
 *
 * Who kills both at once leaves what the worker made alive, in either way.
 *
 * Init stays not dumpable.  The worker must not be so, or its listener could
 * not be taken; thus they share no memory here.
 *
 * What the worker sees of /proc are some files about itself, without which
 * Bun and others do not start.  Landlock's rules belong to inodes, and those of
 * /proc last as long as somebody uses them, so init holds them open.  The rest
 * of /proc would show the user's other processes; that of the worker's own
 * directory the host's network (net/).
 */
#include "init/bt-flat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "init/bt-confine.h"
#include "init/bt-paths.h"
#include "init/bt-report.h"
#include "init/bt-system.h"

/*
 * So long after the last one ended: a process that waits for a dead file server ends when that
 * answers.
 */
#define END_MS 5000
#define END_ROUND_MS 20

/* Of /proc/PID; the directories first. */
static const char *const shown[] = {
  "fd", "fdinfo", "auxv", "cmdline", "comm", "limits", "maps", "stat", "statm", "status",
};
#define N_SHOWN (sizeof shown / sizeof shown[0])
#define N_SHOWN_FOLDERS 2

void
bt_flat_block_signals(void)
{
  sigset_t all;

  sigfillset(&all);
  if (sigprocmask(SIG_SETMASK, &all, NULL) != 0)
    bt_fail_at("signal mask");
}

static void
become_subreaper(void)
{
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_CHILD_SUBREAPER");
}

/* Is the supervisor out of our reach? */
static void
try_scope(void)
{
  if (kill(getppid(), 0) == 0 || errno != EPERM)
    bt_fail_with(ENOTSUP, "scope of signals");
}

/* As confined as init will be. Its own name, so that who kills by names kills one of both. */
static void
confine_guard(const BtPlanView *plan, int *keep, unsigned count)
{
  prctl(PR_SET_NAME, "buntime-guard");
  bt_flat_leave_session();
  bt_confine_landlock_empty(plan);
  bt_confine_privileges();
  /* The status socket goes last: without a guard there is to be no run. */
  bt_close_all_but(keep, count);
  bt_confine_seccomp(plan->init_filter, plan->header->init_filter.count, 0, "filter of the guard");
  close(BT_INIT_STATUS_FD);
}

static _Noreturn void
guard(const BtPlanView *plan, int life)
{
  int keep[] = { BT_INIT_STATUS_FD, life };
  char byte;

  bt_report_worker_stage(BT_STAGE_FLAT);
  confine_guard(plan, keep, 2);
  while (read(life, &byte, 1) < 0 && errno == EINTR)
    ;
  bt_flat_end_all(-1, -1);
  _exit(0);
}

/* The pipe's other end is nobody's but init's: the worker closes its copy before it is let go. */
static void
start_guard(BtInit *init)
{
  int ends[2];

  if (pipe2(ends, O_CLOEXEC) != 0)
    bt_fail_at("pipe of the guard");
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) {
    close(ends[1]);
    guard(&init->plan, ends[0]);
  }
  if (pid < 0)
    bt_fail_at("clone of the guard");
  close(ends[0]);
  init->guard = pid;
  init->life_fd = ends[1];
}

/* Its own are those of the thread that opens it. */
static int
open_children(void)
{
  int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    bt_fail_at("/proc/thread-self/children");
  return fd;
}

/* Keeps the end of a pipe, whose hang-up tells init. */
static _Noreturn void
guard_above(const BtInit *init, pid_t pid, int life)
{
  int status = 0;

  /* If the supervisor goes, init ends, and we after it. */
  if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_PDEATHSIG");
  int children = open_children();
  int keep[] = { BT_INIT_STATUS_FD, init->signal_fd, life, children };
  confine_guard(&init->plan, keep, 4);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    ;
  bt_flat_end_all(init->signal_fd, children);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}

/* From here on it is a child that is init. */
static void
go_below_guard(BtInit *init)
{
  int ends[2];

  if (pipe2(ends, O_CLOEXEC) != 0)
    bt_fail_at("pipe of the guard");
  pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid < 0)
    bt_fail_at("clone of init");
  if (pid > 0) {
    close(ends[0]);
    guard_above(init, pid, ends[1]);
  }
  bt_report_init(getpid());
  close(ends[1]);
  init->life_fd = ends[0];
  init->children_fd = open_children();
  become_subreaper();
}

void
bt_stage_flat(BtInit *init)
{
  bt_raise_descriptor_limit(init, 0);
  /* Landlock wants it of who has no capabilities. */
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    bt_fail_at("no_new_privs");
  become_subreaper();
  if (init->plan.header->landlock_scoped == 0) {
    go_below_guard(init);
    return;
  }
  bt_confine_signals();
  try_scope();
  start_guard(init);
  /* If the supervisor is gone by now, so are we; if it goes later, its socket hangs up. */
  if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_PDEATHSIG");
}

void
bt_flat_tie_worker(pid_t init)
{
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_PDEATHSIG");
  if (getppid() != init)
    _exit(125);
  if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_DUMPABLE");
}

void
bt_flat_add_proc(int ruleset, uint64_t handled)
{
  for (size_t i = 0; i < N_SHOWN; i++) {
    char path[32];
    struct landlock_path_beneath_attr rule = {
      .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE & handled,
    };
    if (i < N_SHOWN_FOLDERS)
      rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR & handled;
    snprintf(path, sizeof path, "/proc/self/%s", shown[i]);
    BT_LEFT_FD fd = open(path, O_PATH | O_CLOEXEC);
    rule.parent_fd = fd;
    if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
      bt_fail_at(path);
  }
}

unsigned
bt_flat_hold(const BtPlanView *plan, pid_t worker, int fds_out[BT_FLAT_MAX_HELD])
{
  unsigned count = 0;

  for (size_t i = 0; i < N_SHOWN; i++) {
    char path[48];
    snprintf(path, sizeof path, "/proc/%d/%s", worker, shown[i]);
    fds_out[count++] = open(path, O_PATH | O_CLOEXEC);
  }
  for (uint32_t i = 0; i < plan->header->landlock.count && count < BT_FLAT_MAX_HELD; i++) {
    const char *path = bt_plan_string(plan, plan->landlock[i].path);
    if (strncmp(path, "/proc/", 6) == 0)
      fds_out[count++] = bt_open_source(path);
  }
  /* The worker may be dead already; else it only sees less after a while. */
  unsigned held = 0;
  for (unsigned i = 0; i < count; i++)
    if (fds_out[i] >= 0)
      fds_out[held++] = fds_out[i];
  return held;
}

void
bt_flat_leave_session(void)
{
  if (setsid() < 0)
    bt_fail_at("setsid");
}

/* "7 8 9 ": what does not fit is seen when these have ended. */
static void
kill_children(int children_fd)
{
  char text[4096];
  ssize_t got = pread(children_fd, text, sizeof text - 1, 0);

  text[got > 0 ? got : 0] = '\0';
  for (char *number = text, *end = strchr(number, ' '); end != NULL;
       number = end + 1, end = strchr(number, ' ')) {
    long pid = strtol(number, NULL, 10);
    if (pid > 0)
      kill((pid_t)pid, SIGKILL);
  }
}

static int64_t
now_ms(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* FALSE: none is left. */
static bool
reap_all(bool *reaped_out)
{
  pid_t pid;

  *reaped_out = false;
  while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
    *reaped_out = true;
  return pid == 0 || errno != ECHILD;
}

void
bt_flat_end_all(int signal_fd, int children_fd)
{
  int64_t last = now_ms();
  bool reaped;

  while (now_ms() - last < END_MS) {
    struct signalfd_siginfo info;
    struct pollfd wait = { .fd = signal_fd, .events = POLLIN };

    if (children_fd < 0)
      kill(-1, SIGKILL);
    else
      kill_children(children_fd);
    if (!reap_all(&reaped))
      return;
    if (reaped)
      last = now_ms();
    if (poll(&wait, 1, END_ROUND_MS) > 0)
      (void)!read(signal_fd, &info, sizeof info);
  }
}
