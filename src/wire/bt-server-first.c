/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-server-first.h"

#include <string.h>

enum {
  RECORD_ALERT = 21,
  RECORD_HANDSHAKE = 22,
  MESSAGE_SERVER_HELLO = 2,
};

#define HEADER_SIZE 5
#define RANDOM_AT 11 /* behind the record's header, type, length and version */
#define RANDOM_SIZE 32

void
bt_server_first_init(BtServerFirst *first, bool tls)
{
  memset(first, 0, sizeof *first);
  first->tls = tls;
}

/*
 * The first handshake message lies in one record: the least size of a record
 * that a client can ask for (RFC 8449) is 64 bytes.
 *
 * RFC 8446, 4.1.3: a ServerHello with this for its random is a HelloRetryRequest.
 */
static const uint8_t retry_random[RANDOM_SIZE] = {
  0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
  0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* A warning ("unrecognized_name") may come before it. */
static BtServerResult
read_tls(BtServerFirst *first, uint8_t byte)
{
  uint16_t at = first->at++;

  if (at == 0)
    first->type = byte;
  if (at == 3 || at == 4)
    first->length = (uint16_t)(first->length << 8 | byte);
  if (first->type == RECORD_ALERT) {
    if (at >= HEADER_SIZE - 1 && at + 1 >= HEADER_SIZE + first->length)
      bt_server_first_init(first, true);
    return BT_SERVER_MORE;
  }
  if (first->type != RECORD_HANDSHAKE || (at == HEADER_SIZE && byte != MESSAGE_SERVER_HELLO))
    return BT_SERVER_GOES_ON;
  if (at < RANDOM_AT)
    return BT_SERVER_MORE;
  if (byte != retry_random[at - RANDOM_AT])
    return BT_SERVER_GOES_ON;
  return at + 1 == RANDOM_AT + RANDOM_SIZE ? BT_SERVER_RETRIES : BT_SERVER_MORE;
}

/* "HTTP/1.1 101" */
static BtServerResult
read_http(BtServerFirst *first, uint8_t byte)
{
  static const char switching[] = "HTTP/1.1 101";

  if (byte != (uint8_t)switching[first->at++])
    return BT_SERVER_GOES_ON;
  return first->at == sizeof switching - 1 ? BT_SERVER_SWITCHES : BT_SERVER_MORE;
}

BtServerResult
bt_server_first_feed(BtServerFirst *first, const uint8_t *bytes, size_t size)
{
  BtServerResult result = BT_SERVER_MORE;

  for (size_t i = 0; i < size && result == BT_SERVER_MORE; i++)
    result = first->tls ? read_tls(first, bytes[i]) : read_http(first, bytes[i]);
  return result;
}
