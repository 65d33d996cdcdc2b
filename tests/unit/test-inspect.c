/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names on the wire, through the gate, by crafted segments. A receiver stands
 * for libslirp: what it takes of what passes is what the far side reads.
 */
#include "gate-fixture.h"
#include "hello-builder.h"
#include "wire/bt-client-hello.h"
#include "wire/bt-http-head.h"

/* Each test runs with IPv4 and with IPv6. */
#define PLACE4 "203.0.113.5"
#define PLACE6 "2001:db8::5"
static const char *place;
#define EMPTY (strcmp(place, PLACE4) == 0 ? 54u : 74u) /* a segment without payload */

#define ISN 1000u        /* the worker's */
#define SERVER_ISN 5000u
#define GRANTED "granted.example"
#define OTHER "another.example" /* as long, so that one can be sent in the other's place */

typedef struct {
  Fixture gate;
  guint16 port;
  guint32 start, server_next;
  GByteArray *stream; /* what the receiver has */
  gint64 now;
  Frame reply;
} Talk;

static void
open_talk(Talk *talk, guint16 port, guint32 rule)
{
  BtAddr pinned = addr(place);

  memset(talk, 0, sizeof *talk);
  set_up(&talk->gate, NULL);
  talk->now = T0;
  talk->port = port;
  talk->start = ISN + 1;
  talk->server_next = SERVER_ISN + 1;
  talk->stream = g_byte_array_new();
  g_assert_true(bt_pins_add(talk->gate.pins, &pinned, rule, T0));
  Frame syn = frame_tcp(place, port, 4000, BT_TCP_SYN, ISN, 0, "");
  g_assert_cmpint(out(&talk->gate, syn), ==, BT_GATE_PASS);
  g_assert_true(in(&talk->gate, frame_syn_ack(&syn, SERVER_ISN)));
}

static void
close_talk(Talk *talk)
{
  g_byte_array_unref(talk->stream);
  tear_down(&talk->gate, NULL);
}

static Frame
segment(Talk *talk, guint32 offset, const void *bytes, gsize size, guint flags)
{
  return frame_tcp_bytes(place, talk->port, 4000, BT_TCP_ACK | flags, talk->start + offset,
                         talk->server_next, bytes, size);
}

/* The server's side says something, and acknowledges what it has. */
static void
answer(Talk *talk, const void *bytes, gsize size)
{
  Frame frame = frame_tcp_bytes(place, talk->port, 4000, BT_TCP_ACK, talk->server_next,
                                talk->start + talk->stream->len, bytes, size);
  Frame reply = frame_reply(&frame);

  talk->server_next += (guint32)size;
  g_assert_true(in(&talk->gate, reply));
}

/* Takes what comes in order, as TCP does. */
static void
receive(Talk *talk)
{
  BtPacket packet;

  g_assert_cmpint(bt_packet_parse(talk->gate.passed.bytes, talk->gate.passed.size, &packet), ==,
                  BT_PACKET_TCP);
  Frame again = talk->gate.passed;
  frame_finish(&again);
  g_assert_cmpmem(again.bytes, again.size, talk->gate.passed.bytes, talk->gate.passed.size);
  gint32 old = (gint32)(talk->start + talk->stream->len - packet.tcp.sequence);
  if (old >= 0 && old < packet.tcp.payload_size)
    g_byte_array_append(talk->stream,
                        bt_packet_tcp_payload(&packet, talk->gate.passed.bytes) + old,
                        (guint)(packet.tcp.payload_size - old));
}

static BtGateResult
put_lost(Talk *talk, guint32 offset, const void *bytes, gsize size, guint flags)
{
  Frame frame = segment(talk, offset, bytes, size, flags);
  return send_out(&talk->gate, &frame, talk->now, &talk->reply);
}

static BtGateResult
put_flags(Talk *talk, guint32 offset, const void *bytes, gsize size, guint flags)
{
  BtGateResult result = put_lost(talk, offset, bytes, size, flags);
  if (result == BT_GATE_PASS)
    receive(talk);
  return result;
}

