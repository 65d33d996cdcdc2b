/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A gate with the flow table, the pins and the denials behind it, and rules of all sorts. */

#include <glib.h>

#include "frame-builder.h"
#include "net/bt-gate.h"

#define T0 ((gint64)1000 * G_USEC_PER_SEC)
#define SECOND ((gint64)G_USEC_PER_SEC)

/* The rules of every test; the documentation ranges play the internet. */
enum {
  RULE_TCP,      /* 192.0.2.0/24:443 tcp */
  RULE_UDP,      /* 192.0.2.0/24:53,67-69,123,5000 udp and tcp */
  RULE_ANY,      /* 198.51.100.1 any protocol, any port */
  RULE_NAME,     /* granted.example on port 443 */
  RULE_DENY,     /* 198.51.100.66 */
  RULE_PRIVATE,  /* 10.0.0.0/8 */
  RULE_TCP6,     /* 2001:db8:1::/48, 443 tcp */
  RULE_UDP6,     /* 2001:db8:1::/48, 53,67-69,123,5000 udp and tcp */
  RULE_ANY6,     /* 2001:db8:2::1 any protocol, any port */
  RULE_WILD,     /* *.wild.example, tcp and udp */
  RULE_NOT_WILD, /* no.wild.example, denied */
  RULE_PLAIN,    /* plain.example, not to be looked at */
  N_RULES,
};

typedef struct {
  BtGate gate;
  BtPins *pins;
  BtFlows *flows;
  BtDenials *denials;
  GArray *told;  /* BtNetMsgDenied */
  guint unpinned;
  gboolean deaf; /* the supervisor takes nothing */
  Frame passed;  /* the last that was sent out, as the gate left it */
} Fixture;

static inline BtAddr
addr(const char *text)
{
  BtAddr parsed;
  g_assert_true(bt_addr_parse(text, &parsed));
  return parsed;
}

static inline gboolean
on_told(gpointer data, const BtNetMsgDenied *denied)
{
  Fixture *f = data;
  if (f->deaf)
    return FALSE;
  g_array_append_val(f->told, *denied);
  return TRUE;
}

static inline gboolean
on_unpinned(gpointer data, const BtAddr *address, guint32 rule)
{
  Fixture *f = data;
  if (f->deaf)
    return FALSE;
  f->unpinned++;
  return TRUE;
}

static inline BtNetRule
rule(const char *net, guint8 prefix, BtAction action, guint8 proto, guint16 n_ports, guint32 ports)
{
  return (BtNetRule){
    .addr = addr(net),
    .prefix = 96 + prefix,
    .action = action,
    .proto = proto,
    .n_ports = n_ports,
    .ports = ports,
  };
}

static inline BtNetRule
rule6(const char *net, guint8 prefix, guint8 proto, guint16 n_ports, guint32 ports)
{
  BtNetRule made = rule(net, 0, BT_ACTION_ALLOW, proto, n_ports, ports);
  made.prefix = prefix;
  return made;
}

