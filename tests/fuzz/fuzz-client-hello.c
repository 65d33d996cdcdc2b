/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* However a stream is cut, the same name is found at the same place. */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-client-hello.h"
#include "wire/bt-server-first.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  BtHelloResult result;
  size_t at;
  char name[BT_HOST_NAME_SIZE];
} Found;

static Found
look(const uint8_t *data, size_t size, size_t piece, bool next)
{
  Found found = { BT_HELLO_MORE, 0, "" };
  BtClientHello hello;

  bt_client_hello_init(&hello);
  if (next)
    bt_client_hello_next(&hello);
  while (found.at < size && found.result == BT_HELLO_MORE) {
    size_t left = size - found.at < piece ? size - found.at : piece;
    size_t used = bt_client_hello_skip(&hello, left);
    if (used == 0)
      found.result = bt_client_hello_feed(&hello, data + found.at, left, &used);
    if (used == 0 || used > left)
      abort();
    found.at += used;
  }
  if (found.result == BT_HELLO_NAME) {
    if (!bt_host_name_is_valid(hello.name))
      abort();
    strcpy(found.name, hello.name);
  }
  return found;
}

static BtServerResult
look_at_server(const uint8_t *data, size_t size, size_t piece, bool tls)
{
  BtServerResult result = BT_SERVER_MORE;
  BtServerFirst first;

  bt_server_first_init(&first, tls);
  for (size_t at = 0; at < size && result == BT_SERVER_MORE; at += piece)
    result = bt_server_first_feed(&first, data + at, size - at < piece ? size - at : piece);
  return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const size_t pieces[] = { 1, 2, 3, 5, 6, 64 };

  for (int next = 0; next < 2; next++) {
    Found whole = look(data, size, size, next);
    for (size_t i = 0; size > 0 && i < sizeof pieces / sizeof pieces[0]; i++) {
      Found found = look(data, size, pieces[i], next);
      if (found.result != whole.result || found.at != whole.at ||
          strcmp(found.name, whole.name) != 0)
        abort();
    }
    if (look_at_server(data, size, size + 1, next) != look_at_server(data, size, 1, next))
      abort();
  }
  return 0;
}
