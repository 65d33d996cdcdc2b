/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Ports of the host that lead to the worker's.
 *
 *   someone ── ADDR:PORT of the host ── relay ── 127.0.0.1 or ::1, PORT inside ── worker
 *
 * The supervisor made the listening sockets; nobody says here which port of
 * the worker's one leads to but the message they came with.
 *
 * The connection inside needs a socket of the sandbox's network namespace, and
 * this process cannot make one: it has left no privilege, and so has init.  So
 * init made a stock of them, the dialers, and each is used again and again:
 *
 *   FREE ── connect() ── BUSY ── both directions done ── DRAINING ── closed by both ── FREE
 *                          └───────── reset ── connect(AF_UNSPEC) ──────────────────────┘
 *
 * connect() with AF_UNSPEC takes a TCP socket back to where it was made: not
 * connected, not bound, nothing in its buffers.  Done early it would be a reset
 * that loses what the worker has not yet acknowledged, so a dialer drains until
 * the kernel has closed the connection by itself (TCP_INFO), or for DRAIN_TIME:
 * a worker that does not read keeps nobody's socket but for that long.
 *
 * Bounds: as many connections as there are dialers; then nothing more is
 * accepted, and the kernel's queue holds the next ones up.
 */

#include "net/bt-gate.h"

G_BEGIN_DECLS

typedef struct _BtPublish BtPublish;

typedef struct {
  /* sweep() has something to do, or a connection ended after finish(). */
  void (*changed)(gpointer data);
  void (*accepted)(gpointer data, const BtAddr *addr, guint16 port, guint listener);
} BtPublishFuncs;

/* Takes the sockets: first the listeners, then the dialers. Borrows the gate, for its bytes. */
BtPublish *bt_publish_new(const BtNetMsgPublish *message, const int *fds, BtGate *gate,
                          const BtPublishFuncs *funcs, gpointer data);
void bt_publish_free(BtPublish *publish);
/* TRUE while there is more to do. */
gboolean bt_publish_sweep(BtPublish *publish, gint64 now);
/* The worker is gone: what it sent is passed on, and then nothing is open any more. */
void bt_publish_finish(BtPublish *publish);
gboolean bt_publish_is_idle(const BtPublish *publish);

G_END_DECLS
