/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The name holds on the wire.
 *
 * A rule for a name opens addresses, and many names share one. So the first
 * bytes of a flow that only a name rule opened are looked at, and if they are
 * TLS or HTTP/1 they must ask for a name that is granted at this address and
 * port: the ClientHello's server name, the Host and URI of every request.
 * Other protocols (SSH, SMTP with its STARTTLS, PostgreSQL, whatever is not
 * TLS or HTTP at its first line) stay held by address alone.
 *
 *   WAITING  for libslirp's SYN-ACK. It says where the stream begins, not the
 *            worker's SYN: there can be two. No payload passes.
 *   FIRST    the first byte is not there yet; it tells TLS from HTTP
 *   TLS      a ClientHello; behind it, until the server has answered, a second
 *            one, since a server may ask for it and take its name instead
 *   HTTP     heads are looked at, bodies passed over
 *   HELD     the first request asks for another protocol (WebSocket): nothing
 *            passes until the server has said 101, or not
 *   FINISHED nothing more is to be looked at, but not all that was is received
 *   RELEASED as a flow without all this
 *
 * What libslirp receives must be what was looked at, in whatever order, how
 * often and with what contents segments come:
 *
 *   - a byte is looked at when it is the next in order; what is ahead of it is
 *     dropped, and TCP sends it again;
 *   - the segment whose byte decides against the flow does not pass;
 *   - a byte that was looked at passes once. Later copies, which may differ,
 *     are cut off; what is left of the segment makes libslirp acknowledge
 *     again, so that nobody waits. A first copy may not have been received (a
 *     wrong checksum): a flow is RELEASED when libslirp has acknowledged all
 *     that was looked at, and not before;
 *   - urgent data, which a server may read at another place, is refused.
 *
 * Bytes of a body mean nothing and may come again. Nothing is stored but the
 * parsers' own few hundred bytes a flow. Bytes before the verdict do pass:
 * they are no request yet. So a slow one does no harm, and is ended only so
 * that it does not stay for ever.
 *
 * The server's side is read for three things, and ours to trust: libslirp makes
 * these segments, and in order. The third is that it speaks at all: where the
 * worker's first line is hardly HTTP's, that tells of another protocol.
 */
#include "net/bt-inspect.h"

#include <string.h>

#include "wire/bt-client-hello.h"
#include "wire/bt-http-head.h"
#include "wire/bt-server-first.h"

typedef enum {
  WAITING,
  FIRST,
  TLS,
  HTTP,
  HELD,
  FINISHED,
  RELEASED,
} State;

struct _BtInspect {
  State state;
  gboolean listening;   /* to the server's first bytes */
  gboolean retried;     /* the server asked for a second ClientHello */
  gboolean requested;   /* a first HTTP request is over */
  guint32 start;        /* of the stream; all of these are sequence numbers */
  guint32 next;         /* to be looked at or passed over next */
  guint32 low;          /* what is before it passes no more */
  guint32 server_next;
  gint64 begun;         /* the head in hand; 0: none */
  BtServerFirst server;
  union {
    BtClientHello hello;
    BtHttpHead http;
  };
};

/* Where a segment is being read. */
typedef struct {
  BtInspect *self;
  guint32 next, low; /* those of self, if the segment passes */
  gint64 now;
  BtInspectJudgeFunc judge;
  gpointer data;
  BtInspection *found;
} Reading;

/* Distances of sequence numbers count up to half of all. */
#define MAX_DISTANCE (1 << 30)

BtInspect *
bt_inspect_new(void)
{
  return g_new0(BtInspect, 1);
}

void
bt_inspect_free(BtInspect *self)
{
  g_free(self);
}

static gint32
distance(guint32 from, guint32 to)
{
  return (gint32)(to - from);
}

static gboolean
refuse(Reading *reading, BtNetReason reason, const char *name)
{
  reading->found->result = BT_INSPECT_REFUSE;
  reading->found->reason = reason;
  reading->found->name = name;
  return FALSE;
}

static gboolean
judge(Reading *reading, const char *name)
{
  return reading->judge(reading->data, name) || refuse(reading, BT_NET_REASON_NAME, name);
}

/* ---- TLS ---- */

/* A whole ClientHello with a name that may be. */
static void
go_on_behind_hello(BtInspect *self)
{
  if (self->retried) {
    self->state = FINISHED;
    return;
  }
  if (!self->listening)
    bt_server_first_init(&self->server, true);
  self->listening = TRUE;
  bt_client_hello_next(&self->hello);
}

static gboolean read_head(Reading *reading, const guint8 *bytes, gsize size, gsize *used_out);

/*
 * What was not TLS may be HTTP yet, behind what a server passes over: the few
 * bytes that told are read again.
 */
