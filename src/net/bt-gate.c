/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-gate.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_ECHO 7
#define PORT_QUIC 443

/* One outbound frame on its way through the checks. */
typedef struct {
  BtGate *gate;
  guint8 *frame;
  gsize size;
  gint64 now;
  BtPacket packet;
  guint8 *reply;
  gsize reply_size;
} Outbound;

static guint
proto_of(const BtPacket *packet)
{
  switch (packet->kind) {
  case BT_PACKET_TCP:
    return BT_PROTO_TCP;
  case BT_PACKET_UDP:
    return BT_PROTO_UDP;
  case BT_PACKET_ICMP:
    return BT_PROTO_ICMP;
  default:
    return 0;
  }
}

static void
tell_name(Outbound *out, BtNetReason reason, gint32 rule, const char *name)
{
  const BtPacket *packet = &out->packet;
  BtNetMsgDenied denied = { .reason = reason, .rule = rule };

  denied.proto = proto_of(packet);
  denied.addr = packet->ip.destination;
  denied.port = packet->destination_port;
  denied.source_port = packet->source_port;
  if (name != NULL)
    g_strlcpy(denied.name, name, sizeof denied.name);
  bt_denials_add(out->gate->denials, &denied, out->now);
  out->gate->refused++;
}

static void
tell(Outbound *out, BtNetReason reason, gint32 rule)
{
  tell_name(out, reason, rule, NULL);
}

static BtGateResult
drop(Outbound *out, BtNetReason reason)
{
  tell(out, reason, BT_NET_RULE_DEFAULT);
  return BT_GATE_DROP;
}

static gboolean
has_ipv6(const BtNetMsgConfig *config)
{
  static const BtAddr none;
  return !bt_addr_equal(&config->worker_address6, &none);
}

static gboolean
is_worker(const BtNetMsgConfig *config, const BtAddr *addr)
{
  return bt_addr_is_ipv4(addr)
             ? bt_addr_get_ipv4(addr) == config->worker_address
             : has_ipv6(config) && bt_addr_equal(addr, &config->worker_address6);
}

/* No one destination is meant: one event, however many they are. */
static void
tell_limit(BtGate *gate, BtNetReason reason, gint64 now)
{
  const BtNetMsgDenied denied = { .reason = reason, .rule = BT_NET_RULE_DEFAULT };
  bt_denials_add(gate->denials, &denied, now);
}

/* That they are used up is told when it happens, and never again. */
gboolean
bt_gate_take_bytes(BtGate *gate, gsize size, gint64 now)
{
  gboolean spent = gate->quota.spent;

  if (bt_quota_take_bytes(&gate->quota, size))
    return TRUE;
  if (!spent) {
    tell_limit(gate, BT_NET_REASON_BYTES, now);
    if (gate->spent != NULL)
      gate->spent(gate->data);
  }
  return FALSE;
}

gboolean
bt_gate_take_flow(BtGate *gate, gint64 now)
{
  if (bt_quota_take_flow(&gate->quota, now))
    return TRUE;
  tell_limit(gate, BT_NET_REASON_RATE, now);
  return FALSE;
}

static gsize
payload_of(const BtPacket *packet)
{
  return packet->ip.total_size - packet->ip.header_size;
}

static gboolean
take_bytes(BtGate *gate, const BtPacket *packet, gint64 now)
{
  return bt_gate_take_bytes(gate, payload_of(packet), now);
}

static BtGateResult
answer(Outbound *out)
{
  const BtNetMsgConfig *config = &out->gate->config;
  BtAddr gateway = bt_addr_is_ipv4(&out->packet.ip.source) ? bt_addr_from_ipv4(config->gateway)
                                                           : config->gateway6;

  if (out->packet.kind == BT_PACKET_TCP)
    out->reply_size = bt_packet_write_reset(&out->packet, config->gateway_mac, out->reply);
  else
    out->reply_size =
        bt_packet_write_prohibited(&out->packet, out->frame, out->size, config->gateway_mac,
                                   &gateway, out->reply);
  return out->reply_size > 0 ? BT_GATE_REPLY : BT_GATE_DROP;
}

