/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clone, and the worker's side of it.
 *
 * The worker stays in the caller's session and process group, so that the
 * terminal's signals reach it; but one with a channel leaves them: its host
 * program's terminal is none of its business, to read from or to write to.  It starts with an empty signal mask, the
 * caller's umask and descriptors 0, 1 and 2.  What the caller ignores it
 * ignores too (nohup), but for SIGPIPE, which GIO ignores for its own sake.
 *
 * Until its execve it shares pid 1's memory (CLONE_VM, on a stack of its own):
 * a copy of even this small address space costs a fifth of the whole start.
 * Descriptors, directory, limits, credentials and filters are each one's own.
 * Both work at the same time, on what only one of them writes:
 *
 *   pid 1    ROOT, NAMESPACES, confines itself │ closes the gate, waits in poll()
 *   worker   its stages up to SECCOMP, then the gate │ EXEC
 *
 * but for errno: where both fail at once, the report may name the other's.
 * So nothing may be allowed because of it.
 *
 * The gate (a pipe without content) keeps the worker from running anything
 * before the old root is gone and pid 1 is out of its reach: its end is the
 * last that pid 1 closes.  Until then the old root lies over the new one, where
 * no path that the worker's stages use comes by.
 *
 * Its execve is the first call that the supervisor is asked about, hence the
 * listener's number must be known by then.  It is written, not sent, and the
 * gate read: sendmsg is none of the calls a filter must allow here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/bt-confine.h"
#include "init/bt-flat.h"
#include "init/bt-init.h"
#include "init/bt-opener.h"
#include "init/bt-reaper.h"
#include "init/bt-report.h"
#include "init/bt-system.h"

#define STACK_SIZE (64u << 10)
/* The worker has no more use for the plan's, which is mapped. */
#define GATE_FD BT_INIT_PLAN_FD

/* Since 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

typedef struct {
  const BtInit *init;
  pid_t init_pid; /* only of a flat one */
  int gate[2]; /* the hang-up of [1] lets the worker execute its program */
  int opener;  /* its end of the opener's socket; -1 */
  char **argv;
  char **env;
} Worker;

static char **
strings_of(const BtPlanView *plan, const uint32_t *offsets, uint32_t count)
{
  char **strings = calloc(count + 1, sizeof *strings);

  if (strings == NULL)
    bt_fail_at("memory");
  for (uint32_t i = 0; i < count; i++)
    strings[i] = (char *)bt_plan_string(plan, offsets[i]);
  return strings;
}

/* ---- the worker's stages ---- */

static void
leave_session(const Worker *worker)
{
  if ((worker->init->plan.header->flags & BT_PLAN_CHANNEL) != 0 && setsid() < 0)
    bt_fail_at("setsid");
}

static void
enter_cwd(const Worker *worker)
{
  const BtPlanView *plan = &worker->init->plan;
  const char *cwd = bt_plan_string(plan, plan->header->cwd);

  if (cwd != NULL && chdir(cwd) != 0)
    bt_fail_at(cwd);
  umask(worker->init->caller_umask);
}

/* Less than the plan says holds it all the same. */
static bool
set_limit(const BtPlanLimit *limit)
{
  struct rlimit own, value = { .rlim_cur = limit->soft, .rlim_max = limit->hard };

  if (setrlimit((int)limit->resource, &value) == 0)
    return true;
  if (errno != EPERM || (limit->flags & BT_PLAN_OR_LESS) == 0 ||
      getrlimit((int)limit->resource, &own) != 0 || own.rlim_max >= value.rlim_max)
    return false;
  value.rlim_max = own.rlim_max;
  value.rlim_cur = value.rlim_cur < own.rlim_max ? value.rlim_cur : own.rlim_max;
  return setrlimit((int)limit->resource, &value) == 0;
}