static gboolean
read_again(Reading *reading)
{
  BtInspect *self = reading->self;
  guint8 header[sizeof self->hello.header];
  gsize used, size = self->hello.header_size;

  memcpy(header, self->hello.header, sizeof header);
  self->state = HTTP;
  bt_http_head_init(&self->http);
  return read_head(reading, header, size, &used);
}

static gboolean
read_hello(Reading *reading, const guint8 *bytes, gsize size, gsize *used_out)
{
  BtInspect *self = reading->self;

  switch (bt_client_hello_feed(&self->hello, bytes, size, used_out)) {
  case BT_HELLO_MORE:
    return TRUE;
  case BT_HELLO_NOT_TLS:
    return read_again(reading);
  case BT_HELLO_NAME:
    if (!judge(reading, self->hello.name))
      return FALSE;
    go_on_behind_hello(self);
    return TRUE;
  case BT_HELLO_NO_NAME:
    return refuse(reading, BT_NET_REASON_NO_NAME, NULL);
  case BT_HELLO_MALFORMED:
  case BT_HELLO_OVERSIZED:
    break;
  }
  return refuse(reading, BT_NET_REASON_STREAM, NULL);
}

/* ---- HTTP ---- */

/*
 * Only of the first request the answer is known to be its own. To another's
 * upgrade HTTP goes on: what the server then switches to is malformed.
 */
static void
go_on_behind_head(BtInspect *self)
{
  if (self->http.upgrade && !self->requested) {
    bt_server_first_init(&self->server, false);
    self->listening = TRUE;
    self->state = HELD;
  }
  self->requested = TRUE;
  self->begun = 0;
}

static gboolean
read_head(Reading *reading, const guint8 *bytes, gsize size, gsize *used_out)
{
  BtInspect *self = reading->self;

  switch (bt_http_head_feed(&self->http, bytes, size, used_out)) {
  case BT_HTTP_MORE:
    return TRUE;
  case BT_HTTP_NOT_HTTP:
    self->state = FINISHED;
    return TRUE;
  case BT_HTTP_NAME:
    return judge(reading, self->http.name);
  case BT_HTTP_END:
    go_on_behind_head(self);
    return TRUE;
  case BT_HTTP_NO_NAME:
    return refuse(reading, BT_NET_REASON_NO_NAME, NULL);
  case BT_HTTP_TUNNEL:
    return refuse(reading, BT_NET_REASON_TUNNEL, NULL);
  case BT_HTTP_MALFORMED:
  case BT_HTTP_OVERSIZED:
    break;
  }
  return refuse(reading, BT_NET_REASON_STREAM, NULL);
}

/* ---- the worker's stream ---- */

/* What TLS and its old form begin with, no method of HTTP does. */
static void
choose(BtInspect *self, guint8 first)
{
  if (first >= 0x80 || (first >= 0x14 && first <= 0x17)) {
    self->state = TLS;
    bt_client_hello_init(&self->hello);
  } else {
    self->state = HTTP;
    bt_http_head_init(&self->http);
  }
}

/* What is not known to be TLS or HTTP may take its time. */
static gboolean
is_in_time(BtInspect *self, gint64 now)
{
  gboolean counts = self->state == TLS ? !self->hello.next
                    : self->state == HTTP && bt_http_head_is_begun(&self->http);

  if (!counts)
    self->begun = 0;
  else if (self->begun == 0)
    self->begun = now;
  return !counts || now - self->begun <= BT_INSPECT_MAX_TIME;
}

static gsize
pass_over(BtInspect *self, gsize size)
{
  return self->state == TLS                           ? bt_client_hello_skip(&self->hello, size)
         : self->state == HTTP || self->state == HELD ? bt_http_head_skip(&self->http, size)
                                                      : 0;
}

/* New bytes, in order. FALSE: the segment does not pass. */
static gboolean
read_bytes(Reading *reading, const guint8 *bytes, gsize size)
{
  BtInspect *self = reading->self;

  while (size > 0 && self->state != FINISHED) {
    gsize used = pass_over(self, size);
    if (used == 0) {
      if (self->state == HELD)
        return refuse(reading, BT_NET_REASON_STREAM, NULL);
      if (self->state == FIRST)
        choose(self, bytes[0]);
      if (!(self->state == TLS ? read_hello : read_head)(reading, bytes, size, &used))
        return FALSE;
      reading->low = reading->next + (guint32)used;
    }
    reading->next += (guint32)used;
    bytes += used;
    size -= used;
  }
  reading->next += (guint32)size;
  return is_in_time(self, reading->now) || refuse(reading, BT_NET_REASON_STREAM, NULL);
}

