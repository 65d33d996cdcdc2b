/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a flow's event says of its times: conversations through the gate, by a clock of their own. */
#include "gate-fixture.h"
#include "hello-builder.h"

#define FAR "198.51.100.1"
#define NO BT_NET_MSG_NO_TIME
#define MS ((gint64)1000)

typedef enum { END, SYN, SYN_ACK, RESET, OUT, AGAIN, LOST, IN } What;

/* A packet, so many milliseconds after the first. */
typedef struct {
  What what; /* AGAIN: OUT's bytes once more. LOST: OUT, but it does not come through */
  guint ms;
  const char *bytes;
  gsize size;
} Step;

typedef struct {
  const char *name;
  Step steps[12];
  BtNetMsgTimes times;
} Case;

#define TEXT(text) text, sizeof text - 1
#define RECORD(type) TEXT(type "\3\3\0\4abcd")
#define HELLO RECORD("\x16")
#define CHANGE RECORD("\x14")
#define DATA RECORD("\x17")

static const Case cases[] = {
  { "TLS 1.3",
    { { SYN, 0 }, { SYN_ACK, 30 }, { OUT, 31, HELLO }, { IN, 60, HELLO }, { OUT, 62, CHANGE },
      { OUT, 64, DATA }, { OUT, 65, DATA }, { IN, 100, DATA }, { IN, 200, DATA } },
    { 30, 31, 33, 36 } },
  { "TLS 1.2",
    { { SYN, 0 }, { SYN_ACK, 10 }, { OUT, 10, HELLO }, { IN, 20, HELLO }, { OUT, 25, HELLO },
      { OUT, 26, CHANGE }, { IN, 40, CHANGE }, { OUT, 45, DATA }, { IN, 70, DATA } },
    { 10, 10, 35, 25 } },
  { "TLS that the far end does not answer",
    { { SYN, 0 }, { SYN_ACK, 10 }, { OUT, 10, HELLO } },
    { 10, 10, NO, NO } },
  { "TLS that it refuses",
    { { SYN, 0 }, { SYN_ACK, 10 }, { OUT, 10, HELLO }, { IN, 20, RECORD("\x15") } },
    { 10, 10, NO, NO } },
  { "a hello that comes in two, and twice",
    { { SYN, 0 }, { SYN_ACK, 1 }, { OUT, 2, TEXT("\x16\3\1") }, { AGAIN, 3, TEXT("\x16\3\1") },
      { OUT, 4, TEXT("\0\1x") }, { OUT, 5, TEXT("\x17\3\3\0") }, { IN, 6, DATA },
      { OUT, 8, TEXT("\1x") }, { IN, 10, DATA } },
    { 1, 2, 6, 2 } },
  { "a part of a handshake that is not seen",
    { { SYN, 0 }, { SYN_ACK, 1 }, { OUT, 2, HELLO }, { LOST, 3, CHANGE }, { OUT, 4, DATA },
      { IN, 5, DATA } },
    { 1, 2, NO, NO } },
  { "what only begins as TLS",
    { { SYN, 0 }, { SYN_ACK, 1 }, { OUT, 2, HELLO }, { OUT, 3, TEXT("GET /") }, { IN, 4, DATA } },
    { 1, 2, NO, NO } },
  { "HTTP",
    { { SYN, 0 }, { SYN_ACK, 10 }, { OUT, 300, TEXT("GET / HTTP/1.1\r\n") }, { IN, 350, TEXT("x") },
      { OUT, 400, TEXT("x") }, { IN, 900, TEXT("x") } },
    { 10, 300, NO, 50 } },
  { "a far end that speaks first",
    { { SYN, 0 }, { SYN_ACK, 10 }, { IN, 20, TEXT("220 hello") }, { OUT, 30, TEXT("EHLO") },
      { IN, 45, TEXT("250") } },
    { 10, 30, NO, 15 } },
  { "a far end that speaks alone",
    { { SYN, 0 }, { SYN_ACK, 10 }, { IN, 20, TEXT("12:00") } },
    { 10, NO, NO, NO } },
  { "nobody there", { { SYN, 0 }, { RESET, 10 } }, { NO, NO, NO, NO } },
  { "nobody answers", { { SYN, 0 }, { SYN, 1000 } }, { NO, NO, NO, NO } },
  { "an answer that comes again",
    { { SYN, 0 }, { SYN_ACK, 10 }, { SYN_ACK, 20 }, { OUT, 30, TEXT("x") } },
    { 10, 30, NO, NO } },
};

/* ---- what is told ---- */

typedef struct {
  guint closed;
  BtNetMsgTimes times;
  guint64 number;
  guint duration;
} Told;

static void
on_flow(gpointer data, const BtFlow *flow, gboolean opened)
{
  Told *told = data;

  const BtNetMsgFlow message = bt_flows_describe(flow, opened);
  const guint8 *unused;
  BtNetMsg parsed;

  /* As the supervisor wants it. */
  g_assert_true(bt_net_msg_parse(&message, sizeof message, &parsed, &unused));
  told->number = message.number;
  told->times = message.times;
  told->duration = message.milliseconds;
  g_assert_cmpint(message.time, ==, T0 + (opened ? 0 : told->duration * MS));
  told->closed += !opened;
}