static BtGateResult
put(Talk *talk, guint32 offset, const void *bytes, gsize size)
{
  return put_flags(talk, offset, bytes, size, 0);
}

/* In order, by pieces; where it is refused the rest is answered by resets. */
static BtGateResult
say(Talk *talk, const void *bytes, gsize size, gsize piece)
{
  guint32 begin = talk->stream->len;
  BtGateResult result = BT_GATE_PASS;

  for (gsize at = 0; at < size && result == BT_GATE_PASS; at += piece)
    result = put(talk, begin + (guint32)at, (const guint8 *)bytes + at, MIN(piece, size - at));
  return result;
}

static BtGateResult
say_text(Talk *talk, const char *text)
{
  return say(talk, text, strlen(text), 1400);
}

/* Both ends are told, once, and the flow is gone. */
static void
assert_refused(Talk *talk, BtNetReason reason, const char *name, gint32 rule)
{
  GArray *told = talk->gate.told;
  BtPacket packet;

  g_assert_cmpuint(told->len, ==, 1);
  const BtNetMsgDenied *denied = &g_array_index(told, BtNetMsgDenied, 0);
  g_assert_cmpint(denied->reason, ==, reason);
  g_assert_cmpstr(denied->name, ==, name);
  g_assert_cmpint(denied->rule, ==, rule);
  g_assert_cmpuint(denied->port, ==, talk->port);
  g_array_set_size(told, 0);

  g_assert_cmpint(bt_packet_parse(talk->reply.bytes, talk->reply.size, &packet), ==,
                  BT_PACKET_TCP);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST);
  g_assert_cmpuint(packet.tcp.sequence, ==, talk->server_next);
  const Frame *reset = &talk->gate.passed;
  g_assert_cmpint(bt_packet_parse(reset->bytes, reset->size, &packet), ==, BT_PACKET_TCP);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST | BT_TCP_ACK);
  g_assert_cmpuint(packet.tcp.payload_size, ==, 0);
  g_assert_cmpuint(packet.tcp.sequence, ==, talk->start + talk->stream->len);
  Frame again = *reset;
  frame_finish(&again);
  g_assert_cmpmem(again.bytes, again.size, reset->bytes, reset->size);
  g_assert_cmpuint(bt_flows_count(talk->gate.flows), ==, 0);
  g_assert_cmpint(put(talk, talk->stream->len, "x", 1), ==, BT_GATE_REPLY);
  g_assert_cmpuint(told->len, ==, 0);
}

static const gsize pieces[] = { 1400, 100, 7, 1 };

static void
test_tls(void)
{
  static const struct {
    guint32 rule; /* pinned */
    const char *name;
    BtNetReason reason; /* 0: passes */
    gint32 by;
  } cases[] = {
    { RULE_NAME, GRANTED, 0, 0 },
    { RULE_NAME, "Granted.Example", 0, 0 },
    { RULE_NAME, OTHER, BT_NET_REASON_NAME, BT_NET_RULE_DEFAULT },
    { RULE_NAME, "www." GRANTED, BT_NET_REASON_NAME, BT_NET_RULE_DEFAULT },
    { RULE_NAME, NULL, BT_NET_REASON_NO_NAME, RULE_NAME },
    { RULE_NAME, "a b", BT_NET_REASON_STREAM, RULE_NAME },
    { RULE_NAME, "a.wild.example", BT_NET_REASON_NAME, BT_NET_RULE_DEFAULT }, /* not pinned here */
    { RULE_WILD, "a.wild.example", 0, 0 },
    { RULE_WILD, "no.wild.example", BT_NET_REASON_NAME, RULE_NOT_WILD },
    { RULE_WILD, "wild.example", BT_NET_REASON_NAME, BT_NET_RULE_DEFAULT },
    { RULE_PLAIN, OTHER, 0, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS(pieces); j++) {
      g_autoptr(GByteArray) hello = make_hello(cases[i].name, 16384);
      Talk talk;
      g_test_message("%s by %zu", cases[i].name, pieces[j]);
      open_talk(&talk, 443, cases[i].rule);
      BtGateResult result = say(&talk, hello->data, hello->len, pieces[j]);
      if (cases[i].reason == 0) {
        g_assert_cmpint(result, ==, BT_GATE_PASS);
        g_assert_cmpmem(talk.stream->data, talk.stream->len, hello->data, hello->len);
        g_assert_cmpuint(talk.gate.told->len, ==, 0);
      } else {
        g_assert_cmpint(result, ==, BT_GATE_RESET);
        g_assert_cmpuint(talk.stream->len, <, hello->len);
        assert_refused(&talk, cases[i].reason,
                       cases[i].reason == BT_NET_REASON_NAME ? cases[i].name : "", cases[i].by);
      }
      close_talk(&talk);
    }
  }
}

