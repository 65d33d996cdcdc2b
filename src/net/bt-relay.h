/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One connection made of two: what comes out of one socket goes into the other.
 *
 * Each direction has one buffer, and is either reading or writing:
 *
 *   empty --recv--> full --send, to its end--> empty     at most a few times a dispatch
 *   empty --end of file--> the other socket's sending end is shut down; done
 *
 * So a side that does not read holds the other one up, and nothing else.  Both
 * directions done ends the relay; an error of either socket ends it, too, and
 * is passed on as a reset.
 */

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct _BtRelay BtRelay;

typedef enum { BT_RELAY_NEAR, BT_RELAY_FAR } BtRelayEnd;

typedef struct {
  /* far is connected. NULL: of no interest. */
  void (*connected)(gpointer data);
  /* So many bytes came from an end; FALSE: they must not go on, and the relay is reset. */
  gboolean (*passing)(gpointer data, BtRelayEnd end, gsize size);
  /* To be freed now, or later. */
  void (*ended)(gpointer data, BtRelay *relay, gboolean reset);
} BtRelayFuncs;

/*
 * Both sockets do not block, and stay the caller's. far may still be connecting; near
 * waits for it. data is the relay's own, for the functions.
 */
BtRelay *bt_relay_new(int near, int far, const BtRelayFuncs *funcs, gpointer data);
void bt_relay_free(BtRelay *relay);
/* How many bytes came from this end, and were to go on. */
guint64 bt_relay_get_bytes(const BtRelay *relay, BtRelayEnd end);
/* Nobody is at this end any more: once all that it sent is passed on, the relay ends. */
void bt_relay_finish(BtRelay *relay, BtRelayEnd end);
/*
 * connect() on a loopback, of a socket that does not block: all is said and done when it
 * returns, unless the other's queue is full. 0 if connected or still at it, or an errno.
 */
int bt_relay_connect(int fd, const struct sockaddr *address, socklen_t length);
/* reset: so that its peer sees one. */
void bt_relay_close(int fd, gboolean reset);

G_END_DECLS