static void
end_all(Fixture *f)
{
  BtFlow *flow;

  while ((flow = bt_flows_peek(f->flows)) != NULL)
    bt_flows_remove(f->flows, flow, T0);
}

static void
assert_times(const BtNetMsgTimes *found, const BtNetMsgTimes *expected)
{
  g_assert_cmpuint(found->connect, ==, expected->connect);
  g_assert_cmpuint(found->sent, ==, expected->sent);
  g_assert_cmpuint(found->tls, ==, expected->tls);
  g_assert_cmpuint(found->first_byte, ==, expected->first_byte);
}

static void
take_step(Fixture *f, const Step *step, guint32 *next)
{
  gint64 now = T0 + step->ms * MS;
  Frame syn = frame_tcp(FAR, 443, 4000, BT_TCP_SYN, 999, 0, "");
  guint32 sequence = step->what == AGAIN ? *next - (guint32)step->size : *next;
  const char *bytes = step->bytes != NULL ? step->bytes : "";
  Frame sent = frame_tcp_bytes(FAR, 443, 4000, BT_TCP_ACK, sequence, 1, bytes, step->size);
  Frame got = frame_reply(&sent);

  switch (step->what) {
  case SYN:
    g_assert_cmpint(out_at(f, syn, now), ==, BT_GATE_PASS);
    return;
  case SYN_ACK:
    g_assert_true(in_at(f, frame_syn_ack(&syn, 0), now));
    return;
  case RESET:
    frame_payload(&got)[13] = BT_TCP_RST;
    g_assert_true(in_at(f, got, now));
    return;
  case OUT:
  case AGAIN:
    g_assert_cmpint(out_at(f, sent, now), ==, BT_GATE_PASS);
    break;
  case IN:
    g_assert_true(in_at(f, got, now));
    return;
  case LOST:
  case END:
    break;
  }
  *next = sequence + (guint32)step->size;
}

static void
converse(Fixture *f, const Case *told)
{
  guint32 next = 1000;

  for (const Step *step = told->steps; step->what != END; step++)
    take_step(f, step, &next);
}

static void
test_conversations(Fixture *f, gconstpointer data)
{
  Told told = { 0 };

  bt_flows_set_told_func(f->flows, on_flow, &told);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("%s", cases[i].name);
    converse(f, &cases[i]);
    end_all(f);
    g_assert_cmpuint(told.closed, ==, i + 1);
    g_assert_cmpuint(told.number, ==, i + 1);
    assert_times(&told.times, &cases[i].times);
  }
}

/* Once all is seen no packet is looked at any more. */
static void
test_awaited(Fixture *f, gconstpointer data)
{
  static const guint8 out = BT_FLOW_AWAITS_OUT, in = BT_FLOW_AWAITS_IN;
  static const guint8 expected[] = { out | in, out | in, out | in, out | in, out | in, in, in, 0, 0 };
  Told told = { 0 };
  guint32 next = 1000;

  bt_flows_set_told_func(f->flows, on_flow, &told);
  for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
    take_step(f, &cases[0].steps[i], &next);
    g_assert_cmpuint(bt_flows_peek(f->flows)->awaits, ==, expected[i]);
  }
  end_all(f);
}

/* Without anybody to tell nothing is kept, and nothing looked at. */
static void
test_untold(Fixture *f, gconstpointer data)
{
  guint32 next = 1000;

  for (const Step *step = cases[0].steps; step->what != END; step++) {
    take_step(f, step, &next);
    g_assert_null(bt_flows_peek(f->flows)->times);
    g_assert_cmpuint(bt_flows_peek(f->flows)->awaits, ==, 0);
  }
  end_all(f);
}

static void
test_datagrams(Fixture *f, gconstpointer data)
{
  const BtNetMsgTimes answered = { NO, 0, NO, 20 }, not_yet = { NO, 0, NO, NO };
  Frame udp = frame_udp(FAR, 123, 4000, "x"), echo = frame_icmp(FAR, BT_ICMP_ECHO, 7);
  Told told = { 0 };

  bt_flows_set_told_func(f->flows, on_flow, &told);
  for (guint i = 0; i < 2; i++) {
    Frame sent = i == 0 ? udp : echo;
    g_assert_cmpint(out_at(f, sent, T0), ==, BT_GATE_PASS);
    g_assert_cmpint(out_at(f, sent, T0 + 10 * MS), ==, BT_GATE_PASS);
    end_all(f);
    assert_times(&told.times, &not_yet);
    g_assert_cmpint(out_at(f, sent, T0), ==, BT_GATE_PASS);
    g_assert_true(in_at(f, frame_reply(&sent), T0 + 20 * MS));
    g_assert_true(in_at(f, frame_reply(&sent), T0 + 30 * MS));
    end_all(f);
    assert_times(&told.times, &answered);
    g_assert_cmpuint(told.duration, ==, 30);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                       \
  g_test_add("/flow-times/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("conversations", test_conversations);
  ADD("awaited", test_awaited);
  ADD("untold", test_untold);
  ADD("datagrams", test_datagrams);
  return g_test_run();
}
