/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel resolves the path, and all that it checks it checks: mounts,
 * permissions, Landlock.  Only what depends on who asks must not be left to it:
 *
 *   /proc/self, /proc/thread-self   lead to us instead of the caller
 *   magic links below our /proc/PID  (fd/5, exe, root) lead to what is ours
 *
 * So the kernel is told not to follow magic links, and what it found must not
 * be below our own /proc/PID.  Where it meets the first or finds the second, the
 * path is walked here, component by component through O_PATH descriptors, the
 * two links read as the caller would, and magic links followed in any /proc/PID
 * but ours.  Whether they may be followed is the kernel's to say again.
 *
 * What the worker changes meanwhile leads to an object that is found by the
 * changed path, or to an error; never to one that the kernel would refuse.
 */
#include "init/bt-open-as.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_LINKS 40 /* the kernel's */
#define PROC_ROOT_INODE 1
/* What openat() knows; the rest it ignores, but openat2() would not. */
#define KNOWN_FLAGS                                                                              \
  (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |          \
   O_DSYNC | O_ASYNC | O_DIRECT | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_TMPFILE)
#define MAKES(flags) (((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0)

static int
open_at(int dirfd, const char *path, const BtOpenAs *as, uint64_t resolve)
{
  struct open_how how = {
    /* A terminal must not become the opener's. */
    .flags = (as->flags & KNOWN_FLAGS) | O_CLOEXEC | O_NOCTTY,
    .mode = MAKES(as->flags) ? as->mode & 07777 : 0,
    .resolve = resolve,
  };
  if (as->look)
    how = (struct open_how){
      .flags = O_PATH | O_CLOEXEC | (as->flags & (O_DIRECTORY | O_NOFOLLOW)),
      .resolve = resolve,
    };
  int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
  return fd < 0 ? -errno : fd;
}

static int
look(int dirfd, const char *name, int flags, uint64_t resolve)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags, .resolve = resolve };
  int fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof how);
  return fd < 0 ? -errno : fd;
}

static bool
is_on_proc(int fd)
{
  struct statfs info;
  return fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

/* Is it of our own /proc/PID? Where that cannot be told, too. */
static bool
is_ours(int fd)
{
  char link[32], path[64], own[24];

  if (!is_on_proc(fd))
    return false;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0)
    return true;
  path[length] = '\0';
  size_t own_length = (size_t)snprintf(own, sizeof own, "/proc/%d", (int)getpid());
  if (strncmp(path, own, own_length) == 0)
    return path[own_length] == '/' || path[own_length] == '\0';
  /* Another procfs than the sandbox's would have other numbers. */
  return strncmp(path, "/proc/", 6) != 0 && strcmp(path, "/proc") != 0;
}

/* Takes fd. */
static int
refuse_ours(int fd)
{
  if (fd < 0 || !is_ours(fd))
    return fd;
  close(fd);
  return -EACCES;
}

/* ---- the walk ---- */

typedef struct {
  const BtOpenAs *as;
  int at; /* where the rest starts; owned */
  unsigned links;
  char rest[2 * PATH_MAX];
} Walk;

/* Takes fd, which may be an error. */
static int
move_to(Walk *walk, int fd)
{
  if (fd < 0)
    return fd;
  close(walk->at);
  walk->at = fd;
  return 0;
}

/* Goes on with what a link says, from the directory that it is in. */
static int
follow_text(Walk *walk, const char *text)
{
  size_t length = strlen(text), rest = strlen(walk->rest);

  if (length == 0)
    return -ENOENT;
  if (length + rest + 1 > sizeof walk->rest)
    return -ENAMETOOLONG;
  memmove(walk->rest + length, walk->rest, rest + 1);
  memcpy(walk->rest, text, length);
  return text[0] == '/' ? move_to(walk, look(AT_FDCWD, "/", O_DIRECTORY, 0)) : 0;
}

static bool
is_proc_root(int fd)
{
  struct stat info;
  return fstat(fd, &info) == 0 && info.st_ino == PROC_ROOT_INODE && is_on_proc(fd);
}

/* A link of procfs: *text_out is what it says to the caller, "" for a magic one. */
static int
read_proc_link(const Walk *walk, const char *name, char *text_out, size_t size)
{
  const BtOpenAs *as = walk->as;

  if (is_ours(walk->at))
    return -EACCES;
  if (is_proc_root(walk->at) && strcmp(name, "self") == 0)
    return snprintf(text_out, size, "%d", (int)as->process);
  if (is_proc_root(walk->at) && strcmp(name, "thread-self") == 0)
    return snprintf(text_out, size, "%d/task/%d", (int)as->process, (int)as->thread);
  /* A link that only names another is at the root of procfs; all others are magic. */
  ssize_t length = is_proc_root(walk->at) ? readlinkat(walk->at, name, text_out, size - 1) : 0;
  if (length < 0)
    return -errno;
  text_out[length] = '\0';
  return (int)length;
}

