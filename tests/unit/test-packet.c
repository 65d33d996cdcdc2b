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
  g_assert_true(is_addr(&packet.ip.source, WORKER));
  g_assert_true(is_addr(&packet.ip.destination, "192.0.2.7"));
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
    frame_tcp("2001:db8::7", 443, 51000, BT_TCP_SYN, 1, 0, "data"),
    frame_udp("2001:db8::7", 443, 51000, "data"),
    frame_icmpv6("2001:db8::7", 128, 8),
  };
  const BtPacketKind kinds[] = { BT_PACKET_TCP, BT_PACKET_UDP, BT_PACKET_ICMP,
                                 BT_PACKET_TCP, BT_PACKET_UDP, BT_PACKET_ICMP };
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
  g_assert_true(is_addr(&packet.ip.destination, "192.0.2.7"));
  g_assert_cmpuint(packet.destination_port, ==, 0);
  frame_ip(&frame)[6] = 0x1f;
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_FRAGMENT);
  frame_ip(&frame)[6] = 0;
  frame_ip(&frame)[9] = 41; /* IPv6 in IPv4 */
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_IP);
  frame_put16(frame.bytes + 12, BT_ETHERTYPE_IPV6);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_MALFORMED);
  frame_put16(frame.bytes + 12, BT_ETHERTYPE_ARP);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_MALFORMED);
}

static void
test_ipv6(void)
{
  Frame frame = frame_tcp("2001:db8::7", 443, 51000, BT_TCP_ACK, 1, 2, "data");
  BtPacket packet;

  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_TCP);
  g_assert_true(is_addr(&packet.ip.source, WORKER6));
  g_assert_true(is_addr(&packet.ip.destination, "2001:db8::7"));
  g_assert_cmpuint(packet.ip.total_size, ==, 64);
  g_assert_cmpuint(packet.ip.header_size, ==, 40);
  g_assert_cmpuint(packet.destination_port, ==, 443);
  g_assert_cmpuint(packet.tcp.payload_size, ==, 4);
  frame_put16(frame_ip(&frame) + 4, 25); /* longer than it is */
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_MALFORMED);
}

/* What stands behind the IPv6 header is the payload, or is not looked at. */
static void
test_next_headers(void)
{
  static const struct {
    guint8 next;
    BtPacketKind kind;
  } cases[] = {
    { 44, BT_PACKET_FRAGMENT }, { 0, BT_PACKET_OPTIONS },   { 43, BT_PACKET_OPTIONS },
    { 51, BT_PACKET_OPTIONS },  { 60, BT_PACKET_OPTIONS },  { 135, BT_PACKET_OPTIONS },
    { 139, BT_PACKET_OPTIONS }, { 140, BT_PACKET_OPTIONS }, { 59, BT_PACKET_IP },
    { 50, BT_PACKET_IP },       { 132, BT_PACKET_IP },      { 253, BT_PACKET_IP },
    { 4, BT_PACKET_IP },        { 41, BT_PACKET_IP },       { 1, BT_PACKET_IP },
  };
  BtPacket packet;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Frame frame = frame_udp("2001:db8::7", 443, 51000, "data");
    frame_ip(&frame)[6] = cases[i].next;
    g_assert_cmpint(parse(&frame, &packet), ==, cases[i].kind);
    g_assert_cmpuint(packet.destination_port, ==, 0);
    g_assert_true(is_addr(&packet.ip.destination, "2001:db8::7"));
  }
}

/* To the rules ::ffff:a.b.c.d is IPv4: no IPv6 packet can have it in its header. */
static void
test_mapped(void)
{
  Frame to = frame_udp("::ffff:192.0.2.7", 443, 51000, "data");
  Frame from = frame_udp("2001:db8::7", 443, 51000, "data");
  BtPacket packet;

  g_assert_cmpint(parse(&to, &packet), ==, BT_PACKET_MALFORMED);
  inet_pton(AF_INET6, "::ffff:" WORKER, frame_ip(&from) + 8);
  g_assert_cmpint(parse(&from, &packet), ==, BT_PACKET_MALFORMED);
}

