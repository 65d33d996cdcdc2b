/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The gate and the hostile packets of tests/fuzz/make-packet-corpus.py, one by one: all of them are for
 * places that the rules allow, so that what is refused is refused for what it is.
 */
#include <glib.h>

#include "gate-fixture.h"

static const struct {
  const char *name;
  BtGateResult result;
  int reason; /* 0: nothing is told */
} cases[] = {
  { "fragment-tiny-first", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "fragment-tiny-rest", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "fragment-first", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "fragment-overlaps", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "fragment-beyond-the-end", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "fragment-and-do-not", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  /* No fragment itself: a datagram to the resolver's port. */
  { "fragment-overlaps-all", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
  { "ipv6-fragment-first", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "ipv6-fragment-overlaps", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "ipv6-fragment-whole", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  { "ipv6-fragment-beyond-the-end", BT_GATE_DROP, BT_NET_REASON_FRAGMENT },
  /* TCP's own affairs: who is talked to is plain, and libslirp has to bear it (test-packet-slirp). */
  { "tcp-urgent-syn", BT_GATE_PASS, 0 },
  { "tcp-window-zero-syn", BT_GATE_PASS, 0 },
  { "tcp-window-scale-255", BT_GATE_PASS, 0 },
  { "tcp-segment-size-zero", BT_GATE_PASS, 0 },
  { "tcp-option-length-zero", BT_GATE_PASS, 0 },
  { "tcp-option-length-one", BT_GATE_PASS, 0 },
  { "tcp-option-length-beyond", BT_GATE_PASS, 0 },
  { "tcp-option-without-length", BT_GATE_PASS, 0 },
  { "tcp-offset-all-of-it", BT_GATE_PASS, 0 },
  /* Of connections that are not there. */
  { "tcp-urgent", BT_GATE_REPLY, 0 },
  { "tcp-urgent-beyond", BT_GATE_REPLY, 0 },
  { "tcp-urgent-nothing", BT_GATE_REPLY, 0 },
  { "tcp-urgent-flag-less", BT_GATE_REPLY, 0 },
  { "tcp-window-zero", BT_GATE_REPLY, 0 },
  { "tcp-option-selective-odd", BT_GATE_REPLY, 0 },
  { "tcp-no-flag", BT_GATE_REPLY, 0 },
  { "tcp-every-flag", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "udp-length-zero", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "udp-length-of-less-than-a-header", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "udp-length-less", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ip-option-length-zero", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ip-option-length-beyond", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ip-source-route", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ip-header-of-nothing", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ip-length-zero", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ipv6-length-zero", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ipv6-udp-length-zero", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  /* There is one neighbour, and nobody learns of another. */
  { "arp-reply-for-the-gateway", BT_GATE_DROP, 0 },
  { "arp-gratuitous", BT_GATE_DROP, 0 },
  { "arp-of-another-sender", BT_GATE_DROP, 0 },
  { "arp-for-another-target", BT_GATE_DROP, 0 },
  { "arp-other-hardware", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "arp-cut", BT_GATE_DROP, BT_NET_REASON_MALFORMED },
  { "ndp-redirect", BT_GATE_DROP, 0 },
  { "ndp-advertises-the-gateway", BT_GATE_DROP, 0 },
  { "ndp-option-length-zero", BT_GATE_DROP, 0 },
  { "ndp-router", BT_GATE_DROP, 0 },
  { "icmp-redirect", BT_GATE_DROP, 0 },
  /* What libslirp would serve itself. */
  { "dhcp-discover", BT_GATE_DROP, BT_NET_REASON_SOURCE },
  { "dhcp-option-length-lies", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
  { "bootp-to-the-gateway", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
  { "tftp-read", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
  { "tftp-climbs", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
  { "dns-to-libslirp", BT_GATE_REPLY, BT_NET_REASON_SERVICE },
};

static Frame
load(const char *name)
{
  g_autofree char *path = g_build_filename(BT_TEST_CORPUS, "packet", name, NULL), *bytes = NULL;
  Frame frame = { .size = 0 };

  g_assert_true(g_file_get_contents(path, &bytes, &frame.size, NULL));
  g_assert_cmpuint(frame.size, <=, sizeof frame.bytes);
  memcpy(frame.bytes, bytes, frame.size);
  return frame;
}

/* Each at a gate of its own. */
static void
test_alone(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Fixture f = { 0 };

    g_test_message("%s", cases[i].name);
    set_up(&f, NULL);
    f.gate.config.worker_address6 = addr("fd00::f");
    f.gate.config.gateway6 = addr("fd00::2");
    g_assert_cmpint(out(&f, load(cases[i].name)), ==, cases[i].result);
    if (cases[i].reason != 0)
      assert_told(&f, cases[i].reason);
    g_assert_cmpuint(f.told->len, ==, 0);
    g_assert_cmpuint(bt_flows_count(f.flows), ==, cases[i].result == BT_GATE_PASS);
    tear_down(&f, NULL);
  }
}

/* All of them after one another: no part of a packet helps another one through. */
static void
test_together(Fixture *f, gconstpointer data)
{
  f->gate.config.worker_address6 = addr("fd00::f");
  f->gate.config.gateway6 = addr("fd00::2");
  g_assert_cmpint(out(f, load("tcp-window-zero-syn")), ==, BT_GATE_PASS);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    if (cases[i].result == BT_GATE_DROP || cases[i].reason != 0)
      g_assert_cmpint(out(f, load(cases[i].name)), ==, cases[i].result);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 1);
}

/* Urgent data, and a window that stays shut, pass on a connection that is there. */
static void
test_of_a_connection(Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "tcp-urgent", "tcp-urgent-beyond", "tcp-urgent-nothing",
                                       "tcp-urgent-flag-less", "tcp-window-zero",
                                       "tcp-option-selective-odd" };

  Frame syn = load("tcp-window-zero-syn");
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_true(in(f, frame_syn_ack(&syn, 7)));
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    g_assert_cmpint(out(f, load(names[i])), ==, BT_GATE_PASS);
  g_assert_cmpuint(bt_flows_count(f->flows), ==, 1);
  g_assert_cmpuint(f->told->len, ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/gate-hostile/alone", test_alone);
  g_test_add("/gate-hostile/together", Fixture, NULL, set_up, test_together, tear_down);
  g_test_add("/gate-hostile/of-a-connection", Fixture, NULL, set_up, test_of_a_connection, tear_down);
  return g_test_run();
}
