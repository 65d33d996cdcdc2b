/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-flows.h"

#include "wire/bt-net-policy.h"

#define SECONDS(n) ((gint64)(n) * G_USEC_PER_SEC)

/* RFC 5382 asks for two hours and four minutes of an idle TCP connection. */
static const gint64 idle_time[BT_N_FLOW_STATES] = {
  [BT_FLOW_TCP_OPENING] = SECONDS(150), [BT_FLOW_TCP_OPEN] = SECONDS(7500),
  [BT_FLOW_TCP_CLOSING] = SECONDS(10),  [BT_FLOW_UDP] = SECONDS(60),
  [BT_FLOW_ICMP] = SECONDS(30),
};

/* How old a flow's place in its queue may be while it is used. */
#define GRAIN SECONDS(1)

struct _BtFlows {
  GHashTable *table; /* BtFlow to itself */
  GQueue queues[BT_N_FLOW_STATES];
  BtPins *pins;
  BtFlowsReclaimedFunc reclaimed; /* NULL: nobody wants to know */
  gpointer data;
  BtFlowsToldFunc told; /* as reclaimed */
  gpointer told_data;
  BtFlowsTotal total;
};

/* The worker chooses ports and so collisions; the table's bound limits what that costs it. */
static guint
flow_hash(gconstpointer key)
{
  const BtFlowKey *k = key;
  guint hash = bt_pins_hash_addr(&k->address);
  hash ^= ((guint)k->port << 16 | k->source_port) * 2246822519u;
  return hash ^ (hash >> 15) ^ k->proto;
}

static gboolean
flow_equal(gconstpointer a, gconstpointer b)
{
  const BtFlowKey *key_a = a, *key_b = b;
  return key_a->port == key_b->port && key_a->source_port == key_b->source_port &&
         key_a->proto == key_b->proto && bt_addr_equal(&key_a->address, &key_b->address);
}

static void
flow_free(gpointer data)
{
  BtFlow *flow = data;
  g_clear_pointer(&flow->inspect, bt_inspect_free);
  g_clear_pointer(&flow->times, bt_flow_times_free);
  g_free(flow);
}

BtFlows *
bt_flows_new(BtPins *pins)
{
  BtFlows *self = g_new0(BtFlows, 1);
  self->table = g_hash_table_new_full(flow_hash, flow_equal, NULL, flow_free);
  for (gsize i = 0; i < G_N_ELEMENTS(self->queues); i++)
    g_queue_init(&self->queues[i]);
  self->pins = pins;
  return self;
}

void
bt_flows_set_reclaimed_func(BtFlows *self, BtFlowsReclaimedFunc func, gpointer data)
{
  self->reclaimed = func;
  self->data = data;
}

void
bt_flows_set_told_func(BtFlows *self, BtFlowsToldFunc func, gpointer data)
{
  self->told = func;
  self->told_data = data;
}

void
bt_flows_free(BtFlows *self)
{
  g_hash_table_unref(self->table);
  g_free(self);
}

BtFlow *
bt_flows_lookup(BtFlows *self, const BtFlowKey *key)
{
  return g_hash_table_lookup(self->table, key);
}

guint
bt_flows_count(BtFlows *self)
{
  return g_hash_table_size(self->table);
}

BtFlow *
bt_flows_peek(BtFlows *self)
{
  BtFlow *flow = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS(self->queues) && flow == NULL; i++)
    flow = g_queue_peek_head(&self->queues[i]);
  return flow;
}

void
bt_flows_tell(BtFlows *self, BtFlow *flow, gboolean opened)
{
  if (opened) {
    flow->number = ++self->total.flows;
  } else {
    self->total.bytes_out += flow->bytes_out;
    self->total.bytes_in += flow->bytes_in;
  }
  if (self->told == NULL)
    return;
  self->told(self->told_data, flow, opened);
  if (opened) {
    flow->times = bt_flow_times_new();
    flow->awaits = BT_FLOW_AWAITS_OUT | BT_FLOW_AWAITS_IN;
  } else {
    g_clear_pointer(&flow->times, bt_flow_times_free);
  }
}

BtNetMsgFlow
bt_flows_describe(const BtFlow *flow, gboolean opened)
{
  return (BtNetMsgFlow){
    .header.kind = BT_NET_MSG_FLOW,
    .state = opened ? BT_NET_FLOW_OPENED : BT_NET_FLOW_CLOSED,
    .proto = flow->key.proto,
    .addr = flow->key.address,
    .port = flow->key.port,
    .milliseconds = (guint32)CLAMP((flow->last_used - flow->started) / 1000, 0, G_MAXUINT32),
    .bytes_out = flow->bytes_out,
    .bytes_in = flow->bytes_in,
    .number = flow->number,
    .time = opened ? flow->started : flow->last_used,
    .times = bt_flow_times_tell(flow->times, flow->started),
  };
}