/* ServerHello and HelloRetryRequest, as far as they are looked at. */
static void
server_hello(Talk *talk, gboolean retry)
{
  static const guint8 random[] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
  };
  g_autoptr(GByteArray) record = g_byte_array_new();
  guint8 message[80] = { 2, 0, 0, 76, 3, 3 };

  if (retry)
    memcpy(message + 6, random, sizeof random);
  put_record(record, 22, message, sizeof message);
  /* In pieces: a worker can ask for small segments. */
  answer(talk, record->data, 20);
  answer(talk, record->data + 20, record->len - 20);
}

static void
test_second_hello(void)
{
  g_autoptr(GByteArray) good = make_hello(GRANTED, 16384), bad = make_hello(OTHER, 16384);
  g_autoptr(GByteArray) early = g_byte_array_new(), both = g_byte_array_new();
  Talk talk;

  put_record(early, 23, "early data", 10);
  /* The server asks for another, and gets another name. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(say(&talk, good->data, good->len, 1400), ==, BT_GATE_PASS);
  g_assert_cmpint(say(&talk, early->data, early->len, 1400), ==, BT_GATE_PASS);
  server_hello(&talk, TRUE);
  g_assert_cmpint(say(&talk, bad->data, bad->len, 1400), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);
  close_talk(&talk);
  /* The same one. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(say(&talk, good->data, good->len, 1400), ==, BT_GATE_PASS);
  server_hello(&talk, TRUE);
  g_assert_cmpint(say(&talk, good->data, good->len, 1400), ==, BT_GATE_PASS);
  answer(&talk, "", 0);
  g_assert_cmpint(say(&talk, bad->data, bad->len, 1400), ==, BT_GATE_PASS); /* nobody reads it so */
  close_talk(&talk);
  /* Before anybody asked. */
  open_talk(&talk, 443, RULE_NAME);
  put_text(both, good->data, good->len);
  put_text(both, early->data, early->len);
  put_text(both, bad->data, bad->len);
  g_assert_cmpint(say(&talk, both->data, both->len, 1400), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);
  close_talk(&talk);
  /* No one is asked for: what follows is the server's alone. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(say(&talk, good->data, good->len, 1400), ==, BT_GATE_PASS);
  server_hello(&talk, FALSE);
  g_assert_cmpint(say(&talk, bad->data, bad->len, 1400), ==, BT_GATE_PASS);
  close_talk(&talk);
}

/* Every way to send a byte of the ClientHello twice, or before its time. */
static void
test_order(void)
{
  g_autoptr(GByteArray) good = make_hello(GRANTED, 16384), bad = make_hello(OTHER, 16384);
  guint32 half = 60, rest = good->len - half;
  Talk talk;

  open_talk(&talk, 443, RULE_NAME);
  /* Out of order: dropped until its turn. */
  g_assert_cmpint(put(&talk, half, bad->data + half, rest), ==, BT_GATE_DROP);
  g_assert_cmpint(put(&talk, 0, good->data, half), ==, BT_GATE_PASS);
  /* The same again, with other bytes: only an acknowledgement is asked for. */
  g_assert_cmpint(put_lost(&talk, 0, bad->data, half, 0), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY);
  g_assert_cmpuint(frame_get32(frame_payload(&talk.gate.passed) + 4), ==, talk.start);
  /* Overlapping: the new part alone passes. */
  g_assert_cmpint(put_lost(&talk, half - 20, good->data + half - 20, 30, 0), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY + 10);
  g_assert_cmpuint(frame_get32(frame_payload(&talk.gate.passed) + 4), ==, talk.start + half);
  receive(&talk);
  g_assert_cmpint(say(&talk, good->data + half + 10, rest - 10, 1400), ==, BT_GATE_PASS);
  g_assert_cmpmem(talk.stream->data, talk.stream->len, good->data, good->len);

  /* After the verdict, too, until libslirp has them. */
  g_assert_cmpint(put_lost(&talk, 0, bad->data, bad->len, 0), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY);
  g_assert_cmpuint(talk.gate.told->len, ==, 0);
  close_talk(&talk);
}

/* What passed may have been lost on the way: then its place stays empty. */
static void
test_not_received(void)
{
  g_autoptr(GByteArray) good = make_hello(GRANTED, 16384), bad = make_hello(OTHER, 16384);
  Talk talk;

  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(put_lost(&talk, 0, good->data, good->len, 0), ==, BT_GATE_PASS);
  g_assert_cmpint(put(&talk, 0, bad->data, bad->len), ==, BT_GATE_PASS);
  answer(&talk, "\x16\x03\x03\0\x50\2\0\0\x4c\3\3xxxx", 15); /* even if the server answered that */
  g_assert_cmpint(put(&talk, 0, bad->data, bad->len), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.stream->len, ==, 0);
  close_talk(&talk);
}

/* Where the stream begins is libslirp's word, and a new one begins anew. */
static void
test_beginnings(void)
{
  g_autoptr(GByteArray) good = make_hello(GRANTED, 16384), bad = make_hello(OTHER, 16384);
  Frame syn = frame_tcp(place, 443, 4000, BT_TCP_SYN, ISN - good->len, 0, "");
  Frame data_syn = frame_tcp(place, 443, 4000, BT_TCP_SYN, ISN, 0, "x");
  BtAddr pinned = addr(place);
  Talk talk;

  /* A second SYN before the answer to the first: bytes before the beginning are none. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(out(&talk.gate, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(put_lost(&talk, -good->len, good->data, good->len, 0), ==, BT_GATE_DROP);
  Frame first = frame_tcp(place, 443, 4000, BT_TCP_SYN, ISN, 0, "");
  g_assert_true(in(&talk.gate, frame_syn_ack(&first, SERVER_ISN)));
  g_assert_cmpint(put_lost(&talk, -good->len, good->data, good->len, 0), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY);
  g_assert_cmpint(say(&talk, bad->data, bad->len, 1400), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);
  close_talk(&talk);

  /* A released flow whose ports are used again: what libslirp begins is looked at. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(say(&talk, good->data, good->len, 1400), ==, BT_GATE_PASS);
  server_hello(&talk, FALSE);
  talk.start += good->len + 100;
  g_byte_array_set_size(talk.stream, 0);
  syn = frame_tcp(place, 443, 4000, BT_TCP_SYN, talk.start - 1, 0, "");
  g_assert_cmpint(out(&talk.gate, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(put(&talk, 0, bad->data, 10), ==, BT_GATE_DROP);
  g_assert_true(in(&talk.gate, frame_syn_ack(&syn, talk.server_next - 1)));
  g_assert_cmpint(say(&talk, bad->data, bad->len, 1400), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);

  /* No data with a SYN. */
  g_assert_true(bt_pins_add(talk.gate.pins, &pinned, RULE_NAME, T0));
  g_assert_cmpint(out(&talk.gate, data_syn), ==, BT_GATE_DROP);
  close_talk(&talk);
}

static void
test_ends(void)
{
  g_autoptr(GByteArray) hello = make_hello(GRANTED, 16384);
  Talk talk;

  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(put(&talk, 0, hello->data, 10), ==, BT_GATE_PASS);
  g_assert_cmpint(put_flags(&talk, 20, "", 0, BT_TCP_FIN), ==, BT_GATE_DROP);
  /* Urgent bytes are read at another place, or not at all. */
  g_assert_cmpint(put_lost(&talk, 10, hello->data + 10, 10, BT_TCP_URG), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_STREAM, "", RULE_NAME);
  close_talk(&talk);

  /* The end comes with bytes that were sent before. */
  open_talk(&talk, 443, RULE_NAME);
  g_assert_cmpint(put(&talk, 0, hello->data, 10), ==, BT_GATE_PASS);
  g_assert_cmpint(put_flags(&talk, 0, hello->data, 10, BT_TCP_FIN), ==, BT_GATE_PASS);
  g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY);
  g_assert_cmpuint(frame_get32(frame_payload(&talk.gate.passed) + 4), ==, talk.start + 10);
  g_assert_cmpuint(frame_payload(&talk.gate.passed)[13] & BT_TCP_FIN, ==, BT_TCP_FIN);
  close_talk(&talk);
}

