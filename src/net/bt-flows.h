/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The flow table: what the policy has let through, and nothing else.
 *
 * Only allowed flows are in it.  A flow is made by a worker's first packet and
 * is found by later packets of both directions:
 *
 *   TCP   opening --reply--> open --FIN both ways or RST--> closing --> gone
 *   UDP, ICMP  open --idle--> gone
 *
 * Each state has its own idle time and its own queue, oldest first, so that a
 * sweep looks only at what is due.  When the table is full the longest idle
 * flow goes: a worker that opens more loses its own, and a connection is reset.
 * A flow moves to the end of its queue at most once a second, not with each
 * packet: oldest means to within that second.
 */

#include <glib.h>
#include <stdbool.h>

#include "net/bt-flow-times.h"
#include "net/bt-inspect.h"
#include "net/bt-pins.h"
#include "wire/bt-packet.h"

G_BEGIN_DECLS

#define BT_FLOWS_MAX 12288u

typedef enum {
  BT_FLOW_TCP_OPENING,
  BT_FLOW_TCP_OPEN,
  BT_FLOW_TCP_CLOSING,
  BT_FLOW_UDP,
  BT_FLOW_ICMP,
  BT_N_FLOW_STATES,
} BtFlowState;

typedef struct {
  BtAddr address; /* the far end's */
  guint16 port;   /* 0 for ICMP */
  guint16 source_port; /* ICMP: the identifier */
  guint8 proto;    /* one BT_PROTO_* */
} BtFlowKey;

/* Two cache lines a packet: what comes after bytes_in is for the few that move the flow. */
typedef struct {
  BtFlowKey key;
  guint8 state; /* a BtFlowState */
  bool fin_out, fin_in;
  bool released; /* what inspect says of itself: it is asked for each packet */
  guint8 awaits; /* as released, of times: a set of BT_FLOW_AWAITS_* */
  gint32 pin_rule; /* name rule whose pin the flow holds; negative: none */
  guint32 pins_version; /* by which that pin opened it */
  BtTcp last_out; /* TCP: of the worker's last packet, to end the flow in its name */
  BtInspect *inspect; /* NULL: what it says on the wire is not looked at */
  gint64 last_used;
  guint64 bytes_out, bytes_in; /* of IP payload */
  gint64 queued;  /* when it came to where it is in the queue */
  gint64 started;
  BtFlowTimes *times; /* from when it is told to have come to when it is told to go */
  guint64 number;     /* of all that there were, from 1 */
  GList link; /* in the queue of its state */
} BtFlow;

typedef struct _BtFlows BtFlows;

/* Of all flows that there were; the bytes of those that have ended. */
typedef struct {
  guint64 flows;
  guint64 bytes_out, bytes_in;
} BtFlowsTotal;

/* A flow is about to go because another takes its place. */
typedef void (*BtFlowsReclaimedFunc)(gpointer data, const BtFlow *flow);

/* A flow has come, or is about to go. */
typedef void (*BtFlowsToldFunc)(gpointer data, const BtFlow *flow, gboolean opened);

/* pins is borrowed and must outlive the flows. */
BtFlows *bt_flows_new(BtPins *pins);
void bt_flows_free(BtFlows *flows);
void bt_flows_set_reclaimed_func(BtFlows *flows, BtFlowsReclaimedFunc func, gpointer data);
void bt_flows_set_told_func(BtFlows *flows, BtFlowsToldFunc func, gpointer data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtFlows, bt_flows_free)

BtFlow *bt_flows_lookup(BtFlows *flows, const BtFlowKey *key);
/* rule is what allowed it; if pinned, its pin is held until the flow ends. */
BtFlow *bt_flows_add(BtFlows *flows, const BtFlowKey *key, gint32 rule, gboolean pinned,
                     gint64 now);
/* A packet has passed: tcp_flags are BT_TCP_*, 0 for others. */
void bt_flows_touch(BtFlows *flows, BtFlow *flow, guint tcp_flags, gboolean inbound, gint64 now);
/* One that is not in the table, since no packets of it are seen; it counts, and is told. */
void bt_flows_tell(BtFlows *flows, BtFlow *flow, gboolean opened);
/* What is said of one that is told. */
BtNetMsgFlow bt_flows_describe(const BtFlow *flow, gboolean opened);
BtFlowsTotal bt_flows_get_total(BtFlows *flows);
void bt_flows_remove(BtFlows *flows, BtFlow *flow, gint64 now);
guint bt_flows_count(BtFlows *flows);
/* Any one of them, NULL if there is none. */
BtFlow *bt_flows_peek(BtFlows *flows);
/* Ends what is due. TRUE while there are flows. */
gboolean bt_flows_sweep(BtFlows *flows, gint64 now);

G_END_DECLS
