/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Segments of one flow, in any order and number, some of them lost: whatever
 * came, what the far side has received asks for no other name than "a.b", as long
 * as it has not answered to what is hardly HTTP.
 * Each record is a kind (a set of the bits below), a u16 of place in the
 * stream, a u8 of size, and its bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "net/bt-inspect.h"
#include "wire/bt-client-hello.h"
#include "wire/bt-http-head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  LOST = 1,
  FIN = 2,
  SERVER = 4, /* its bytes, and an acknowledgement */
  SYN = 8,    /* SERVER: its answer */
  URGENT = 16,
  LATER = 32, /* half a minute has passed */
};

#define ROOM 4096u

typedef struct {
  BtInspect *inspect;
  guint32 start, server_next;
  guint8 stream[ROOM];
  gsize received;
  gint64 now;
  gboolean ended, answered;
} Far;

static gboolean
is_granted(gpointer data, const char *name)
{
  return strcmp(name, "a.b") == 0;
}

static void
check_http(const Far *far, gboolean *unlikely_out)
{
  BtHttpHead http;

  *unlikely_out = FALSE;

  bt_http_head_init(&http);
  for (gsize at = 0, used; at < far->received; at += used) {
    used = bt_http_head_skip(&http, far->received - at);
    if (used > 0)
      continue;
    BtHttpResult result =
        bt_http_head_feed(&http, far->stream + at, far->received - at, &used);
    if (result == BT_HTTP_NAME && !is_granted(NULL, http.name))
      abort();
    /* A whole head that is not one passes nowhere; after an upgrade there are none. */
    if (result != BT_HTTP_NOT_HTTP && result > BT_HTTP_END)
      abort();
    if (result == BT_HTTP_NOT_HTTP || (result == BT_HTTP_END && http.upgrade))
      return;
  }
  *unlikely_out = bt_http_head_is_unlikely(&http);
}

/* *unlikely_out: it is hardly HTTP. */
static void
check_received(const Far *far, gboolean *unlikely_out)
{
  BtClientHello hello;
  gsize used;

  *unlikely_out = FALSE;
  if (far->received == 0 || far->answered)
    return;
  bt_client_hello_init(&hello);
  BtHelloResult result = bt_client_hello_feed(&hello, far->stream, far->received, &used);
  if (result == BT_HELLO_NAME && !is_granted(NULL, hello.name))
    abort();
  if (result > BT_HELLO_NAME)
    abort();
  if (result == BT_HELLO_NOT_TLS)
    check_http(far, unlikely_out);
}

static void
receive(Far *far, guint32 sequence, const guint8 *bytes, gsize size)
{
  gint32 old = (gint32)(far->start + (guint32)far->received - sequence);

  if (old < 0 || (gsize)old >= size)
    return;
  size = MIN(size - (gsize)old, ROOM - far->received);
  memcpy(far->stream + far->received, bytes + old, size);
  far->received += size;
}

static void
from_worker(Far *far, guint kind, guint16 place, const guint8 *bytes, guint8 size)
{
  BtTcp tcp = {
    .sequence = far->start + place,
    .payload_size = size,
    .flags = (guint8)(BT_TCP_ACK | (kind & FIN ? BT_TCP_FIN : 0) | (kind & URGENT ? BT_TCP_URG : 0)),
  };

  if ((kind & SYN) != 0)
    tcp.flags = BT_TCP_SYN;
  BtInspection found = bt_inspect_outbound(far->inspect, &tcp, bytes, far->now, is_granted, NULL);
  far->ended = found.result == BT_INSPECT_REFUSE;
  if (found.result == BT_INSPECT_CUT && (found.cut == 0 || found.cut > size))
    abort();
  if (found.result == BT_INSPECT_REFUSE || found.result == BT_INSPECT_DROP || (kind & LOST) != 0 ||
      (kind & SYN) != 0)
    return;
  receive(far, tcp.sequence + (guint32)found.cut, bytes + found.cut, size - found.cut);
}

static void
from_server(Far *far, guint kind, guint16 place, const guint8 *bytes, guint8 size)
{
  BtTcp tcp = { .sequence = far->server_next, .flags = BT_TCP_ACK };

  /* Its stream begins anew only where the worker's does. */
  if ((kind & SYN) != 0) {
    tcp.flags |= BT_TCP_SYN;
    far->start += far->received > 0 ? 1u + place : 0;
    far->received = 0;
    far->answered = FALSE;
    far->server_next++;
  } else {
    gboolean unlikely;
    check_received(far, &unlikely);
    far->answered |= unlikely && size > 0;
    tcp.payload_size = size;
    far->server_next += size;
  }
  tcp.acknowledgement = far->start + (guint32)far->received;
  bt_inspect_inbound(far->inspect, &tcp, bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(BtInspect) inspect = bt_inspect_new();
  gboolean unlikely;
  Far far = { .inspect = inspect, .start = 0xfffffff0, .now = G_USEC_PER_SEC };

  while (size >= 4 && !far.ended) {
    guint kind = data[0];
    guint16 place = (guint16)(data[1] << 8 | data[2]);
    guint8 length = (guint8)MIN(data[3], size - 4);
    ((kind & SERVER) != 0 ? from_server : from_worker)(&far, kind, place, data + 4, length);
    check_received(&far, &unlikely);
    if ((kind & LATER) != 0)
      far.now += BT_INSPECT_MAX_TIME / 2;
    data += 4 + length;
    size -= 4 + length;
  }
  return 0;
}
