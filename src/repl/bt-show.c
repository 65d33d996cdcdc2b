/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repl/bt-show.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime.h"

gboolean
bt_show(int fd, const char *bytes, gsize size)
{
  struct pollfd room = { .fd = fd, .events = POLLOUT };

  while (size > 0) {
    gssize done = write(fd, bytes, size);
    /* Others have this file, too: a shell's child may have made it one that does not wait. */
    if (done < 0 && errno == EAGAIN)
      (void)!poll(&room, 1, -1);
    else if (done < 0 && errno != EINTR)
      return FALSE;
    bytes += MAX(done, 0);
    size -= (gsize)MAX(done, 0);
  }
  return TRUE;
}

gboolean
bt_show_line(int fd, const char *text)
{
  return bt_show(fd, text, strlen(text)) && bt_show(fd, "\n", 1);
}

void
bt_tell(const char *text)
{
  g_autofree char *line = g_strconcat("buntime: ", text, NULL);
  bt_show_line(STDERR_FILENO, line);
}

void
bt_tell_error(const GError *error)
{
  g_autofree char *text = buntime_error_format(error);
  bt_show(STDERR_FILENO, text, strlen(text));
}
