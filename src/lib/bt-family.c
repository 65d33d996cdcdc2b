/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a process is, by its parents.
 *
 * A number says little: who had it may have ended, and another process, of anybody's, may have it
 * by the time that something is done to it.  So a pidfd is opened first, and what is found out by
 * numbers counts only if the pidfd's process has not been reaped after that: until then it was it.
 *
 *   pidfd of P ── the parent of P is Q ── pidfd of Q ── it still is, and P is still there
 *
 * Had Q ended meanwhile, P would have another parent.  So Q's pidfd is that of P's parent, and the
 * same is asked of Q, up to the guard, which we hold.  A process whose parent ends goes to one that
 * is above it already; so whoever was below the guard has been all its life, and who was not will
 * never be.
 */
#include "lib/bt-family.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-process.h"

/* From a process up to the guard; one further down is not signalled. */
#define MAX_DEPTH 256
/* Parents may end while we look. */
#define MAX_TRIES 4
/* For a whole group: the main loop does nothing else meanwhile. */
#define MAX_TIME (50 * G_TIME_SPAN_MILLISECOND)

typedef enum {
  OURS,
  ANOTHERS,
  CHANGED, /* while it was looked at */
} Whose;

static int
open_process(pid_t pid)
{
  return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int
send_signal(int pidfd, int number, siginfo_t *info)
{
  return syscall(SYS_pidfd_send_signal, pidfd, number, info, 0) == 0 ? 0 : errno;
}

/* Is its number still its own? It is, as long as it was not reaped; EPERM: it is another user's. */
static gboolean
has_number(int pidfd)
{
  return send_signal(pidfd, 0, NULL) != ESRCH;
}

static gboolean
has_ended(int pidfd)
{
  struct pollfd end = { .fd = pidfd, .events = POLLIN };
  return poll(&end, 1, 0) != 0;
}

/* Are the numbers in /proc those of our calls? A container may show its host's. */
static gboolean
is_our_proc(void)
{
  char text[16] = "";
  ssize_t length = readlink("/proc/self", text, sizeof text - 1);
  return length > 0 && atol(text) == getpid();
}

/* pidfd is of pid; *above_out is of its parent. */
static Whose
step(const BtHelper *guard, pid_t pid, int pidfd, pid_t *parent_out, int *above_out)
{
  pid_t parent, again, group;

  if (!bt_process_kin(pid, &parent, &group))
    return CHANGED;
  if (parent == guard->pid && has_number(pidfd) && !has_ended(guard->pidfd))
    return OURS;
  if (parent <= 1 || parent == guard->pid)
    return ANOTHERS;
  int above = open_process(parent);
  if (above < 0)
    return CHANGED;
  if (!bt_process_kin(pid, &again, &group) || again != parent || !has_number(pidfd)) {
    close(above);
    return CHANGED;
  }
  *parent_out = parent;
  *above_out = above;
  return ANOTHERS;
}

/* The child of the guard's is init, and not the worker's. */
static Whose
look(const BtHelper *guard, pid_t pid, int pidfd)
{
  int below = pidfd;
  Whose whose = ANOTHERS;

  for (guint depth = 0; depth < MAX_DEPTH; depth++) {
    int above = -1;
    whose = step(guard, pid, below, &pid, &above);
    if (below != pidfd)
      close(below);
    if (whose == OURS && depth == 0)
      return ANOTHERS;
    if (above < 0)
      return whose;
    below = above;
  }
  close(below);
  return ANOTHERS;
}

/* A pidfd of one of the worker's; -1 with errno. */
static int
open_ours(const BtHelper *guard, pid_t pid)
{
  /* EINVAL: the number of a thread. */
  int pidfd = open_process(pid);
  Whose whose = CHANGED;

  if (pidfd < 0) {
    errno = ESRCH;
    return -1;
  }
  for (guint i = 0; i < MAX_TRIES && whose == CHANGED; i++)
    whose = look(guard, pid, pidfd);
  if (whose == OURS)
    return pidfd;
  errno = has_number(pidfd) ? EPERM : ESRCH;
  close(pidfd);
  return -1;
}

int
bt_family_signal(const BtHelper *guard, pid_t pid, int number, siginfo_t *info)
{
  if (!is_our_proc())
    return EPERM;
  int pidfd = open_ours(guard, pid);
  if (pidfd < 0)
    return errno;
  int error = send_signal(pidfd, number, info);
  close(pidfd);
  return error;
}

int
bt_family_signal_group(const BtHelper *guard, pid_t group, int number)
{
  gint64 deadline = g_get_monotonic_time() + MAX_TIME;
  const struct dirent *entry;
  gboolean sent = FALSE;
  int error = ESRCH;

  if (!is_our_proc())
    return EPERM;
  DIR *proc = opendir("/proc");
  while (proc != NULL && g_get_monotonic_time() < deadline && (entry = readdir(proc)) != NULL) {
    pid_t pid = (pid_t)g_ascii_strtoull(entry->d_name, NULL, 10), parent, own;
    if (pid <= 0 || !bt_process_kin(pid, &parent, &own) || own != group)
      continue;
    int result = bt_family_signal(guard, pid, number, NULL);
    sent |= result == 0;
    /* As kill(2): of several refusals one. */
    if (result != ESRCH)
      error = result;
  }
  if (proc != NULL)
    closedir(proc);
  return sent ? 0 : error;
}
