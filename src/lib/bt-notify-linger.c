/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SO_LINGER, for workers with a channel.
 *
 * Whoever closes the last descriptor of a TCP connection that lingers waits until what was
 * written has gone out, for as long as the option says.  A worker can let others do that: it
 * sends the descriptor over its channel's sockets and closes its own.  A host program that
 * receives it waits then, even if it wants none and the kernel drops it; and so does one that
 * closes a socket in which it still lies.  Kernels before 6.16 cannot be told to refuse it.
 *
 * So no connection lingers.  What was written goes out all the same, but nobody waits for it.
 * The other use of the option is kept: with a time of zero a close is a reset, and at once.
 *
 * The value is copied, and set here on the socket that was taken: the call is never continued.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-notifier-private.h"
#include "lib/bt-process.h"

void
bt_notify_linger(BtNotifier *self, const BtCall *call)
{
  struct linger linger;

  /* The length is an int, and the kernel refuses less. */
  if ((int)call->args[4] < (int)sizeof linger) {
    bt_call_return(self, call, EINVAL);
    return;
  }
  if (bt_process_read(call->tid, call->args[3], &linger, sizeof linger) != sizeof linger) {
    bt_call_return(self, call, EFAULT);
    return;
  }
  int fd = bt_process_take_fd(&self->last_thread, call->tid, (int)call->args[0]);
  if (fd < 0) {
    bt_call_return(self, call, errno == EBADF ? EBADF : EACCES);
    return;
  }
  if (linger.l_linger != 0)
    linger.l_onoff = 0;
  if (bt_call_is_valid(self, call)) {
    int error =
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0 ? 0 : errno;
    bt_call_return(self, call, error);
  }
  close(fd);
}
