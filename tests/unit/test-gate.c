/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate, with the flow table, the pins and the denials behind it; IPv6 is test-gate6's. */
#include <glib.h>

#include "gate-fixture.h"

static void
test_policy(Fixture *f, gconstpointer data)
{
  static const PolicyCase cases[] = {
    { "192.0.2.1", 443, TRUE, FALSE },     { "192.0.2.1", 444, FALSE, FALSE },
    { "192.0.2.1", 123, TRUE, TRUE },      { "192.0.2.1", 53, FALSE, FALSE },
    { "192.0.2.1", 67, TRUE, FALSE },      { "192.0.2.1", 69, TRUE, FALSE },
    { "198.51.100.1", 1, TRUE, TRUE },     { "198.51.100.1", 53, FALSE, FALSE },
    { "198.51.100.66", 1, FALSE, FALSE },  { "203.0.113.9", 443, FALSE, FALSE },
    { "10.1.2.3", 80, TRUE, TRUE },        { "127.0.0.1", 80, FALSE, FALSE },
    { "0.0.0.0", 80, FALSE, FALSE },       { "198.18.0.1", 443, FALSE, FALSE },
    /* the virtual network, whatever the rule for 10/8 says */
    { "10.0.2.2", 80, FALSE, FALSE },      { "10.0.2.3", 80, FALSE, FALSE },
    { "10.0.2.15", 80, FALSE, FALSE },     { "10.0.2.255", 80, FALSE, FALSE },
  };

  assert_policy(f, cases, G_N_ELEMENTS(cases));
}

static void
spoil_source(Frame *frame)
{
  frame_ip(frame)[15]++;
}

static void
spoil_broadcast_mac(Frame *frame)
{
  memset(frame->bytes, 0xff, 6);
}

static void
spoil_multicast(Frame *frame)
{
  frame_ip(frame)[16] = 224;
}

static void
spoil_broadcast(Frame *frame)
{
  memset(frame_ip(frame) + 16, 255, 4);
}

static void
spoil_first_fragment(Frame *frame)
{
  frame_ip(frame)[6] = 0x20;
}

static void
spoil_last_fragment(Frame *frame)
{
  frame_ip(frame)[7] = 1;
}

static void
spoil_options(Frame *frame)
{
  memmove(frame_ip(frame) + 24, frame_ip(frame) + 20, 40);
  frame_ip(frame)[0] = 0x46;
  memset(frame_ip(frame) + 20, 1, 4);
  frame->size += 4;
  frame_put16(frame_ip(frame) + 2, frame->size - BT_ETHERNET_SIZE);
}

static void
spoil_version(Frame *frame)
{
  frame_ip(frame)[0] = 0x65;
}

static void
spoil_header_size(Frame *frame)
{
  frame_ip(frame)[0] = 0x44;
}

static void
spoil_total_size(Frame *frame)
{
  frame_put16(frame_ip(frame) + 2, frame->size);
}

static void
spoil_only_ethernet(Frame *frame)
{
  frame->size = BT_ETHERNET_SIZE;
}

static void
spoil_runt(Frame *frame)
{
  frame->size = BT_ETHERNET_SIZE - 1;
}

static void
spoil_short_offset(Frame *frame)
{
  frame_payload(frame)[12] = 0x40;
}

static void
spoil_syn_fin(Frame *frame)
{
  frame_payload(frame)[13] = BT_TCP_SYN | BT_TCP_FIN;
}

static void
spoil_port_zero(Frame *frame)
{
  frame_put16(frame_payload(frame) + 2, 0);
}

static void
spoil_vlan(Frame *frame)
{
  frame_put16(frame->bytes + 12, 0x8100);
}

static void
spoil_ipv6(Frame *frame)
{
  frame_put16(frame->bytes + 12, BT_ETHERTYPE_IPV6);
}

static void
spoil_protocol(Frame *frame)
{
  frame_ip(frame)[9] = 132;
}

static void
spoil_igmp(Frame *frame)
{
  frame_ip(frame)[9] = 2;
}

