/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a client's handshake ends: whole, byte by byte, and of what is no TLS. */
#include <glib.h>

#include "hello-builder.h"
#include "wire/bt-tls-records.h"

/* From an exact allocation, so that ASan sees a read past the end. */
static BtTlsResult
feed(BtTlsRecords *records, const guint8 *bytes, gsize size)
{
  g_autofree guint8 *copy = g_memdup2(bytes, size);
  return bt_tls_records_feed(records, copy, size);
}

/* However it is cut, the result and the byte that brought it are the same. */
static BtTlsResult
read_stream(const GByteArray *stream, gsize *at_out)
{
  BtTlsRecords records;
  BtTlsResult result = BT_TLS_MORE;

  bt_tls_records_init(&records);
  for (*at_out = 0; *at_out < stream->len && result == BT_TLS_MORE; (*at_out)++)
    result = feed(&records, stream->data + *at_out, 1);
  for (gsize piece = 2; piece <= stream->len; piece += piece > 40 ? piece / 2 : 1) {
    BtTlsResult found = BT_TLS_MORE;
    gsize at = 0;
    bt_tls_records_init(&records);
    for (; at < stream->len && found == BT_TLS_MORE; at += piece)
      found = feed(&records, stream->data + at, MIN(piece, stream->len - at));
    g_assert_cmpint(found, ==, result);
    g_assert_cmpuint((*at_out + piece - 1) / piece * piece, ==, at);
  }
  return result;
}

typedef struct {
  const char *name;
  guint8 types[6]; /* of records; 0 ends them */
  BtTlsResult result;
} Case;

/* Each record has ten bytes. */
static void
test_records(void)
{
  static const Case cases[] = {
    { "hello alone", { 22 }, BT_TLS_MORE },
    { "TLS 1.3", { 22, 20, 23 }, BT_TLS_APPLICATION },
    { "TLS 1.3, asked again", { 22, 20, 22, 23 }, BT_TLS_APPLICATION },
    { "TLS 1.3, not in disguise", { 22, 23 }, BT_TLS_APPLICATION },
    { "TLS 1.2", { 22, 22, 20, 22, 23 }, BT_TLS_APPLICATION },
    { "TLS 1.2 up to its end", { 22, 22, 20, 22 }, BT_TLS_MORE },
    { "refused", { 22, 21 }, BT_TLS_MORE },
    { "no hello", { 23 }, BT_TLS_NONE },
    { "an alert first", { 21, 22 }, BT_TLS_NONE },
    { "another type first", { 24 }, BT_TLS_NONE },
    { "another type", { 22, 24 }, BT_TLS_BROKEN },
    { "another type below", { 22, 19 }, BT_TLS_BROKEN },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) stream = g_byte_array_new();
    gsize at;
    g_test_message("%s", cases[i].name);
    for (gsize j = 0; cases[i].types[j] != 0; j++)
      put_record(stream, cases[i].types[j], "0123456789", 10);
    g_assert_cmpint(read_stream(stream, &at), ==, cases[i].result);
    /* By the first byte of a record of another type, by the last of the header that ends it. */
    if (cases[i].result == BT_TLS_APPLICATION)
      g_assert_cmpuint(at, ==, stream->len - 10);
    else if (cases[i].result == BT_TLS_BROKEN)
      g_assert_cmpuint(at, ==, 16);
    else if (cases[i].result == BT_TLS_NONE)
      g_assert_cmpuint(at, ==, 1);
  }
}

static void
test_plain(void)
{
  static const struct {
    const char *name, *bytes;
    gsize size;
    BtTlsResult result;
  } cases[] = {
    { "HTTP", "GET / HTTP/1.1\r\n", 16, BT_TLS_NONE },
    { "SSH", "SSH-2.0-x\r\n", 11, BT_TLS_NONE },
    { "SSL 2", "\x80\x2e\x01\x03\x01", 5, BT_TLS_NONE },
    { "a byte like TLS", "\x16", 1, BT_TLS_MORE },
    { "another version", "\x16\x02", 2, BT_TLS_NONE },
    { "a header", "\x16\x03\x01\x00\x05", 5, BT_TLS_MORE },
    { "nothing in it", "\x16\x03\x01\x00\x00", 5, BT_TLS_NONE },
    { "too much in it", "\x16\x03\x01\x48\x01", 5, BT_TLS_NONE },
    { "as much as may be", "\x16\x03\x01\x48\x00", 5, BT_TLS_MORE },
    { "then HTTP", "\x16\x03\x01\x00\x01\x01GET", 9, BT_TLS_BROKEN },
    { "then nothing", "\x16\x03\x01\x00\x01\x01\x14\x03\x03\x00\x00", 11, BT_TLS_BROKEN },
    { "then empty data", "\x16\x03\x01\x00\x01\x01\x17\x03\x03\x00\x00", 11, BT_TLS_APPLICATION },
    { "then too much", "\x16\x03\x01\x00\x01\x01\x17\x03\x03\xff\xff", 11, BT_TLS_BROKEN },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GByteArray) stream = g_byte_array_new();
    gsize at;
    g_test_message("%s", cases[i].name);
    put_text(stream, cases[i].bytes, cases[i].size);
    g_assert_cmpint(read_stream(stream, &at), ==, cases[i].result);
  }
}

/* Who shakes hands for ever is not followed for ever. */
static void
test_endless(void)
{
  static const guint8 room[1 << 14];
  g_autoptr(GByteArray) record = g_byte_array_new();
  BtTlsRecords records;
  guint n = 1;

  put_record(record, 22, room, sizeof room);
  bt_tls_records_init(&records);
  while (feed(&records, record->data, record->len) == BT_TLS_MORE)
    g_assert_cmpuint(++n, <, 20);
  g_assert_cmpuint(n, ==, BT_TLS_RECORDS_MAX_SIZE / sizeof room);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/tls-records/records", test_records);
  g_test_add_func("/tls-records/plain", test_plain);
  g_test_add_func("/tls-records/endless", test_endless);
  return g_test_run();
}
