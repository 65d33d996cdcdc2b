/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_query(const uint8_t *data, size_t size, size_t room)
{
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];
  uint8_t bytes[4096];
  BtDnsQuery query;

  BtDnsVerdict verdict = bt_dns_query_parse(data, size, &query);
  if (verdict == BT_DNS_DROP)
    return;
  size_t length = strnlen(query.name, sizeof query.name);
  if (verdict == BT_DNS_ASK &&
      (length == 0 || length > 253 ||
       strspn(query.name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != length))
    abort();
  if (query.udp_size < BT_DNS_MIN_UDP_SIZE || query.udp_size > BT_DNS_MAX_UDP_SIZE)
    abort();

  for (size_t i = 0; i < BT_NET_MSG_MAX_ADDRS; i++)
    addrs[i] = bt_addr_from_ipv4((uint32_t)i);
  BtDnsReply reply = { .addrs = addrs,
                       .n_addrs = BT_NET_MSG_MAX_ADDRS,
                       .name = verdict == BT_DNS_ASK ? query.name : "example.com" };
  size_t used = bt_dns_reply_write(&query, &reply, bytes, room);
  if (used > room)
    abort();
  /* A reply is never taken for a query, so that none can loop. */
  if (used > 0 && bt_dns_query_parse(bytes, used, &query) != BT_DNS_DROP)
    abort();
}

/* Any text of a name. */
static void
check_reverse(const uint8_t *data, size_t size)
{
  char name[BT_DNS_NAME_SIZE] = "";
  BtAddr addr;

  memcpy(name, data, size < sizeof name ? size : sizeof name - 1);
  if (bt_dns_reverse_parse(name, &addr) && strstr(name, ".arpa") == NULL)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *message;
  size_t message_size, used, at = 0;

  check_reverse(data, size);
  check_query(data, size, BT_DNS_MIN_UDP_SIZE);
  check_query(data, size, 4096);
  check_query(data, size, size < 4096 ? size : 4096);
  while (bt_dns_frame_next(data + at, size - at, &message, &message_size, &used)) {
    if (message_size == 0)
      break;
    if (used > size - at || message + message_size > data + size)
      abort();
    check_query(message, message_size, BT_DNS_MIN_UDP_SIZE);
    at += used;
  }
  return 0;
}