static void
test_spoiled(Fixture *f, gconstpointer data)
{
  static const Spoiled cases[] = {
    { "source", spoil_source, BT_NET_REASON_SOURCE },
    { "source MAC", spoil_source_mac, BT_NET_REASON_SOURCE },
    { "destination MAC", spoil_destination_mac, BT_NET_REASON_SOURCE },
    { "broadcast MAC", spoil_broadcast_mac, BT_NET_REASON_MULTICAST },
    { "multicast", spoil_multicast, BT_NET_REASON_MULTICAST },
    { "broadcast", spoil_broadcast, BT_NET_REASON_MULTICAST },
    { "first fragment", spoil_first_fragment, BT_NET_REASON_FRAGMENT },
    { "last fragment", spoil_last_fragment, BT_NET_REASON_FRAGMENT },
    { "options", spoil_options, BT_NET_REASON_MALFORMED },
    { "version", spoil_version, BT_NET_REASON_MALFORMED },
    { "header size", spoil_header_size, BT_NET_REASON_MALFORMED },
    { "total size", spoil_total_size, BT_NET_REASON_MALFORMED },
    { "cut", spoil_cut, BT_NET_REASON_MALFORMED },
    { "only ethernet", spoil_only_ethernet, BT_NET_REASON_MALFORMED },
    { "runt", spoil_runt, BT_NET_REASON_MALFORMED },
    { "data offset", spoil_data_offset, BT_NET_REASON_MALFORMED },
    { "short data offset", spoil_short_offset, BT_NET_REASON_MALFORMED },
    { "SYN with FIN", spoil_syn_fin, BT_NET_REASON_MALFORMED },
    { "port 0", spoil_port_zero, BT_NET_REASON_MALFORMED },
    { "VLAN", spoil_vlan, BT_NET_REASON_TYPE },
    { "IPv6 in name", spoil_ipv6, BT_NET_REASON_MALFORMED },
    { "SCTP", spoil_protocol, BT_NET_REASON_TYPE },
    { "IGMP", spoil_igmp, 0 },
  };

  assert_spoiled(f, "192.0.2.1", cases, G_N_ELEMENTS(cases));
}

/* Too large for the interface it claims to come from; padding is cut off. */
static void
test_size(Fixture *f, gconstpointer data)
{
  Frame frame = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize reply_size, size = 60;

  g_assert_cmpint(bt_gate_outbound(&f->gate, frame.bytes, &size, T0, reply, &reply_size), ==,
                  BT_GATE_PASS);
  g_assert_cmpuint(size, ==, 54);
  frame.size = 1515;
  g_assert_cmpint(out(f, frame), ==, BT_GATE_DROP);
  assert_told(f, BT_NET_REASON_MALFORMED);
}

static void
test_replies(Fixture *f, gconstpointer data)
{
  assert_replies(f, "203.0.113.9", WORKER, GATEWAY, BT_ICMP_PROHIBITED);
  /* A stray segment is reset, without a decision; a stray reset is not answered. */
  g_assert_cmpint(out(f, frame_tcp("192.0.2.1", 443, 1, BT_TCP_ACK, 5, 9, "x")), ==,
                  BT_GATE_REPLY);
  g_assert_cmpint(out(f, frame_tcp("192.0.2.1", 443, 1, BT_TCP_RST, 5, 9, "")), ==,
                  BT_GATE_DROP);
  g_assert_cmpuint(f->told->len, ==, 0);
}

static void
test_inbound(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame udp = frame_udp("192.0.2.1", 123, 4000, "x");
  Frame answer = frame_reply(&udp);

  g_assert_false(in(f, frame_reply(&syn)));
  g_assert_false(in(f, answer));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&syn)));
  g_assert_true(in(f, answer));

  /* Full cone: someone else, another port, to another port. */
  Frame other = answer;
  frame_ip(&other)[15]++;
  g_assert_false(in(f, other));
  other = answer;
  frame_payload(&other)[1]++;
  g_assert_false(in(f, other));
  other = answer;
  frame_payload(&other)[3]++;
  g_assert_false(in(f, other));
  /* Not to the worker. */
  other = answer;
  frame_ip(&other)[19]++;
  g_assert_false(in(f, other));
  other = answer;
  other.bytes[5]++;
  g_assert_false(in(f, other));
  other = answer;
  spoil_first_fragment(&other);
  g_assert_false(in(f, other));
  g_assert_false(in(f, (Frame){ .size = 0 }));
}