/* fd is the link. Positive: the open file, plus 1; 0: go on. */
static int
step_over_link(Walk *walk, int fd, const char *name, bool last)
{
  char text[PATH_MAX] = "";

  if (++walk->links > MAX_LINKS)
    return -ELOOP;
  if (!is_on_proc(fd)) {
    ssize_t length = readlinkat(fd, "", text, sizeof text - 1);
    if (length < 0)
      return -errno;
    text[length] = '\0';
    return follow_text(walk, text);
  }
  int error = read_proc_link(walk, name, text, sizeof text);
  if (error < 0)
    return error;
  if (text[0] != '\0')
    return follow_text(walk, text);
  if (!last)
    return move_to(walk, look(walk->at, name, 0, 0));
  fd = refuse_ours(open_at(walk->at, name, walk->as, 0));
  return fd < 0 ? fd : fd + 1;
}

static bool
is_link(int fd)
{
  struct stat info;
  return fstat(fd, &info) == 0 && S_ISLNK(info.st_mode);
}

/* As step_over_link(). */
static int
step(Walk *walk, const char *name, bool last)
{
  bool follows = (walk->as->flags & O_NOFOLLOW) == 0 &&
                 (walk->as->flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
  int fd = look(walk->at, name, O_NOFOLLOW, 0);

  if (fd < 0 && !last)
    return fd;
  if (fd >= 0 && is_link(fd) && (!last || follows)) {
    int result = step_over_link(walk, fd, name, last);
    close(fd);
    return result;
  }
  if (!last)
    return move_to(walk, fd);
  if (fd >= 0)
    close(fd);
  /* A link that takes its place just now is an error. */
  fd = refuse_ours(open_at(walk->at, name, walk->as, RESOLVE_NO_SYMLINKS));
  return fd < 0 ? fd : fd + 1;
}

/* Cuts the next component off the rest. */
static int
next_name(Walk *walk, char *name_out, size_t size, bool *last_out)
{
  size_t slashes = strspn(walk->rest, "/");
  size_t length = strcspn(walk->rest + slashes, "/");
  size_t used = slashes + length;

  if (length >= size)
    return -ENAMETOOLONG;
  memcpy(name_out, walk->rest + slashes, length);
  name_out[length] = '\0';
  /* After a slash at the end there is still the directory itself. */
  if (length == 0)
    memcpy(name_out, ".", 2);
  *last_out = walk->rest[used] == '\0';
  memmove(walk->rest, walk->rest + used, strlen(walk->rest + used) + 1);
  return 0;
}

static int
walk_path(const BtOpenAs *as)
{
  Walk walk = { .as = as };
  char name[NAME_MAX + 1];
  bool last;

  size_t length = strlen(as->path);
  if (length >= PATH_MAX)
    return -ENAMETOOLONG;
  memcpy(walk.rest, as->path, length + 1);
  walk.at = as->path[0] == '/' ? look(AT_FDCWD, "/", O_DIRECTORY, 0)
                               : look(as->start, ".", O_DIRECTORY, 0);
  if (walk.at < 0)
    return walk.at;
  int result;
  do {
    result = next_name(&walk, name, sizeof name, &last);
    if (result == 0)
      result = step(&walk, name, last);
  } while (result == 0);
  close(walk.at);
  return result > 0 ? result - 1 : result;
}

/*
 * What the kernel says of a path that leads through what is only there for the
 * caller. Landlock may refuse to open what was just made: that must not be tried
 * again where it must be new.
 */
static bool
may_be_ours(const BtOpenAs *as, int error)
{
  bool new = (as->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);

  return error == -ELOOP || error == -ENOENT || error == -EROFS || error == -ENOTDIR ||
         (error == -EACCES && !new);
}

int
bt_open_as(const BtOpenAs *as)
{
  int fd = open_at(as->start, as->path, as, RESOLVE_NO_MAGICLINKS);

  if (fd < 0)
    return may_be_ours(as, fd) ? walk_path(as) : fd;
  if (!is_ours(fd))
    return fd;
  close(fd);
  return walk_path(as);
}
