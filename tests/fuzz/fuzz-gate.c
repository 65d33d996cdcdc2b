/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conversations through the gate, as under audit: each frame is a u16 of size, highest bit
 * set for one towards the worker, and its bytes. Whatever was before it, a
 * frame that passes is what DESIGN 6 lets pass.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/bt-gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const guint8 worker_mac[6] = { 2, 0, 0, 0, 0, 15 }, gateway_mac[6] = { 2, 0, 0, 0, 0, 2 };

static const BtAddr network6 = { { 0xfd, [15] = 2 } };

static gboolean
on_denied(gpointer data, const BtNetMsgDenied *denied)
{
  return TRUE;
}

/* The supervisor ends who tells it of what cannot be. */
static void
on_flow(gpointer data, const BtFlow *flow, gboolean opened)
{
  BtNetMsgFlow told = bt_flows_describe(flow, opened);
  const guint8 *unused;
  BtNetMsg message;

  if (!bt_net_msg_parse(&told, sizeof told, &message, &unused))
    abort();
}

#define BYTES 4096

/* Counted from what is seen here, not from what the gate says. */
static void
count(guint64 *passed, const BtPacket *packet)
{
  *passed += packet->ip.total_size - packet->ip.header_size;
  if (*passed > BYTES)
    abort();
}

static gboolean
is_worker(const BtGate *gate, const BtAddr *addr)
{
  return bt_addr_is_ipv4(addr) ? bt_addr_get_ipv4(addr) == gate->config.worker_address
                               : bt_addr_equal(addr, &gate->config.worker_address6);
}

/* Where no rule can lead. */
static gboolean
may_go(const BtAddr *addr)
{
  guint32 ipv4 = ntohl(bt_addr_get_ipv4(addr));
  BtAddrClass class = bt_addr_classify(addr);

  if (class == BT_ADDR_LOOPBACK || class == BT_ADDR_SINKHOLE)
    return FALSE;
  if (bt_addr_is_ipv4(addr))
    return ipv4 >> 28 != 14 && ipv4 >> 8 != 0x0a0002;
  return addr->bytes[0] != 0xff && !(addr->bytes[0] == 0xfe && addr->bytes[1] >> 6 == 2) &&
         !bt_addr_in(addr, &network6, 64);
}

static void
check_out(BtGate *gate, const guint8 *frame, gsize size, gint64 now, guint64 *passed)
{
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize reply_size, given = size;
  BtPacket packet;

  g_autofree guint8 *copy = g_memdup2(frame, size);
  if (bt_gate_outbound(gate, copy, &size, now, reply, &reply_size) != BT_GATE_PASS)
    return;
  bt_packet_parse(copy, size, &packet);
  if (size > given || packet.kind < BT_PACKET_TCP || packet.destination_port == 53 ||
      !is_worker(gate, &packet.ip.source) || !may_go(&packet.ip.destination) ||
      (packet.kind == BT_PACKET_ICMP && !bt_addr_is_ipv4(&packet.ip.source)) ||
      bt_addr_is_ipv4(&packet.ip.source) != bt_addr_is_ipv4(&packet.ip.destination) ||
      memcmp(packet.ethernet.source, worker_mac, 6) != 0)
    abort();
  count(passed, &packet);
}

static void
check_in(BtGate *gate, const guint8 *frame, gsize size, gint64 now, guint64 *passed)
{
  guint8 error[BT_PACKET_REPLY_SIZE];
  gsize error_size;
  BtPacket packet;

  gboolean passes = bt_gate_inbound(gate, frame, size, now, error, &error_size);
  if (!passes && error_size == 0)
    return;
  bt_packet_parse(passes ? frame : error, passes ? size : error_size, &packet);
  if (bt_flows_count(gate->flows) == 0 || packet.kind < BT_PACKET_TCP ||
      !is_worker(gate, &packet.ip.destination) ||
      passes == (packet.kind == BT_PACKET_ICMP && packet.icmp.has_inner))
    abort();
  count(passed, &packet);
}

static void
check_cut(BtGate *gate, gint64 now)
{
  guint8 reply[BT_PACKET_REPLY_SIZE];
  BtPacket packet;
  gsize size;

  while (bt_gate_cut(gate, now, reply, &size))
    if (size > 0 && (bt_packet_parse(reply, size, &packet) != BT_PACKET_TCP ||
                     !is_worker(gate, &packet.ip.destination) ||
                     (packet.tcp.flags & BT_TCP_RST) == 0))
      abort();
  if (bt_flows_count(gate->flows) != 0)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const BtNetRule rules[] = { /* ::/0 */
    { .action = BT_ACTION_ALLOW, .proto = BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP },
  };
  g_autoptr(BtPins) pins = bt_pins_new(G_USEC_PER_SEC, NULL, NULL);
  g_autoptr(BtFlows) flows = bt_flows_new(pins);
  g_autoptr(BtDenials) denials = bt_denials_new(on_denied, NULL);
  BtGate gate = {
    .config = { .prefix_length = 24, .mtu = 1500 },
    .policy = { .rules = rules, .n_rules = G_N_ELEMENTS(rules), .default_action = BT_ACTION_DENY },
    .pins = pins,
    .flows = flows,
    .denials = denials,
  };
  gint64 now = 1000 * G_USEC_PER_SEC;
  guint64 passed = 0;

  gate.config.worker_address = htonl(0x0a00020f);
  gate.config.gateway = htonl(0x0a000202);
  gate.config.gateway6 = gate.config.worker_address6 = network6;
  gate.config.worker_address6.bytes[15] = 15;
  memcpy(gate.config.worker_mac, worker_mac, 6);
  memcpy(gate.config.gateway_mac, gateway_mac, 6);
  bt_quota_init(&gate.quota, 4, BYTES, now);
  bt_flows_set_told_func(flows, on_flow, NULL);
  while (size >= 2) {
    gboolean inbound = (data[0] & 0x80) != 0;
    gsize length = (gsize)(data[0] & 0x7f) << 8 | data[1];
    data += 2;
    size -= 2;
    length = MIN(length, size);
    (inbound ? check_in : check_out)(&gate, data, length, now, &passed);
    data += length;
    size -= length;
    now += G_USEC_PER_SEC;
    bt_flows_sweep(flows, now);
    bt_denials_sweep(denials, now);
  }
  check_cut(&gate, now);
  return 0;
}
