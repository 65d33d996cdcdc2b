/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * DNS over TCP: few clients, each with few queries at once and little time.
 *
 *   reading → query given away (at most MAX_IN_FLIGHT) → its reply queued
 *      ↑                                                     │
 *      └──────────── written ────────────────────────────────┘
 *
 * A client that sends nonsense, stays silent or does not read is closed. When
 * all places are taken the one that was silent longest makes room.
 */

#include "net/bt-lookups.h"

G_BEGIN_DECLS

typedef struct _BtDnsTcp BtDnsTcp;

/* Takes the listening fd, borrows lookups. accepted is called after each new client. */
BtDnsTcp *bt_dns_tcp_new(int fd, BtLookups *lookups, void (*accepted)(gpointer data),
                         gpointer data);
/* fd is a socket of the supervisor's, by which each client's stream comes. */
BtDnsTcp *bt_dns_tcp_new_handed(int fd, BtLookups *lookups, void (*accepted)(gpointer data),
                                gpointer data);
/* lookups must be gone before. */
void bt_dns_tcp_free(BtDnsTcp *tcp);
/* Closes silent clients. TRUE while there are clients. */
gboolean bt_dns_tcp_sweep(BtDnsTcp *tcp, gint64 now);

G_END_DECLS
