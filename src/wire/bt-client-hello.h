/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The name that a TLS client asks for: the record layer and the ClientHello
 * in it, read as a stream. Nothing is kept but the name, so that it may come
 * byte by byte or over many records; the result is the same however it is cut.
 *
 * What a server could take for a ClientHello in another way is refused: an
 * alert or another record before it or between its parts, an empty record, a
 * second name, a name in two extensions, bytes behind it in its record, and
 * SSL 2's form of it, which OpenSSL still answers and which has no name.
 *
 * After the name further records are read by bt_client_hello_next(): a server
 * may ask for a second ClientHello (RFC 8446, 4.1.4) and take its name.
 */

#include "wire/bt-host-name.h"

#define BT_CLIENT_HELLO_MAX_SIZE (16u << 10) /* of its handshake message */

typedef enum {
  BT_HELLO_MORE = 0,  /* all bytes were read, or those up to the next to be skipped */
  BT_HELLO_NOT_TLS,   /* no server takes this for TLS */
  BT_HELLO_NAME,      /* it is whole, and asks for name */
  BT_HELLO_NO_NAME,   /* it is whole, or in SSL 2's form, and asks for none */
  BT_HELLO_MALFORMED,
  BT_HELLO_OVERSIZED,
} BtHelloResult;

typedef struct {
  char name[BT_HOST_NAME_SIZE];
  bool ech;  /* it has encrypted_client_hello: name is the outer one */
  bool next; /* not the first */
  bool has_name;
  uint8_t state;
  uint8_t header[6]; /* of the record, and a first byte behind it */
  uint8_t header_size; /* bytes there; of an odd version they are kept until that byte has told */
  uint16_t record_left; /* of the handshake record being read */
  uint32_t message_left;
  uint32_t value; /* the integer being read */
  uint16_t need;  /* bytes of the field being read that are still to come */
  uint16_t extension_size;
  uint16_t name_size;
  uint16_t skip;
} BtClientHello;

void bt_client_hello_init(BtClientHello *hello);
/* *used_out bytes were read. After a result but MORE only next() or init() may follow. */
BtHelloResult bt_client_hello_feed(BtClientHello *hello, const uint8_t *bytes, size_t size,
                                   size_t *used_out);
/* Goes on behind a whole ClientHello. */
void bt_client_hello_next(BtClientHello *hello);
/* Of size bytes the first that are to be passed over, not fed; what they are does not matter. */
size_t bt_client_hello_skip(BtClientHello *hello, size_t size);
