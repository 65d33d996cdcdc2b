/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a start costs: buntime against bubblewrap and the bare program, in one
 * run and interleaved, so that whatever else the machine does hits all alike.
 *
 *   bench-start ROUNDS NAME COMMAND... -- NAME COMMAND... -- ...
 *
 * Each command must end by executing bench-worker, which writes the monotonic
 * time of its main() as eight bytes to stdout.  "start" is from the spawn to
 * that time, "total" until the command is reaped.  A command whose name ends
 * in '*' writes nothing and has only a total.  The first is the reference of
 * the ratios.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 8
#define MAX_ROUNDS 2000

extern char **environ;

typedef struct {
  const char *name;
  char **argv;
  double start[MAX_ROUNDS], total[MAX_ROUNDS]; /* µs */
} Command;

static double
now(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static bool
run_once(Command *command, int round)
{
  posix_spawn_file_actions_t actions;
  int pipe_fds[2], status;
  int64_t reached = 0;
  pid_t pid;

  if (pipe(pipe_fds) != 0)
    return false;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
  posix_spawn_file_actions_addclose(&actions, pipe_fds[0]);
  posix_spawn_file_actions_addclose(&actions, pipe_fds[1]);
  const char *filter = getenv("BENCH_FD9");
  if (filter != NULL)
    posix_spawn_file_actions_addopen(&actions, 9, filter, O_RDONLY, 0);
  double before = now();
  int error = posix_spawnp(&pid, command->argv[0], &actions, NULL, command->argv, environ);
  close(pipe_fds[1]);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return false;
  ssize_t got = read(pipe_fds[0], &reached, sizeof reached);
  waitpid(pid, &status, 0);
  command->total[round] = now() - before;
  command->start[round] = got == sizeof reached ? reached / 1e3 - before : 0;
  close(pipe_fds[0]);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "%s: status %d\n", command->name, status);
    return false;
  }
  return true;
}

static int
compare(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
percentile(double *values, int count, double part)
{
  qsort(values, count, sizeof *values, compare);
  return values[(int)(part * (count - 1))];
}

static int
parse(int argc, char **argv, Command *commands)
{
  int count = 0;
  for (int i = 2; i < argc && count < MAX_COMMANDS; count++) {
    commands[count].name = argv[i++];
    commands[count].argv = &argv[i];
    while (i < argc && strcmp(argv[i], "--") != 0)
      i++;
    if (i < argc)
      argv[i++] = NULL;
  }
  return count;
}

int
main(int argc, char **argv)
{
  static Command commands[MAX_COMMANDS];
  int rounds = argc > 3 ? atoi(argv[1]) : 0;
  int count = parse(argc, argv, commands);

  if (rounds < 2 || rounds > MAX_ROUNDS || count == 0)
    return 2;
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < count; i++)
      if (!run_once(&commands[i], round))
        return 1;
  printf("%-24s %10s %10s %10s %10s %8s %8s\n", "", "start p10", "start p50", "total p10",
         "total p50", "start", "total");
  double start0 = 0, total0 = 0;
  for (int i = 0; i < count; i++) {
    double start10 = percentile(commands[i].start, rounds, 0.1);
    double start50 = percentile(commands[i].start, rounds, 0.5);
    double total10 = percentile(commands[i].total, rounds, 0.1);
    double total50 = percentile(commands[i].total, rounds, 0.5);
    if (i == 0)
      start0 = start50, total0 = total50;
    printf("%-24s %8.0fus %8.0fus %8.0fus %8.0fus %8.2f %8.2f\n", commands[i].name, start10,
           start50, total10, total50, start50 / start0, total50 / total0);
  }
  return 0;
}
