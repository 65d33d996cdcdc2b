/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* However a stream is cut, the same names are found at the same places. */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-http-head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was found, as a sum over results, places and names. */
static uint64_t
look(const uint8_t *data, size_t size, size_t piece)
{
  uint64_t sum = 14695981039346656037u;
  BtHttpHead http;

  bt_http_head_init(&http);
  for (size_t at = 0; at < size;) {
    size_t left = size - at < piece ? size - at : piece;
    BtHttpResult result = BT_HTTP_MORE;
    size_t used = bt_http_head_skip(&http, left);
    if (used == 0)
      result = bt_http_head_feed(&http, data + at, left, &used);
    if (used == 0 || used > left)
      abort();
    at += used;
    if (result == BT_HTTP_MORE)
      continue;
    sum = (sum ^ result ^ at << 8) * 1099511628211u;
    if (result == BT_HTTP_NAME) {
      if (!bt_host_name_is_valid(http.name))
        abort();
      for (const char *p = http.name; *p != '\0'; p++)
        sum = (sum ^ (uint8_t)*p) * 1099511628211u;
    } else if (result != BT_HTTP_END) {
      break;
    }
  }
  return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const size_t pieces[] = { 1, 2, 3, 7, 64 };
  uint64_t whole = look(data, size, size);

  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
    if (look(data, size, pieces[i]) != whole)
      abort();
  return 0;
}
