/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/*
 * Is there only one descriptor of the socket, by its inode, in tid's whole sandbox, and is it in
 * no epoll set?  FALSE also if there are too many descriptors to be looked at.  One that waits
 * in another socket's queue to be received is not seen.
 */
gboolean bt_holders_is_alone(pid_t tid, ino_t socket);

G_END_DECLS