/* That all bytes are used up is told once, and not of each packet. */
static BtGateResult
answer_spent(Outbound *out)
{
  out->gate->refused++;
  return answer(out);
}

static BtGateResult
reject(Outbound *out, BtNetReason reason, gint32 rule)
{
  tell(out, reason, rule);
  return answer(out);
}

/* The worker's kernel asks for its gateway unless it has been told; nobody else is there. */
static BtGateResult
judge_arp(Outbound *out)
{
  const BtNetMsgConfig *config = &out->gate->config;
  const BtArp *arp = &out->packet.arp;

  if (arp->operation != 1 || arp->target != config->gateway ||
      arp->sender != config->worker_address ||
      memcmp(arp->sender_mac, config->worker_mac, 6) != 0)
    return BT_GATE_DROP;
  out->reply_size = bt_packet_write_arp_reply(config->gateway_mac, config->gateway,
                                              config->worker_mac, config->worker_address,
                                              out->reply);
  return BT_GATE_REPLY;
}

static gboolean
is_multicast(const BtAddr *addr)
{
  guint32 host = ntohl(bt_addr_get_ipv4(addr));
  return bt_addr_is_ipv4(addr) ? host >> 28 == 0xe || host == 0xffffffff : addr->bytes[0] == 0xff;
}

/* libslirp's own networks: their addresses are aliases of the host's loopback and resolver. */
static gboolean
is_virtual(const BtNetMsgConfig *config, const BtAddr *addr)
{
  BtAddr net = bt_addr_from_ipv4(config->gateway);
  return bt_addr_in(addr, &net, 96 + config->prefix_length) ||
         (has_ipv6(config) && bt_addr_in(addr, &config->gateway6, BT_NET_PREFIX_LENGTH6));
}

static uint32_t
pins_of(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  return bt_pins_get(data, addr, ids_out);
}

static BtNetVerdict
match(BtGate *gate, const BtPacket *packet)
{
  const BtAddr *addr = &packet->ip.destination;
  BtNetVerdict verdict = bt_net_policy_match(&gate->policy, addr, proto_of(packet),
                                             packet->destination_port, pins_of, gate->pins);
  /* Where ping sockets are closed to us libslirp sends the echo to UDP port 7 instead. */
  if (packet->kind == BT_PACKET_ICMP && verdict.action != BT_ACTION_DENY)
    verdict = bt_net_policy_match(&gate->policy, addr, BT_PROTO_UDP, PORT_ECHO, pins_of,
                                  gate->pins);
  return verdict;
}

/* Was it a name alone that opened the way, and one that is to hold on the wire? */
static gboolean
is_by_name(BtGate *gate, const BtPacket *packet, const BtNetVerdict *verdict)
{

  if (verdict->rule < 0 || (guint32)verdict->rule >= gate->policy.n_rules)
    return FALSE;
  if ((gate->policy.rules[verdict->rule].flags & (BT_NET_RULE_NAME | BT_NET_RULE_PLAIN)) !=
      BT_NET_RULE_NAME)
    return FALSE;
  BtNetVerdict unnamed =
      bt_net_policy_match_name(&gate->policy, &packet->ip.destination, proto_of(packet),
                               packet->destination_port, NULL, pins_of, gate->pins);
  return unnamed.action == BT_ACTION_DENY;
}

static BtFlowKey
outbound_key(const BtPacket *packet)
{
  gboolean icmp = packet->kind == BT_PACKET_ICMP;
  return (BtFlowKey){
    .address = packet->ip.destination,
    .port = packet->destination_port,
    .source_port = icmp ? packet->icmp.identifier : packet->source_port,
    .proto = (guint8)proto_of(packet),
  };
}

/* A pin cannot expire below a flow, but its address can become the host's own. */
static BtFlow *
find_flow(BtGate *gate, const BtFlowKey *key, gint64 now)
{
  BtFlow *flow = bt_flows_lookup(gate->flows, key);

  if (flow == NULL || flow->pin_rule < 0 ||
      flow->pins_version == bt_pins_get_version(gate->pins))
    return flow;
  flow->pins_version = bt_pins_get_version(gate->pins);
  if (bt_pins_has(gate->pins, &key->address, flow->pin_rule))
    return flow;
  bt_flows_remove(gate->flows, flow, now);
  return NULL;
}

