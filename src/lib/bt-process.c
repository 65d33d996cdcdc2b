/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

gssize
bt_process_read(pid_t tid, guint64 address, void *buffer_out, gsize size)
{
  struct iovec local = { .iov_base = buffer_out, .iov_len = size };
  struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };
  return process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

char *
bt_process_read_path(pid_t tid, guint64 address)
{
  char buffer[PATH_MAX];
  gsize have = 0;
  const gsize page = 4096;

  /* Page by page: the string may end right before memory that is not mapped. */
  while (have < sizeof buffer) {
    gsize room = page - (address + have) % page;
    gssize got = bt_process_read(tid, address + have, buffer + have,
                                 MIN(room, sizeof buffer - have));
    if (got <= 0) {
      errno = EFAULT;
      return NULL;
    }
    if (memchr(buffer + have, '\0', got) != NULL)
      return g_strdup(buffer);
    have += got;
  }
  errno = ENAMETOOLONG;
  return NULL;
}

/* A small file of /proc/TID, NUL-terminated; FALSE if the process is gone. */
static gboolean
read_proc(pid_t tid, const char *name, char *buffer_out, gsize size)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  ssize_t got = read(fd, buffer_out, size - 1);
  close(fd);
  if (got < 0)
    return FALSE;
  buffer_out[got] = '\0';
  return TRUE;
}

/* "NStgid:\t1234\t7": the last is the innermost namespace's; 0 if there is none. */
static pid_t
innermost(const char *status, const char *key)
{
  const char *line = strstr(status, key);
  if (line == NULL)
    return 0;
  line += strlen(key);
  const char *end = strchr(line, '\n');
  const char *last = line;
  for (const char *p = line; p != end && *p != '\0'; p++)
    if (*p == '\t')
      last = p + 1;
  return (pid_t)strtol(last, NULL, 10);
}

void
bt_process_identify(pid_t tid, char **program_out, pid_t *pid_out)
{
  char buffer[4096];

  *program_out = NULL;
  *pid_out = 0;
  if (read_proc(tid, "comm", buffer, sizeof buffer)) {
    char *end = strrchr(buffer, '\n'); /* comm itself may hold one */
    if (end != NULL && end[1] == '\0')
      *end = '\0';
    *program_out = g_strdup(buffer);
  }
  if (read_proc(tid, "status", buffer, sizeof buffer))
    *pid_out = innermost(buffer, "\nNStgid:");
}

gboolean
bt_process_open_facts(pid_t tid, BtOpenFacts *facts_out)
{
  char buffer[4096];

  if (!read_proc(tid, "status", buffer, sizeof buffer))
    return FALSE;
  const char *umask = strstr(buffer, "\nUmask:");
  if (umask == NULL)
    return FALSE; /* it ends just now */
  facts_out->umask = (mode_t)strtol(umask + strlen("\nUmask:"), NULL, 8) & 0777;
  facts_out->process = innermost(buffer, "\nNStgid:");
  facts_out->thread = innermost(buffer, "\nNSpid:");
  return facts_out->process > 0 && facts_out->thread > 0;
}

