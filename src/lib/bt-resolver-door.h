/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where streams to port 53 lead without namespaces: to the sandbox's own resolver. See
 * bt-resolver-door.c.
 */

#include "lib/bt-connect.h"

G_BEGIN_DECLS

typedef struct _BtResolverDoor BtResolverDoor;

/* Borrows peer, which answers the streams. */
BtResolverDoor *bt_resolver_door_new(BtNetPeer *peer);
void bt_resolver_door_free(BtResolverDoor *self);

/*
 * Begins to connect a TCP socket of the worker's: 0 or an errno, as of bt_connect_try(), and
 * where it goes. The alarm must be set.
 */
int bt_resolver_door_connect(BtResolverDoor *self, int fd, BtSockAddr *address_out,
                             gboolean *blocking_out);

G_END_DECLS
