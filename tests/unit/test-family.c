/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is told to be the worker's: what is below the child of a process that stands for the guard.
 *
 *   test ── guard ── init ── worker ── child ── ... ── last
 *        └─ neighbour
 */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-family.h"
#include "lib/bt-process.h"

#define DEPTH 6

typedef struct {
  BtHelper guard;
  int numbers; /* who they are, the guard first, is said here */
  pid_t all[DEPTH];
} Family;

static void
live(int numbers)
{
  int depth = 0;

  do {
    pid_t own = getpid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, depth < 2);
    if (depth == 2)
      setpgid(0, 0);
    if (write(numbers, &own, sizeof own) != sizeof own)
      _exit(1);
  } while (++depth < DEPTH && fork() == 0);
  for (;;)
    pause();
}

static void
family_start(Family *self)
{
  int ends[2];

  g_assert_cmpint(pipe(ends), ==, 0);
  self->guard.pid = fork();
  g_assert_cmpint(self->guard.pid, >=, 0);
  if (self->guard.pid == 0)
    live(ends[1]);
  close(ends[1]);
  self->guard.pidfd = (int)syscall(SYS_pidfd_open, self->guard.pid, 0);
  g_assert_cmpint(self->guard.pidfd, >=, 0);
  for (guint i = 0; i < DEPTH; i++)
    g_assert_cmpint(read(ends[0], &self->all[i], sizeof self->all[i]), ==, sizeof self->all[i]);
  close(ends[0]);
}

/* Each end is the signal of the next. */
static void
family_end(Family *self)
{
  kill(self->guard.pid, SIGKILL);
  waitpid(self->guard.pid, NULL, 0);
  close(self->guard.pidfd);
}

static void
test_one(void)
{
  Family self;
  pid_t neighbour = fork();

  g_assert_cmpint(neighbour, >=, 0);
  if (neighbour == 0)
    for (;;)
      pause();
  family_start(&self);
  for (guint i = 2; i < DEPTH; i++)
    g_assert_cmpint(bt_family_signal(&self.guard, self.all[i], 0, NULL), ==, 0);
  const pid_t others[] = { self.all[0], self.all[1], getpid(), getppid(), neighbour, 1 };
  for (guint i = 0; i < G_N_ELEMENTS(others); i++)
    g_assert_cmpint(bt_family_signal(&self.guard, others[i], SIGKILL, NULL), ==, EPERM);
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[2], 99, NULL), ==, EINVAL);
  g_assert_cmpint(bt_family_signal(&self.guard, 0, SIGKILL, NULL), ==, ESRCH);
  g_assert_cmpint(bt_family_signal(&self.guard, G_MAXINT, SIGKILL, NULL), ==, ESRCH);
  g_assert_cmpint(waitpid(neighbour, NULL, WNOHANG), ==, 0);
  kill(neighbour, SIGKILL);
  waitpid(neighbour, NULL, 0);
  /* It is reaped now, and its number nobody's. */
  g_assert_cmpint(bt_family_signal(&self.guard, neighbour, 0, NULL), ==, ESRCH);
  family_end(&self);
}

/* An orphan goes to init, and is the worker's still; what is init's own when it has ended is not. */
static void
test_orphans(void)
{
  Family self;
  pid_t parent, group;

  family_start(&self);
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[3], SIGKILL, NULL), ==, 0);
  do
    g_assert_true(bt_process_kin(self.all[5], &parent, &group));
  while (parent == self.all[4] && kill(self.all[4], 0) == 0);
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[2], 0, NULL), ==, 0);
  kill(self.guard.pid, SIGKILL);
  waitid(P_PIDFD, (id_t)self.guard.pidfd, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[2], 0, NULL), !=, 0);
  family_end(&self);
}

static void
test_group(void)
{
  Family self;
  siginfo_t info = { .si_signo = SIGKILL, .si_code = SI_QUEUE };
  siginfo_t kernels = { .si_signo = SIGKILL, .si_code = SI_KERNEL };

  family_start(&self);
  int pidfds[DEPTH];
  for (guint i = 2; i < DEPTH; i++)
    pidfds[i] = (int)syscall(SYS_pidfd_open, self.all[i], 0);
  g_assert_cmpint(bt_family_signal_group(&self.guard, self.all[2], 0), ==, 0);
  /* Ours has guard and init in it, and us. */
  g_assert_cmpint(bt_family_signal_group(&self.guard, getpgrp(), SIGKILL), ==, EPERM);
  g_assert_cmpint(bt_family_signal_group(&self.guard, G_MAXINT, SIGKILL), ==, ESRCH);
  /* The kernel believes a sender that it is queued, and not that it is the kernel's. */
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[5], SIGKILL, &kernels), ==, EPERM);
  g_assert_cmpint(bt_family_signal(&self.guard, self.all[5], SIGKILL, &info), ==, 0);
  g_assert_cmpint(bt_family_signal_group(&self.guard, self.all[2], SIGKILL), ==, 0);
  for (guint i = 2; i < DEPTH; i++) {
    struct pollfd end = { .fd = pidfds[i], .events = POLLIN };
    g_assert_cmpint(poll(&end, 1, 20000), ==, 1);
    close(pidfds[i]);
  }
  family_end(&self);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/family/one", test_one);
  g_test_add_func("/family/orphans", test_orphans);
  g_test_add_func("/family/group", test_group);
  return g_test_run();
}
