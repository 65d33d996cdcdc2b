/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate and IPv6: what passes, in which forms nothing does, and who is nobody's neighbour. */
#include <glib.h>

#include "gate-fixture.h"

static void
test_policy(Fixture *f, gconstpointer data)
{
  static const PolicyCase cases[] = {
    { "2001:db8:1::1", 443, TRUE, FALSE },  { "2001:db8:1::1", 444, FALSE, FALSE },
    { "2001:db8:1::1", 123, TRUE, TRUE },   { "2001:db8:1::1", 53, FALSE, FALSE },
    { "2001:db8:1::1", 67, TRUE, FALSE },   { "2001:db8:1::1", 69, TRUE, FALSE },
    { "2001:db8:2::1", 1, TRUE, TRUE },     { "2001:db8:2::1", 53, FALSE, FALSE },
    { "2001:db8:2::1", 547, TRUE, FALSE },  { "2001:db8:2::1", 546, TRUE, FALSE },
    { "2001:db8:2::2", 1, FALSE, FALSE },   { "2001:db8:9::1", 443, FALSE, FALSE },
    { "::1", 80, FALSE, FALSE },            { "::", 80, FALSE, FALSE },
  };

  assert_policy(f, cases, G_N_ELEMENTS(cases));
}

/* In whichever form a closed address comes. */
static const char *const closed[] = {
  "::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:0:192.0.2.1",
  "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::198.18.0.1",
  "64:ff9b:1::192.0.2.1", "64:ff9b:1:7f00:0:100::", "64:ff9b:1:ffff::1", "100::1", "100:0:0:1::1",
  "2001::1", "2001:0:a00:1::1", "2001:1::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:30::1",
  "2002:7f00:1::1", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "2002::1",
  "5f00::1", "fc00::1", "fd00::1", "fdff:ffff::1", "fe80::1", "fe80::ffff:127.0.0.1", "febf::1",
  "fec0::2", "fec0::3", "feff::1", "ff02::1", "ff0e::1", "4000::1", "8000::1", "1::1",
};

/* No name leads there, and no rule about other addresses does. */
static void
test_closed(Fixture *f, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(closed); i++) {
    const BtAddr there = addr(closed[i]);
    g_test_message("%s", closed[i]);
    g_assert_false(bt_pins_add(f->pins, &there, RULE_NAME, T0));
    g_assert_cmpint(out(f, frame_tcp(closed[i], 443, 4000, BT_TCP_SYN, 1, 0, "")), !=,
                    BT_GATE_PASS);
    g_assert_cmpint(out(f, frame_udp(closed[i], 443, 4000, "x")), !=, BT_GATE_PASS);
    g_assert_cmpint(out(f, frame_icmpv6(closed[i], 128, 8)), !=, BT_GATE_PASS);
  }
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);
}

