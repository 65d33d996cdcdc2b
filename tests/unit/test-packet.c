/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The packet views; what the gate makes of them is test-gate's. */
#include <glib.h>

#include "frame-builder.h"

static BtPacketKind
parse(const Frame *frame, BtPacket *packet_out)
{
  /* An exact allocation, so that ASan sees a read past the end. */
  g_autofree guint8 *copy = g_memdup2(frame->bytes, frame->size);
  return bt_packet_parse(copy, frame->size, packet_out);
}

static void
test_tcp(void)
{
  Frame frame = frame_tcp("192.0.2.7", 443, 51000, BT_TCP_ACK, 0x01020304, 0xfffefdfc, "data");
  BtPacket packet;

  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_TCP);
  g_assert_cmpint(packet.kind, ==, BT_PACKET_TCP);
  g_assert_cmpmem(packet.ethernet.source, 6, worker_mac, 6);
  g_assert_cmpmem(packet.ethernet.destination, 6, gateway_mac, 6);
  g_assert_cmpuint(packet.ip.source, ==, inet_addr(WORKER));
  g_assert_cmpuint(packet.ip.destination, ==, inet_addr("192.0.2.7"));
  g_assert_cmpuint(packet.ip.total_size, ==, 44);
  g_assert_cmpuint(packet.source_port, ==, 51000);
  g_assert_cmpuint(packet.destination_port, ==, 443);
  g_assert_cmpuint(packet.tcp.sequence, ==, 0x01020304);
  g_assert_cmpuint(packet.tcp.acknowledgement, ==, 0xfffefdfc);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_ACK);
  g_assert_cmpuint(packet.tcp.payload_size, ==, 4);
}

/* Every frame cut anywhere is malformed, and never read past its end. */
static void
test_cut(void)
{
  Frame frames[] = {
    frame_tcp("192.0.2.7", 443, 51000, BT_TCP_SYN, 1, 0, "data"),
    frame_udp("192.0.2.7", 443, 51000, "data"),
    frame_icmp("192.0.2.7", BT_ICMP_ECHO, 5),
  };
  const BtPacketKind kinds[] = { BT_PACKET_TCP, BT_PACKET_UDP, BT_PACKET_ICMP };
  BtPacket packet;

  for (gsize i = 0; i < G_N_ELEMENTS(frames); i++) {
    gsize size = frames[i].size;
    g_assert_cmpint(parse(&frames[i], &packet), ==, kinds[i]);
    frames[i].size = size + 6; /* padding is no part of it */
    g_assert_cmpint(parse(&frames[i], &packet), ==, kinds[i]);
    g_assert_cmpuint(packet.ip.total_size + BT_ETHERNET_SIZE, ==, size);
    for (frames[i].size = 0; frames[i].size < size; frames[i].size++)
      g_assert_cmpint(parse(&frames[i], &packet), ==, BT_PACKET_MALFORMED);
  }
}

/* The packet's own length shrunk below its headers. */
static void
test_short(void)
{
  static const struct {
    gsize total;
    BtPacketKind tcp, udp, icmp;
  } cases[] = {
    { 19, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED },
    { 20, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED },
    { 27, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED },
    { 28, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED, BT_PACKET_ICMP }, /* UDP says it is longer */
    { 39, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED },
    { 40, BT_PACKET_TCP, BT_PACKET_MALFORMED, BT_PACKET_MALFORMED },
  };
  Frame tcp = frame_tcp("192.0.2.7", 443, 51000, BT_TCP_SYN, 1, 0, "data");
  Frame udp = frame_udp("192.0.2.7", 443, 51000, "data");
  Frame icmp = frame_icmp("192.0.2.7", BT_ICMP_ECHO, 5);
  BtPacket packet;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("%" G_GSIZE_FORMAT, cases[i].total);
    frame_put16(frame_ip(&tcp) + 2, cases[i].total);
    frame_put16(frame_ip(&udp) + 2, cases[i].total);
    frame_put16(frame_ip(&icmp) + 2, cases[i].total);
    g_assert_cmpint(parse(&tcp, &packet), ==, cases[i].tcp);
    g_assert_cmpint(parse(&udp, &packet), ==, cases[i].udp);
    if (cases[i].total <= 36)
      g_assert_cmpint(parse(&icmp, &packet), ==, cases[i].icmp);
  }
}

