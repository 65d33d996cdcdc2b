/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * setpgid(), by which a program could have the kernel hang up on its caller.
 *
 * The worker starts in its caller's process group, with the supervisor and whoever waits for it.
 * A group is orphaned if no member has a parent in another group of the session; when it becomes
 * so and a member is stopped, the kernel sends SIGHUP to all of it, whoever they are.  The caller's
 * group is mostly orphaned where no shell with job control is above it (cron, a service, ssh with a
 * command).  So a child that stops in it, whose parent goes to another group and ends, would do:
 *
 *     worker ── parent, leaves the group ── child, stays and stops
 *
 * Hence who is in that group may leave it only without children: those it makes later are born
 * outside.  Without other threads nobody else makes any for it while it waits here, and its children
 * alone could make others its own (CLONE_PARENT, or by ending, if it is a subreaper).  What another
 * process is about to do is not known: it has to leave by itself, as shells' children do, too.
 * Nobody comes back: the group has no number inside.
 *
 * Without namespaces it has one, and the shell's own has, too.  There the filter refuses the call.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <unistd.h>

static gboolean
is_in_callers_group(BtNotifier *self, const BtCall *call, gboolean *is_out)
{
  pid_t parent, group;

  if (!bt_process_kin(call->tid, &parent, &group) || !bt_call_is_valid(self, call))
    return FALSE;
  *is_out = group == getpgid(self->init.pid);
  return TRUE;
}

static int
decide(BtNotifier *self, const BtCall *call)
{
  pid_t target = (pid_t)call->args[0], own;
  gboolean inside, alone;

  if (!is_in_callers_group(self, call, &inside))
    return ESRCH;
  if (!inside)
    return 0;
  if (!bt_process_is_alone(call->tid, &own, &alone) || !bt_call_is_valid(self, call))
    return ESRCH;
  /* Of a child: as if it had its program already. */
  if (target != 0 && target != own)
    return EACCES;
  return alone ? 0 : EPERM;
}

void
bt_notify_group(BtNotifier *self, const BtCall *call)
{
  int error = decide(self, call);

  if (error == 0)
    bt_call_continue(self, call);
  else
    bt_call_return(self, call, error);
}