/* Wherever in a range: whatever stands in the bits that the range leaves free. */
static void
test_ranges(Fixture *f, gconstpointer data)
{
  static const struct {
    const char *net;
    guint8 prefix;
  } ranges[] = {
    { "::", 96 },           { "::ffff:0:0:0", 96 }, { "64:ff9b::127.0.0.0", 104 },
    { "64:ff9b::10.0.0.0", 104 },                   { "64:ff9b::192.168.0.0", 112 },
    { "64:ff9b::169.254.0.0", 112 },                { "64:ff9b::100.64.0.0", 106 },
    { "64:ff9b::198.18.0.0", 111 },                 { "64:ff9b::240.0.0.0", 100 },
    { "64:ff9b::224.0.0.0", 100 },                  { "64:ff9b:1::", 48 },
    { "100::", 64 },        { "100:0:0:1::", 64 },  { "2001::", 32 },
    { "2001:2::", 48 },     { "2001:10::", 28 },    { "2001:20::", 28 },
    { "2001:30::", 28 },    { "2002:7f00::", 24 },  { "2002:a00::", 24 },
    { "2002:ac10::", 28 },  { "2002:c0a8::", 32 },  { "2002:a9fe::", 32 },
    { "2002:c612::", 31 },  { "2002:e000::", 19 },  { "5f00::", 16 },
    { "fc00::", 7 },        { "fe80::", 10 },       { "fec0::", 10 },
    { "ff00::", 8 },        { "4000::", 3 },        { "8000::", 2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
    const BtAddr net = addr(ranges[i].net);
    for (int n = 0; n < 100; n++) {
      char text[INET6_ADDRSTRLEN];
      BtAddr there = net;
      for (guint bit = ranges[i].prefix; bit < 128; bit++)
        if (g_test_rand_bit())
          there.bytes[bit / 8] |= (guint8)(0x80 >> bit % 8);
      inet_ntop(AF_INET6, there.bytes, text, sizeof text);
      g_assert_false(bt_pins_add(f->pins, &there, RULE_NAME, T0));
      if (bt_addr_is_ipv4(&there))
        continue;
      if (out(f, frame_tcp(text, 443, 4000, BT_TCP_SYN, 1, 0, "")) == BT_GATE_PASS ||
          out(f, frame_udp(text, 123, 4000, "x")) == BT_GATE_PASS ||
          out(f, frame_icmpv6(text, 128, 8)) == BT_GATE_PASS)
        g_error("%s is reached", text);
    }
  }
}

/* What even the grant of everything leaves closed: the host's loopback, and what is no one's. */
static void
test_closed_to_everything(Fixture *f, gconstpointer data)
{
  static const char *const shut[] = {
    "::", "::1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::1",
    "64:ff9b:1:7f00:0:100::", "64:ff9b::198.18.0.1", "2002:c612:1::1", "fe80::1", "febf::9",
    "ff02::1", "ff0e::1", "fd00:1:2:3::1", "fd00:1:2:3::2", "fd00:1:2:3::3", "fd00:1:2:3::f",
    "fd00:1:2:3:ffff::",
  };
  BtNetRule all = rule6("::", 0, BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP, 0, 0);

  f->gate.policy.rules = &all;
  f->gate.policy.n_rules = 1;
  for (gsize i = 0; i < G_N_ELEMENTS(shut); i++) {
    g_test_message("%s", shut[i]);
    g_assert_cmpint(out(f, frame_tcp(shut[i], 443, 4000, BT_TCP_SYN, 1, 0, "")), !=, BT_GATE_PASS);
    g_assert_cmpint(out(f, frame_udp(shut[i], 443, 4000, "x")), !=, BT_GATE_PASS);
  }
  g_assert_cmpint(out(f, frame_tcp("fd00:1:2:4::1", 1, 1, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_PASS);
}

/* A header of 8 bytes between, whose next is what was there. */
static void
insert_header(Frame *frame, guint8 type, const char *bytes)
{
  guint8 *ip = frame_ip(frame);

  memmove(ip + 48, ip + 40, frame->size - BT_ETHERNET_SIZE - 40);
  memcpy(ip + 40, bytes, 8);
  ip[40] = ip[6];
  ip[6] = type;
  frame->size += 8;
  frame_put16(ip + 4, frame->size - BT_ETHERNET_SIZE - 40);
}

static void
spoil_source(Frame *frame)
{
  frame_ip(frame)[23]++;
}

static void
spoil_source_link_local(Frame *frame)
{
  inet_pton(AF_INET6, "fe80::f", frame_ip(frame) + 8);
}

static void
spoil_source_none(Frame *frame)
{
  memset(frame_ip(frame) + 8, 0, 16);
}

static void
spoil_source_gateway(Frame *frame)
{
  inet_pton(AF_INET6, GATEWAY6, frame_ip(frame) + 8);
}

static void
spoil_source_mapped(Frame *frame)
{
  inet_pton(AF_INET6, "::ffff:" WORKER, frame_ip(frame) + 8);
}

static void
spoil_destination_mapped(Frame *frame)
{
  inet_pton(AF_INET6, "::ffff:192.0.2.1", frame_ip(frame) + 24);
}

static void
spoil_group_mac(Frame *frame)
{
  frame_put16(frame->bytes, 0x3333);
}

static void
spoil_multicast(Frame *frame)
{
  inet_pton(AF_INET6, "ff02::fb", frame_ip(frame) + 24);
}

static void
spoil_hop_by_hop(Frame *frame)
{
  insert_header(frame, 0, "\0\0\1\4\0\0\0\0");
}

static void
spoil_jumbogram(Frame *frame)
{
  insert_header(frame, 0, "\0\0\302\4\0\0\0\100");
  frame_put16(frame_ip(frame) + 4, 0);
}

static void
spoil_routing(Frame *frame)
{
  insert_header(frame, 43, "\0\0\0\1\0\0\0\0");
}

static void
spoil_destination_options(Frame *frame)
{
  insert_header(frame, 60, "\0\0\1\4\0\0\0\0");
}

static void
spoil_first_fragment(Frame *frame)
{
  insert_header(frame, 44, "\0\0\0\1\0\0\0\7");
}

static void
spoil_last_fragment(Frame *frame)
{
  insert_header(frame, 44, "\0\0\0\10\0\0\0\7");
}

static void
spoil_atomic_fragment(Frame *frame)
{
  insert_header(frame, 44, "\0\0\0\0\0\0\0\7");
}

static void
spoil_chain(Frame *frame)
{
  insert_header(frame, 60, "\0\0\1\4\0\0\0\0");
  insert_header(frame, 44, "\0\0\0\1\0\0\0\7");
  insert_header(frame, 0, "\0\0\1\4\0\0\0\0");
}

static void
spoil_no_next(Frame *frame)
{
  frame_ip(frame)[6] = 59;
}

static void
spoil_encrypted(Frame *frame)
{
  frame_ip(frame)[6] = 50;
}

static void
spoil_tunnel(Frame *frame)
{
  frame_ip(frame)[6] = 4;
}

static void
spoil_version(Frame *frame)
{
  frame_ip(frame)[0] = 0x40;
}

static void
spoil_ethertype(Frame *frame)
{
  frame_put16(frame->bytes + 12, BT_ETHERTYPE_IPV4);
}

static void
spoil_length(Frame *frame)
{
  frame_put16(frame_ip(frame) + 4, frame->size);
}

static void
spoil_header_cut(Frame *frame)
{
  frame->size = BT_ETHERNET_SIZE + 39;
}

static void
test_spoiled(Fixture *f, gconstpointer data)
{
  static const Spoiled cases[] = {
    { "source", spoil_source, BT_NET_REASON_SOURCE },
    { "link-local source", spoil_source_link_local, BT_NET_REASON_SOURCE },
    { "no source", spoil_source_none, BT_NET_REASON_SOURCE },
    { "gateway's source", spoil_source_gateway, BT_NET_REASON_SOURCE },
    { "mapped source", spoil_source_mapped, BT_NET_REASON_MALFORMED },
    { "source MAC", spoil_source_mac, BT_NET_REASON_SOURCE },
    { "destination MAC", spoil_destination_mac, BT_NET_REASON_SOURCE },
    { "mapped destination", spoil_destination_mapped, BT_NET_REASON_MALFORMED },
    { "group MAC", spoil_group_mac, BT_NET_REASON_MULTICAST },
    { "multicast", spoil_multicast, BT_NET_REASON_MULTICAST },
    { "hop-by-hop options", spoil_hop_by_hop, BT_NET_REASON_MALFORMED },
    { "jumbogram", spoil_jumbogram, BT_NET_REASON_MALFORMED },
    { "routing header", spoil_routing, BT_NET_REASON_MALFORMED },
    { "destination options", spoil_destination_options, BT_NET_REASON_MALFORMED },
    { "first fragment", spoil_first_fragment, BT_NET_REASON_FRAGMENT },
    { "last fragment", spoil_last_fragment, BT_NET_REASON_FRAGMENT },
    { "atomic fragment", spoil_atomic_fragment, BT_NET_REASON_FRAGMENT },
    { "chain", spoil_chain, BT_NET_REASON_MALFORMED },
    { "no next header", spoil_no_next, BT_NET_REASON_TYPE },
    { "ESP", spoil_encrypted, BT_NET_REASON_TYPE },
    { "IPv4 in IPv6", spoil_tunnel, BT_NET_REASON_TYPE },
    { "version", spoil_version, BT_NET_REASON_MALFORMED },
    { "IPv4's ethertype", spoil_ethertype, BT_NET_REASON_MALFORMED },
    { "length", spoil_length, BT_NET_REASON_MALFORMED },
    { "cut", spoil_cut, BT_NET_REASON_MALFORMED },
    { "header cut", spoil_header_cut, BT_NET_REASON_MALFORMED },
    { "data offset", spoil_data_offset, BT_NET_REASON_MALFORMED },
  };

  assert_spoiled(f, "2001:db8:1::1", cases, G_N_ELEMENTS(cases));
}

enum { SOLICIT_ROUTER = 133, ADVERTISE_ROUTER, SOLICIT, ADVERTISE, REDIRECT };

/* Whoever sends it and wherever to, nobody learns of a neighbour or a router. */
static void
test_discovery(Fixture *f, gconstpointer data)
{
  static const char *const places[] = { GATEWAY6, "ff02::1", "ff02::2", "ff02::1:ff00:2",
                                        "2001:db8:2::1", "fe80::2" };

  for (guint8 type = SOLICIT_ROUTER; type <= REDIRECT; type++)
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
      Frame frame = frame_icmpv6(places[i], type, 24);
      frame_ip(&frame)[7] = 255;
      frame_finish(&frame);
      g_assert_cmpint(out(f, frame), ==, BT_GATE_DROP);
      /* As another's: the gateway's, a neighbour's, of one who has no address yet. */
      inet_pton(AF_INET6, "fe80::2", frame_ip(&frame) + 8);
      g_assert_cmpint(out(f, frame), ==, BT_GATE_DROP);
      memset(frame_ip(&frame) + 8, 0, 16);
      g_assert_cmpint(out(f, frame), ==, BT_GATE_DROP);
      /* From libslirp, which advertises itself and looks for its neighbours. */
      Frame in_frame = frame;
      frame_start6(&in_frame, worker_mac, gateway_mac, BT_IP_ICMPV6, GATEWAY6, WORKER6, 32);
      frame_payload(&in_frame)[0] = type;
      g_assert_false(in(f, in_frame));
      inet_pton(AF_INET6, "ff02::1", frame_ip(&in_frame) + 24);
      g_assert_false(in(f, in_frame));
    }
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);
}

/* The worker's kernel speaks by itself: no program is to blame. */
static void
test_silence(Fixture *f, gconstpointer data)
{
  Frame solicit = frame_icmpv6("ff02::1:ff00:2", SOLICIT, 24);
  Frame report = frame_icmpv6("ff02::16", 143, 24);

  frame_put16(solicit.bytes, 0x3333);
  memset(frame_ip(&report) + 8, 0, 16);
  insert_header(&report, 0, "\0\0\5\2\0\0\1\0");
  g_assert_cmpint(out(f, solicit), ==, BT_GATE_DROP);
  g_assert_cmpint(out(f, report), ==, BT_GATE_DROP);
  g_assert_cmpuint(f->told->len, ==, 0);
  /* A program does this one. */
  g_assert_cmpint(out(f, frame_udp("ff02::fb", 5353, 4000, "x")), ==, BT_GATE_DROP);
  assert_told(f, BT_NET_REASON_MULTICAST);
}

static void
test_replies(Fixture *f, gconstpointer data)
{
  assert_replies(f, "2001:db8:9::9", WORKER6, GATEWAY6, 1 /* administratively prohibited */);
}

static void
test_inbound(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("2001:db8:1::1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame udp = frame_udp("2001:db8:1::1", 123, 4000, "x");
  Frame answer = frame_reply(&udp), other;

  g_assert_false(in(f, frame_reply(&syn)));
  g_assert_false(in(f, answer));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_reply(&syn)));
  g_assert_true(in(f, answer));

  other = answer; /* full cone: someone else, each byte of the address counts */
  for (gsize i = 8; i < 24; i++) {
    frame_ip(&other)[i]++;
    g_assert_false(in(f, other));
    frame_ip(&other)[i]--;
  }
  g_assert_true(in(f, other));
  frame_payload(&other)[1]++;
  g_assert_false(in(f, other));
  other = answer;
  frame_ip(&other)[39]++; /* not to the worker */
  g_assert_false(in(f, other));
  other = answer;
  spoil_hop_by_hop(&other);
  g_assert_false(in(f, other));
  other = answer;
  spoil_atomic_fragment(&other);
  g_assert_false(in(f, other));
  /* The same ports of an address that only looks alike in the other family. */
  g_assert_false(in(f, frame_reply(&(Frame[]){ frame_udp("192.0.2.1", 123, 4000, "x") }[0])));
}