static void
test_time(void)
{
  g_autoptr(GByteArray) hello = make_hello(GRANTED, 16384);
  Talk talk;

  /* Before its first byte a connection may wait. */
  open_talk(&talk, 443, RULE_NAME);
  talk.now += 3600 * SECOND;
  g_assert_cmpint(say(&talk, hello->data, 50, 1400), ==, BT_GATE_PASS);
  talk.now += 30 * SECOND;
  g_assert_cmpint(say(&talk, hello->data + 50, 10, 1400), ==, BT_GATE_PASS);
  talk.now += 1;
  g_assert_cmpint(say(&talk, hello->data + 60, 1, 1400), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_STREAM, "", RULE_NAME);
  close_talk(&talk);

  /* What is not known to be HTTP may wait, a body too, and between requests. */
  open_talk(&talk, 80, RULE_WILD);
  const char *const texts[] = {
    "POST / HT", "TP/1.1\r\nHost: a.wild.example\r\nTransfer-Encoding: chunked\r\n\r\n", "4",
    "\r\nbo", "dy\r\n0\r\n\r\n", "GET / HTTP/1.1\r\nHost: b.wild.example\r\n\r\n",
  };
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    talk.now += 3600 * SECOND;
    g_assert_cmpint(say_text(&talk, texts[i]), ==, BT_GATE_PASS);
  }
  g_assert_cmpint(say_text(&talk, "GET / HTTP/1.1\r\n"), ==, BT_GATE_PASS);
  talk.now += 31 * SECOND;
  g_assert_cmpint(say_text(&talk, "Host"), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_STREAM, "", RULE_WILD);
  close_talk(&talk);
}

