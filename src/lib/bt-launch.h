/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * buntime-init, started before its plan is known.
 *
 * Making the namespaces and executing init takes as long as compiling the
 * plan, so both happen at once: init starts with an empty plan, closes itself
 * to others and waits for a word on the status socket.  By then the plan is
 * written and sealed.  Whatever goes wrong in between ends init, which has
 * done nothing yet.
 */

#include "lib/bt-spawn.h"

G_BEGIN_DECLS

typedef struct {
  BtHelper init;
  BtSpawn *spawn; /* until init is known to be executed */
  int plan_fd;   /* a memfd, empty until bt_launch_plan() */
  int status_fd; /* our end of the status socket */
} BtLaunch;

#define BT_LAUNCH_INIT ((BtLaunch){ .init = BT_HELPER_INIT, .plan_fd = -1, .status_fd = -1 })

/* flat: without namespaces, as the plan will say, too. */
gboolean bt_launch_begin(uid_t uid, gid_t gid, gboolean flat, const BtWorkerFds *fds,
                         BtLaunch *launch_out, GError **error);
/* Waits until init is executed, or says why it was not; more than once, if you like. */
gboolean bt_launch_await(BtLaunch *launch, GError **error);
/* Writes and seals the plan, and lets init go on. Awaits init. */
gboolean bt_launch_plan(BtLaunch *launch, GBytes *plan, GError **error);
/* Ends init, unless it was taken out of launch. */
void bt_launch_clear(BtLaunch *launch);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtLaunch, bt_launch_clear)

G_END_DECLS
