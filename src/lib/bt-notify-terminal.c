/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tcsetpgrp() (TIOCSPGRP), by which a program takes the caller's terminal, and what is typed there.
 *
 * It is in the caller's session, so that a shell of its own can have job control.  But it can be a
 * job in the background, and what is typed is another's then: it would only have to ignore SIGTTOU.
 * So who asks for the foreground has to be there, that is
 *
 *   the caller's group ...... in which the worker started, is the foreground; or
 *   one of its own .......... by which it took the terminal before; or
 *   one that has ended ...... as a shell finds it after its job, if it was so before: the caller's
 *                             shell finds its jobs' so, too
 *
 * A session of its own has another terminal, about which nobody is asked.  Who was in the foreground
 * when it asked may not be by the time that the kernel goes on, but who never was never is.
 *
 * Without namespaces the filter refuses the call.
 */
#include "lib/bt-notifier-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Are both in one pid namespace? */
static gboolean
are_together(pid_t one, pid_t other)
{
  struct stat spaces[2];
  char path[64];

  snprintf(path, sizeof path, "/proc/%d/ns/pid", one);
  if (stat(path, &spaces[0]) != 0)
    return FALSE;
  snprintf(path, sizeof path, "/proc/%d/ns/pid", other);
  return stat(path, &spaces[1]) == 0 && spaces[0].st_ino == spaces[1].st_ino &&
         spaces[0].st_dev == spaces[1].st_dev;
}

/* All of a group but the caller's are on one side: any of them will do. */
static gboolean
is_own_group(pid_t group, pid_t tid)
{
  g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
  const char *name;

  while (proc != NULL && (name = g_dir_read_name(proc)) != NULL) {
    pid_t pid = (pid_t)g_ascii_strtoull(name, NULL, 10), parent, own;
    if (pid > 0 && bt_process_kin(pid, &parent, &own) && own == group)
      return are_together(pid, tid);
  }
  return FALSE;
}

static gboolean
is_gone(pid_t group)
{
  return group > 1 && kill(-group, 0) != 0 && errno == ESRCH;
}

static int
decide(BtNotifier *self, const BtCall *call)
{
  int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : -1;

  if (terminal >= 0)
    close(terminal);
  /* Without one nobody's can be taken; or the kernel would say so. */
  if (foreground < 0 || getsid(call->tid) != getsid(0))
    return 0;
  self->was_foreground = foreground == getpgid(self->init.pid) ||
                         (self->was_foreground && is_gone(foreground)) ||
                         is_own_group(foreground, call->tid);
  return self->was_foreground ? 0 : EPERM;
}

void
bt_notify_terminal(BtNotifier *self, const BtCall *call)
{
  int error = decide(self, call);

  if (error == 0)
    bt_call_continue(self, call);
  else
    bt_call_return(self, call, error);
}