static inline void
set_up(Fixture *f, gconstpointer data)
{
  static BtNetRule rules[N_RULES];
  static const BtPortRange ports[] = {
    { 443, 443 }, { 53, 53 }, { 67, 69 }, { 123, 123 }, { 5000, 5000 },
  };
  const guint8 both = BT_PROTO_TCP | BT_PROTO_UDP, any = both | BT_PROTO_ICMP;

  rules[RULE_TCP] = rule("192.0.2.0", 24, BT_ACTION_ALLOW, BT_PROTO_TCP, 1, 0);
  rules[RULE_UDP] = rule("192.0.2.0", 24, BT_ACTION_ALLOW, both, 4, 1);
  rules[RULE_ANY] = rule("198.51.100.1", 32, BT_ACTION_ALLOW, any, 0, 0);
  rules[RULE_NAME] = rule("0.0.0.0", 32, BT_ACTION_ALLOW, BT_PROTO_TCP, 1, 0);
  rules[RULE_NAME].flags = BT_NET_RULE_NAME;
  rules[RULE_DENY] = rule("198.51.100.66", 32, BT_ACTION_DENY, any, 0, 0);
  rules[RULE_PRIVATE] = rule("10.0.0.0", 8, BT_ACTION_ALLOW, any, 0, 0);

  rules[RULE_TCP6] = rule6("2001:db8:1::", 48, BT_PROTO_TCP, 1, 0);
  rules[RULE_UDP6] = rule6("2001:db8:1::", 48, both, 4, 1);
  rules[RULE_ANY6] = rule6("2001:db8:2::1", 128, any, 0, 0);
  rules[RULE_WILD] = rule("0.0.0.0", 32, BT_ACTION_ALLOW, both, 0, 0);
  rules[RULE_WILD].flags = BT_NET_RULE_NAME | BT_NET_RULE_BELOW;
  rules[RULE_WILD].name = 16;
  rules[RULE_NOT_WILD] = rule("0.0.0.0", 32, BT_ACTION_DENY, both, 0, 0);
  rules[RULE_NOT_WILD].flags = BT_NET_RULE_NAME;
  rules[RULE_NOT_WILD].name = 29;
  rules[RULE_PLAIN] = rule("0.0.0.0", 32, BT_ACTION_ALLOW, both, 0, 0);
  rules[RULE_PLAIN].flags = BT_NET_RULE_NAME | BT_NET_RULE_PLAIN;
  rules[RULE_PLAIN].name = 45;

  f->told = g_array_new(FALSE, FALSE, sizeof(BtNetMsgDenied));
  f->pins = bt_pins_new(60 * SECOND, on_unpinned, f);
  f->flows = bt_flows_new(f->pins);
  f->denials = bt_denials_new(on_told, f);
  f->gate = (BtGate){
    .config = { .prefix_length = 24, .mtu = 1500 },
    .policy = { .rules = rules,
                .ports = ports,
                .names = "granted.example\0wild.example\0no.wild.example\0plain.example",
                .denies_names = true,
                .n_rules = N_RULES,
                .n_ports = G_N_ELEMENTS(ports),
                .default_action = BT_ACTION_DENY },
    .pins = f->pins,
    .flows = f->flows,
    .denials = f->denials,
  };
  bt_quota_init(&f->gate.quota, BT_NET_MSG_ANY_RATE, BT_NET_MSG_ANY_BYTES, T0);
  inet_pton(AF_INET, WORKER, &f->gate.config.worker_address);
  inet_pton(AF_INET, GATEWAY, &f->gate.config.gateway);
  f->gate.config.worker_address6 = addr(WORKER6);
  f->gate.config.gateway6 = addr(GATEWAY6);
  memcpy(f->gate.config.worker_mac, worker_mac, 6);
  memcpy(f->gate.config.gateway_mac, gateway_mac, 6);
}

static inline void
tear_down(Fixture *f, gconstpointer data)
{
  bt_flows_free(f->flows);
  bt_pins_free(f->pins);
  bt_denials_free(f->denials);
  g_array_unref(f->told);
}

/* From an exact allocation, so that ASan sees a read past the end. */
static inline BtGateResult
send_out(Fixture *f, const Frame *frame, gint64 now, Frame *reply_out)
{
  g_autofree guint8 *copy = g_memdup2(frame->bytes, frame->size);
  gsize size = frame->size;
  guint8 reply[BT_PACKET_REPLY_SIZE];

  memset(reply_out, 0, sizeof *reply_out);
  BtGateResult result = bt_gate_outbound(&f->gate, copy, &size, now, reply, &reply_out->size);
  if (result == BT_GATE_REPLY || result == BT_GATE_RESET)
    memcpy(reply_out->bytes, reply, reply_out->size);
  g_assert_cmpuint(size, <=, frame->size);
  memset(&f->passed, 0, sizeof f->passed);
  f->passed.size = size;
  memcpy(f->passed.bytes, copy, size);
  return result;
}

static inline BtGateResult
out_at(Fixture *f, Frame frame, gint64 now)
{
  Frame reply;
  return send_out(f, &frame, now, &reply);
}