BtFlowsTotal
bt_flows_get_total(BtFlows *self)
{
  return self->total;
}

void
bt_flows_remove(BtFlows *self, BtFlow *flow, gint64 now)
{
  bt_flows_tell(self, flow, FALSE);
  if (flow->pin_rule >= 0)
    bt_pins_release(self->pins, &flow->key.address, flow->pin_rule, now);
  g_queue_unlink(&self->queues[flow->state], &flow->link);
  g_hash_table_remove(self->table, &flow->key);
}

/* Makes room: closing flows first, then whichever is idle longest. */
static void
reclaim(BtFlows *self, gint64 now)
{
  BtFlow *oldest = g_queue_peek_head(&self->queues[BT_FLOW_TCP_CLOSING]);

  for (gsize i = 0; i < G_N_ELEMENTS(self->queues) && oldest == NULL; i++)
    oldest = g_queue_peek_head(&self->queues[i]);
  for (gsize i = 0; i < G_N_ELEMENTS(self->queues); i++) {
    BtFlow *flow = g_queue_peek_head(&self->queues[i]);
    if (flow != NULL && oldest->state != BT_FLOW_TCP_CLOSING &&
        flow->last_used < oldest->last_used)
      oldest = flow;
  }
  if (oldest == NULL)
    return;
  if (self->reclaimed != NULL)
    self->reclaimed(self->data, oldest);
  bt_flows_remove(self, oldest, now);
}

static BtFlowState
first_state(guint8 proto)
{
  switch (proto) {
  case BT_PROTO_TCP:
    return BT_FLOW_TCP_OPENING;
  case BT_PROTO_UDP:
    return BT_FLOW_UDP;
  default:
    return BT_FLOW_ICMP;
  }
}

BtFlow *
bt_flows_add(BtFlows *self, const BtFlowKey *key, gint32 rule, gboolean pinned, gint64 now)
{
  if (g_hash_table_size(self->table) >= BT_FLOWS_MAX)
    reclaim(self, now);
  BtFlow *flow = g_new0(BtFlow, 1);
  flow->key = *key;
  flow->state = first_state(key->proto);
  flow->started = flow->last_used = flow->queued = now;
  flow->link.data = flow;
  flow->pins_version = bt_pins_get_version(self->pins);
  flow->pin_rule = pinned && bt_pins_hold(self->pins, &key->address, rule) ? rule : -1;
  g_hash_table_insert(self->table, &flow->key, flow);
  g_queue_push_tail_link(&self->queues[flow->state], &flow->link);
  bt_flows_tell(self, flow, TRUE);
  return flow;
}

/* The state after a packet with these flags. */
static BtFlowState
next_state(BtFlow *flow, guint tcp_flags, gboolean inbound)
{
  if (flow->key.proto != BT_PROTO_TCP || flow->state == BT_FLOW_TCP_CLOSING)
    return flow->state;
  if ((tcp_flags & BT_TCP_RST) != 0)
    return BT_FLOW_TCP_CLOSING;
  if ((tcp_flags & BT_TCP_FIN) != 0)
    *(inbound ? &flow->fin_in : &flow->fin_out) = true;
  if (flow->fin_in && flow->fin_out)
    return BT_FLOW_TCP_CLOSING;
  return inbound ? BT_FLOW_TCP_OPEN : flow->state;
}

static void
move(BtFlows *self, BtFlow *flow, BtFlowState state, gint64 now)
{
  g_queue_unlink(&self->queues[flow->state], &flow->link);
  flow->state = state;
  flow->queued = now;
  g_queue_push_tail_link(&self->queues[state], &flow->link);
}

void
bt_flows_touch(BtFlows *self, BtFlow *flow, guint tcp_flags, gboolean inbound, gint64 now)
{
  BtFlowState state = next_state(flow, tcp_flags, inbound);

  flow->last_used = now;
  if (state != flow->state || now - flow->queued >= GRAIN)
    move(self, flow, state, now);
}

gboolean
bt_flows_sweep(BtFlows *self, gint64 now)
{
  for (gsize i = 0; i < G_N_ELEMENTS(self->queues); i++) {
    BtFlow *flow;
    while ((flow = g_queue_peek_head(&self->queues[i])) != NULL &&
           flow->last_used + idle_time[i] <= now)
      bt_flows_remove(self, flow, now);
  }
  return g_hash_table_size(self->table) > 0;
}
