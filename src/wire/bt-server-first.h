/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a server says first, as far as it decides what the client's next bytes
 * are: whether TLS asks for a second ClientHello, and whether an HTTP server
 * has switched to another protocol. Read as a stream.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  BT_SERVER_MORE = 0,
  BT_SERVER_GOES_ON,  /* TLS: the names are settled. HTTP: requests follow, as before */
  BT_SERVER_RETRIES,  /* TLS: it asks for a second ClientHello */
  BT_SERVER_SWITCHES, /* HTTP: 101, and what follows is no HTTP */
} BtServerResult;

typedef struct {
  bool tls;
  uint16_t at;     /* byte of the record or of the line */
  uint16_t length; /* of the record */
  uint8_t type;
} BtServerFirst;

void bt_server_first_init(BtServerFirst *first, bool tls);
BtServerResult bt_server_first_feed(BtServerFirst *first, const uint8_t *bytes, size_t size);
