/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-flow-times.h"

BtFlowTimes *
bt_flow_times_new(void)
{
  BtFlowTimes *self = g_new0(BtFlowTimes, 1);
  bt_tls_records_init(&self->records);
  return self;
}

void
bt_flow_times_free(BtFlowTimes *self)
{
  g_free(self);
}

static guint8
awaited(const BtFlowTimes *self)
{
  if (self->received != 0 || self->tls == BT_TLS_BROKEN)
    return 0;
  return self->tls == BT_TLS_MORE ? BT_FLOW_AWAITS_OUT | BT_FLOW_AWAITS_IN : BT_FLOW_AWAITS_IN;
}

guint8
bt_flow_times_connect(BtFlowTimes *self, guint32 next, gint64 now)
{
  if (self->connected == 0) {
    self->connected = now;
    self->next = next;
  }
  return awaited(self);
}

static void
look_for_tls(BtFlowTimes *self, const BtTcp *tcp, const guint8 *payload, gint64 now)
{
  gint32 old = (gint32)(self->next - tcp->sequence);

  if (old >= tcp->payload_size)
    return;
  self->tls = old < 0 ? BT_TLS_BROKEN
                      : bt_tls_records_feed(&self->records, payload + old,
                                            (gsize)(tcp->payload_size - old));
  self->next = tcp->sequence + tcp->payload_size;
  if (self->tls == BT_TLS_APPLICATION)
    self->secured = now;
}

guint8
bt_flow_times_outbound(BtFlowTimes *self, const BtTcp *tcp, const guint8 *payload, gint64 now)
{
  /* Without an answer there is no place for bytes yet. */
  if (tcp != NULL && (tcp->payload_size == 0 || self->connected == 0))
    return awaited(self);
  if (self->sent == 0)
    self->sent = now;
  if (tcp == NULL)
    self->tls = BT_TLS_NONE;
  else if (self->tls == BT_TLS_MORE)
    look_for_tls(self, tcp, payload, now);
  return awaited(self);
}

guint8
bt_flow_times_inbound(BtFlowTimes *self, const BtTcp *tcp, gint64 now)
{
  const guint begins = BT_TCP_SYN | BT_TCP_ACK;
  gboolean asked = self->tls == BT_TLS_APPLICATION || (self->tls == BT_TLS_NONE && self->sent != 0);

  if (tcp != NULL && (tcp->flags & begins) == begins)
    return bt_flow_times_connect(self, tcp->acknowledgement, now);
  if (asked && (tcp == NULL || tcp->payload_size > 0) && self->received == 0)
    self->received = now;
  return awaited(self);
}

/* Rounded down, so that parts are never more than the whole. */
static guint32
between(gint64 from, gint64 to)
{
  if (from == 0 || to == 0)
    return BT_NET_MSG_NO_TIME;
  return (guint32)CLAMP((to - from) / 1000, 0, BT_NET_MSG_NO_TIME - 1);
}

BtNetMsgTimes
bt_flow_times_tell(const BtFlowTimes *self, gint64 started)
{
  static const BtFlowTimes none;
  const BtFlowTimes *times = self != NULL ? self : &none;

  return (BtNetMsgTimes){
    .connect = between(started, times->connected),
    .sent = between(started, times->sent),
    .tls = between(times->sent, times->secured),
    .first_byte = between(times->secured != 0 ? times->secured : times->sent, times->received),
  };
}
