/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a socket of the worker's is like: for one that another is to take the place of (bt-inject.c),
 * and where somebody outside may have passed it on.
 */

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/* Of that size, zeroed before. */
gboolean bt_socket_get_option(int fd, int level, int name, void *value_out, socklen_t size);

/* A number of the network that it is of; 0: the kernel does not tell, as before 5.14. */
guint64 bt_socket_get_network(int fd);
/* Is it of the supervisor's network? */
gboolean bt_socket_is_outside(int fd);

typedef enum {
  BT_SOCKET_INSIDE,
  BT_SOCKET_OUTSIDE,   /* handed in (bt-inject.c), or passed on by somebody outside */
  BT_SOCKET_ELSEWHERE, /* of a third network: passed on, too */
} BtSocketPlace;

/* network: the sandbox's own; 0: it is not known, and nothing is elsewhere. */
BtSocketPlace bt_socket_get_place(int fd, guint64 network);

/* What a fresh socket of ours has: asked of the first one of each family, and kept. */
typedef struct _BtSocketDefaults BtSocketDefaults;
BtSocketDefaults *bt_socket_defaults_new(void);
void bt_socket_defaults_free(BtSocketDefaults *self);

/*
 * Has it nothing but options that bt_socket_copy_options() knows, and what a fresh one has?
 * tried: it tried to connect, and found something out by that.
 */
gboolean bt_socket_is_ordinary(int fd, int fresh, gboolean tried, BtSocketDefaults *defaults);
/* defaults: NULL if to is not fresh. FALSE: one could not be set. */
gboolean bt_socket_copy_options(int from, int to, BtSocketDefaults *defaults);

/*
 * Without namespaces: is a TCP socket as the worker could have made it?  It is of our network, has
 * no address and no port of its own, and nothing set that the worker is refused to set.
 */
gboolean bt_socket_is_own(int fd);

G_END_DECLS