int
bt_process_open_directory(pid_t tid, int dirfd)
{
  char link[64];

  if (dirfd != AT_FDCWD)
    return bt_process_take_fd(NULL, tid, dirfd);
  snprintf(link, sizeof link, "/proc/%d/cwd", tid);
  return open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static guint64
mask_of(const char *status, const char *key)
{
  const char *line = strstr(status, key);
  return line != NULL ? strtoull(line + strlen(key), NULL, 16) : 0;
}

gboolean
bt_process_is_signalled(pid_t tid)
{
  char buffer[4096];

  if (!read_proc(tid, "status", buffer, sizeof buffer))
    return FALSE;
  guint64 pending = mask_of(buffer, "\nSigPnd:") | mask_of(buffer, "\nShdPnd:");
  return (pending & mask_of(buffer, "\nSigCgt:") & ~mask_of(buffer, "\nSigBlk:")) != 0;
}

gboolean
bt_process_has_terminal(pid_t tid)
{
  char buffer[1024];

  if (!read_proc(tid, "stat", buffer, sizeof buffer))
    return FALSE;
  /* "PID (comm) S PPID PGRP SESSION TTY": comm may hold a parenthesis. */
  const char *end = strrchr(buffer, ')');
  int terminal = 0;
  return end != NULL && sscanf(end + 1, " %*c %*d %*d %*d %d", &terminal) == 1 && terminal != 0;
}

gboolean
bt_process_kin(pid_t pid, pid_t *parent_out, pid_t *group_out)
{
  char buffer[1024];

  if (!read_proc(pid, "stat", buffer, sizeof buffer))
    return FALSE;
  const char *end = strrchr(buffer, ')');
  return end != NULL && sscanf(end + 1, " %*c %d %d", parent_out, group_out) == 2;
}

gboolean
bt_process_is_alone(pid_t tid, pid_t *own_out, gboolean *alone_out)
{
  char buffer[4096], name[64];

  if (!read_proc(tid, "status", buffer, sizeof buffer))
    return FALSE;
  const char *threads = strstr(buffer, "\nThreads:");
  *own_out = innermost(buffer, "\nNSpid:");
  *alone_out = threads != NULL && atoi(threads + strlen("\nThreads:")) == 1;
  snprintf(name, sizeof name, "task/%d/children", tid);
  if (!read_proc(tid, name, buffer, sizeof buffer))
    return FALSE;
  *alone_out = *alone_out && buffer[0] == '\0';
  return *own_out > 0;
}

pid_t
bt_process_pid_behind(pid_t tid, int pidfd)
{
  char buffer[512], name[64];
  snprintf(name, sizeof name, "fdinfo/%d", pidfd);
  if (!read_proc(tid, name, buffer, sizeof buffer))
    return 0;
  const char *line = strstr(buffer, "\nPid:");
  long pid = line != NULL ? strtol(line + strlen("\nPid:"), NULL, 10) : 0;
  return pid > 0 ? (pid_t)pid : 0;
}

gboolean
bt_process_is_stopped(int pidfd)
{
  char buffer[1024];
  pid_t pid = bt_process_pid_behind(getpid(), pidfd);

  if (pid == 0 || !read_proc(pid, "stat", buffer, sizeof buffer))
    return FALSE;
  /* "PID (comm) S": comm may hold a parenthesis, what follows may not. */
  const char *end = strrchr(buffer, ')');
  return end != NULL && end[1] == ' ' && end[2] == 'T';
}

/* As many as the kernel follows. */
#define MAX_LINKS 40

void
bt_resolved_clear(BtResolved *resolved)
{
  if (resolved->fd >= 0)
    close(resolved->fd);
  g_free(resolved->path);
  g_free(resolved->parent);
  *resolved = BT_RESOLVED_INIT;
}

static char *
read_link(const char *link)
{
  char buffer[PATH_MAX];
  ssize_t length = readlink(link, buffer, sizeof buffer - 1);
  if (length < 0)
    return NULL;
  errno = 0;
  if (length == 0 || buffer[0] != '/')
    return NULL;
  buffer[length] = '\0';
  return g_strdup(buffer);
}

char *
bt_process_path_of(int fd)
{
  static const char deleted[] = " (deleted)";
  struct stat info;
  char link[64];

  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char *path = read_link(link);
  if (path != NULL && g_str_has_suffix(path, deleted) && fstat(fd, &info) == 0 &&
      info.st_nlink == 0)
    path[strlen(path) - strlen(deleted)] = '\0';
  return path;
}

/*
 * The directory a relative path starts at, as text. A mount of another
 * namespace is named by its path there, which is what the worker calls it.
 */
static char *
base_directory(pid_t tid, int dirfd)
{
  char link[64];
  if (dirfd == AT_FDCWD)
    snprintf(link, sizeof link, "/proc/%d/cwd", tid);
  else
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, dirfd);
  return read_link(link);
}

