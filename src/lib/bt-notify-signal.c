/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signals, where nothing else keeps them inside: without namespaces, and before Linux 6.12, whose
 * Landlock does it.
 *
 *   to itself ............ continued.  The caller waits in this call, so its numbers are its own,
 *                          and the kernel takes them from registers that nobody changes.  So are
 *                          those to one of its threads: the kernel asks whether it is one
 *   to another process ... sent from here, by a pidfd, if it is one of the worker's (bt-family.h).
 *                          Who gets it is told that we sent it
 *   to a group ........... to those in it that are the worker's.  The caller's own is that of
 *                          whoever started us
 *   to all, or to one thread of another process: refused
 *
 * The caller may be sent one itself, by whom it ended, say, before it has its answer: its call
 * waits all the same (BT_PLAN_KILLABLE), and is not made twice.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-family.h"

/* What is not an errno. */
#define CONTINUE (-1)

/* Is the caller in this process? */
static gboolean
is_own(BtNotifier *self, const BtCall *call, pid_t pid)
{
  char path[64];

  if (pid == call->tid)
    return TRUE;
  snprintf(path, sizeof path, "/proc/%d/task/%d", pid, call->tid);
  return pid > 0 && access(path, F_OK) == 0 && bt_call_is_valid(self, call);
}

static int
to_group(BtNotifier *self, const BtCall *call, pid_t group, int number)
{
  pid_t parent;

  if (group == 0 && (!bt_process_kin(call->tid, &parent, &group) || !bt_call_is_valid(self, call)))
    return ESRCH;
  return bt_family_signal_group(&self->init, group, number);
}

static int
on_kill(BtNotifier *self, const BtCall *call)
{
  pid_t pid = (pid_t)call->args[0];
  int number = (int)call->args[1];

  if (pid == -1 || pid == G_MININT)
    return EPERM;
  if (pid <= 0)
    return to_group(self, call, -pid, number);
  return is_own(self, call, pid) ? CONTINUE : bt_family_signal(&self->init, pid, number, NULL);
}

/* With what its sender says about it, of which the kernel believes no more than from any other. */
static int
send_info(BtNotifier *self, const BtCall *call, pid_t pid, int number, guint64 address)
{
  siginfo_t info;

  if (address == 0)
    return bt_family_signal(&self->init, pid, number, NULL);
  if (bt_process_read(call->tid, address, &info, sizeof info) != sizeof info ||
      !bt_call_is_valid(self, call))
    return EFAULT;
  return bt_family_signal(&self->init, pid, number, &info);
}

static int
on_queue(BtNotifier *self, const BtCall *call)
{
  pid_t pid = (pid_t)call->args[0];

  if (is_own(self, call, pid))
    return CONTINUE;
  /* Without it the kernel refuses. */
  return call->args[2] == 0 ? EFAULT : send_info(self, call, pid, (int)call->args[1], call->args[2]);
}

/* Whom the caller's pidfd is of is asked here; that may be another by now, and is looked at in turn. */
static int
on_pidfd(BtNotifier *self, const BtCall *call)
{
  pid_t pid = bt_process_pid_behind(call->tid, (int)call->args[0]);

  if ((guint)call->args[3] != 0)
    return EINVAL;
  if (pid == 0)
    return bt_process_fd_flags(call->tid, (int)call->args[0]) >= 0 ? ESRCH : EBADF;
  return send_info(self, call, pid, (int)call->args[1], call->args[2]);
}

static int
decide(BtNotifier *self, const BtCall *call)
{
  switch (call->number) {
  case SYS_kill:
    return on_kill(self, call);
  case SYS_rt_sigqueueinfo:
    return on_queue(self, call);
  case SYS_pidfd_send_signal:
    return on_pidfd(self, call);
  case SYS_tkill:
    return (pid_t)call->args[0] == call->tid ? CONTINUE : EPERM;
  default: /* tgkill, rt_tgsigqueueinfo */
    return is_own(self, call, (pid_t)call->args[0]) ? CONTINUE : EPERM;
  }
}

void
bt_notify_signal(BtNotifier *self, const BtCall *call)
{
  int error = decide(self, call);

  if (error == CONTINUE)
    bt_call_continue(self, call);
  else
    bt_call_return(self, call, error);
}