/* An error passes only if it is about an open flow of the worker's. */
static void
test_inbound_error(Fixture *f, gconstpointer data)
{
  Frame udp = frame_udp("2001:db8:1::1", 123, 4000, "x"), error;
  guint8 *icmp;

  frame_start6(&error, worker_mac, gateway_mac, BT_IP_ICMPV6, "2001:db8:7::1", WORKER6, 8 + 48);
  icmp = frame_payload(&error);
  memcpy(icmp + 8, frame_ip(&udp), 48);
  for (guint8 type = 1; type <= 3; type++) {
    icmp[0] = type;
    g_assert_false(in(f, error));
  }
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  for (guint8 type = 1; type <= 3; type++) {
    icmp[0] = type;
    g_assert_true(in(f, error));
  }
  icmp[0] = 4; /* a problem with a header, which none of the worker's has */
  g_assert_false(in(f, error));
  icmp[0] = 1;
  icmp[8 + 23]++; /* another's packet */
  g_assert_false(in(f, error));
  icmp[8 + 23]--;
  icmp[8 + 39]++; /* to somewhere else */
  g_assert_false(in(f, error));
}

static void
test_who_told_an_error(Fixture *f, gconstpointer data)
{
  Frame udp = frame_udp("2001:db8:1::1", 123, 4000, "x");

  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  assert_error(f, &udp, "fe80::1", 1, 0, FALSE, GATEWAY6);
  assert_error(f, &udp, "2001:db8:7::1", 2, 0, TRUE, GATEWAY6);
  assert_error(f, &udp, "2001:db8:7::1", 3, 0, FALSE, GATEWAY6);
  assert_error(f, &udp, "2001:db8:1::1", 1, 4, FALSE, "2001:db8:1::1");
}