#define REQUEST(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"

static void
test_http(void)
{
  static const struct {
    const char *text;
    BtNetReason reason;
    const char *name;
    gint32 by;
  } cases[] = {
    { REQUEST("a.wild.example"), 0, NULL, 0 },
    { REQUEST("a.wild.example") REQUEST("b.wild.example:80"), 0, NULL, 0 },
    { REQUEST("a.wild.example") REQUEST(OTHER), BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT },
    { REQUEST("a.wild.example") REQUEST("no.wild.example"), BT_NET_REASON_NAME, "no.wild.example",
      RULE_NOT_WILD },
    { REQUEST("203.0.113.5"), BT_NET_REASON_NAME, "203.0.113.5", BT_NET_RULE_DEFAULT },
    { "GET http://" OTHER "/ HTTP/1.1\r\nHost: a.wild.example\r\n\r\n", BT_NET_REASON_NAME, OTHER,
      BT_NET_RULE_DEFAULT },
    { "GET / HTTP/1.1\r\nA: b\r\n\r\n", BT_NET_REASON_NO_NAME, "", RULE_WILD },
    { "CONNECT a.wild.example:443 HTTP/1.1\r\n\r\n", BT_NET_REASON_TUNNEL, "", RULE_WILD },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BT_NET_REASON_TUNNEL, "", RULE_WILD },
    { "GET / HTTP/1.1\r\nHost: a.wild.example\r\nUpgrade: h2c\r\n\r\n", BT_NET_REASON_TUNNEL, "",
      RULE_WILD },
    { "GET / HTTP/1.1\r\nHost: a.wild.example\r\nHost: " OTHER "\r\n\r\n", BT_NET_REASON_STREAM,
      "", RULE_WILD },
    { "\xa0GET / HTTP/1.1\r\nHost: " OTHER "\r\n\r\n", BT_NET_REASON_STREAM, "", RULE_WILD },
    { "\x85\x1cGET / HTTP/1.1\r\nHost: " OTHER "\r\n\r\n", BT_NET_REASON_STREAM, "", RULE_WILD },
    { "\xa0\x01\x02 binary", 0, NULL, 0 },
    { "SSH-2.0-x\r\n" REQUEST(OTHER), 0, NULL, 0 },
    { "EHLO me\r\nSTARTTLS\r\n", 0, NULL, 0 },
    { "\x01\x02 anything", 0, NULL, 0 },
    { "\x01GET / HTTP/1.1\r\nHost: " OTHER "\r\n\r\n", BT_NET_REASON_STREAM, "", RULE_WILD },
    { "G@T / JUNK\r\nHost: " OTHER "\r\n\r\n", BT_NET_REASON_STREAM, "", RULE_WILD },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS(pieces); j++) {
      Talk talk;
      gsize size = strlen(cases[i].text);
      g_autofree char *shown = g_strescape(cases[i].text, NULL); /* meson's report is XML */
      g_test_message("%s", shown);
      open_talk(&talk, 80, RULE_WILD);
      BtGateResult result = say(&talk, cases[i].text, size, pieces[j]);
      if (cases[i].reason == 0) {
        g_assert_cmpint(result, ==, BT_GATE_PASS);
        g_assert_cmpmem(talk.stream->data, talk.stream->len, cases[i].text, size);
      } else {
        g_assert_cmpint(result, ==, BT_GATE_RESET);
        assert_refused(&talk, cases[i].reason, cases[i].name, cases[i].by);
      }
      close_talk(&talk);
    }
  }
}