/* An ICMP error passes only if it is about an open flow of the worker's. */
static void
test_inbound_error(Fixture *f, gconstpointer data)
{
  Frame udp = frame_udp("192.0.2.1", 123, 4000, "x"), error;
  const BtAddr gateway = addr(GATEWAY);
  guint8 reply[BT_PACKET_REPLY_SIZE];
  BtPacket packet;

  g_assert_cmpint(bt_packet_parse(udp.bytes, udp.size, &packet), ==, BT_PACKET_UDP);
  error.size = bt_packet_write_prohibited(&packet, udp.bytes, udp.size, gateway_mac,
                                          &gateway, reply);
  memcpy(error.bytes, reply, error.size);
  g_assert_false(in(f, error));
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_true(in(f, error));
  frame_payload(&error)[8 + 15]++; /* another's packet */
  g_assert_false(in(f, error));
}

/* Who told it is a router of this machine's, and nobody's business. */
static void
test_who_told_an_error(Fixture *f, gconstpointer data)
{
  Frame udp = frame_udp("192.0.2.1", 123, 4000, "x");
  Frame echo = frame_icmp("198.51.100.1", BT_ICMP_ECHO, 77);

  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, echo), ==, BT_GATE_PASS);
  assert_error(f, &udp, "192.168.1.1", BT_ICMP_UNREACHABLE, 0, FALSE, GATEWAY);
  assert_error(f, &udp, "192.168.1.1", BT_ICMP_UNREACHABLE, 4, TRUE, GATEWAY);
  assert_error(f, &udp, "192.168.1.1", BT_ICMP_TIME_EXCEEDED, 0, FALSE, GATEWAY);
  assert_error(f, &echo, "203.0.113.1", BT_ICMP_TIME_EXCEEDED, 0, FALSE, GATEWAY);
  assert_error(f, &udp, "192.0.2.1", BT_ICMP_UNREACHABLE, 3, FALSE, "192.0.2.1");
}

static void
test_icmp(Fixture *f, gconstpointer data)
{
  Frame echo = frame_icmp("198.51.100.1", BT_ICMP_ECHO, 77);

  g_assert_false(in(f, frame_reply(&echo)));
  g_assert_cmpint(out(f, echo), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&echo)));
  g_assert_cmpint(out(f, frame_icmp("192.0.2.1", BT_ICMP_ECHO, 77)), ==, BT_GATE_REPLY);
  g_assert_cmpint(out(f, frame_icmp("198.51.100.1", 5, 77)), ==, BT_GATE_DROP); /* redirect */
  g_assert_cmpint(out(f, frame_icmp("198.51.100.1", BT_ICMP_UNREACHABLE, 77)), ==, BT_GATE_DROP);
}

static void
test_arp(Fixture *f, gconstpointer data)
{
  Frame request = { .size = 42 }, reply;
  guint8 *arp = request.bytes + BT_ETHERNET_SIZE;
  BtPacket packet;

  memset(request.bytes, 0xff, 6);
  memcpy(request.bytes + 6, worker_mac, 6);
  frame_put16(request.bytes + 12, BT_ETHERTYPE_ARP);
  memcpy(arp, "\0\1\10\0\6\4\0\1", 8);
  memcpy(arp + 8, worker_mac, 6);
  inet_pton(AF_INET, WORKER, arp + 14);
  inet_pton(AF_INET, GATEWAY, arp + 24);
  g_assert_cmpint(send_out(f, &request, T0, &reply), ==, BT_GATE_REPLY);
  g_assert_cmpint(bt_packet_parse(reply.bytes, reply.size, &packet), ==, BT_PACKET_ARP);
  g_assert_cmpuint(packet.arp.operation, ==, 2);
  g_assert_cmpmem(packet.arp.sender_mac, 6, gateway_mac, 6);
  g_assert_cmpuint(packet.arp.sender, ==, inet_addr(GATEWAY));

  arp[27]++; /* nobody else is there */
  g_assert_cmpint(out(f, request), ==, BT_GATE_DROP);
  arp[27]--;
  arp[17]++; /* not the worker */
  g_assert_cmpint(out(f, request), ==, BT_GATE_DROP);
  g_assert_false(in(f, request));
}

