/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The listening socket, and bounds on who connects to it.
 *
 * At most BT_SOCKETS_MAX are connected at a time; more wait for a place in the kernel's queue
 * no longer than a moment: the one whose last request is the oldest gives up its own. Each has a few
 * seconds to make its request, and again between requests, however slowly its bytes come, and
 * BT_SOCKETS_REQUEST bytes, however fast they do. A WebSocket has others (bt-page.h).
 */

#include <gio/gio.h>

G_BEGIN_DECLS

#define BT_SOCKETS_MAX 32
#define BT_SOCKETS_REQUEST (128u << 10)

typedef struct _BtSockets BtSockets;

/* A connection, which is known by its remote address. */
typedef void (*BtSocketsFunc)(gpointer data, GIOStream *stream, GSocketAddress *local,
                              GSocketAddress *remote);

BtSockets *bt_sockets_new(const char *address, guint16 port, BtSocketsFunc func, gpointer data,
                          GError **error);
void bt_sockets_free(BtSockets *sockets);
guint16 bt_sockets_get_port(const BtSockets *sockets);
/* As browsers write it, without brackets. */
const char *bt_sockets_get_address(const BtSockets *sockets);

/* It made a request: its time begins anew. */
void bt_sockets_touch(BtSockets *sockets, GSocketAddress *remote);
/* It is told no more, and whoever reads it finds its end. */
void bt_sockets_hang_up(BtSockets *sockets, GSocketAddress *remote);
/* It became a WebSocket, whose time is somebody else's to take. */
void bt_sockets_keep(BtSockets *sockets, GSocketAddress *remote);
/* Does it give up its place to nobody? */
void bt_sockets_hold(BtSockets *sockets, GSocketAddress *remote, gboolean held);
/* So many bytes are read of it until it is said again. */
void bt_sockets_allow(BtSockets *sockets, GSocketAddress *remote, gsize bytes);

G_END_DECLS
