/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* However a stream is cut, its end comes out the same. */
#include <stdlib.h>

#include "wire/bt-tls-records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static BtTlsResult
look(const uint8_t *data, size_t size, size_t piece)
{
  BtTlsResult result = BT_TLS_MORE;
  BtTlsRecords records;

  bt_tls_records_init(&records);
  for (size_t at = 0; at < size && result == BT_TLS_MORE; at += piece) {
    result = bt_tls_records_feed(&records, data + at, size - at < piece ? size - at : piece);
    if (result == BT_TLS_MORE && (records.header_size >= sizeof records.header ||
                                  records.size > BT_TLS_RECORDS_MAX_SIZE))
      abort();
  }
  return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const size_t pieces[] = { 1, 2, 3, 5, 6, 64 };
  BtTlsResult whole = look(data, size, size + 1);

  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
    if (look(data, size, pieces[i]) != whole)
      abort();
  return 0;
}
