/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The packet gate: what may pass between the worker and libslirp.
 *
 * Both directions are default deny.  Out: the frame must be plain IPv4 or IPv6
 * from the worker's own addresses, and its flow must be open or be allowed by
 * the policy now.  In: the packet must answer an open flow.  libslirp is trusted
 * to do TCP, not to decide anything: it sends UDP back from anyone, takes its
 * own addresses for the host's loopback and puts fragments together.
 *
 * Of IPv6 only TCP and UDP pass, and errors about them for the worker: both
 * ends are told their neighbour once (bt-net-setup.c, bt-stack.c), so that
 * neither neighbour nor router discovery is for anybody, whoever sends it.
 *
 *   worker's frame → parse → addresses → kind → services → flow or policy
 *                      │        │          │        │            │
 *                      └────────┴──── drop, and tell why ────────┘
 *
 * A packet refused by policy is answered (RST, or ICMP administratively
 * prohibited), so that the program sees an error at once.
 *
 * A TCP flow that only a rule for a name opened passes bt-inspect.c, too: what
 * it asks for on the wire must be a name that is granted there. UDP to port 443
 * is refused to such a rule: QUIC hides the name from everybody who does not
 * decrypt its first packets, and keeps it in many of them; programs fall back
 * to TCP, where it can be held.
 *
 * Two limits come after the policy. A flow too many in this second is dropped
 * without an answer: TCP tries again after a second, so that a patient program
 * is only slowed. When the bytes are used up nothing passes any more: packets
 * are answered as refused ones are, and whoever drives the gate ends the open
 * flows by bt_gate_cut().
 */

#include "net/bt-denials.h"
#include "net/bt-flows.h"
#include "net/bt-pins.h"
#include "net/bt-quota.h"
#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"
#include "wire/bt-packet.h"

G_BEGIN_DECLS

typedef struct {
  BtNetMsgConfig config;
  BtNetPolicy policy;
  BtPins *pins;       /* borrowed, as the next two */
  BtFlows *flows;
  BtDenials *denials;
  BtQuota quota;
  guint64 refused; /* packets of the worker's programs */
  /* Called once, when the bytes are used up, to end later what is open; may be NULL. */
  void (*spent)(gpointer data);
  gpointer data;
} BtGate;

typedef enum {
  BT_GATE_DROP = 0,
  BT_GATE_PASS,
  BT_GATE_REPLY, /* dropped, and a reply to the worker was written */
  BT_GATE_RESET, /* both: the frame has become a reset for the far side */
} BtGateResult;

/*
 * Judges a frame from the worker. On PASS *size is cut to the packet's own,
 * which may have been changed; on REPLY reply_out holds *reply_size_out bytes.
 */
BtGateResult bt_gate_outbound(BtGate *gate, guint8 *frame, gsize *size, gint64 now,
                              guint8 reply_out[BT_PACKET_REPLY_SIZE], gsize *reply_size_out);
/*
 * Judges a frame for the worker: TRUE, and it passes as it is.  An error on the way of a flow is
 * told in our words, by *reply_size_out bytes; else they are none.
 */
gboolean bt_gate_inbound(BtGate *gate, const guint8 *frame, gsize size, gint64 now,
                         guint8 reply_out[BT_PACKET_REPLY_SIZE], gsize *reply_size_out);

/*
 * A reset that the worker believes to come from the flow's far side, or the far side to come
 * from the worker. Returns its size; 0 for a datagram's flow.
 */
gsize bt_gate_write_reset(const BtGate *gate, const BtFlow *flow, gboolean to_worker,
                          guint8 frame_out[BT_PACKET_REPLY_SIZE]);
/*
 * Ends one open flow; FALSE: there is none. reply_out holds *reply_size_out
 * bytes for the worker, none for a datagram's flow.
 */
gboolean bt_gate_cut(BtGate *gate, gint64 now, guint8 reply_out[BT_PACKET_REPLY_SIZE],
                     gsize *reply_size_out);

/* What passes without packets counts, too. FALSE: it must not; told as of packets. */
gboolean bt_gate_take_flow(BtGate *gate, gint64 now);
gboolean bt_gate_take_bytes(BtGate *gate, gsize size, gint64 now);

G_END_DECLS
