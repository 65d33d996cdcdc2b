/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The descriptors of a new channel: for each end the file of the rings, a socket for waking, and
 * the control socket.
 */

#include <glib.h>

#include "wire/bt-plan.h"

G_BEGIN_DECLS

/*
 * size: of both rings, a power of two or less is used. Both ends are the caller's to close;
 * the supervisor's hello is on its way.
 */
gboolean bt_link_fds_open(guint64 size, int host_out[BT_INIT_CHANNEL_FDS],
                          int worker_out[BT_INIT_CHANNEL_FDS], GError **error);
/* What is -1 is passed over. */
void bt_link_fds_close(int fds[BT_INIT_CHANNEL_FDS]);

G_END_DECLS
