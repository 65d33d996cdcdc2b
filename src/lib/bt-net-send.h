/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What buntime-net is given before it begins, with its descriptors.
 */

#include "lib/bt-net-events.h"

G_BEGIN_DECLS

/* fd is the socket to buntime-net; the descriptors stay the caller's. */
gboolean bt_net_send_config(int fd, const BtNetParts *parts, gboolean tell_flows,
                            gboolean tell_counts, const int *fds, guint n_fds, GError **error);
/* A stream of DNS; FALSE: it was not taken. */
gboolean bt_net_send_stream(int fd, int stream);
/* Sockets that stand for the host's loopback; none is nothing to send. FALSE: see errno. */
gboolean bt_net_send_relays(int fd, const int *fds, guint n_fds);
/* What is published, and the sockets to reach it by; as the above. */
gboolean bt_net_send_published(int fd, const BtNetParts *parts, const int *dialers,
                               guint n_dialers);

G_END_DECLS
