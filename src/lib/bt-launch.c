/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buntime-cure.h"
#include "policy/buntime-error.h"

/*
 * Nobody has mapped it, so no future write is no write.  F_SEAL_WRITE would say
 * the same and first wait for every processor to let go of the pages.
 */
#define SEALS (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static gboolean
failed(const char *object, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(errno), bt_call_cure(errno));
}

gboolean
bt_launch_begin(uid_t uid, gid_t gid, gboolean flat, const BtWorkerFds *fds, BtLaunch *launch_out,
                GError **error)
{
  int pair[2];

  *launch_out = BT_LAUNCH_INIT;
  launch_out->plan_fd = memfd_create("buntime-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (launch_out->plan_fd < 0)
    return failed("plan", error);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    failed("status socket", error);
    bt_launch_clear(launch_out);
    return FALSE;
  }
  launch_out->status_fd = pair[0];
  launch_out->spawn =
    flat ? bt_spawn_flat_init(launch_out->plan_fd, pair[1], fds, &launch_out->init, error)
         : bt_spawn_init(launch_out->plan_fd, pair[1], fds, uid, gid, &launch_out->init, error);
  close(pair[1]);
  if (launch_out->spawn != NULL)
    return TRUE;
  bt_launch_clear(launch_out);
  return FALSE;
}

gboolean
bt_launch_await(BtLaunch *launch, GError **error)
{
  BtSpawn *spawn = g_steal_pointer(&launch->spawn);

  return spawn == NULL || bt_spawn_finish(spawn, &launch->init, error);
}

gboolean
bt_launch_plan(BtLaunch *launch, GBytes *plan, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data(plan, &size);
  const char word = 1;

  if (!bt_launch_await(launch, error))
    return FALSE;
  /* A shorter write is a memfd that does not fit: the seals would say it too late. */
  if (write(launch->plan_fd, data, size) != (ssize_t)size ||
      fcntl(launch->plan_fd, F_ADD_SEALS, SEALS) != 0)
    return failed("plan", error);
  close(launch->plan_fd);
  launch->plan_fd = -1;
  /* If init is gone, the status socket says why, or hangs up. */
  if (send(launch->status_fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE &&
      errno != ECONNRESET)
    return failed("status socket", error);
  return TRUE;
}

void
bt_launch_clear(BtLaunch *launch)
{
  if (launch->status_fd >= 0)
    close(launch->status_fd);
  if (launch->plan_fd >= 0)
    close(launch->plan_fd);
  bt_helper_clear(&launch->init);
  g_clear_pointer(&launch->spawn, bt_spawn_free);
  *launch = BT_LAUNCH_INIT;
}