/* libslirp carries no echo over IPv6 before 4.8, so nobody waits for an answer. */
static void
test_echo(Fixture *f, gconstpointer data)
{
  Frame reply;
  BtPacket packet;
  Frame echo = frame_icmpv6("2001:db8:2::1", 128, 8);

  g_assert_cmpint(send_out(f, &echo, T0, &reply), ==, BT_GATE_REPLY);
  g_assert_cmpint(bt_packet_parse(reply.bytes, reply.size, &packet), ==, BT_PACKET_ICMP);
  g_assert_cmpuint(packet.icmp.type, ==, BT_ICMP_UNREACHABLE);
  assert_told(f, BT_NET_REASON_TYPE);
  /* Errors of the worker's are for nobody. */
  for (guint8 type = 1; type <= 4; type++)
    g_assert_cmpint(out(f, frame_icmpv6("2001:db8:2::1", type, 48)), ==, BT_GATE_DROP);
  g_assert_cmpuint(f->told->len, ==, 0);
}

static void
test_pins(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("2001:db8:9::5", 443, 4000, BT_TCP_SYN, 1, 0, "");
  const BtAddr pinned = addr("2001:db8:9::5");

  g_assert_cmpint(out(f, syn), ==, BT_GATE_REPLY);
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, frame_tcp("2001:db8:9::5", 80, 4000, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_REPLY);
  g_assert_cmpint(out(f, frame_tcp("2001:db8:9::6", 443, 4000, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_REPLY);
  g_assert_cmpint(out(f, frame_udp("2001:db8:9::5", 443, 4000, "x")), ==, BT_GATE_REPLY);
  bt_pins_set_host_addrs(f->pins, &pinned, 1);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_REPLY);
}

/* A gateway of the network would take these to the machine itself. */
static void
test_host_in_disguise(Fixture *f, gconstpointer data)
{
  static const char *const forms[] = { "203.0.113.5", "64:ff9b::203.0.113.5",
                                       "2002:cb00:7105::1", "2002:cb00:7105:1::2" };
  const BtAddr own = addr("203.0.113.5");

  bt_pins_set_host_addrs(f->pins, &own, 1);
  for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
    const BtAddr there = addr(forms[i]);
    g_assert_false(bt_pins_add(f->pins, &there, RULE_NAME, T0));
  }
  /* Pinned before the machine had the address. */
  bt_pins_set_host_addrs(f->pins, NULL, 0);
  for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
    const BtAddr there = addr(forms[i]);
    g_assert_true(bt_pins_add(f->pins, &there, RULE_NAME, T0));
  }
  bt_pins_set_host_addrs(f->pins, &own, 1);
  for (gsize i = 0; i < G_N_ELEMENTS(forms); i++)
    g_assert_cmpint(out(f, frame_tcp(forms[i], 443, 4000, BT_TCP_SYN, 1, 0, "")), ==,
                    BT_GATE_REPLY);
}

