/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * When what happened in a flow, for its event: kept only of flows that are told.
 *
 *   first packet ── connect ── first bytes out ── TLS ── first bytes of the program ── first in
 *                              sent                      secured                       received
 *
 * Of datagrams, and where there is no TLS, the first bytes are the program's own. What a far end
 * says before is not waited for: there is no question to which it is the answer.
 *
 * Each packet asks one byte of its flow whether it is of interest; most are not any more. The
 * worker's segments count as they come: one that is missing, or comes out of order before the
 * handshake's end is seen, ends the looking. Nothing but an event depends on it.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-packet.h"
#include "wire/bt-tls-records.h"

G_BEGIN_DECLS

/* What is of interest yet, as a set. */
enum {
  BT_FLOW_AWAITS_OUT = 1u << 0,
  BT_FLOW_AWAITS_IN = 1u << 1,
};

/* Monotonic microseconds; 0: not yet. */
typedef struct {
  gint64 connected;
  gint64 sent;
  gint64 secured;
  gint64 received;
  guint32 next; /* TCP: number of the worker's byte to be looked at next */
  BtTlsResult tls;
  BtTlsRecords records;
} BtFlowTimes;

BtFlowTimes *bt_flow_times_new(void);
void bt_flow_times_free(BtFlowTimes *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtFlowTimes, bt_flow_times_free)

/*
 * A packet has passed. tcp is NULL for a datagram, or a connection whose segments are not seen:
 * it has bytes then. Each returns what is of interest now.
 */
guint8 bt_flow_times_outbound(BtFlowTimes *times, const BtTcp *tcp, const guint8 *payload,
                              gint64 now);
guint8 bt_flow_times_inbound(BtFlowTimes *times, const BtTcp *tcp, gint64 now);
/* The connection is made, and the worker's stream begins at next. */
guint8 bt_flow_times_connect(BtFlowTimes *times, guint32 next, gint64 now);
/* In the words of the message; times may be NULL: nothing is known. */
BtNetMsgTimes bt_flow_times_tell(const BtFlowTimes *times, gint64 started);

G_END_DECLS
