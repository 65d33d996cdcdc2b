/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits of connections a second and of bytes, alone and in the gate. */
#include "gate-fixture.h"

/* The bucket alone: how many of a crowd pass at each moment. */
static void
test_rate(Fixture *f, gconstpointer data)
{
  static const struct {
    guint32 rate;
    gint64 after; /* µs since the crowd before */
    guint crowd, passed;
  } cases[] = {
    { 3, 0, 10, 3 },           { 3, 0, 1, 0 },
    { 3, 333333, 1, 0 },       { 3, 1, 2, 1 }, /* a third of a second, and not before */
    { 3, 10 * SECOND, 10, 3 }, /* what was not used is not saved up */
    { 3, -5, 1, 0 },           { 1000, 0, 2000, 1000 },
    { 1000, 1000, 5, 1 },      { 1000, SECOND / 2, 2000, 500 },
    { 0, 0, 1, 0 },            { 0, 100 * SECOND, 1, 0 },
    { BT_NET_MSG_ANY_RATE, 0, 5000, 5000 },
    { BT_NET_MSG_ANY_RATE - 1, 0, 5000, 5000 },
    { BT_NET_MSG_ANY_RATE - 1, G_MAXINT32 * SECOND, 5000, 5000 },
  };
  guint32 rate = G_MAXUINT32 / 2;
  gint64 now = T0;
  BtQuota quota;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    guint passed = 0;
    if (cases[i].rate != rate)
      bt_quota_init(&quota, cases[i].rate, 0, now);
    rate = cases[i].rate;
    now += cases[i].after;
    for (guint j = 0; j < cases[i].crowd; j++)
      passed += bt_quota_take_flow(&quota, now);
    g_test_message("%u a second, case %zu", rate, i);
    g_assert_cmpuint(passed, ==, cases[i].passed);
  }
}

/* What a flow does that is open is no new one; what a rule refuses is not counted. */
static void
test_flow_rate(Fixture *f, gconstpointer data)
{
  Frame syn = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame second = frame_tcp("192.0.2.1", 443, 4001, BT_TCP_SYN, 1, 0, "");
  Frame udp = frame_udp("192.0.2.1", 123, 9, "x");
  Frame refused = frame_tcp("203.0.113.9", 443, 4000, BT_TCP_SYN, 1, 0, "");

  bt_quota_init(&f->gate.quota, 2, BT_NET_MSG_ANY_BYTES, T0);
  for (int i = 0; i < 5; i++)
    g_assert_cmpint(out(f, refused), ==, BT_GATE_REPLY);
  bt_denials_sweep(f->denials, T0 + SECOND);
  g_array_set_size(f->told, 0);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  for (int i = 0; i < 5; i++) {
    g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
    g_assert_true(in(f, frame_reply(&syn)));
  }
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_cmpuint(f->told->len, ==, 0);

  /* Without a word to the worker; told without any one destination. */
  g_assert_cmpint(out(f, second), ==, BT_GATE_DROP);
  g_assert_cmpint(out(f, frame_udp("192.0.2.2", 123, 9, "x")), ==, BT_GATE_DROP);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 2);
  g_assert_cmpuint(g_array_index(f->told, BtNetMsgDenied, 0).port, ==, 0);
  assert_told(f, BT_NET_REASON_RATE);
  bt_denials_sweep(f->denials, T0 + SECOND);
  assert_told(f, BT_NET_REASON_RATE);
  /* The one that tries again. */
  g_assert_cmpint(out_at(f, second, T0 + SECOND), ==, BT_GATE_PASS);
}

static guint
payload_of(const Frame *frame)
{
  return (guint)(frame->size - BT_ETHERNET_SIZE - frame_header_size(frame));
}

static void
on_spent(gpointer data)
{
  ++*(guint *)data;
}

