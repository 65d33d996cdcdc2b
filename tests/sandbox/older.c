// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * older ABI COMMAND ...: executes buntime as on a kernel whose Landlock has this version.
 *
 * The supervisor asks for it once, and what it plans then all the others carry out.  So a tracer
 * follows it until it has asked, answers in the kernel's place, and is gone.  It is not the
 * command's parent or child, and the command has the caller's number: whoever kills it or looks
 * at its children sees what there is without.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void
fail(const char *what)
{
  perror(what);
  exit(98);
}

/* FALSE: it was answered. */
static int
is_asked(pid_t pid, long abi)
{
  static int inside;
  struct user_regs_struct now;

  if (ptrace(PTRACE_GETREGS, pid, NULL, &now) != 0 || now.orig_rax != 444 || (int)now.rdx != 1)
    return 1;
  inside = !inside;
  if (inside)
    return 1;
  now.rax = (unsigned long)abi;
  ptrace(PTRACE_SETREGS, pid, NULL, &now);
  return 0;
}

static void
follow(pid_t pid, long abi)
{
  int status;

  while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
    int number = WSTOPSIG(status);
    if (number == (SIGTRAP | 0x80) && !is_asked(pid, abi)) {
      ptrace(PTRACE_DETACH, pid, NULL, NULL);
      return;
    }
    if (number == (SIGTRAP | 0x80) || (status >> 16) != 0)
      number = 0;
    ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)number);
  }
}

/* The child that waits for it would be the command's. */
static void
start_tracer(pid_t pid, long abi, int ready)
{
  const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;

  if (fork() != 0)
    _exit(0);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++)
    dup2(null, fd);
  setsid();
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) != 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
      write(ready, "", 1) != 1)
    _exit(1);
  close(ready);
  follow(pid, abi);
  _exit(0);
}

int
main(int argc, char **argv)
{
  int ready[2];
  char byte;

  if (argc < 3)
    return 98;
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* Yama's; where that is off nobody asks */
  if (pipe2(ready, O_CLOEXEC) != 0)
    fail("pipe");
  pid_t pid = fork(), own = getppid();
  if (pid == 0) {
    close(ready[0]);
    start_tracer(own, atol(argv[1]), ready[1]);
  }
  if (pid < 0 || waitpid(pid, NULL, 0) != pid)
    fail("fork");
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1)
    fail("PTRACE_SEIZE");
  execv(argv[2], argv + 2);
  fail(argv[2]);
}