/* As setrlimit(2) calls it, for what may fail to be set. */
static const char *
name_of(uint32_t resource)
{
  static const char *const names[RLIM_NLIMITS] = {
    [RLIMIT_CORE] = "RLIMIT_CORE",     [RLIMIT_CPU] = "RLIMIT_CPU",
    [RLIMIT_DATA] = "RLIMIT_DATA",     [RLIMIT_NOFILE] = "RLIMIT_NOFILE",
    [RLIMIT_NPROC] = "RLIMIT_NPROC",   [RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
    [RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
  };
  return names[resource] != NULL ? names[resource] : "resource limit";
}

static void
set_limits(const Worker *worker)
{
  const BtPlanView *plan = &worker->init->plan;

  if (setrlimit(RLIMIT_NOFILE, &worker->init->caller_files) != 0)
    bt_fail_at(name_of(RLIMIT_NOFILE));
  for (uint32_t i = 0; i < plan->header->limits.count; i++)
    if (!set_limit(&plan->limits[i]))
      bt_fail_at(name_of(plan->limits[i].resource));
}

static void
enter_landlock(const Worker *worker)
{
  bt_confine_landlock(&worker->init->plan);
}

/*
 * The opener starts here to have the worker's rights and no more, and not its
 * limits.  It is pid 1's child, so that the worker's program finds none that it
 * did not make.  The worker's domain goes below: it may not reach into the
 * opener, which may look at the worker's /proc files as the worker may.
 */
static void
start_opener(const Worker *worker)
{
  if (worker->opener < 0)
    return;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0)
    bt_opener_run(&worker->init->plan, worker->opener);
  if (pid < 0)
    bt_fail_at("clone of the opener");
  bt_confine_landlock(&worker->init->plan);
}

static void
drop_privileges(const Worker *worker)
{
  bt_confine_privileges();
}

static void
pass_gate(void)
{
  char byte;

  /* Nobody writes: it hangs up, and where pid 1 fails, that takes us with it. */
  if (read(GATE_FD, &byte, 1) != 0)
    bt_fail_at("gate");
}

static void
enter_seccomp(const Worker *worker)
{
  const BtPlanView *plan = &worker->init->plan;
  const BtPlanHeader *header = plan->header;

  /*
   * Ours are all close-on-exec; this is also for what was inherited unseen,
   * and so that a low limit has a number left for the listener.
   */
  unsigned first = (header->flags & BT_PLAN_CHANNEL) != 0
                     ? BT_INIT_CHANNEL_FD + BT_INIT_CHANNEL_FDS
                     : BT_INIT_STATUS_FD + 1;
  if (close_range(first, ~0u, 0) != 0)
    bt_fail_at("close_range");
  unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  /* A file that was made for it must not be made again because of a signal. */
  if (worker->opener >= 0 || (header->flags & BT_PLAN_KILLABLE) != 0)
    flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  int listener = bt_confine_seccomp(plan->worker_filter, header->worker_filter.count, flags,
                                    "worker filter");
  if (listener >= 0)
    bt_report_value(BT_STATUS_LISTENER, (uint32_t)listener);
  pass_gate();
}

static void
execute(const Worker *worker)
{
  const BtPlanView *plan = &worker->init->plan;
  const char *executable = bt_plan_string(plan, plan->header->executable);
  sigset_t none;

  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(executable, worker->argv, worker->env);
  bt_fail_at(executable);
}

static const struct {
  BtStage stage;
  void (*run)(const Worker *worker);
} stages[] = {
  { BT_STAGE_CWD, enter_cwd },
  { BT_STAGE_LANDLOCK, enter_landlock },
  { BT_STAGE_OPENER, start_opener },
  { BT_STAGE_LIMITS, set_limits },
  { BT_STAGE_PRIVILEGES, drop_privileges },
  { BT_STAGE_SECCOMP, enter_seccomp },
  { BT_STAGE_EXEC, execute },
};

static int
run_worker(void *data)
{
  const Worker *worker = data;

  close(worker->gate[1]);
  signal(SIGPIPE, SIG_DFL);
  bt_report_worker_stage(BT_STAGE_WORKER);
  if (dup3(worker->gate[0], GATE_FD, O_CLOEXEC) != GATE_FD)
    bt_fail_at("gate");
  if (worker->init->flat)
    bt_flat_tie_worker(worker->init_pid);
  leave_session(worker);
  for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
    bt_report_worker_stage(stages[i].stage);
    stages[i].run(worker);
  }
  _exit(125); /* not reached: the last stage does not return */
}

