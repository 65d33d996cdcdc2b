// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limit OP: uses up what is limited, from C, and prints "OP: COUNT ERRNO", how
 * much it got and what stopped it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 5000
#define MIB (1u << 20)

static int
forks(void)
{
  static pid_t children[MOST];
  int count = 0;

  for (; count < MOST; count++) {
    children[count] = fork();
    if (children[count] < 0)
      break;
    if (children[count] == 0) {
      pause();
      _exit(0);
    }
  }
  int saved = errno;
  for (int i = 0; i < count; i++)
    kill(children[i], SIGKILL);
  while (wait(NULL) > 0)
    ;
  errno = saved;
  return count;
}

static void *
wait_forever(void *data)
{
  pause();
  return data;
}

static int
threads(void)
{
  pthread_t thread;
  int count = 0, error = 0;

  while (count < MOST && (error = pthread_create(&thread, NULL, wait_forever, NULL)) == 0)
    count++;
  errno = error;
  return count;
}

static int
files(void)
{
  int count = 3; /* 0, 1 and 2 */

  while (count < MOST && open("/dev/null", O_RDONLY) >= 0)
    count++;
  return count;
}

/* MiB in one file. */
static int
fill(const char *path)
{
  static char block[MIB];
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int count = 0;

  memset(block, 'x', sizeof block);
  while (fd >= 0 && count < MOST && write(fd, block, sizeof block) == (ssize_t)sizeof block)
    count++;
  int saved = errno;
  close(fd);
  unlink(path);
  errno = saved;
  return count;
}

/* MiB of private memory, touched. */
static int
memory(void)
{
  int count = 0;

  for (; count < MOST; count++) {
    char *block = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
      break;
    memset(block, 'x', MIB);
  }
  return count;
}

/* By brk, too. */
static int
heap(void)
{
  int count = 0;

  while (count < MOST && sbrk(MIB) != (void *)-1)
    count++;
  return count;
}

/* What was lowered cannot be raised. */
static int
raise_limits(void)
{
  static const int resources[] = { RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_DATA, RLIMIT_CPU };
  int count = 0;

  for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
    struct rlimit limit;
    getrlimit(resources[i], &limit);
    if (limit.rlim_max == RLIM_INFINITY)
      continue;
    limit.rlim_cur = limit.rlim_max = limit.rlim_max + 1;
    if (setrlimit(resources[i], &limit) == 0)
      count++;
  }
  return count;
}

static int
spin(void)
{
  for (;;)
    signal(SIGXCPU, SIG_IGN);
  return 0;
}

static int
deaf(void)
{
  sigset_t all;

  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (;;)
    pause();
  return 0;
}

static int
output(void)
{
  static char block[4096];

  memset(block, 'o', sizeof block);
  for (;;)
    if (write(1, block, sizeof block) < 0 && write(2, block, sizeof block) < 0)
      return 0;
}

static int
run(const char *op)
{
  if (strcmp(op, "forks") == 0)
    return forks();
  if (strcmp(op, "threads") == 0)
    return threads();
  if (strcmp(op, "files") == 0)
    return files();
  if (strcmp(op, "tmp") == 0)
    return fill("/tmp/full");
  if (strcmp(op, "shm") == 0)
    return fill("/dev/shm/full");
  if (strcmp(op, "memory") == 0)
    return memory();
  if (strcmp(op, "heap") == 0)
    return heap();
  if (strcmp(op, "raise") == 0)
    return raise_limits();
  if (strcmp(op, "spin") == 0)
    return spin();
  if (strcmp(op, "deaf") == 0)
    return deaf();
  if (strcmp(op, "output") == 0)
    return output();
  return -1;
}

int
main(int argc, char **argv)
{
  for (int i = 1; i < argc; i++) {
    errno = 0;
    int count = run(argv[i]);
    const char *name = errno == 0 ? "none" : strerrorname_np(errno);
    printf("%s: %d %s\n", argv[i], count, name != NULL ? name : "?");
    fflush(stdout);
  }
  return 0;
}
