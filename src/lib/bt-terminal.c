/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
bt_terminal_save(BtTerminal *terminal_out)
{
  *terminal_out = (BtTerminal){ .fd = -1 };
  for (int fd = 0; fd < 3; fd++)
    if (tcgetattr(fd, &terminal_out->settings) == 0) {
      terminal_out->fd = fd;
      terminal_out->foreground = tcgetpgrp(fd);
      break;
    }
  for (int fd = 0; fd < 3 && terminal_out->fd >= 0; fd++)
    terminal_out->flags[fd] = fcntl(fd, F_GETFL);
}

/* A shell reads from the same file, and would find no more than was typed already. */
static void
restore_flags(const BtTerminal *terminal)
{
  const int shared = O_NONBLOCK | O_ASYNC | O_APPEND;

  for (int fd = 0; fd < 3; fd++) {
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && terminal->flags[fd] >= 0 && ((flags ^ terminal->flags[fd]) & shared) != 0)
      fcntl(fd, F_SETFL, terminal->flags[fd]);
  }
}

/* The worker may have made a group of its own the foreground, which is gone with it. */
static bool
is_gone(pid_t group)
{
  return group > 1 && kill(-group, 0) != 0 && errno == ESRCH;
}

void
bt_terminal_restore(const BtTerminal *terminal)
{
  sigset_t stop, before;

  if (terminal->fd < 0)
    return;
  restore_flags(terminal);
  pid_t foreground = tcgetpgrp(terminal->fd);
  bool taken = foreground != terminal->foreground && is_gone(foreground);
  /* In the background the terminal is another job's; leave it alone. */
  if (!taken && foreground != getpgrp())
    return;
  /* The foreground may change in between: SIGTTOU would stop us. */
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  sigprocmask(SIG_BLOCK, &stop, &before);
  if (taken && terminal->foreground > 0)
    tcsetpgrp(terminal->fd, terminal->foreground);
  tcflush(terminal->fd, TCIFLUSH);
  /* Neither is a setting: output held back, and everyone else kept from opening it. */
  tcflow(terminal->fd, TCOON);
  ioctl(terminal->fd, TIOCNXCL);
  tcsetattr(terminal->fd, TCSANOW, &terminal->settings);
  sigprocmask(SIG_SETMASK, &before, NULL);
}
