/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The names that an HTTP/1 client asks for, of every request of a connection,
 * read as a stream; nothing is kept but the header in hand.
 *
 * Where servers are known to differ in what a request is, it is refused: a
 * second Host, Content-Length or Transfer-Encoding, or the two together; a
 * folded line, a space before the colon or more than one in the request line,
 * a line that ends by LF or CR alone, and control characters.
 *
 * The first line decides whether the stream is HTTP, whether it ends by LF or by
 * CR and LF. What has "HTTP/" in that line, in whatever form, begins as requests do
 * ("POST /", HTTP 0.9's "GET") or has several words and a Host in a line behind it,
 * is HTTP and is refused if it is not well-formed.
 */

#include "wire/bt-host-name.h"

#define BT_HTTP_HEAD_MAX_SIZE (64u << 10)

typedef enum {
  BT_HTTP_MORE = 0,  /* all bytes were read, or those up to the next to be skipped */
  BT_HTTP_NOT_HTTP,
  BT_HTTP_NAME,      /* a name that is asked for: name; go on behind it */
  BT_HTTP_END,       /* of a head: upgrade is of this request; go on behind it */
  BT_HTTP_NO_NAME,   /* a head without one, or with an address in brackets */
  BT_HTTP_TUNNEL,    /* CONNECT, HTTP/2, an upgrade to TLS: what comes next has other names */
  BT_HTTP_MALFORMED,
  BT_HTTP_OVERSIZED,
} BtHttpResult;

typedef struct {
  char name[BT_HOST_NAME_SIZE];
  bool upgrade;      /* at END: it asks for another protocol, such as WebSocket */
  bool known;        /* it is HTTP: the first request line was read */
  uint8_t state;
  uint8_t header;    /* which one is being read */
  uint8_t seen;      /* set of those that were */
  bool has_name, old, connects, upgrades; /* of this request; old: HTTP/1.0 */
  bool indented;     /* the first line begins with a blank */
  bool is_http;      /* the line being read has "HTTP/" in it */
  bool lines;        /* it has an LF without a CR in it, too */
  bool paths;        /* its first word is a method of HTTP's */
  bool odd;          /* it has a control character before or in its first word */
  bool several;      /* it has more words than one ... */
  bool several_to_lf; /* ... up to its first LF */
  bool after_cr, after_gap;
  uint8_t host;      /* of a line behind it: 1 + bytes of "host" that it begins with; 0: another */
  uint8_t ended;     /* bytes of an empty line, and the end of the one before, so far */
  uint8_t matched;   /* bytes of "HTTP/" at its end so far */
  uint8_t target;    /* behind what may be a method: 1 + bytes of "http:" so far; 0: no more */
  uint16_t text_size;
  char text[BT_HOST_NAME_SIZE + 8]; /* the method, target, header name or value in hand */
  uint32_t size;     /* of this head so far */
  uint64_t length;   /* of the body or chunk */
  uint64_t skip;
} BtHttpHead;

void bt_http_head_init(BtHttpHead *http);
/* *used_out bytes were read. Only after MORE, NAME and END may it be fed again. */
BtHttpResult bt_http_head_feed(BtHttpHead *http, const uint8_t *bytes, size_t size,
                               size_t *used_out);
/* Is it in a request's head, and known to be? */
bool bt_http_head_is_begun(const BtHttpHead *http);
/* Not known to be HTTP, and not likely: a server that says something now speaks another protocol. */
bool bt_http_head_is_unlikely(const BtHttpHead *http);
/* Of size bytes the first that are of a body: to be passed over, not fed. */
size_t bt_http_head_skip(BtHttpHead *http, size_t size);