static void
test_pins(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("203.0.113.5", 443, 4000, BT_TCP_SYN, 1, 0, "");
  BtAddr pinned = addr("203.0.113.5"), private = addr("10.9.9.9"), local = addr("127.0.0.1");

  g_assert_cmpint(out(f, syn), ==, BT_GATE_REPLY);
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, frame_tcp("203.0.113.5", 80, 4000, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_REPLY);
  /* A name that points to where names may not point. */
  g_assert_false(bt_pins_add(f->pins, &private, RULE_NAME, T0));
  g_assert_false(bt_pins_add(f->pins, &local, RULE_NAME, T0));

  /* The flow keeps it, then it stays for its life. */
  g_assert_true(bt_pins_sweep(f->pins, T0 + 100 * SECOND));
  g_assert_cmpuint(f->unpinned, ==, 0);
  out_at(f, frame_tcp("203.0.113.5", 443, 4000, BT_TCP_RST, 1, 0, ""), T0 + 100 * SECOND);
  bt_flows_sweep(f->flows, T0 + 111 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);
  g_assert_true(bt_pins_sweep(f->pins, T0 + 170 * SECOND));
  f->deaf = TRUE; /* an end that could not be told is told later */
  g_assert_true(bt_pins_sweep(f->pins, T0 + 172 * SECOND));
  f->deaf = FALSE;
  g_assert_false(bt_pins_sweep(f->pins, T0 + 172 * SECOND));
  g_assert_cmpuint(f->unpinned, ==, 1);
  g_assert_cmpint(out_at(f, syn, T0 + 173 * SECOND), ==, BT_GATE_REPLY);
}

/* The machine gets a new address that a name points to. */
static void
test_host_addrs(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("203.0.113.5", 443, 4000, BT_TCP_SYN, 1, 0, "");
  BtAddr pinned = addr("203.0.113.5");

  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  bt_pins_set_host_addrs(f->pins, &pinned, 1);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_REPLY);
  g_assert_false(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  bt_pins_set_host_addrs(f->pins, NULL, 0);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
}

/* The same, while flows to it are open. */
static void
test_host_addrs_end_flows(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("203.0.113.5", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame ack = frame_tcp("203.0.113.5", 443, 4000, BT_TCP_ACK, 2, 1, "x");
  Frame other = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  BtAddr pinned = addr("203.0.113.5"), granted = addr("192.0.2.1");
  const BtAddr both[] = { pinned, granted };

  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_syn_ack(&syn, 0)));
  g_assert_cmpint(out(f, ack), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, other), ==, BT_GATE_PASS);
  bt_pins_set_host_addrs(f->pins, both, G_N_ELEMENTS(both));
  g_assert_cmpint(out(f, ack), ==, BT_GATE_REPLY);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_REPLY);
  g_assert_false(in(f, frame_reply(&ack)));
  /* What an address rule opened stays open. */
  g_assert_cmpint(out(f, other), ==, BT_GATE_PASS);
}

static void
test_flow_life(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame ack = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_ACK, 2, 1, "x");
  Frame fin = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_FIN | BT_TCP_ACK, 3, 1, "");

  g_assert_cmpint(out(f, ack), ==, BT_GATE_REPLY); /* nothing begins in the middle */
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&syn)));
  bt_flows_sweep(f->flows, T0 + 3600 * SECOND); /* an idle connection may stay */
  g_assert_cmpint(out(f, fin), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&fin)));
  g_assert_cmpint(out(f, ack), ==, BT_GATE_PASS); /* the last ACK */
  bt_flows_sweep(f->flows, T0 + 11 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);

  g_assert_cmpint(out(f, frame_udp("192.0.2.1", 123, 9, "x")), ==, BT_GATE_PASS);
  bt_flows_sweep(f->flows, T0 + 59 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 1);
  bt_flows_sweep(f->flows, T0 + 60 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);
}