static void
test_icmpv6_types(void)
{
  static const struct {
    guint8 type, means;
  } cases[] = {
    { 1, BT_ICMP_UNREACHABLE }, { 2, BT_ICMP_UNREACHABLE }, { 3, BT_ICMP_TIME_EXCEEDED },
    { 4, BT_ICMP_OTHER },       { 0, BT_ICMP_OTHER },       { 8, BT_ICMP_OTHER },
    { 11, BT_ICMP_OTHER },      { 128, BT_ICMP_ECHO },      { 129, BT_ICMP_ECHO_REPLY },
    { 130, BT_ICMP_OTHER },     { 133, BT_ICMP_OTHER },     { 134, BT_ICMP_OTHER },
    { 135, BT_ICMP_OTHER },     { 136, BT_ICMP_OTHER },     { 137, BT_ICMP_OTHER },
    { 143, BT_ICMP_OTHER },     { 255, BT_ICMP_OTHER },
  };
  BtPacket packet;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Frame frame = frame_icmpv6("2001:db8::7", cases[i].type, 16);
    g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
    g_assert_cmpuint(packet.icmp.type, ==, cases[i].means);
  }
}

static void
test_inner6(void)
{
  Frame inner = frame_udp("2001:db8::7", 443, 51000, "data");
  Frame frame = frame_icmpv6("2001:db8::1", 1, 48);
  guint8 *quoted = frame_payload(&frame) + 8;
  BtPacket packet;

  memcpy(quoted, frame_ip(&inner), 48);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_true(packet.icmp.has_inner);
  g_assert_true(is_addr(&packet.icmp.inner.source, WORKER6));
  g_assert_true(is_addr(&packet.icmp.inner.destination, "2001:db8::7"));
  g_assert_cmpuint(packet.icmp.inner.source_port, ==, 51000);
  g_assert_cmpuint(packet.icmp.inner.destination_port, ==, 443);

  quoted[0] = 0x45;
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_false(packet.icmp.has_inner);
  frame = frame_icmpv6("2001:db8::1", 1, 47); /* one byte less than it takes */
  memcpy(frame_payload(&frame) + 8, frame_ip(&inner), 47);
  g_assert_cmpint(parse(&frame, &packet), ==, BT_PACKET_ICMP);
  g_assert_false(packet.icmp.has_inner);
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
  g_assert_true(is_addr(&packet.icmp.inner.source, WORKER));
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
  const BtAddr gateway = bt_addr_from_ipv4(inet_addr(GATEWAY));
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
                                              &gateway, reply),
                   ==, 0);
}

/* The largest window, and only that, with a checksum that stays right. */
static void
test_even_window(void)
{
  static const struct {
    guint16 window, made;
  } cases[] = { { 65535, 65534 }, { 65534, 65534 }, { 0, 0 }, { 1, 1 }, { 32767, 32767 } };
  static const char *const destinations[] = { "192.0.2.1", "2001:db8::1" };

  for (gsize i = 0; i < G_N_ELEMENTS(destinations) * G_N_ELEMENTS(cases); i++)
    for (guint16 port = 1; port < 2000; port += 3) {
      guint16 window = cases[i / 2].window;
      Frame frame = frame_tcp(destinations[i % 2], port, 4000, BT_TCP_ACK, 1, port, "");
      frame_put16(frame_payload(&frame) + 14, window);
      frame_finish(&frame);
      bt_packet_even_window(frame.bytes, frame.size);
      Frame right = frame;
      frame_put16(frame_payload(&right) + 14, cases[i / 2].made);
      frame_finish(&right);
      g_assert_cmpmem(frame.bytes, frame.size, right.bytes, right.size);
    }
  Frame udp = frame_udp("192.0.2.1", 1, 4000, "\xff\xff\xff\xff\xff\xff\xff\xff"), same = udp;
  bt_packet_even_window(udp.bytes, udp.size);
  g_assert_cmpmem(udp.bytes, udp.size, same.bytes, same.size);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packet/tcp", test_tcp);
  g_test_add_func("/packet/cut", test_cut);
  g_test_add_func("/packet/even-window", test_even_window);
  g_test_add_func("/packet/short", test_short);
  g_test_add_func("/packet/kinds", test_kinds);
  g_test_add_func("/packet/ipv6", test_ipv6);
  g_test_add_func("/packet/next-headers", test_next_headers);
  g_test_add_func("/packet/mapped", test_mapped);
  g_test_add_func("/packet/icmpv6-types", test_icmpv6_types);
  g_test_add_func("/packet/inner6", test_inner6);
  g_test_add_func("/packet/inner", test_inner);
  g_test_add_func("/packet/replies", test_replies);
  return g_test_run();
}