/* Does the packet ask for a new flow, rather than belong to one? */
static gboolean
opens(const BtPacket *packet)
{
  const guint mask = BT_TCP_SYN | BT_TCP_ACK | BT_TCP_RST | BT_TCP_FIN;
  return packet->kind != BT_PACKET_TCP || (packet->tcp.flags & mask) == BT_TCP_SYN;
}

/* Allowed: its limits are the last to be asked. */
static BtFlow *
open_flow(Outbound *out, const BtFlowKey *key, gint32 rule)
{
  BtGate *gate = out->gate;
  gboolean by_name = rule >= 0 && (guint32)rule < gate->policy.n_rules &&
                     (gate->policy.rules[rule].flags & BT_NET_RULE_NAME) != 0;

  if (!bt_gate_take_flow(gate, out->now)) {
    gate->refused++;
    return NULL;
  }
  return bt_flows_add(gate->flows, key, rule, by_name, out->now);
}

/* What asks for a name in a flow, and what became of it. */
typedef struct {
  Outbound *out;
  BtNetVerdict verdict;
} Asking;

static gboolean
may_ask_for(gpointer data, const char *name)
{
  Asking *asking = data;
  BtGate *gate = asking->out->gate;
  const BtPacket *packet = &asking->out->packet;

  asking->verdict = bt_net_policy_match_name(&gate->policy, &packet->ip.destination, BT_PROTO_TCP,
                                             packet->destination_port, name, pins_of, gate->pins);
  return asking->verdict.action != BT_ACTION_DENY;
}

/* Tells why, and ends the flow for both sides. */
static BtGateResult
refuse(Outbound *out, BtFlow *flow, const BtInspection *found, gint32 rule)
{
  tell_name(out, found->reason, rule, found->name);
  answer(out);
  bt_packet_make_reset(&out->packet, out->frame, &out->size, found->sequence);
  bt_flows_remove(out->gate->flows, flow, out->now);
  return BT_GATE_RESET;
}

/* Most segments come when nothing is looked for any more. */
static gboolean
is_inspected(const BtFlow *flow, const BtPacket *packet)
{
  return flow->inspect != NULL && packet->kind == BT_PACKET_TCP &&
         (!flow->released || (packet->tcp.flags & BT_TCP_SYN) != 0);
}

static BtGateResult
inspect(Outbound *out, BtFlow *flow)
{
  BtPacket *packet = &out->packet;
  Asking asking = { .out = out };
  BtInspection found =
      bt_inspect_outbound(flow->inspect, &packet->tcp, bt_packet_tcp_payload(packet, out->frame),
                          out->now, may_ask_for, &asking);

  flow->released = bt_inspect_is_released(flow->inspect);
  switch (found.result) {
  case BT_INSPECT_PASS:
    return BT_GATE_PASS;
  case BT_INSPECT_DROP:
    return BT_GATE_DROP;
  case BT_INSPECT_CUT:
    bt_packet_cut(packet, out->frame, &out->size, found.cut);
    return BT_GATE_PASS;
  case BT_INSPECT_REFUSE:
    break;
  }
  return refuse(out, flow, &found,
                found.reason == BT_NET_REASON_NAME ? asking.verdict.rule : flow->pin_rule);
}

/* Under audit, and until all is seen. */
static void
time_outbound(BtFlow *flow, const Outbound *out)
{
  const BtPacket *packet = &out->packet;
  gboolean tcp = packet->kind == BT_PACKET_TCP;

  flow->awaits =
    bt_flow_times_outbound(flow->times, tcp ? &packet->tcp : NULL,
                           tcp ? bt_packet_tcp_payload(packet, out->frame) : NULL, out->now);
}