static inline BtGateResult
out(Fixture *f, Frame frame)
{
  return out_at(f, frame, T0);
}

/* What comes in is in f->passed: the frame itself, or an error in the gate's words. */
static inline gboolean
in_at(Fixture *f, Frame frame, gint64 now)
{
  g_autofree guint8 *copy = g_memdup2(frame.bytes, frame.size);
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize reply_size = 1;

  f->passed = frame;
  if (bt_gate_inbound(&f->gate, copy, frame.size, now, reply, &reply_size)) {
    g_assert_cmpuint(reply_size, ==, 0);
    return TRUE;
  }
  memset(&f->passed, 0, sizeof f->passed);
  f->passed.size = reply_size;
  memcpy(f->passed.bytes, reply, reply_size);
  return reply_size > 0;
}

static inline gboolean
in(Fixture *f, Frame frame)
{
  return in_at(f, frame, T0);
}

static inline void
assert_told(Fixture *f, BtNetReason reason)
{
  g_assert_cmpuint(f->told->len, ==, 1);
  g_assert_cmpuint(g_array_index(f->told, BtNetMsgDenied, 0).reason, ==, reason);
  g_array_set_size(f->told, 0);
}

/* What the policy says of connections and datagrams. */
typedef struct {
  const char *destination;
  guint16 port;
  gboolean tcp, udp;
} PolicyCase;

static inline void
assert_policy(Fixture *f, const PolicyCase *cases, gsize n_cases)
{
  for (gsize i = 0; i < n_cases; i++) {
    g_test_message("%s:%u", cases[i].destination, cases[i].port);
    Frame tcp = frame_tcp(cases[i].destination, cases[i].port, 4000, BT_TCP_SYN, 1, 0, "");
    Frame udp = frame_udp(cases[i].destination, cases[i].port, 4000, "x");
    g_assert_cmpint(out(f, tcp), ==, cases[i].tcp ? BT_GATE_PASS : BT_GATE_REPLY);
    g_assert_cmpint(out(f, udp), ==, cases[i].udp ? BT_GATE_PASS : BT_GATE_REPLY);
  }
}

/* One thing wrong with a packet whose flow is open. */
typedef struct {
  const char *name;
  void (*spoil)(Frame *frame);
  BtNetReason reason; /* 0: silent */
} Spoiled;

static inline void
assert_spoiled(Fixture *f, const char *destination, const Spoiled *cases, gsize n_cases)
{
  gint64 now = T0;

  g_assert_cmpint(out(f, frame_tcp(destination, 443, 4000, BT_TCP_SYN, 1, 0, "")), ==,
                  BT_GATE_PASS);
  for (gsize i = 0; i < n_cases; i++) {
    Frame frame = frame_tcp(destination, 443, 4000, BT_TCP_ACK, 2, 1, "x");
    g_test_message("%s", cases[i].name);
    g_assert_cmpint(out_at(f, frame, now), ==, BT_GATE_PASS);
    cases[i].spoil(&frame);
    g_assert_cmpint(out_at(f, frame, now), !=, BT_GATE_PASS);
    if (cases[i].reason == 0)
      g_assert_cmpuint(f->told->len, ==, 0);
    else
      assert_told(f, cases[i].reason);
    now += 2 * SECOND; /* the next may have the same object */
    bt_denials_sweep(f->denials, now);
    bt_denials_sweep(f->denials, now + SECOND);
  }
}

static inline void
spoil_source_mac(Frame *frame)
{
  frame->bytes[11]++;
}

static inline void
spoil_destination_mac(Frame *frame)
{
  frame->bytes[5]++;
}

static inline void
spoil_cut(Frame *frame)
{
  frame->size -= 1;
}

static inline void
spoil_data_offset(Frame *frame)
{
  frame_payload(frame)[12] = 0xf0;
}

