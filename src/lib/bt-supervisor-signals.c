/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signals of a run in the foreground: whether the worker has them by itself.
 *
 * What the terminal sends goes to the process group, in which the worker is. Before there is a
 * worker it goes to init, a pid 1, to which it is nothing; and who reads it after having heard
 * of the worker cannot tell. So what was pending when the supervisor heard of it is passed on,
 * too: the worker waits for its execve to be answered by then, and takes a second one for the
 * first.
 */
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-supervisor-private.h"

void
bt_supervisor_signal(BtSupervisor *self, int number)
{
  syscall(SYS_pidfd_send_signal, self->worker_pidfd, number, NULL, 0);
  /* One that stopped itself would never see it. */
  if (number == SIGTERM || number == SIGHUP)
    syscall(SYS_pidfd_send_signal, self->worker_pidfd, SIGCONT, NULL, 0);
}

/* Even if we have not heard of it. */
static gboolean
is_gone(int pidfd)
{
  struct pollfd end = { .fd = pidfd, .events = POLLIN };

  return poll(&end, 1, 0) == 1;
}

void
bt_supervisor_take_signal(BtSupervisor *self, const struct signalfd_siginfo *info)
{
  int number = (int)info->ssi_signo;

  if (self->state == BT_SUPERVISOR_DRAINING) {
    if (number != SIGUSR1 && number != SIGUSR2)
      bt_supervisor_settle(self);
    return;
  }
  /* The terminal's own went to the whole group, the worker included if it was there. */
  gboolean early = sigismember(&self->early, number) == 1;
  sigdelset(&self->early, number);
  if (info->ssi_code == SI_KERNEL && self->worker_pidfd >= 0 && !early)
    return;
  if (self->worker_pidfd >= 0 && is_gone(self->worker_pidfd)) {
    if (number != SIGUSR1 && number != SIGUSR2)
      self->late_signal = number;
  } else if (self->worker_pidfd >= 0) {
    bt_supervisor_signal(self, number);
  } else if (number != SIGUSR1 && number != SIGUSR2) {
    self->ended = TRUE;
    self->wait_status = number;
    bt_supervisor_end(self);
  }
}