static BtGateResult
judge_flow(Outbound *out)
{
  BtGate *gate = out->gate;
  const BtPacket *packet = &out->packet;
  BtFlowKey key = outbound_key(packet);
  BtFlow *flow = find_flow(gate, &key, out->now);

  /* A new connection between the same ports is decided anew. */
  if (flow != NULL && flow->state == BT_FLOW_TCP_CLOSING && opens(packet)) {
    bt_flows_remove(gate->flows, flow, out->now);
    flow = NULL;
  }
  if (flow == NULL) {
    if (!opens(packet))
      return answer(out); /* the rest of a flow that has ended: no new decision, no event */
    BtNetVerdict verdict = match(gate, packet);
    if (verdict.action == BT_ACTION_DENY || verdict.action == BT_ACTION_NONE)
      return reject(out, BT_NET_REASON_POLICY, verdict.rule);
    if (gate->quota.spent)
      return answer_spent(out);
    gboolean by_name = is_by_name(gate, packet, &verdict);
    if (by_name && packet->kind == BT_PACKET_UDP && packet->destination_port == PORT_QUIC)
      return reject(out, BT_NET_REASON_QUIC, verdict.rule);
    flow = open_flow(out, &key, verdict.rule);
    if (flow == NULL)
      return BT_GATE_DROP;
    if (by_name && packet->kind == BT_PACKET_TCP)
      flow->inspect = bt_inspect_new();
  }
  if (is_inspected(flow, packet)) {
    BtGateResult result = inspect(out, flow);
    if (result != BT_GATE_PASS)
      return result;
  }
  if (packet->kind == BT_PACKET_TCP)
    flow->last_out = packet->tcp;
  if (!take_bytes(gate, packet, out->now))
    return answer_spent(out);
  flow->bytes_out += payload_of(packet);
  if ((flow->awaits & BT_FLOW_AWAITS_OUT) != 0)
    time_outbound(flow, out);
  bt_flows_touch(gate->flows, flow, packet->tcp.flags, FALSE, out->now);
  return BT_GATE_PASS;
}

/*
 * What comes from the worker's kernel, not from a program, so that it is no event: it joins
 * groups (by IGMP, or by ICMPv6 behind hop-by-hop options) and looks for neighbours, routers
 * and listeners, before it has an address, too.
 */
static gboolean
is_of_kernel(const BtPacket *packet)
{
  const BtIp *ip = &packet->ip;

  if (packet->ethernet.type == BT_ETHERTYPE_IPV4)
    return ip->protocol == 2;
  return is_multicast(&ip->destination) &&
         ((packet->kind == BT_PACKET_OPTIONS && ip->protocol == 0) ||
          (packet->kind == BT_PACKET_ICMP && packet->icmp.type == BT_ICMP_OTHER));
}

/* What libslirp has no use for, or does not carry: echo over IPv6 before its version 4.8. */
static BtGateResult
judge_icmp(Outbound *out)
{
  const BtPacket *packet = &out->packet;

  if (packet->icmp.type != BT_ICMP_ECHO)
    return BT_GATE_DROP; /* such as errors about packets that we sent it */
  return reject(out, BT_NET_REASON_TYPE, BT_NET_RULE_DEFAULT);
}

static BtGateResult
judge_ip(Outbound *out)
{
  const BtNetMsgConfig *config = &out->gate->config;
  const BtPacket *packet = &out->packet;
  gboolean ipv4 = packet->ethernet.type == BT_ETHERTYPE_IPV4;

  if (is_of_kernel(packet))
    return BT_GATE_DROP;
  if (!ipv4 && !has_ipv6(config))
    return drop(out, BT_NET_REASON_TYPE);
  if (!is_worker(config, &packet->ip.source))
    return drop(out, BT_NET_REASON_SOURCE);
  if (packet->kind == BT_PACKET_FRAGMENT)
    return drop(out, BT_NET_REASON_FRAGMENT);
  if (is_multicast(&packet->ip.destination) || (packet->ethernet.destination[0] & 1) != 0)
    return drop(out, BT_NET_REASON_MULTICAST);
  if (memcmp(packet->ethernet.destination, config->gateway_mac, 6) != 0)
    return drop(out, BT_NET_REASON_SOURCE);
  if (packet->kind == BT_PACKET_OPTIONS)
    return drop(out, BT_NET_REASON_MALFORMED);
  if (packet->kind == BT_PACKET_IP)
    return reject(out, BT_NET_REASON_TYPE, BT_NET_RULE_DEFAULT);
  if (packet->kind == BT_PACKET_ICMP && (!ipv4 || packet->icmp.type != BT_ICMP_ECHO))
    return judge_icmp(out);
  if (bt_net_is_service(proto_of(packet), packet->destination_port))
    return reject(out, BT_NET_REASON_SERVICE, BT_NET_RULE_DEFAULT);
  if (is_virtual(config, &packet->ip.destination) || bt_net_is_on_link(&packet->ip.destination))
    return reject(out, BT_NET_REASON_POLICY, BT_NET_RULE_CLOSURE);
  return judge_flow(out);
}