/* A refused packet's answer names the same ports, from where it was going. */
static inline void
assert_replies(Fixture *f, const char *destination, const char *worker, const char *gateway,
               guint8 prohibited)
{
  Frame syn = frame_tcp(destination, 443, 4000, BT_TCP_SYN, 1000, 0, "");
  Frame udp = frame_udp(destination, 443, 4000, "x");
  Frame reply;
  BtPacket packet;

  g_assert_cmpint(send_out(f, &syn, T0, &reply), ==, BT_GATE_REPLY);
  g_assert_cmpint(bt_packet_parse(reply.bytes, reply.size, &packet), ==, BT_PACKET_TCP);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST | BT_TCP_ACK);
  g_assert_cmpuint(packet.tcp.acknowledgement, ==, 1001);
  g_assert_cmpuint(packet.source_port, ==, 443);
  g_assert_cmpuint(packet.destination_port, ==, 4000);
  g_assert_true(is_addr(&packet.ip.source, destination));
  g_assert_true(is_addr(&packet.ip.destination, worker));
  Frame again = reply;
  frame_finish(&again);
  g_assert_cmpmem(again.bytes, again.size, reply.bytes, reply.size); /* checksums were right */
  assert_told(f, BT_NET_REASON_POLICY);

  g_assert_cmpint(send_out(f, &udp, T0, &reply), ==, BT_GATE_REPLY);
  g_assert_cmpint(bt_packet_parse(reply.bytes, reply.size, &packet), ==, BT_PACKET_ICMP);
  g_assert_cmpuint(packet.icmp.type, ==, BT_ICMP_UNREACHABLE);
  g_assert_cmpuint(packet.icmp.code, ==, prohibited);
  g_assert_true(packet.icmp.has_inner);
  g_assert_cmpuint(packet.icmp.inner.destination_port, ==, 443);
  g_assert_true(is_addr(&packet.ip.source, gateway));
  again = reply;
  frame_finish(&again);
  g_assert_cmpmem(again.bytes, again.size, reply.bytes, reply.size);
  assert_told(f, BT_NET_REASON_POLICY);
}

/*
 * An error about a flow of the worker's, from source: it is told as if from sender, with the size
 * that passes where there is one, and nothing behind the ports of what it is about.
 */
static inline void
assert_error(Fixture *f, const Frame *about, const char *source, guint8 type, guint8 code,
             gboolean size_told, const char *sender)
{
  gboolean ipv6 = frame_is_ipv6(about);
  gsize quoted = frame_header_size(about) + 8;
  Frame error;

  if (ipv6)
    frame_start6(&error, worker_mac, gateway_mac, BT_IP_ICMPV6, source, WORKER6, 8 + quoted + 64);
  else
    frame_start(&error, worker_mac, gateway_mac, BT_IP_ICMP, source, WORKER, 8 + quoted + 64);
  guint8 *icmp = frame_payload(&error);
  memset(icmp, 0xab, 8 + quoted + 64); /* an extension, of which the second word tells */
  icmp[0] = type;
  icmp[1] = code;
  memcpy(icmp + 8, about->bytes + BT_ETHERNET_SIZE, quoted);
  frame_finish(&error);

  g_assert_true(in(f, error));
  BtPacket packet;
  g_assert_cmpint(bt_packet_parse(f->passed.bytes, f->passed.size, &packet), ==, BT_PACKET_ICMP);
  g_assert_true(is_addr(&packet.ip.source, sender));
  g_assert_true(is_addr(&packet.ip.destination, ipv6 ? WORKER6 : WORKER));
  guint8 *told = frame_payload(&f->passed);
  guint32 word = !size_told ? 0 : ipv6 ? 0xabababab : 0xabab;
  g_assert_cmpuint(told[0], ==, type);
  g_assert_cmpuint(told[1], ==, code);
  g_assert_cmphex(frame_get32(told + 4), ==, word);
  g_assert_cmpmem(told + 8, f->passed.size - (gsize)(told + 8 - f->passed.bytes),
                  about->bytes + BT_ETHERNET_SIZE, quoted);
  Frame again = f->passed;
  frame_finish(&again);
  g_assert_cmpmem(again.bytes, again.size, f->passed.bytes, f->passed.size);
}