/* SOCKS, and SMTP: what a server has answered is of its protocol. */
static void
test_answered(void)
{
  static const struct {
    const char *first, *second;
    gboolean passes;
  } cases[] = {
    { "\x05\x01\x02", "\x05\x01\x01\x03\x01y\x01PGET / HTTP/1.1\r\nHost: " OTHER "\r\n\r\n", TRUE },
    { "EHLO me\r\n", "Host: " OTHER "\r\n", TRUE },
    { "EHLO me", "\r\nHost: " OTHER "\r\n", FALSE },
    { "(GET / ", "HTTP/1.1\r\nHost: " OTHER "\r\n", FALSE },
    { "", "\x01GET / HTTP/1.1\r\nHost: " OTHER "\r\n", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Talk talk;
    g_test_message("case %zu", i);
    open_talk(&talk, 80, RULE_WILD);
    g_assert_cmpint(say_text(&talk, cases[i].first), ==, BT_GATE_PASS);
    answer(&talk, "\x05\x02", 2);
    g_assert_cmpint(say_text(&talk, cases[i].second), ==,
                    cases[i].passes ? BT_GATE_PASS : BT_GATE_RESET);
    close_talk(&talk);
  }
}

#define SOCKET_REQUEST                                                                           \
  "GET / HTTP/1.1\r\nHost: a.wild.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static void
test_upgrade(void)
{
  Talk talk;

  open_talk(&talk, 80, RULE_WILD);
  g_assert_cmpint(say_text(&talk, SOCKET_REQUEST), ==, BT_GATE_PASS);
  g_assert_cmpint(say_text(&talk, "\x81\x02hi"), ==, BT_GATE_DROP); /* not before the answer */
  answer(&talk, "HTTP/1.1 10", 11);
  answer(&talk, "1 Switching Protocols\r\n\r\n", 25);
  g_assert_cmpint(say_text(&talk, "\x81\x02hi"), ==, BT_GATE_PASS);
  close_talk(&talk);

  /* The server did not switch: requests go on. */
  open_talk(&talk, 80, RULE_WILD);
  g_assert_cmpint(say_text(&talk, SOCKET_REQUEST), ==, BT_GATE_PASS);
  g_assert_cmpint(say_text(&talk, REQUEST(OTHER)), ==, BT_GATE_DROP);
  answer(&talk, "HTTP/1.1 200 OK\r\n", 17);
  g_assert_cmpint(say_text(&talk, REQUEST(OTHER)), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);
  close_talk(&talk);

  /* An answer to an earlier request is none to this. */
  open_talk(&talk, 80, RULE_WILD);
  g_assert_cmpint(say_text(&talk, REQUEST("a.wild.example") SOCKET_REQUEST), ==, BT_GATE_PASS);
  answer(&talk, "HTTP/1.1 101 Switching\r\n", 24);
  g_assert_cmpint(say_text(&talk, REQUEST(OTHER)), ==, BT_GATE_RESET);
  close_talk(&talk);
}

/* A body may be sent again, and what is behind a long one is still a request. */
static void
test_body(void)
{
  g_autofree char *body = g_strnfill(1400, 'b');
  Talk talk;

  open_talk(&talk, 80, RULE_WILD);
  g_assert_cmpint(say_text(&talk, "POST / HTTP/1.1\r\nHost: a.wild.example\r\n"
                                  "Content-Length: 1400000\r\n\r\n"),
                  ==, BT_GATE_PASS);
  guint32 head = talk.stream->len;
  for (guint i = 0; i < 1000; i++) {
    guint32 before = talk.stream->len;
    if (i == 500) {
      g_assert_cmpint(put_lost(&talk, before, body, 1400, 0), ==, BT_GATE_PASS);
      g_assert_cmpuint(talk.gate.passed.size, ==, EMPTY + 1400);
    }
    g_assert_cmpint(say_text(&talk, body), ==, BT_GATE_PASS);
    g_assert_cmpuint(talk.stream->len, ==, before + 1400);
  }
  g_assert_cmpuint(talk.stream->len, ==, head + 1400000);
  g_assert_cmpint(say_text(&talk, REQUEST(OTHER)), ==, BT_GATE_RESET);
  assert_refused(&talk, BT_NET_REASON_NAME, OTHER, BT_NET_RULE_DEFAULT);
  close_talk(&talk);
}

static void
test_not_looked_at(void)
{
  g_autoptr(GByteArray) bad = make_hello(OTHER, 16384);
  Frame syn = frame_tcp("192.0.2.1", 443, 4000, BT_TCP_SYN, 1, 0, "");
  Frame data = frame_tcp_bytes("192.0.2.1", 443, 4000, BT_TCP_ACK, 2, 1, bad->data, bad->len);
  Fixture fixture, *f = &fixture;
  BtAddr pinned = addr("192.0.2.1");

  /* An address rule opens it whatever is pinned. */
  memset(f, 0, sizeof *f);
  set_up(f, NULL);
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_NAME, T0));
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_WILD, T0));
  g_assert_cmpint(out(f, syn), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, data), ==, BT_GATE_PASS);
  g_assert_cmpuint(f->told->len, ==, 0);
  tear_down(f, NULL);
}