/* What was used after it was put in its place is not yet due, and what comes behind it is. */
static void
test_flow_order(Fixture *f, gconstpointer data)
{
  Frame used = frame_udp("192.0.2.1", 123, 9, "x"), idle = frame_udp("192.0.2.1", 123, 10, "x");

  g_assert_cmpint(out_at(f, used, T0), ==, BT_GATE_PASS);
  g_assert_cmpint(out_at(f, idle, T0 + 1), ==, BT_GATE_PASS);
  g_assert_cmpint(out_at(f, used, T0 + SECOND / 2), ==, BT_GATE_PASS);
  bt_flows_sweep(f->flows, T0 + 60 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 2);
  bt_flows_sweep(f->flows, T0 + 61 * SECOND);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);

  g_assert_cmpint(out_at(f, used, T0), ==, BT_GATE_PASS);
  g_assert_cmpint(out_at(f, idle, T0 + 1), ==, BT_GATE_PASS);
  g_assert_cmpint(out_at(f, used, T0 + SECOND), ==, BT_GATE_PASS);
  bt_flows_sweep(f->flows, T0 + 60 * SECOND + 1);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 1);
  g_assert_true(in(f, frame_reply(&used)));
}

/* A worker that opens more than there is room for loses its oldest. */
static void
test_flow_bound(Fixture *f, gconstpointer data)
{
  Frame used = frame_udp("198.51.100.1", 1001, 1, "x");

  out_at(f, used, T0);
  for (guint i = 0; i < BT_FLOWS_MAX + 100; i++) {
    g_assert_cmpint(out_at(f, frame_udp("198.51.100.1", 1000, (guint16)(1 + i), "x"), T0 + i), ==,
                    BT_GATE_PASS);
    if (i == BT_FLOWS_MAX / 2)
      out_at(f, used, T0 + SECOND);
  }
  g_assert_cmpuint(bt_flows_count(f->flows), ==, BT_FLOWS_MAX);
  Frame first = frame_udp("198.51.100.1", 1000, 1, "x");
  Frame last = frame_udp("198.51.100.1", 1000, BT_FLOWS_MAX + 100, "x");
  g_assert_true(in(f, frame_reply(&used)));
  g_assert_false(in(f, frame_reply(&first)));
  g_assert_true(in(f, frame_reply(&last)));
}

typedef struct {
  Fixture *f;
  guint count;
  BtPacket near, far;
} Reclaimed;

static void
on_reclaimed(gpointer data, const BtFlow *flow)
{
  Reclaimed *self = data;
  guint8 frame[BT_PACKET_REPLY_SIZE];
  gsize size;

  self->count++;
  if ((size = bt_gate_write_reset(&self->f->gate, flow, TRUE, frame)) > 0)
    bt_packet_parse(frame, size, &self->near);
  if ((size = bt_gate_write_reset(&self->f->gate, flow, FALSE, frame)) > 0)
    bt_packet_parse(frame, size, &self->far);
}

/* A connection that makes room is reset on both sides, with the numbers that each believes. */
static void
test_reclaimed(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Reclaimed reclaimed = { .f = f };

  bt_flows_set_reclaimed_func(f->flows, on_reclaimed, &reclaimed);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&syn)));
  g_assert_cmpint(out(f, frame_tcp("192.0.2.1", 443, 4000, BT_TCP_ACK, 2, 77, "four")), ==,
                  BT_GATE_PASS);
  for (guint i = 1; i < BT_FLOWS_MAX; i++)
    out_at(f, frame_udp("198.51.100.1", 1000, (guint16)i, "x"), T0 + i);
  g_assert_cmpuint(reclaimed.count, ==, 0);
  out_at(f, frame_udp("198.51.100.1", 1000, BT_FLOWS_MAX, "x"), T0 + BT_FLOWS_MAX);
  g_assert_cmpuint(reclaimed.count, ==, 1);
  g_assert_cmpint(reclaimed.near.kind, ==, BT_PACKET_TCP);
  g_assert_cmpuint(reclaimed.near.tcp.flags, ==, BT_TCP_RST);
  g_assert_cmpuint(reclaimed.near.tcp.sequence, ==, 77);
  g_assert_true(is_addr(&reclaimed.near.ip.source, "192.0.2.1"));
  g_assert_true(is_addr(&reclaimed.near.ip.destination, WORKER));
  g_assert_cmpuint(reclaimed.near.destination_port, ==, 4000);
  g_assert_cmpint(reclaimed.far.kind, ==, BT_PACKET_TCP);
  g_assert_cmpuint(reclaimed.far.tcp.flags, ==, BT_TCP_RST);
  g_assert_cmpuint(reclaimed.far.tcp.sequence, ==, 6);
  g_assert_true(is_addr(&reclaimed.far.ip.source, WORKER));
  g_assert_cmpuint(reclaimed.far.destination_port, ==, 443);
  /* A datagram's flow has nobody to tell. */
  out_at(f, frame_udp("198.51.100.1", 1000, BT_FLOWS_MAX + 1, "x"), T0 + BT_FLOWS_MAX + 1);
  g_assert_cmpuint(reclaimed.count, ==, 2);
}

