/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the filters and Landlock add to a system call, and what loading costs:
 *
 *   bench-syscalls
 *
 * Each measurement is a process of its own, since a filter stays.  The peer of
 * the ratios has one filter of one instruction, so that both have left the
 * kernel's path without any.  All take turns; of each the fastest batch counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "plan/bt-seccomp.h"

#define ROUNDS 40
#define BATCHES 20
#define CALLS 2000

typedef enum { PEER, FILTERS, LANDLOCK, N_SUBJECTS } Subject;
typedef enum { GETPID, STAT, OPEN, LOAD, N_CALLS } Call;

static const char *const call_names[] = { "getpid", "stat", "open+close", "loading" };

static double
now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void
must(int result, const char *what)
{
  if (result >= 0)
    return;
  perror(what);
  _exit(1);
}

static void
load(const struct sock_filter *instructions, guint count, unsigned flags)
{
  struct sock_fprog program = { (unsigned short)count, (struct sock_filter *)instructions };
  must((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program), "seccomp");
}

/* As the plan does it for a worker with one read grant. */
static void
enter_landlock(void)
{
  const struct landlock_ruleset_attr ruleset = { .handled_access_fs = (1ull << 13) - 1 };
  struct landlock_path_beneath_attr rule = {
    .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
  };
  int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
  must(fd, "landlock_create_ruleset");
  rule.parent_fd = open("/", O_PATH | O_CLOEXEC);
  must((int)syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), "rule");
  must((int)syscall(SYS_landlock_restrict_self, fd, 0), "landlock_restrict_self");
}

/* Returns what loading took, in ns. */
static double
confine(Subject subject)
{
  const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(int));
  g_autoptr(GArray) worker =
    bt_seccomp_join(none, TRUE, FALSE, (BtFilter){ NULL, 0 }, bt_notify_filter(FALSE), bt_seccomp_worker(FALSE, TRUE));

  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
  if (subject == LANDLOCK)
    enter_landlock();
  double since = now();
  if (subject == PEER) {
    load(&allow, 1, 0);
  } else {
    load((const struct sock_filter *)worker->data, worker->len, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  }
  return now() - since;
}

static void
call(Call which)
{
  struct stat info;

  switch (which) {
  case GETPID:
    syscall(SYS_getpid);
    break;
  case STAT:
    syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &info, 0);
    break;
  case OPEN:
    close((int)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_CLOEXEC));
    break;
  case LOAD:
  case N_CALLS:
    break;
  }
}

/* ns a call, of the fastest batch. */
static double
measure(Call which)
{
  double best = 1e18;

  for (int batch = 0; batch < BATCHES; batch++) {
    double since = now();
    for (int i = 0; i < CALLS; i++)
      call(which);
    double took = (now() - since) / CALLS;
    if (took < best)
      best = took;
  }
  return best;
}

static void
run(Subject subject, double *costs_out)
{
  int pair[2];

  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  pid_t pid = fork();
  must(pid, "fork");
  if (pid == 0) {
    double costs[N_CALLS];
    costs[LOAD] = confine(subject);
    for (Call which = GETPID; which < LOAD; which++)
      costs[which] = measure(which);
    _exit(write(pair[1], costs, sizeof costs) == sizeof costs ? 0 : 1);
  }
  close(pair[1]);
  if (read(pair[0], costs_out, N_CALLS * sizeof *costs_out) != N_CALLS * sizeof *costs_out) {
    fprintf(stderr, "bench-syscalls: a measurement failed\n");
    _exit(1);
  }
  close(pair[0]);
  waitpid(pid, NULL, 0);
}

int
main(void)
{
  double best[N_SUBJECTS][N_CALLS];

  for (int subject = 0; subject < N_SUBJECTS; subject++)
    for (int which = 0; which < N_CALLS; which++)
      best[subject][which] = 1e18;
  for (int round = 0; round < ROUNDS; round++) {
    for (Subject subject = PEER; subject < N_SUBJECTS; subject++) {
      double costs[N_CALLS];
      run(subject, costs);
      for (int which = 0; which < N_CALLS; which++)
        if (costs[which] < best[subject][which])
          best[subject][which] = costs[which];
    }
  }
  printf("%-12s %10s %10s %10s   %8s %8s\n", "", "one-insn", "filters", "+Landlock", "filters",
         "+Landlock");
  for (int which = 0; which < N_CALLS; which++)
    printf("%-12s %8.0fns %8.0fns %8.0fns   %8.3f %8.3f\n", call_names[which], best[PEER][which],
           best[FILTERS][which], best[LANDLOCK][which], best[FILTERS][which] / best[PEER][which],
           best[LANDLOCK][which] / best[PEER][which]);
  return 0;
}