static void
test_quic(void)
{
  Fixture fixture, *f = &fixture;
  BtAddr pinned = addr(place);

  memset(f, 0, sizeof *f);
  set_up(f, NULL);
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_WILD, T0));
  g_assert_cmpint(out(f, frame_udp(place, 443, 4000, "x")), ==, BT_GATE_REPLY);
  g_assert_cmpint(out(f, frame_udp(place, 443, 4001, "x")), ==, BT_GATE_REPLY);
  assert_told(f, BT_NET_REASON_QUIC);
  g_assert_cmpint(out(f, frame_udp(place, 123, 4000, "x")), ==, BT_GATE_PASS);
  g_assert_true(bt_pins_add(f->pins, &pinned, RULE_PLAIN, T0));
  g_assert_cmpint(out(f, frame_udp(place, 443, 4000, "x")), ==, BT_GATE_PASS);
  g_assert_cmpint(out(f, frame_udp("198.51.100.1", 443, 4000, "x")), ==, BT_GATE_PASS);
  tear_down(f, NULL);
}

/* ---- whatever a worker sends, the far side never reads the other name ---- */

static void
assert_only_granted(const GByteArray *stream, gboolean tls)
{
  BtClientHello hello;
  BtHttpHead http;

  bt_client_hello_init(&hello);
  bt_http_head_init(&http);
  for (gsize at = 0, used = 0; at < stream->len; at += used) {
    const guint8 *bytes = stream->data + at;
    gsize size = stream->len - at;
    if (tls) {
      if (bt_client_hello_feed(&hello, bytes, size, &used) != BT_HELLO_NAME)
        return;
      g_assert_true(bt_host_name_matches(hello.name, "wild.example", true));
      return;
    }
    BtHttpResult result = bt_http_head_feed(&http, bytes, size, &used);
    if (result == BT_HTTP_NAME)
      g_assert_true(bt_host_name_matches(http.name, "wild.example", true));
    else if (result != BT_HTTP_MORE && result != BT_HTTP_END)
      return;
  }
}