/* Up to the last byte, in both directions; then nothing, and one word of it. */
static void
test_bytes(Fixture *f, gconstpointer address)
{
  const char *there = address, *worker = strchr(there, ':') != NULL ? WORKER6 : WORKER;
  Frame syn = frame_tcp(there, 443, 4000, BT_TCP_SYN, 1, 0, ""), back = frame_reply(&syn);
  Frame ack = frame_tcp(there, 443, 4000, BT_TCP_ACK, 2, 77, "four");
  Frame other = frame_tcp(there, 443, 4001, BT_TCP_SYN, 1, 0, "");
  Frame udp = frame_udp(there, 123, 9, "x");
  guint size = payload_of(&syn) + payload_of(&back) + payload_of(&ack) + payload_of(&udp);
  guint8 reply[BT_PACKET_REPLY_SIZE];
  guint resets = 0, calls = 0;
  BtPacket packet;
  gsize reply_size;

  f->gate.spent = on_spent;
  f->gate.data = &calls;
  bt_quota_init(&f->gate.quota, BT_NET_MSG_ANY_RATE, size, T0);
  g_assert_cmpint(out(f, udp), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(in(f, back));
  g_assert_cmpint(out(f, ack), ==, BT_GATE_PASS);
  g_assert_cmpuint(f->gate.quota.bytes, ==, 0);
  g_assert_false(f->gate.quota.spent);
  g_assert_cmpuint(calls, ==, 0);
  g_assert_cmpuint(f->told->len, ==, 0);

  g_assert_false(in(f, back));
  g_assert_true(f->gate.quota.spent);
  assert_told(f, BT_NET_REASON_BYTES);
  g_assert_cmpint(out(f, ack), ==, BT_GATE_REPLY);
  g_assert_cmpint(out(f, other), ==, BT_GATE_REPLY);
  g_assert_cmpint(out(f, udp), ==, BT_GATE_REPLY);
  g_assert_false(in(f, back));
  bt_denials_sweep(f->denials, T0 + 5 * SECOND);
  g_assert_cmpuint(f->told->len, ==, 0);
  /* A rule's refusal is still a rule's. */
  g_assert_cmpint(out(f, frame_tcp("203.0.113.9", 443, 1, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_REPLY);
  assert_told(f, BT_NET_REASON_POLICY);

  /* The one TCP flow gets a reset that its worker believes. */
  while (bt_gate_cut(&f->gate, T0, reply, &reply_size)) {
    if (reply_size == 0)
      continue;
    resets++;
    g_assert_cmpint(bt_packet_parse(reply, reply_size, &packet), ==, BT_PACKET_TCP);
    g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST);
    g_assert_cmpuint(packet.tcp.sequence, ==, 77);
    g_assert_cmpuint(packet.source_port, ==, 443);
    g_assert_cmpuint(packet.destination_port, ==, 4000);
    g_assert_true(is_addr(&packet.ip.source, there));
    g_assert_true(is_addr(&packet.ip.destination, worker));
    g_assert_cmpmem(packet.ethernet.destination, 6, worker_mac, 6);
  }
  g_assert_cmpuint(calls, ==, 1);
  g_assert_cmpuint(resets, ==, 1);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 0);
}

/* A limit of nothing lets nothing pass; zeros in a message are no lack of limits. */
static void
test_no_bytes(Fixture *f, gconstpointer data)
{
  bt_quota_init(&f->gate.quota, BT_NET_MSG_ANY_RATE, 0, T0);
  g_assert_cmpint(out(f, frame_udp("192.0.2.1", 123, 9, "x")), ==, BT_GATE_REPLY);
  assert_told(f, BT_NET_REASON_BYTES);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, data, function)                                                                \
  g_test_add("/quota/" name, Fixture, data, set_up, function, tear_down)
  ADD("rate", NULL, test_rate);
  ADD("flow-rate", NULL, test_flow_rate);
  ADD("bytes", "192.0.2.1", test_bytes);
  ADD("bytes-ipv6", "2001:db8:1::1", test_bytes);
  ADD("no-bytes", NULL, test_no_bytes);
  return g_test_run();
}
