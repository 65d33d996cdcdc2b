/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the gate costs a packet, and how that grows with open flows and pinned names:
 *
 *   bench-gate        one line a number of names and flows, ns a packet; then the last
 *                     line's as ratios to the first one's
 *
 * Every name is pinned to an address of its own, the flows are spread over them,
 * and each has said on the wire what it is.
 *
 *   few    packets of 16 flows, while the others are idle
 *   all    packets of all flows, in an order that no cache likes
 *   new    SYN of a new flow, that is decided, told from others and taken away again
 */
#include <stdio.h>

#include "../unit/frame-builder.h"
#include "net/bt-gate.h"
#include "policy/bt-policy.h"

#define PACKETS 400000u
#define FEW 16u
#define TURNS 5
#define START 1000u /* of every stream's numbers */

typedef struct {
  BtGate gate;
  GBytes *policy;
  guint n_names, n_flows;
  Frame out, in; /* templates, whose ends are filled in */
} Bench;

static gboolean
ignore_denied(gpointer data, const BtNetMsgDenied *denied)
{
  return TRUE;
}

static BtAddr
address_of(guint name)
{
  return bt_addr_from_ipv4(htonl(0x08080000 + name));
}

/* As the supervisor compiles it: a rule's place is its name's, and the one of addresses is last. */
static GBytes *
make_policy(guint n_names)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GString) items = g_string_new(NULL);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < n_names; i++)
    g_string_append_printf(items, "host-%u.example:443,", i);
  g_string_append(items, "192.0.2.0/24:443");
  if (!bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET, BT_ACTION_ALLOW, "--flag",
                          items->str, "/", "/", &error))
    g_error("%s", error->message);
  return bt_policy_compile_net(policy);
}

static void
set_up(Bench *bench, guint n_names)
{
  BtGate *gate = &bench->gate;

  *bench = (Bench){ .gate.config = { .prefix_length = 24, .mtu = 65520 } };
  inet_pton(AF_INET, WORKER, &gate->config.worker_address);
  inet_pton(AF_INET, GATEWAY, &gate->config.gateway);
  memcpy(gate->config.worker_mac, worker_mac, 6);
  memcpy(gate->config.gateway_mac, gateway_mac, 6);
  bench->n_names = n_names;
  bench->policy = make_policy(n_names);
  g_assert_true(bt_net_policy_open(g_bytes_get_data(bench->policy, NULL),
                                   g_bytes_get_size(bench->policy), &gate->policy));
  gate->pins = bt_pins_new(G_USEC_PER_SEC, NULL, NULL);
  gate->flows = bt_flows_new(gate->pins);
  gate->denials = bt_denials_new(ignore_denied, NULL);
  bt_quota_init(&gate->quota, BT_NET_MSG_ANY_RATE, BT_NET_MSG_ANY_BYTES, 1);
  for (guint i = 0; i < n_names; i++) {
    BtAddr addr = address_of(i);
    g_assert_true(bt_pins_add(gate->pins, &addr, i, 1));
  }
  bench->out = frame_tcp("8.8.0.0", 443, 1, BT_TCP_ACK, START + 1, START + 1, "SSH-2.0-some\r\n");
  bench->in = frame_reply(&bench->out);
}

static void
tear_down(Bench *bench)
{
  bt_flows_free(bench->gate.flows);
  bt_denials_free(bench->gate.denials);
  bt_pins_free(bench->gate.pins);
  g_bytes_unref(bench->policy);
}

/* Makes the templates those of a flow, with these flags. */
static void
aim(Bench *bench, guint flow, guint flags)
{
  BtAddr addr = address_of(flow % bench->n_names);
  guint32 address = bt_addr_get_ipv4(&addr);
  guint port = 1 + flow;
  guint8 *out = frame_payload(&bench->out), *in = frame_payload(&bench->in);

  memcpy(frame_ip(&bench->out) + 16, &address, 4);
  memcpy(frame_ip(&bench->in) + 12, &address, 4);
  frame_put16(out, port);
  frame_put16(in + 2, port);
  out[13] = (guint8)flags;
  in[13] = (guint8)(flags | BT_TCP_ACK);
}

static void
send_out(Bench *bench, gint64 now)
{
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize size = bench->out.size, reply_size;

  if (bt_gate_outbound(&bench->gate, bench->out.bytes, &size, now, reply, &reply_size) !=
      BT_GATE_PASS)
    g_error("a packet did not pass");
}

