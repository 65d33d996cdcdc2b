// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * flip WAY FLAGS COUNT DIR ROOM REFUSED: opens COUNT times, while other threads change
 * what the open means as fast as they can.  DIR/a/file, DIR/b/file and DIR/c/file are what
 * it may mean; links are made in ROOM.  Goes on until a and b were opened some times, and
 * REFUSED opens failed.  Prints as JSON how often each was opened, by what fstat() says of
 * it, and what else happened.
 *
 *   text       the path's one different letter, in memory
 *   link       a link to the file, by renaming another over it
 *   directory  a link to the directory, likewise
 *   exchange   two such links, by exchanging them
 *   start      the descriptor that a relative path starts at
 *   cwd        the working directory
 *   magic      the descriptor behind /proc/self/fd/N
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENOUGH 60
#define NUMBER 50 /* of the descriptor that is changed */

static const char *top;
static char next_link[4096], first_link[4096], other_link[4096];
static char path[8192], *letter;
static int directories[3], files[3];
static atomic_int ended;
static atomic_ulong flips;

static void
put_link(const char *text)
{
  symlink(text, next_link);
  rename(next_link, first_link);
}

static void
flip_text(int to)
{
  *(volatile char *)letter = (char)('a' + to);
}

/* The whole path is behind the link. */
static void
flip_link(int to)
{
  char text[4096];
  snprintf(text, sizeof text, "%s/%c/file", top, 'a' + to);
  put_link(text);
}

/* A directory of the path is. */
static void
flip_directory(int to)
{
  char text[4096];
  snprintf(text, sizeof text, "%s/%c", top, 'a' + to);
  put_link(text);
}

static void
flip_exchange(int to)
{
  syscall(SYS_renameat2, AT_FDCWD, first_link, AT_FDCWD, other_link, 2 /* RENAME_EXCHANGE */);
}

static void
flip_start(int to)
{
  dup2(directories[to], NUMBER);
}

static void
flip_descriptor(int to)
{
  dup2(files[to], NUMBER);
}

static void
flip_cwd(int to)
{
  if (fchdir(directories[to]) != 0)
    atomic_store(&ended, 1);
}

static void
begin_text(void)
{
  snprintf(path, sizeof path, "%s/a/file", top);
  letter = path + strlen(top) + 1;
}

static void
begin_link(void)
{
  strcpy(path, first_link);
  flip_link(0);
}

static void
begin_directory(void)
{
  snprintf(path, sizeof path, "%s/file", first_link);
  flip_directory(0);
}

static void
begin_exchange(void)
{
  begin_directory();
  rename(first_link, other_link);
  flip_directory(1);
}

static void
begin_file(void)
{
  strcpy(path, "file");
}

static void
begin_magic(void)
{
  snprintf(path, sizeof path, "/proc/self/fd/%d", NUMBER);
}

static const struct {
  const char *name;
  void (*begin)(void);
  void (*flip)(int to);
} ways[] = {
  { "text", begin_text, flip_text },
  { "link", begin_link, flip_link },
  { "directory", begin_directory, flip_directory },
  { "exchange", begin_exchange, flip_exchange },
  { "start", begin_file, flip_start },
  { "cwd", begin_file, flip_cwd },
  { "magic", begin_magic, flip_descriptor },
};

static void *
flip_on(void *data)
{
  void (*flip)(int to) = ways[*(int *)data].flip;

  for (unsigned i = 0; !atomic_load(&ended); i++) {
    flip((int)(i % 3));
    atomic_fetch_add_explicit(&flips, 1, memory_order_relaxed);
  }
  return NULL;
}

static int
find_way(const char *name)
{
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
    if (strcmp(ways[i].name, name) == 0)
      return (int)i;
  exit(2);
}

/* What is not to be seen stays what is first of the three. */
static void
open_all(void)
{
  char name[4096];

  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s/%c", top, 'a' + i);
    directories[i] = open(name, O_PATH | O_DIRECTORY);
    snprintf(name, sizeof name, "%s/%c/file", top, 'a' + i);
    files[i] = open(name, O_PATH);
    if (directories[i] < 0)
      directories[i] = directories[0];
    if (files[i] < 0)
      files[i] = files[0];
  }
}

static unsigned opened[3], foreign, failed, unlike;

static void
count(int fd, const struct stat *known)
{
  struct stat info;

  if (fstat(fd, &info) != 0)
    return;
  for (int i = 0; i < 3; i++)
    if (known[i].st_ino == info.st_ino && known[i].st_dev == info.st_dev) {
      opened[i]++;
      return;
    }
  foreign++;
}

int
main(int argc, char **argv)
{
  struct stat known[3];
  pthread_t thread;

  if (argc != 7)
    return 2;
  int way = find_way(argv[1]), flags = atoi(argv[2]), wanted = atoi(argv[3]);
  unsigned refused = (unsigned)atoi(argv[6]);
  top = argv[4];
  snprintf(next_link, sizeof next_link, "%s/next", argv[5]);
  snprintf(first_link, sizeof first_link, "%s/link", argv[5]);
  snprintf(other_link, sizeof other_link, "%s/other", argv[5]);
  open_all();
  for (int i = 0; i < 3; i++)
    fstat(files[i], &known[i]);
  dup2(directories[0], NUMBER);
  if (fchdir(directories[0]) != 0)
    return 1;
  ways[way].begin();
  if (strcmp(argv[1], "magic") == 0)
    dup2(files[0], NUMBER);
  pthread_create(&thread, NULL, flip_on, &way);
  int start = strcmp(argv[1], "start") == 0 ? NUMBER : AT_FDCWD;
  /* Until the other thread got to run, too, however long that is. */
  for (int i = 0; i < wanted || (i < 50 * wanted && (opened[0] < ENOUGH || opened[1] < ENOUGH ||
                                                     failed < refused)); i++) {
    int fd = openat(start, path, flags, 0600);
    if (fd < 0) {
      failed++;
      unlike += errno != ENOENT && errno != EACCES && errno != EROFS && errno != ELOOP;
      continue;
    }
    count(fd, known);
    close(fd);
  }
  atomic_store(&ended, 1);
  pthread_join(thread, NULL);
  printf("{\"a\": %u, \"b\": %u, \"c\": %u, \"foreign\": %u, \"failed\": %u, \"unlike\": %u, "
         "\"flips\": %lu}\n", opened[0], opened[1], opened[2], foreign, failed, unlike,
         atomic_load(&flips));
  return 0;
}
