/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The peer of a network start: a program in new user and network namespaces,
 * connected by slirp4netns as its manual page shows it.
 *
 *   bench-slirp4netns PROGRAM ARGS...
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int
write_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t written = write(fd, text, strlen(text));
  close(fd);
  return written < 0 ? -1 : 0;
}

static void
run_program(char **argv, int made, int go)
{
  char map[40], byte = 0;
  uid_t uid = getuid();
  gid_t gid = getgid();

  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
    _exit(1);
  snprintf(map, sizeof map, "%u %u 1\n", uid, uid);
  if (write_file("/proc/self/uid_map", map) != 0 || write_file("/proc/self/setgroups", "deny") != 0)
    _exit(1);
  snprintf(map, sizeof map, "%u %u 1\n", gid, gid);
  if (write_file("/proc/self/gid_map", map) != 0)
    _exit(1);
  if (write(made, &byte, 1) != 1 || read(go, &byte, 1) != 1)
    _exit(1);
  execv(argv[0], argv);
  _exit(127);
}

static pid_t
start_slirp(pid_t program, int ready)
{
  char fd_text[16], pid_text[16];
  pid_t pid = fork();

  if (pid != 0)
    return pid;
  snprintf(fd_text, sizeof fd_text, "--ready-fd=%d", ready);
  snprintf(pid_text, sizeof pid_text, "%d", program);
  fcntl(ready, F_SETFD, 0);
  int null_fd = open("/dev/null", O_RDWR);
  dup2(null_fd, 1);
  dup2(null_fd, 2);
  execlp("slirp4netns", "slirp4netns", "--configure", "--mtu=65520", fd_text, pid_text, "tap0",
         (char *)NULL);
  _exit(127);
}

int
main(int argc, char **argv)
{
  int made[2], go[2], ready[2], status = 1;
  char byte = 0;

  if (argc < 2 || pipe2(made, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0 ||
      pipe2(ready, O_CLOEXEC) != 0)
    return 2;
  pid_t program = fork();
  if (program == 0)
    run_program(argv + 1, made[1], go[0]);
  close(made[1]);
  if (read(made[0], &byte, 1) != 1)
    return 1;
  pid_t slirp = start_slirp(program, ready[1]);
  close(ready[1]);
  if (read(ready[0], &byte, 1) == 1 && write(go[1], &byte, 1) == 1)
    waitpid(program, &status, 0);
  kill(slirp, SIGTERM);
  waitpid(slirp, NULL, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
