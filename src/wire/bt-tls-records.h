/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * When a TLS client's handshake is over, as far as it is seen from outside: the headers of its
 * records, read as a stream from its first byte. Nothing is decrypted, and nothing decided by it:
 * a client may write what it likes here.
 *
 * The first record of application data is the sign in all versions. In TLS 1.3 the client's
 * Finished comes as one; in TLS 1.2 it is the first that the program itself sends. Data that is
 * sent ahead of the handshake (RFC 8446, 2.3) is taken for its end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a handshake; a client's certificates are the most of it. */
#define BT_TLS_RECORDS_MAX_SIZE (128u << 10)

typedef enum {
  BT_TLS_MORE = 0,
  BT_TLS_APPLICATION, /* the first record of application data begins */
  BT_TLS_NONE,        /* it is not TLS, from the first record on */
  BT_TLS_BROKEN,      /* what began as TLS did not go on as such, or is too long */
} BtTlsResult;

typedef struct {
  bool began;        /* a record was seen */
  uint8_t header[5]; /* of the record */
  uint8_t header_size;
  uint16_t left; /* of the record, to be passed over */
  uint32_t size; /* of the records so far */
} BtTlsRecords;

void bt_tls_records_init(BtTlsRecords *records);
/* After a result but MORE only init() may follow. */
BtTlsResult bt_tls_records_feed(BtTlsRecords *records, const uint8_t *bytes, size_t size);
