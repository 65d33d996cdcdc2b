/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The input is a text to parse and, if it is long enough, an address by its bytes. */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is shown can be read again and means the same. */
static void
check_round_trip(const BtAddr *addr)
{
  char text[BT_ADDR_TEXT_SIZE], again[BT_ADDR_TEXT_SIZE];
  BtAddr parsed;

  if (!bt_addr_parse(bt_addr_format(addr, text), &parsed) || !bt_addr_equal(addr, &parsed) ||
      strcmp(bt_addr_format(&parsed, again), text) != 0 ||
      bt_addr_classify(addr) != bt_addr_classify(&parsed) || !bt_addr_in(addr, &parsed, 128))
    abort();
  if (bt_addr_is_ipv4(addr)) {
    BtAddr ipv4 = bt_addr_from_ipv4(bt_addr_get_ipv4(addr));
    if (!bt_addr_equal(addr, &ipv4))
      abort();
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtAddr addr;
  char text[128];

  if (size >= sizeof addr) {
    memcpy(&addr, data, sizeof addr);
    check_round_trip(&addr);
  }
  if (size >= sizeof text)
    return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  if (!bt_addr_parse(text, &addr))
    return 0;
  if (strpbrk(text, "%/[] xX") != NULL)
    abort();
  check_round_trip(&addr);
  return 0;
}