BtGateResult
bt_gate_outbound(BtGate *gate, guint8 *frame, gsize *size, gint64 now,
                 guint8 reply_out[BT_PACKET_REPLY_SIZE], gsize *reply_size_out)
{
  Outbound out = { .gate = gate, .frame = frame, .size = *size, .now = now, .reply = reply_out };
  BtGateResult result;

  bt_packet_parse(frame, *size, &out.packet);
  if (out.packet.kind == BT_PACKET_MALFORMED || *size > gate->config.mtu + BT_ETHERNET_SIZE)
    return drop(&out, BT_NET_REASON_MALFORMED);
  if (memcmp(out.packet.ethernet.source, gate->config.worker_mac, 6) != 0)
    return drop(&out, BT_NET_REASON_SOURCE);

  if (out.packet.kind == BT_PACKET_OTHER)
    result = drop(&out, BT_NET_REASON_TYPE);
  else if (out.packet.kind == BT_PACKET_ARP)
    result = judge_arp(&out);
  else
    result = judge_ip(&out);
  *reply_size_out = out.reply_size;
  if (result == BT_GATE_PASS || result == BT_GATE_RESET)
    *size = BT_ETHERNET_SIZE + out.packet.ip.total_size;
  return result;
}

/* The flow that an ICMP error for the worker speaks about. */
static gboolean
inner_key(const BtGate *gate, const BtIcmp *icmp, BtFlowKey *key_out)
{
  const BtIcmpInner *inner = &icmp->inner;

  if (!icmp->has_inner || !is_worker(&gate->config, &inner->source))
    return FALSE;
  *key_out = (BtFlowKey){
    .address = inner->destination,
    .port = inner->destination_port,
    .source_port = inner->source_port,
    .proto = inner->protocol == BT_IP_TCP   ? BT_PROTO_TCP
             : inner->protocol == BT_IP_UDP ? BT_PROTO_UDP
                                            : BT_PROTO_ICMP,
  };
  return inner->protocol == BT_IP_TCP || inner->protocol == BT_IP_UDP ||
         inner->protocol == BT_IP_ICMP;
}

static gboolean
inbound_key(const BtGate *gate, const BtPacket *packet, BtFlowKey *key_out)
{
  *key_out = (BtFlowKey){ .address = packet->ip.source, .proto = (guint8)proto_of(packet) };
  switch (packet->kind) {
  case BT_PACKET_TCP:
  case BT_PACKET_UDP:
    key_out->port = packet->source_port;
    key_out->source_port = packet->destination_port;
    return TRUE;
  case BT_PACKET_ICMP:
    key_out->source_port = packet->icmp.identifier;
    return packet->icmp.type == BT_ICMP_ECHO_REPLY || inner_key(gate, &packet->icmp, key_out);
  default:
    return FALSE;
  }
}

/*
 * libslirp passes on who sent an error, which is a router of this machine's: where the packet
 * went may have told that by itself, else it is as if the gateway had.
 */
static gsize
write_error(const BtGate *gate, const BtPacket *packet, const guint8 *frame, const BtFlowKey *key,
            guint8 *reply_out)
{
  BtAddr source = packet->ip.source;

  if (!bt_addr_equal(&source, &key->address))
    source = bt_addr_is_ipv4(&packet->ip.destination) ? bt_addr_from_ipv4(gate->config.gateway)
                                                      : gate->config.gateway6;
  return bt_packet_write_error(packet, frame, &source, reply_out);
}