static void
test_kinds(void)
{
  Frame frame = frame_udp("192.0.2.7", 443, 51000, "data");
  BtPacket packet;

  frame_ip(&frame)[6] = 0x40; /* "do not fragment" is no fragment */
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_UDP);
  frame_ip(&frame)[6] = 0x20;
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_FRAGMENT);
  g_assert_cmpuint(packet.ip.destination, ==, inet_addr("192.0.2.7"));
  g_assert_cmpuint(packet.destination_port, ==, 0);
  frame_ip(&frame)[6] = 0x1f;
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_FRAGMENT);
  frame_ip(&frame)[6] = 0;
  frame_ip(&frame)[9] = 41; /* IPv6 in IPv4 */
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_IPV4);
  frame_put16(frame.bytes + 12, BT_ETHERTYPE_IPV6);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_OTHER);
  frame_put16(frame.bytes + 12, BT_ETHERTYPE_ARP);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_MALFORMED);
}

/* The quotation in an ICMP error is another's claim, checked for itself. */
static void
test_inner(void)
{
  Frame frame, inner = frame_udp("192.0.2.7", 443, 51000, "data");
  BtPacket packet;

  frame_start(&frame, worker_mac, gateway_mac, BT_IP_ICMP, "192.0.2.1", WORKER, 36);
  guint8 *icmp = frame_payload(&frame);
  icmp[0] = BT_ICMP_UNREACHABLE;
  memcpy(icmp + 8, frame_ip(&inner), 28);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_true(packet.icmp.has_inner);
  g_assert_cmpuint(packet.icmp.inner.source, ==, inet_addr(WORKER));
  g_assert_cmpuint(packet.icmp.inner.source_port, ==, 51000);
  g_assert_cmpuint(packet.icmp.inner.destination_port, ==, 443);

  icmp[8] = 0x46; /* its header would reach beyond */
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_false(packet.icmp.has_inner);
  icmp[8] = 0x40;
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_false(packet.icmp.has_inner);
}

/* What may be answered, and how: RFC 9293 3.10.7.1 and RFC 1122 3.2.2. */
static void
test_replies(void)
{
  static const struct {
    guint flags;
    guint reply; /* flags; 0: none */
    guint32 sequence, acknowledgement;
  } cases[] = {
    { BT_TCP_SYN, BT_TCP_RST | BT_TCP_ACK, 0, 105 },
    { 0, BT_TCP_RST | BT_TCP_ACK, 0, 104 },
    { BT_TCP_FIN, BT_TCP_RST | BT_TCP_ACK, 0, 105 },
    { BT_TCP_ACK, BT_TCP_RST, 900, 0 },
    { BT_TCP_SYN | BT_TCP_ACK, BT_TCP_RST, 900, 0 },
    { BT_TCP_RST, 0, 0, 0 },
    { BT_TCP_RST | BT_TCP_ACK, 0, 0, 0 },
  };
  guint8 reply[BT_PACKET_REPLY_SIZE];
  BtPacket packet, answer;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Frame frame = frame_tcp("192.0.2.7", 443, 51000, cases[i].flags, 100, 900, "data");
    g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_TCP);
    gsize size = bt_packet_write_reset(&packet, gateway_mac, reply);
    g_assert_cmpuint(size, ==, cases[i].reply == 0 ? 0 : 54);
    if (size == 0)
      continue;
    g_assert_cmpint(bt_packet_parse(reply, size, &answer), ==, BT_PACKET_TCP);
    g_assert_cmpuint(answer.tcp.flags, ==, cases[i].reply);
    g_assert_cmpuint(answer.tcp.sequence, ==, cases[i].sequence);
    g_assert_cmpuint(answer.tcp.acknowledgement, ==, cases[i].acknowledgement);
    g_assert_cmpmem(answer.ethernet.destination, 6, worker_mac, 6);
  }

  Frame error = frame_icmp("192.0.2.7", BT_ICMP_UNREACHABLE, 0);
  g_assert_cmpint(parse(&error, &packet), ==, BT_PACKET_ICMP);
  g_assert_cmpuint(bt_packet_write_prohibited(&packet, error.bytes, error.size, gateway_mac,
                                              inet_addr(GATEWAY), reply),
                   ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packet/tcp", test_tcp);
  g_test_add_func("/packet/cut", test_cut);
  g_test_add_func("/packet/short", test_short);
  g_test_add_func("/packet/kinds", test_kinds);
  g_test_add_func("/packet/inner", test_inner);
  g_test_add_func("/packet/replies", test_replies);
  return g_test_run();
}