static int
open_in_root(int root, const char *path, gboolean follow)
{
  struct open_how how = {
    .flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW),
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static gboolean
describe(int fd, BtResolved *resolved_out)
{
  struct statvfs mount;
  struct stat object;
  if (fstatvfs(fd, &mount) != 0 || fstat(fd, &object) != 0)
    return FALSE;
  resolved_out->read_only = (mount.f_flag & ST_RDONLY) != 0;
  resolved_out->no_exec = (mount.f_flag & ST_NOEXEC) != 0;
  resolved_out->device = object.st_dev;
  resolved_out->path = bt_process_path_of(fd);
  return resolved_out->path != NULL;
}

/*
 * Where a link leads from its folder (transfer full); NULL: it is none. What only the worker sees
 * there (/dev/stdout leads to /proc/self, which is another in it) is not found from here: the
 * kernel decides.
 */
static char *
follow_link(int folder, const char *name)
{
  char text[PATH_MAX];
  ssize_t length = readlinkat(folder, name, text, sizeof text - 1);

  if (length <= 0)
    return NULL;
  text[length] = '\0';
  g_autofree char *base = text[0] != '/' ? bt_process_path_of(folder) : g_strdup("");
  return base != NULL ? g_strconcat(base, "/", text, NULL) : NULL;
}

/* Nothing is at path: where would it be made? At the end of a link that leads to nothing, too. */
static gboolean
describe_missing(int root, const char *path, BtResolved *resolved_out)
{
  g_autofree char *rest = g_strdup(path);

  for (guint links = 0; rest != NULL && links <= MAX_LINKS; links++) {
    g_autofree char *name = g_path_get_basename(rest);
    g_autofree char *folder = g_path_get_dirname(rest);
    struct stat info;
    int fd = open_in_root(root, folder, TRUE);
    if (fd < 0)
      return FALSE;
    gboolean new = fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0;
    gboolean ok = new && describe(fd, resolved_out);
    g_free(rest);
    rest = new ? NULL : follow_link(fd, name);
    close(fd);
    if (!ok)
      continue;
    resolved_out->parent = g_steal_pointer(&resolved_out->path);
    resolved_out->path = g_build_filename(resolved_out->parent, name, NULL);
    return TRUE;
  }
  return FALSE;
}

char *
bt_process_absolute(pid_t tid, int dirfd, const char *path)
{
  if (path[0] == '/')
    return g_strdup(path);
  g_autofree char *base = base_directory(tid, dirfd);
  if (base == NULL)
    return NULL;
  return path[0] != '\0' ? g_strconcat(base, "/", path, NULL) : g_strdup(base);
}

int
bt_process_open_root(pid_t tid)
{
  char link[64];

  snprintf(link, sizeof link, "/proc/%d/root", tid);
  return open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

DIR *
bt_process_open_proc(pid_t tid)
{
  char path[64];
  struct statfs info;

  /* Nothing can be mounted over it from inside. */
  snprintf(path, sizeof path, "/proc/%d/root/proc", tid);
  DIR *proc = opendir(path);
  if (proc == NULL || (fstatfs(dirfd(proc), &info) == 0 && info.f_type == PROC_SUPER_MAGIC))
    return proc;
  closedir(proc);
  return NULL;
}

int
bt_process_open_at(int root, const char *path)
{
  return open_in_root(root, path, FALSE);
}

gboolean
bt_process_resolve(pid_t tid, int dirfd, const char *path, gboolean follow,
                   BtResolved *resolved_out)
{
  g_autofree char *absolute = bt_process_absolute(tid, dirfd, path);

  *resolved_out = BT_RESOLVED_INIT;
  if (absolute == NULL)
    return FALSE;
  int root = bt_process_open_root(tid);
  if (root < 0)
    return FALSE;
  resolved_out->fd = open_in_root(root, absolute, follow);
  gboolean ok = resolved_out->fd >= 0 ? describe(resolved_out->fd, resolved_out)
                : errno == ENOENT     ? describe_missing(root, absolute, resolved_out)
                                      : FALSE;
  int saved = errno;
  close(root);
  errno = saved;
  return ok;
}

gboolean
bt_process_is_no_exec(pid_t tid, int fd)
{
  struct statvfs mount;
  char link[64];

  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
  return statvfs(link, &mount) == 0 && (mount.f_flag & ST_NOEXEC) != 0;
}

gboolean
bt_process_resolve_fd(pid_t tid, int fd, BtResolved *resolved_out)
{
  char link[64];

  *resolved_out = BT_RESOLVED_INIT;
  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
  resolved_out->fd = open(link, O_PATH | O_CLOEXEC);
  return resolved_out->fd >= 0 && describe(resolved_out->fd, resolved_out);
}

/* Since 6.9; not in Debian 12's headers. */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

/* 0 if the process is gone. */
static pid_t
thread_group(pid_t tid)
{
  char buffer[4096];
  if (!read_proc(tid, "status", buffer, sizeof buffer))
    return 0;
  const char *line = strstr(buffer, "\nTgid:");
  long tgid = line != NULL ? strtol(line + strlen("\nTgid:"), NULL, 10) : 0;
  return tgid > 0 ? (pid_t)tgid : 0;
}

/*
 * The caller may be any thread. Older kernels know pidfds of whole processes
 * only, and give the descriptors of its first thread: those of all, but for a
 * thread that unshared them, and which then connects another socket than it
 * meant, checked like any. *exact_out: it is of the thread itself.
 */
static int
open_pidfd(pid_t tid, gboolean *exact_out)
{
  int pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);

  *exact_out = TRUE;
  if (pidfd >= 0 || errno != EINVAL)
    return pidfd;
  pid_t tgid = thread_group(tid);
  if (tgid == 0) {
    errno = ESRCH;
    return -1;
  }
  *exact_out = tgid == tid;
  return (int)syscall(SYS_pidfd_open, tgid, 0);
}

int
bt_process_fd_flags(pid_t tid, int fd)
{
  char buffer[512], name[64];

  snprintf(name, sizeof name, "fdinfo/%d", fd);
  if (!read_proc(tid, name, buffer, sizeof buffer))
    return -1;
  const char *line = strstr(buffer, "flags:\t");
  return line != NULL ? (int)strtol(line + strlen("flags:\t"), NULL, 8) : -1;
}

void
bt_last_thread_clear(BtLastThread *last)
{
  if (last->pidfd >= 0)
    close(last->pidfd);
  *last = BT_LAST_THREAD_INIT;
}

static int
take_fd(int pidfd, int fd)
{
  return (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
}

/*
 * A number is another thread's only when the one that had it is gone, and of that one nothing
 * can be taken any more (ESRCH), whoever has its number now. That does not hold for the pidfd of
 * a process that stands for one of its threads.
 */
int
bt_process_take_fd(BtLastThread *last, pid_t tid, int fd)
{
  gboolean exact;

  if (last != NULL && last->pidfd >= 0 && last->tid == tid) {
    int taken = take_fd(last->pidfd, fd);
    if (taken >= 0 || errno != ESRCH)
      return taken;
  }
  int pidfd = open_pidfd(tid, &exact);
  if (pidfd < 0)
    return -1;
  int taken = take_fd(pidfd, fd), saved = errno;
  if (last != NULL && exact) {
    bt_last_thread_clear(last);
    *last = (BtLastThread){ .tid = tid, .pidfd = pidfd };
  } else {
    close(pidfd);
  }
  errno = saved;
  return taken;
}
