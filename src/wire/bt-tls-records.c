/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-tls-records.h"

#include <string.h>

enum { /* record types */
  RECORD_CHANGE_CIPHER_SPEC = 20,
  RECORD_HANDSHAKE = 22,
  RECORD_APPLICATION_DATA = 23,
};

#define MAJOR_VERSION 3
/* With what encryption may add (RFC 5246, 6.2.3). */
#define MAX_RECORD_SIZE ((1u << 14) + 2048)

void
bt_tls_records_init(BtTlsRecords *records)
{
  memset(records, 0, sizeof *records);
}

/* The type or the version is enough to say no. */
static bool
may_be_header(const BtTlsRecords *records)
{
  const uint8_t *header = records->header;
  uint8_t first = records->began ? RECORD_CHANGE_CIPHER_SPEC : RECORD_HANDSHAKE;
  uint8_t last = records->began ? RECORD_APPLICATION_DATA : RECORD_HANDSHAKE;

  return header[0] >= first && header[0] <= last &&
         (records->header_size < 2 || header[1] == MAJOR_VERSION);
}

/* A whole header. */
static BtTlsResult
begin_record(BtTlsRecords *records)
{
  records->left = (uint16_t)(records->header[3] << 8 | records->header[4]);
  records->header_size = 0;
  records->size += sizeof records->header + records->left;
  if (records->left > MAX_RECORD_SIZE || records->size > BT_TLS_RECORDS_MAX_SIZE)
    return records->began ? BT_TLS_BROKEN : BT_TLS_NONE;
  if (records->header[0] == RECORD_APPLICATION_DATA)
    return BT_TLS_APPLICATION;
  if (records->left == 0)
    return records->began ? BT_TLS_BROKEN : BT_TLS_NONE;
  records->began = true;
  return BT_TLS_MORE;
}

BtTlsResult
bt_tls_records_feed(BtTlsRecords *records, const uint8_t *bytes, size_t size)
{
  BtTlsResult result = BT_TLS_MORE;

  while (size > 0 && result == BT_TLS_MORE) {
    size_t passed = size < records->left ? size : records->left;
    records->left -= (uint16_t)passed;
    bytes += passed;
    size -= passed;
    if (size == 0)
      break;
    records->header[records->header_size++] = *bytes++;
    size--;
    if (!may_be_header(records))
      result = records->began ? BT_TLS_BROKEN : BT_TLS_NONE;
    else if (records->header_size == sizeof records->header)
      result = begin_record(records);
  }
  return result;
}
