/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-link-fds.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy/buntime-error.h"
#include "wire/bt-ring.h"

/* Newer than our C library's headers (6.16). */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static gboolean
make_memory(guint32 capacity, int *host_out, int *worker_out)
{
  *worker_out = memfd_create("buntime-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (*worker_out < 0 || ftruncate(*worker_out, (off_t)bt_ring_file_size(capacity)) != 0 ||
      fcntl(*worker_out, F_ADD_SEALS, SEALS) != 0)
    return FALSE;
  *host_out = fcntl(*worker_out, F_DUPFD_CLOEXEC, 3);
  return *host_out >= 0;
}

/*
 * A byte that is sent out of band would wake us and never be read.  And a descriptor that comes
 * along is closed by whoever receives it: where it is a connection that lingers, he would wait.
 * Newer kernels refuse those; on others no connection of the worker's lingers (bt-notify-linger.c).
 */
static void
harden(int fd)
{
  const int on = 1, off = 0;

  setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
}

static gboolean
make_pair(int type, int *host_out, int *worker_out)
{
  /* A name that the kernel chooses. Without one a worker could give it any of the host's network. */
  const struct sockaddr_un any = { .sun_family = AF_UNIX };
  int pair[2];

  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) != 0)
    return FALSE;
  *host_out = pair[0];
  *worker_out = pair[1];
  harden(*host_out);
  return bind(*worker_out, (const struct sockaddr *)&any, sizeof any.sun_family) == 0;
}

/* The first word is the supervisor's, whoever that will be. An empty socket has room for it. */
static void
say_hello(int control_fd)
{
  static const char hello[] = "{\"type\":\"hello\",\"version\":1}";
  (void)!send(control_fd, hello, sizeof hello - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

gboolean
bt_link_fds_open(guint64 size, int host[BT_INIT_CHANNEL_FDS], int worker[BT_INIT_CHANNEL_FDS],
                 GError **error)
{
  guint32 capacity = bt_ring_capacity_for(size);

  for (int i = 0; i < BT_INIT_CHANNEL_FDS; i++)
    host[i] = worker[i] = -1;
  errno = EINVAL;
  if (capacity != 0 && make_memory(capacity, &host[0], &worker[0]) &&
      make_pair(SOCK_STREAM, &host[1], &worker[1]) &&
      make_pair(SOCK_SEQPACKET, &host[2], &worker[2])) {
    say_hello(host[2]);
    return TRUE;
  }
  bt_fail(error, BUNTIME_ERROR_SETUP, "channel", g_strerror(errno), NULL);
  bt_link_fds_close(host);
  bt_link_fds_close(worker);
  return FALSE;
}

void
bt_link_fds_close(int fds[BT_INIT_CHANNEL_FDS])
{
  for (int i = 0; i < BT_INIT_CHANNEL_FDS; i++)
    if (fds[i] >= 0)
      close(g_steal_fd(&fds[i]));
}