static void
test_cut(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("2001:db8:1::1", 443, 4000, BT_TCP_SYN, 7, 0, ""), reply;
  BtPacket packet;

  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(bt_gate_cut(&f->gate, T0, reply.bytes, &reply.size));
  g_assert_cmpint(bt_packet_parse(reply.bytes, reply.size, &packet), ==, BT_PACKET_TCP);
  g_assert_true(is_addr(&packet.ip.source, "2001:db8:1::1"));
  g_assert_true(is_addr(&packet.ip.destination, WORKER6));
  g_assert_cmpuint(packet.tcp.flags & BT_TCP_RST, !=, 0);
}

/* A sandbox without IPv6: whatever a rule says, none of it passes. */
static void
test_without(Fixture *f, gconstpointer data)
{
  static const BtAddr none;
  BtNetRule all = rule6("::", 0, BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP, 0, 0);
  Frame syn = frame_tcp("2001:db8:1::1", 443, 4000, BT_TCP_SYN, 1, 0, "");

  f->gate.config.worker_address6 = f->gate.config.gateway6 = none;
  f->gate.policy.rules = &all;
  f->gate.policy.n_rules = 1;
  g_assert_cmpint(out(f, syn), ==, BT_GATE_DROP);
  assert_told(f, BT_NET_REASON_TYPE);
  memset(frame_ip(&syn) + 8, 0, 16); /* from ::, which an address that is not there looks like */
  g_assert_cmpint(out(f, syn), ==, BT_GATE_DROP);
  Frame inbound = frame_reply(&syn);
  g_assert_false(in(f, inbound));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/gate6/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("policy", test_policy);
  ADD("closed", test_closed);
  ADD("ranges", test_ranges);
  ADD("closed-to-everything", test_closed_to_everything);
  ADD("spoiled", test_spoiled);
  ADD("discovery", test_discovery);
  ADD("silence", test_silence);
  ADD("replies", test_replies);
  ADD("inbound", test_inbound);
  ADD("inbound-error", test_inbound_error);
  ADD("who-told-an-error", test_who_told_an_error);
  ADD("echo", test_echo);
  ADD("pins", test_pins);
  ADD("host-in-disguise", test_host_in_disguise);
  ADD("cut", test_cut);
  ADD("without", test_without);
  return g_test_run();
}
