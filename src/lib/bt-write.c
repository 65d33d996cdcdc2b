/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-write.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

gssize
bt_write_quietly(int fd, const char *text, gsize length)
{
  const struct timespec now = { 0 };
  sigset_t pipe, before, pending;

  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  gssize written = write(fd, text, length);
  if (written < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE))
    sigtimedwait(&pipe, NULL, &now);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return written;
}