typedef struct {
  guint opened, closed;
  BtFlow last;
} Told;

static void
on_flow(gpointer data, const BtFlow *flow, gboolean opened)
{
  Told *told = data;
  told->opened += opened;
  told->closed += !opened;
  told->last = *flow;
}

/* Each flow once when it comes and once when it goes, whatever ends it, with what it carried. */
static void
test_told(Fixture *f, gconstpointer data)
{
  Frame first = frame_udp("192.0.2.1", 123, 9, "four");
  Told told = { 0 };

  bt_flows_set_told_func(f->flows, on_flow, &told);
  g_assert_cmpint(out(f, first), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, frame_udp("203.0.113.9", 5, 9, "x")), ==, BT_GATE_REPLY);
  g_assert_cmpuint(told.opened, ==, 1);
  g_assert_cmpuint(told.last.key.port, ==, 123);
  g_assert_cmpint(out_at(f, first, T0 + SECOND), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&first)));
  g_assert_cmpuint(told.closed, ==, 0);
  bt_flows_sweep(f->flows, T0 + 90 * SECOND);
  g_assert_cmpuint(told.opened, ==, 1);
  g_assert_cmpuint(told.closed, ==, 1);
  g_assert_cmpuint(told.last.bytes_out, ==, 2 * (8 + 4));
  g_assert_cmpuint(told.last.bytes_in, ==, frame_reply(&first).size - BT_ETHERNET_SIZE - 20);
}

static void
test_denials(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    out(f, frame_udp("203.0.113.9", 5, (guint16)(1000 + i), "x"));
  g_assert_cmpuint(f->told->len, ==, 1);
  g_assert_cmpuint(g_array_index(f->told, BtNetMsgDenied, 0).count, ==, 1);
  g_assert_true(bt_denials_sweep(f->denials, T0 + SECOND));
  g_assert_cmpuint(f->told->len, ==, 2);
  g_assert_cmpuint(g_array_index(f->told, BtNetMsgDenied, 1).count, ==, 49);
  g_assert_false(bt_denials_sweep(f->denials, T0 + 2 * SECOND));

  /* A scan: bounded, and nothing is lost from the count. */
  g_array_set_size(f->told, 0);
  guint total = 0;
  for (guint i = 1; i < 5000; i++)
    out_at(f, frame_udp("203.0.113.10", (guint16)(10000 + i), 7, "x"), T0 + 3 * SECOND);
  g_assert_cmpuint(f->told->len, <=, BT_DENIALS_MAX + 1);
  bt_denials_sweep(f->denials, T0 + 5 * SECOND);
  for (guint i = 0; i < f->told->len; i++)
    total += g_array_index(f->told, BtNetMsgDenied, i).count;
  g_assert_cmpuint(total, ==, 4999);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/gate/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("policy", test_policy);
  ADD("spoiled", test_spoiled);
  ADD("size", test_size);
  ADD("replies", test_replies);
  ADD("inbound", test_inbound);
  ADD("inbound-error", test_inbound_error);
  ADD("who-told-an-error", test_who_told_an_error);
  ADD("icmp", test_icmp);
  ADD("arp", test_arp);
  ADD("pins", test_pins);
  ADD("host-addrs", test_host_addrs);
  ADD("host-addrs-end-flows", test_host_addrs_end_flows);
  ADD("flow-life", test_flow_life);
  ADD("flow-bound", test_flow_bound);
  ADD("flow-order", test_flow_order);
  ADD("reclaimed", test_reclaimed);
  ADD("told", test_told);
  ADD("denials", test_denials);
  return g_test_run();
}
