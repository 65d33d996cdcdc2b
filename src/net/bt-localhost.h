/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host's loopback, as far as it was granted.
 *
 *   worker ── 127.0.0.1:PORT inside ── relay ── 127.0.0.1:PORT of the host
 *
 * init made the listening sockets inside, and an address and port are what
 * they were bound to: nobody says here where a connection is to go but the
 * socket it came by, and the matcher is asked about that once more.
 *
 * The kernel inside completes a connection before we see it, so a program
 * would find out that nobody serves the host's port only when it reads.
 * Therefore the supervisor, which has the program's connect() in its hands,
 * has the host's side opened first:
 *
 *   OPEN ── connect to the host ── refused: OPENED says so, the program hears it
 *                                 else: kept, OPENED, the program's connect() comes
 *                                       in, and takes what is kept
 *
 * What is kept and not taken within two seconds is closed.  A connection for
 * which nothing is kept (no filter that notifies) opens the host's side
 * itself, and is reset where that fails.
 *
 * Bounds: connections and what is kept together; then nothing more is accepted,
 * and the kernel's queue holds the next ones up.
 */

#include "net/bt-gate.h"

G_BEGIN_DECLS

typedef struct _BtLocalhost BtLocalhost;

/*
 * Takes the listening sockets, borrows the gate. changed is called when sweep() has something
 * to do, and at the end of a connection after finish().
 */
BtLocalhost *bt_localhost_new(const int *fds, guint n_fds, BtGate *gate,
                              void (*changed)(gpointer data), gpointer data);
void bt_localhost_free(BtLocalhost *localhost);
/* TRUE: nobody listens there on the host. */
gboolean bt_localhost_open(BtLocalhost *localhost, const BtAddr *addr, guint16 port, gint64 now);
/* Ends what is open, by a reset. Not from within its callbacks. */
void bt_localhost_cut(BtLocalhost *localhost);
/* TRUE while there is more to do. */
gboolean bt_localhost_sweep(BtLocalhost *localhost, gint64 now);
/* The worker is gone: what it sent is passed on, and then nothing is open any more. */
void bt_localhost_finish(BtLocalhost *localhost);
gboolean bt_localhost_is_idle(const BtLocalhost *localhost);

G_END_DECLS