/* Segments from two streams, anywhere, again, lost, acknowledged late. Returns what was read. */
static guint
attack(const GByteArray *good, const GByteArray *bad, gboolean tls)
{
  Talk talk;

  open_talk(&talk, tls ? 443 : 80, RULE_WILD);
  for (guint i = 0; i < 200 && bt_flows_count(talk.gate.flows) > 0; i++) {
    gboolean in_order = g_test_rand_int_range(0, 3) > 0;
    guint32 at = in_order ? MIN(talk.stream->len, good->len - 1)
                          : (guint32)g_test_rand_int_range(0, (gint32)good->len);
    guint32 size = (guint32)g_test_rand_int_range(1, 40);
    const GByteArray *from = g_test_rand_int_range(0, 40) == 0 ? bad : good;
    gboolean lost = g_test_rand_int_range(0, 30) == 0;
    size = MIN(size, good->len - at);
    (lost ? put_lost : put_flags)(&talk, at, from->data + at, size,
                                  g_test_rand_int_range(0, 100) == 0 ? BT_TCP_FIN : 0);
    if (bt_flows_count(talk.gate.flows) > 0 && g_test_rand_bit())
      answer(&talk, "", 0);
    assert_only_granted(talk.stream, tls);
  }
  guint read = talk.stream->len;
  close_talk(&talk);
  return read;
}

static void
test_attacks(void)
{
  static const char good_text[] = REQUEST("a.wild.example") REQUEST("a.wild.example");
  static const char bad_text[] = REQUEST("xwild.examples") REQUEST("xwild.examples");
  g_autoptr(GByteArray) good_tls = make_hello("a.wild.example", 16384);
  g_autoptr(GByteArray) bad_tls = make_hello("xwild.examples", 16384);
  g_autoptr(GByteArray) good = g_byte_array_new(), bad = g_byte_array_new();
  guint whole = 0;

  put_text(good, good_text, sizeof good_text - 1);
  put_text(bad, bad_text, sizeof bad_text - 1);
  for (guint i = 0; i < 1000; i++) {
    whole += attack(good_tls, bad_tls, TRUE) == good_tls->len;
    whole += attack(good, bad, FALSE) == good->len;
  }
  g_assert_cmpuint(whole, >, 50); /* some got through to the end, all of it granted */
}

typedef struct {
  const char *name;
  void (*run)(void);
} Test;

static void
run_at(gconstpointer data)
{
  const Test *test = data;
  place = PLACE4;
  test->run();
  place = PLACE6;
  test->run();
}

int
main(int argc, char **argv)
{
  static const Test tests[] = {
    { "/inspect/tls", test_tls },
    { "/inspect/second-hello", test_second_hello },
    { "/inspect/order", test_order },
    { "/inspect/not-received", test_not_received },
    { "/inspect/beginnings", test_beginnings },
    { "/inspect/ends", test_ends },
    { "/inspect/time", test_time },
    { "/inspect/http", test_http },
    { "/inspect/answered", test_answered },
    { "/inspect/upgrade", test_upgrade },
    { "/inspect/body", test_body },
    { "/inspect/not-looked-at", test_not_looked_at },
    { "/inspect/quic", test_quic },
    { "/inspect/attacks", test_attacks },
  };

  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add_data_func(tests[i].name, &tests[i], run_at);
  return g_test_run();
}