gboolean
bt_gate_inbound(BtGate *gate, const guint8 *frame, gsize size, gint64 now,
                guint8 reply_out[BT_PACKET_REPLY_SIZE], gsize *reply_size_out)
{
  BtPacket packet;
  BtFlowKey key;

  *reply_size_out = 0;
  bt_packet_parse(frame, size, &packet);
  if (packet.kind < BT_PACKET_TCP || !is_worker(&gate->config, &packet.ip.destination) ||
      memcmp(packet.ethernet.destination, gate->config.worker_mac, 6) != 0 ||
      !inbound_key(gate, &packet, &key))
    return FALSE;
  BtFlow *flow = find_flow(gate, &key, now);
  if (flow == NULL || !take_bytes(gate, &packet, now))
    return FALSE;
  flow->bytes_in += payload_of(&packet);
  if (is_inspected(flow, &packet)) {
    bt_inspect_inbound(flow->inspect, &packet.tcp, bt_packet_tcp_payload(&packet, frame));
    flow->released = bt_inspect_is_released(flow->inspect);
  }
  /* An error does not keep a flow alive. */
  if (packet.kind == BT_PACKET_ICMP && packet.icmp.type != BT_ICMP_ECHO_REPLY) {
    *reply_size_out = write_error(gate, &packet, frame, &key, reply_out);
    return FALSE;
  }
  if ((flow->awaits & BT_FLOW_AWAITS_IN) != 0)
    flow->awaits = bt_flow_times_inbound(
      flow->times, packet.kind == BT_PACKET_TCP ? &packet.tcp : NULL, now);
  bt_flows_touch(gate->flows, flow, packet.tcp.flags, TRUE, now);
  return TRUE;
}

gsize
bt_gate_write_reset(const BtGate *gate, const BtFlow *flow, gboolean to_worker,
                    guint8 frame_out[BT_PACKET_REPLY_SIZE])
{
  const BtNetMsgConfig *config = &gate->config;
  const BtTcp *sent = &flow->last_out;
  BtAddr worker = bt_addr_is_ipv4(&flow->key.address)
                      ? bt_addr_from_ipv4(config->worker_address)
                      : config->worker_address6;
  BtPacket last = { .kind = BT_PACKET_TCP };

  if (flow->key.proto != BT_PROTO_TCP)
    return 0;
  /* In answer to the last that came, a reset has the numbers that are believed. */
  if (to_worker) {
    memcpy(last.ethernet.source, config->worker_mac, sizeof last.ethernet.source);
    last.ip.source = worker;
    last.ip.destination = flow->key.address;
    last.source_port = flow->key.source_port;
    last.destination_port = flow->key.port;
    last.tcp = *sent;
    return bt_packet_write_reset(&last, config->gateway_mac, frame_out);
  }
  /* As if the far side had acknowledged all of it. */
  memcpy(last.ethernet.source, config->gateway_mac, sizeof last.ethernet.source);
  last.ip.source = flow->key.address;
  last.ip.destination = worker;
  last.source_port = flow->key.port;
  last.destination_port = flow->key.source_port;
  last.tcp.flags = BT_TCP_ACK;
  last.tcp.acknowledgement = sent->sequence + sent->payload_size +
                             ((sent->flags & BT_TCP_SYN) != 0) + ((sent->flags & BT_TCP_FIN) != 0);
  return bt_packet_write_reset(&last, config->worker_mac, frame_out);
}

gboolean
bt_gate_cut(BtGate *gate, gint64 now, guint8 reply_out[BT_PACKET_REPLY_SIZE],
            gsize *reply_size_out)
{
  BtFlow *flow = bt_flows_peek(gate->flows);

  *reply_size_out = 0;
  if (flow == NULL)
    return FALSE;
  *reply_size_out = bt_gate_write_reset(gate, flow, TRUE, reply_out);
  bt_flows_remove(gate->flows, flow, now);
  return TRUE;
}
