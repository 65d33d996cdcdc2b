/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-dns.h"

#include <string.h>

/* A label of one to three digits without a leading zero, and its dot. */
static bool
take_octet(const char **at, uint8_t *octet_out)
{
  unsigned value = 0, digits = 0;

  while (digits < 3 && **at >= '0' && **at <= '9') {
    value = value * 10 + (unsigned)(*(*at)++ - '0');
    digits++;
    if (digits > 1 && value < 10)
      return false;
  }
  if (digits == 0 || value > 255 || *(*at)++ != '.')
    return false;
  *octet_out = (uint8_t)value;
  return true;
}

/* One hexadecimal digit and its dot. */
static bool
take_nibble(const char **at, uint8_t *nibble_out)
{
  static const char digits[] = "0123456789abcdef";
  const char *digit = **at != '\0' ? strchr(digits, **at) : NULL;

  if (digit == NULL || (*at)[1] != '.')
    return false;
  *nibble_out = (uint8_t)(digit - digits);
  *at += 2;
  return true;
}

static bool
parse_ipv4(const char *name, BtAddr *addr_out)
{
  BtAddr addr = bt_addr_from_ipv4(0);

  for (int i = 15; i >= 12; i--)
    if (!take_octet(&name, &addr.bytes[i]))
      return false;
  *addr_out = addr;
  return strcmp(name, "in-addr.arpa") == 0;
}

static bool
parse_ipv6(const char *name, BtAddr *addr_out)
{
  BtAddr addr;

  for (int i = 15; i >= 0; i--) {
    uint8_t low, high;
    if (!take_nibble(&name, &low) || !take_nibble(&name, &high))
      return false;
    addr.bytes[i] = (uint8_t)(high << 4 | low);
  }
  *addr_out = addr;
  return strcmp(name, "ip6.arpa") == 0;
}

bool
bt_dns_reverse_parse(const char *name, BtAddr *addr_out)
{
  return parse_ipv4(name, addr_out) || parse_ipv6(name, addr_out);
}
