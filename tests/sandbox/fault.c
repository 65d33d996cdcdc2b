/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Follows all processes of a run and lets one of their system calls fail.
 *
 *   fault REPORT SECONDS [ROLE CALL COUNT THIRD RESULT] -- COMMAND ...
 *
 * A role is what a process is to the run: the name of its program, with "/child" for what it
 * cloned and that did not execute anything yet, and "/thread". The COUNTth CALL (its number) of a
 * role returns RESULT; it is not carried out, but for close(), which always closes.  "-" in place
 * of a role, a count or of a third argument means any.  What is looked at ends where the worker's program is executed, and
 * for buntime-net where it is confined.
 *
 * REPORT gets, a line each:
 *   call ROLE CALL COUNT RESULT ARGUMENT ARGUMENT ARGUMENT     in the order of their ends
 *   fired                                          the one that was to fail did
 *   started                                        the worker's program was executed
 *   left ROLE                                      alive when the command had ended
 *   late                                           the command did not end in time
 * The status is the command's.
 *
 * It is the parent of what it traces and follows each clone from its first instruction on, so
 * nobody asks whether it may. strace could do this, too, and takes five times as long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TASKS 256
#define MAX_ROLES 32
#define MAX_CALL 512
#define NOWHERE 511 /* no call has this number, and no filter kills for it */
#define GRACE_MS 3000

typedef struct {
  pid_t tid; /* 0: free */
  int role;  /* -1: its parent has not told of it yet */
  bool stopped; /* so, and at its first instruction */
  bool inside;
  bool failing;
  unsigned count;
  struct user_regs_struct entry;
} Task;

typedef struct {
  char name[64];
  bool over; /* its set-up */
  unsigned counts[MAX_CALL];
} Role;

static Task tasks[MAX_TASKS];
static Role roles[MAX_ROLES];
static int n_roles;
static FILE *report;
static bool fires, started;
static struct {
  const char *role; /* NULL: nothing is to fail */
  unsigned call, count;
  long third, result; /* -1: whatever it is */
} fault;
static volatile sig_atomic_t late;

static void
on_alarm(int number)
{
  (void)number;
  late = 1;
}

static int
role_of(const char *name)
{
  for (int i = 0; i < n_roles; i++)
    if (strcmp(roles[i].name, name) == 0)
      return i;
  if (n_roles == MAX_ROLES)
    exit(98);
  snprintf(roles[n_roles].name, sizeof roles[0].name, "%s", name);
  return n_roles++;
}

static Task *
find(pid_t tid)
{
  for (int i = 0; i < MAX_TASKS; i++)
    if (tasks[i].tid == tid)
      return &tasks[i];
  return NULL;
}

static Task *
find_or_add(pid_t tid)
{
  Task *task = find(tid);

  if (task != NULL)
    return task;
  task = find(0);
  if (task == NULL)
    exit(98);
  *task = (Task){ .tid = tid, .role = -1 };
  return task;
}

static void
resume(Task *task, int number)
{
  const char *name = roles[task->role].name;
  bool looked_at = !roles[task->role].over && (!started || strcmp(name, "buntime-net") == 0);

  ptrace(looked_at ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, NULL, (void *)(long)number);
}

/* ---- calls ---- */

static bool
is_fault(const char *role, const Task *task)
{
  return fault.role != NULL && task->entry.orig_rax == fault.call &&
         (strcmp(fault.role, "-") == 0 || strcmp(fault.role, role) == 0) &&
         (fault.count == 0 || fault.count == task->count) &&
         (fault.third < 0 || (unsigned long)fault.third == task->entry.rdx);
}

static void
enter_call(Task *task)
{
  if (ptrace(PTRACE_GETREGS, task->tid, NULL, &task->entry) != 0 || task->entry.orig_rax >= MAX_CALL)
    return;
  /* Of what init clones without namespaces, the guard alone gives itself a name. */
  if (task->entry.orig_rax == SYS_prctl && task->entry.rdi == PR_SET_NAME &&
      strcmp(roles[task->role].name, "buntime-init/child") == 0)
    task->role = role_of("buntime-init/guard");
  Role *role = &roles[task->role];
  unsigned call = (unsigned)task->entry.orig_rax;
  task->count = ++role->counts[call];
  task->failing = is_fault(role->name, task);
  if (!task->failing || call == SYS_close)
    return;
  struct user_regs_struct changed = task->entry;
  changed.orig_rax = NOWHERE;
  ptrace(PTRACE_SETREGS, task->tid, NULL, &changed);
}

static void
leave_call(Task *task)
{
  struct user_regs_struct now;

  if (ptrace(PTRACE_GETREGS, task->tid, NULL, &now) != 0)
    return;
  if (task->failing) {
    now.rax = (unsigned long long)fault.result;
    ptrace(PTRACE_SETREGS, task->tid, NULL, &now);
    fires = true;
    task->failing = false;
  }
  Role *role = &roles[task->role];
  if (task->entry.orig_rax < MAX_CALL)
    fprintf(report, "call %s %llu %u %lld %llx %llx %llx\n", role->name, task->entry.orig_rax, task->count,
            (long long)now.rax, task->entry.rdi, task->entry.rsi, task->entry.rdx);
  if (task->entry.orig_rax == SYS_seccomp && now.rax == 0 && strcmp(role->name, "buntime-net") == 0)
    role->over = true;
}