static void
keep_low_near(BtInspect *self)
{
  if (distance(self->low, self->next) > MAX_DISTANCE)
    self->low = self->next - MAX_DISTANCE;
}

/* A segment with payload or FIN, while the stream is being read. */
static void
read_segment(Reading *reading, const BtTcp *tcp, const guint8 *payload)
{
  BtInspect *self = reading->self;
  BtInspection *found = reading->found;
  gsize size = tcp->payload_size;
  gint32 old = distance(tcp->sequence, self->low);
  guint32 end = tcp->sequence + (guint32)size;

  found->cut = old > 0 ? MIN((gsize)old, size) : 0;
  found->result = found->cut > 0 ? BT_INSPECT_CUT : BT_INSPECT_PASS;
  if (self->state == FINISHED)
    return;
  gint32 fresh = distance(self->next, end);
  gboolean ahead = distance(self->next, tcp->sequence) > 0;
  if (ahead || (fresh > 0 && self->state == HELD && self->http.skip == 0)) {
    found->result = BT_INSPECT_DROP;
    return;
  }
  if (fresh > 0 && !read_bytes(reading, payload + size - fresh, (gsize)fresh))
    return;
  self->next = reading->next;
  self->low = reading->low;
  keep_low_near(self);
  /* An end that is not at the end. */
  if ((tcp->flags & BT_TCP_FIN) != 0 && end != self->next)
    found->result = BT_INSPECT_DROP;
}

BtInspection
bt_inspect_outbound(BtInspect *self, const BtTcp *tcp, const guint8 *payload, gint64 now,
                    BtInspectJudgeFunc judge_func, gpointer data)
{
  BtInspection found = { .result = BT_INSPECT_PASS, .sequence = self->next };
  gboolean says = tcp->payload_size > 0 || (tcp->flags & BT_TCP_FIN) != 0;

  /* Whatever was: libslirp may have forgotten it, and take this for a beginning. */
  if ((tcp->flags & BT_TCP_SYN) != 0)
    self->state = WAITING;
  if (!says || self->state == RELEASED || (tcp->flags & BT_TCP_RST) != 0)
    return found;
  if (self->state == WAITING) {
    found.result = BT_INSPECT_DROP;
    return found;
  }
  Reading reading = {
    .self = self,
    .next = self->next,
    .low = self->low,
    .now = now,
    .judge = judge_func,
    .data = data,
    .found = &found,
  };
  if ((tcp->flags & BT_TCP_URG) != 0)
    refuse(&reading, BT_NET_REASON_STREAM, NULL);
  else
    read_segment(&reading, tcp, payload);
  return found;
}

/* ---- the server's ---- */

static void
start(BtInspect *self, const BtTcp *tcp)
{
  *self = (BtInspect){
    .state = FIRST,
    .start = tcp->acknowledgement,
    .next = tcp->acknowledgement,
    .low = tcp->acknowledgement,
    .server_next = tcp->sequence + 1,
  };
}

static void
listen_to(BtInspect *self, const guint8 *bytes, gsize size)
{
  switch (bt_server_first_feed(&self->server, bytes, size)) {
  case BT_SERVER_MORE:
    return;
  case BT_SERVER_GOES_ON:
    self->state = self->state == HELD ? HTTP : FINISHED;
    break;
  case BT_SERVER_RETRIES:
    self->retried = TRUE;
    break;
  case BT_SERVER_SWITCHES:
    self->state = FINISHED;
    break;
  }
  self->listening = FALSE;
}

void
bt_inspect_inbound(BtInspect *self, const BtTcp *tcp, const guint8 *payload)
{
  const guint begins = BT_TCP_SYN | BT_TCP_ACK;

  if ((tcp->flags & begins) == begins) {
    /* Not the same again: the stream is the same, too. */
    if (self->state == WAITING || self->start != tcp->acknowledgement)
      start(self, tcp);
    return;
  }
  if (self->state == WAITING || self->state == RELEASED)
    return;
  gint32 fresh = distance(self->server_next, tcp->sequence + tcp->payload_size);
  if (fresh > 0) {
    gsize size = MIN((gsize)fresh, tcp->payload_size);
    self->server_next = tcp->sequence + tcp->payload_size;
    if (self->listening)
      listen_to(self, payload + tcp->payload_size - size, size);
    /* A server of HTTP has nothing to say before the end of a head. */
    if (self->state == HTTP && bt_http_head_is_unlikely(&self->http))
      self->state = FINISHED;
  }
  if (self->state == FINISHED && (tcp->flags & BT_TCP_ACK) != 0 &&
      distance(self->low, tcp->acknowledgement) >= 0)
    self->state = RELEASED;
}

gboolean
bt_inspect_is_released(const BtInspect *self)
{
  return self->state == RELEASED;
}