/* ---- pid 1's side ---- */

/* Keeps the status socket and the signals; the gate's end goes last. */
static void
confine_self(const BtInit *init, pid_t worker, int gate)
{
  const BtPlanView *plan = &init->plan;
  int keep[5 + BT_FLAT_MAX_HELD] = { BT_INIT_STATUS_FD, init->signal_fd, gate };
  unsigned count = 3;

  if (init->flat) {
    bt_report_stage(BT_STAGE_FLAT);
    bt_flat_leave_session();
    keep[count++] = init->life_fd;
    if (init->children_fd >= 0)
      keep[count++] = init->children_fd;
    count += bt_flat_hold(plan, worker, keep + count);
  } else {
    bt_report_stage(BT_STAGE_ROOT);
    bt_leave_old_root();
    bt_report_stage(BT_STAGE_NAMESPACES);
    bt_stage_namespaces(init);
  }
  bt_report_stage(BT_STAGE_LANDLOCK);
  bt_confine_landlock_empty(plan);
  bt_report_stage(BT_STAGE_PRIVILEGES);
  bt_confine_privileges();
  bt_report_stage(BT_STAGE_SECCOMP);
  bt_close_all_but(keep, count);
  bt_confine_seccomp(plan->init_filter, plan->header->init_filter.count, 0, "filter of pid 1");
}

static pid_t
clone_with_copy(Worker *worker, int *pidfd_out)
{
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd_out, NULL, NULL);
  return pid == 0 ? run_worker(worker) : pid;
}

static pid_t
clone_worker(Worker *worker, int *pidfd_out)
{
#ifdef __SANITIZE_ADDRESS__
  /* Its runtime knows one stack a process, so here the memory is copied. */
  return clone_with_copy(worker, pidfd_out);
#else
  static char stack[STACK_SIZE] __attribute__((aligned(16)));

  /* The supervisor may look into this memory, but not into init's. */
  if (worker->init->flat)
    return clone_with_copy(worker, pidfd_out);
  return clone(run_worker, stack + sizeof stack, CLONE_VM | CLONE_PIDFD | SIGCHLD, worker,
               pidfd_out);
#endif
}

/* Known to the supervisor before there is a worker that could ask for something. */
static int
report_opener(const BtInit *init)
{
  int ends[2];

  if (init->plan.header->opener_filter.count == 0)
    return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    bt_fail_at("socket of the opener");
  bt_report_fds(BT_STATUS_OPENER, 0, &ends[0], 1);
  close(ends[0]);
  return ends[1];
}

void
bt_stage_worker(BtInit *init)
{
  const BtPlanHeader *header = init->plan.header;
  int pidfd = -1;

  Worker worker = {
    .init = init,
    .argv = strings_of(&init->plan, init->plan.argv, header->argv.count),
    .env = strings_of(&init->plan, init->plan.env, header->env.count),
    .opener = report_opener(init),
  };
  if (pipe2(worker.gate, O_CLOEXEC) != 0)
    bt_fail_at("pipe");
  if (init->flat)
    worker.init_pid = getpid();
  pid_t pid = clone_worker(&worker, &pidfd);
  if (pid < 0)
    bt_fail_at("clone");
  bt_report_fds(BT_STATUS_WORKER, 0, &pidfd, 1);
  confine_self(init, pid, worker.gate[1]);
  /* From here on only what poll() and wait4() do; see above. */
  close(worker.gate[1]);
  bt_reap(pid, init);
}