static void
at_call(Task *task)
{
  struct __ptrace_syscall_info info;

  if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, (void *)sizeof info, &info) <= 0)
    return;
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
    task->inside = true;
    enter_call(task);
  } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->inside) {
    task->inside = false;
    leave_call(task);
  }
}

/* ---- processes ---- */

static void
at_clone(Task *parent, int event)
{
  unsigned long child = 0;
  unsigned long long flags = 0;
  char name[64];

  ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &child);
  if (event == PTRACE_EVENT_CLONE)
    flags = parent->entry.orig_rax == SYS_clone3
              ? (unsigned long long)ptrace(PTRACE_PEEKDATA, parent->tid, (void *)parent->entry.rdi, NULL)
              : parent->entry.rdi;
  snprintf(name, sizeof name, "%.50s/%s", roles[parent->role].name,
           (flags & CLONE_THREAD) != 0 ? "thread" : "child");
  Task *task = find_or_add((pid_t)child);
  task->role = role_of(name);
  if (task->stopped)
    resume(task, 0);
}

/* The worker is the child of init that executes something. */
static void
at_exec(Task *task)
{
  char path[64], comm[32] = "";
  unsigned long former = 0;

  /* A thread that executes takes its leader's number. */
  ptrace(PTRACE_GETEVENTMSG, task->tid, NULL, &former);
  Task *thread = find((pid_t)former);
  if (thread != NULL && thread != task)
    thread->tid = 0;
  if (strcmp(roles[task->role].name, "buntime-init/child") == 0) {
    started = true;
    task->role = role_of("worker");
    roles[task->role].over = true;
    return;
  }
  snprintf(path, sizeof path, "/proc/%d/comm", (int)task->tid);
  FILE *file = fopen(path, "re");
  if (file != NULL && fscanf(file, "%31s", comm) == 1)
    task->role = role_of(comm);
  if (file != NULL)
    fclose(file);
}

static void
at_stop(pid_t tid, int status)
{
  Task *task = find_or_add(tid);
  int number = WSTOPSIG(status), event = status >> 16;

  if (task->role < 0) {
    task->stopped = true;
    return;
  }
  if (number == (SIGTRAP | 0x80)) {
    at_call(task);
    number = 0;
  } else if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
    at_clone(task, event);
    number = 0;
  } else if (event == PTRACE_EVENT_EXEC) {
    at_exec(task);
    number = 0;
  } else if (number == SIGSEGV || number == SIGABRT || number == SIGILL) {
    /* To a traced pid 1 even these mean nothing, and it would do the same again. */
    kill(tid, SIGKILL);
    number = 0;
  } else if (event != 0 || (number == SIGSTOP && !task->stopped)) {
    task->stopped = true; /* its first, or a group stop: none of our runs is stopped */
    number = 0;
  }
  resume(task, number);
}

static void
kill_all(void)
{
  for (int i = 0; i < MAX_TASKS; i++) {
    if (tasks[i].tid == 0)
      continue;
    if (tasks[i].role >= 0)
      fprintf(report, "left %s\n", roles[tasks[i].role].name);
    kill(tasks[i].tid, SIGKILL);
  }
}

/* All that the command started ends with it, or soon after. */
static int
follow(pid_t command)
{
  int status, result = -1;
  struct itimerval grace = { .it_value = { GRACE_MS / 1000, 0 } };

  for (;;) {
    pid_t tid = late ? -1 : waitpid(-1, &status, __WALL);
    if (tid < 0 && (late || errno == EINTR)) {
      if (late && result < 0)
        fprintf(report, "late\n");
      if (late)
        kill_all();
      late = 0;
      continue;
    }
    if (tid < 0)
      return result;
    if (WIFSTOPPED(status)) {
      at_stop(tid, status);
      continue;
    }
    Task *task = find(tid);
    if (task != NULL)
      task->tid = 0;
    if (tid != command)
      continue;
    result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    setitimer(ITIMER_REAL, &grace, NULL);
  }
}

static pid_t
start(char **argv)
{
  const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
                                PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
  int status;
  pid_t pid = fork();

  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    execv(argv[0], argv);
    _exit(127);
  }
  if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
      ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) != 0)
    exit(98);
  Task *task = find_or_add(pid);
  task->role = role_of("start");
  task->stopped = true;
  ptrace(PTRACE_CONT, pid, NULL, NULL);
  return pid;
}

int
main(int argc, char **argv)
{
  const struct sigaction action = { .sa_handler = on_alarm };
  int next = 3;

  if (argc > 9 && strcmp(argv[3], "--") != 0) {
    fault.role = argv[3];
    fault.call = (unsigned)atoi(argv[4]);
    fault.count = (unsigned)atoi(argv[5]);
    fault.third = argv[6][0] == '-' ? -1 : atol(argv[6]);
    fault.result = atol(argv[7]);
    next = 8;
  }
  if (argc < next + 2 || strcmp(argv[next], "--") != 0 || (report = fopen(argv[1], "we")) == NULL)
    return 98;
  sigaction(SIGALRM, &action, NULL);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const struct itimerval limit = { .it_value = { atoi(argv[2]), 0 } };
  setitimer(ITIMER_REAL, &limit, NULL);
  int result = follow(start(argv + next + 1));
  if (fires)
    fprintf(report, "fired\n");
  if (started)
    fprintf(report, "started\n");
  return fclose(report) == 0 ? result : 98;
}
