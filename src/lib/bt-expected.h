/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whom the door to the resolver expects (bt-resolver-door.c): the addresses and ports of sockets
 * that were connected to it and are not accepted yet.  Bounded in number, the oldest gives way,
 * and in age: what was reset before it was accepted never comes, and its port is another
 * program's soon.
 */

#include <glib.h>
#include <netinet/in.h>

G_BEGIN_DECLS

/*
 * Accepted as soon as the main loop gets there; but a queue that others have filled lets the
 * kernel ask again, after 1, 3 and 7 seconds. Who waits longer for a resolver asks anew.
 */
#define BT_EXPECTED_AGE (10 * G_USEC_PER_SEC)
#define BT_EXPECTED_MAX 512

typedef struct {
  guint32 address; /* both in network order */
  in_port_t port;  /* 0: none */
  gint64 until;
} BtExpectedPeer;

typedef struct {
  BtExpectedPeer peers[BT_EXPECTED_MAX];
  guint next;
} BtExpected;

/* now: as g_get_monotonic_time(). */
void bt_expected_add(BtExpected *self, guint32 address, in_port_t port, gint64 now);
/* Is it expected? Once. */
gboolean bt_expected_take(BtExpected *self, guint32 address, in_port_t port, gint64 now);

G_END_DECLS