static void
send_in(Bench *bench, gint64 now)
{
  guint8 error[BT_PACKET_REPLY_SIZE];
  gsize error_size;

  if (!bt_gate_inbound(&bench->gate, bench->in.bytes, bench->in.size, now, error, &error_size))
    g_error("an answer did not pass");
}

/* As far as a flow is looked at. */
static void
open_flows(Bench *bench, guint n_flows)
{
  gsize size = bench->out.size;

  for (guint i = 0; i < n_flows; i++) {
    aim(bench, i, BT_TCP_SYN);
    frame_put32(frame_payload(&bench->out) + 4, START);
    bench->out.size = BT_ETHERNET_SIZE + 40;
    frame_put16(frame_ip(&bench->out) + 2, 40);
    send_out(bench, 2);
    frame_put32(frame_payload(&bench->in) + 4, START);
    frame_put32(frame_payload(&bench->in) + 8, START + 1);
    send_in(bench, 2);

    aim(bench, i, BT_TCP_ACK);
    frame_put32(frame_payload(&bench->out) + 4, START + 1);
    bench->out.size = size;
    frame_put16(frame_ip(&bench->out) + 2, size - BT_ETHERNET_SIZE);
    send_out(bench, 2);
    frame_put32(frame_payload(&bench->in) + 4, START + 1);
    frame_put32(frame_payload(&bench->in) + 8, START + 1 + (guint32)(size - BT_ETHERNET_SIZE - 40));
    send_in(bench, 2);
  }
  bench->n_flows = n_flows;
  g_assert_cmpuint(bt_flows_count(bench->gate.flows), ==, n_flows);
}

/* Packets out and in by turns, of the first flows. */
static double
measure(Bench *bench, guint n_flows)
{
  gint64 since = g_get_monotonic_time();

  for (guint i = 0; i < PACKETS / 2; i++) {
    aim(bench, (guint)((guint64)i * 7919 % n_flows), BT_TCP_ACK);
    send_out(bench, 3 + i);
    send_in(bench, 3 + i);
  }
  return (double)(g_get_monotonic_time() - since) * 1000 / PACKETS;
}

static double
measure_new(Bench *bench)
{
  gsize size = bench->out.size;
  gint64 since = g_get_monotonic_time();

  bench->out.size = BT_ETHERNET_SIZE + 40;
  frame_put16(frame_ip(&bench->out) + 2, 40);
  for (guint i = 0; i < PACKETS / 2; i++) {
    guint flow = bench->n_flows + i % 1000;
    aim(bench, flow, BT_TCP_SYN);
    send_out(bench, PACKETS + i);
    BtFlowKey key = { .address = address_of(flow % bench->n_names), .port = 443,
                      .source_port = (guint16)(1 + flow), .proto = BT_PROTO_TCP };
    bt_flows_remove(bench->gate.flows, bt_flows_lookup(bench->gate.flows, &key), PACKETS + i);
  }
  double cost = (double)(g_get_monotonic_time() - since) * 1000 * 2 / PACKETS;
  bench->out.size = size;
  frame_put16(frame_ip(&bench->out) + 2, size - BT_ETHERNET_SIZE);
  return cost;
}

typedef struct {
  double few, all, new;
} Cost;

/* The best of some turns. */
static Cost
measure_case(guint n_names, guint n_flows)
{
  Cost cost = { G_MAXDOUBLE, G_MAXDOUBLE, G_MAXDOUBLE };
  Bench bench;

  set_up(&bench, n_names);
  open_flows(&bench, n_flows);
  for (int turn = 0; turn < TURNS; turn++) {
    cost.few = MIN(cost.few, measure(&bench, FEW));
    cost.all = MIN(cost.all, measure(&bench, n_flows));
    cost.new = MIN(cost.new, measure_new(&bench));
  }
  tear_down(&bench);
  return cost;
}

int
main(void)
{
  static const struct {
    guint names, flows;
  } cases[] = { { 1, FEW }, { 1000, FEW }, { 1, 10000 }, { 1000, 1000 }, { 1000, 10000 } };

  printf("%8s %8s %8s %8s %8s   ns a packet\n", "names", "flows", "few", "all", "new");
  Cost first = { 0 }, cost = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    cost = measure_case(cases[i].names, cases[i].flows);
    if (i == 0)
      first = cost;
    printf("%8u %8u %8.0f %8.0f %8.0f\n", cases[i].names, cases[i].flows, cost.few, cost.all,
           cost.new);
  }
  printf("%17s %8.2f %8.2f %8.2f\n", "ratio", cost.few / first.few, cost.all / first.all,
         cost.new / first.new);
  return 0;
}
