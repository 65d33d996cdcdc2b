/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-terminal.h"

#include <signal.h>
#include <unistd.h>

void
bt_terminal_save(BtTerminal *terminal_out)
{
  *terminal_out = (BtTerminal){ .fd = -1 };
  for (int fd = 0; fd < 3; fd++)
    if (tcgetattr(fd, &terminal_out->settings) == 0) {
      terminal_out->fd = fd;
      return;
    }
}

void
bt_terminal_restore(const BtTerminal *terminal)
{
  sigset_t stop, before;

  /* In the background the terminal is another job's; leave it alone. */
  if (terminal->fd < 0 || tcgetpgrp(terminal->fd) != getpgrp())
    return;
  /* The foreground may change in between: SIGTTOU would stop us. */
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  sigprocmask(SIG_BLOCK, &stop, &before);
  tcflush(terminal->fd, TCIFLUSH);
  tcsetattr(terminal->fd, TCSANOW, &terminal->settings);
  sigprocmask(SIG_SETMASK, &before, NULL);
}
