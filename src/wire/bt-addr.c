/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The IANA special-purpose address registries as one table.
 *
 * Rows stand from narrow to wide, and the first that holds the address decides.
 * What no row names is public for IPv4. For IPv6 only 2000::/3 was ever given
 * out as global unicast, so everything else is special.
 *
 * Where a registry calls a place inside a special range globally reachable,
 * it is public here only if it is an ordinary route (AS112, AMT). The anycast
 * addresses of PCP and TURN (192.0.0.9, 192.0.0.10, 2001:1::1 to ::3) reach
 * the nearest router, which is the local network's; the ORCHID ranges are
 * identifiers and are routed nowhere.
 *
 * Several IPv6 forms carry an IPv4 address and a gateway or the kernel takes
 * the packet there, so both addresses are classified and the stricter class
 * counts. Strictness is what it takes to open the class:
 *
 *   PUBLIC < SPECIAL (an address rule) < LOOPBACK (a rule that names it)
 *          < SINKHOLE (nothing)
 */
#include "bt-addr.h"

#include <arpa/inet.h>
#include <string.h>

/* Where a range carries an IPv4 address. */
typedef enum {
  CARRIES_NONE = 0,
  CARRIES_LAST,        /* bytes 12-15 */
  CARRIES_6TO4,        /* bytes 2-5 */
  CARRIES_TEREDO,      /* the server in bytes 4-7, the client in 12-15, inverted */
  CARRIES_NAT64_LOCAL, /* 64:ff9b:1::/48: around byte 8 or last, RFC 6052 2.2 */
} Carries;

typedef struct {
  uint8_t bytes[16];
  uint8_t prefix;
  uint8_t class;
  uint8_t carries;
} Range;

#define V4(a, b, c, d) { [10] = 0xff, 0xff, a, b, c, d }

static const Range ipv4_ranges[] = {
  { V4(0, 0, 0, 0), 96 + 8, BT_ADDR_LOOPBACK },       /* "this network"; Linux: the loopback */
  { V4(10, 0, 0, 0), 96 + 8, BT_ADDR_SPECIAL },       /* private */
  { V4(100, 64, 0, 0), 96 + 10, BT_ADDR_SPECIAL },    /* shared by carrier NAT */
  { V4(127, 0, 0, 0), 96 + 8, BT_ADDR_LOOPBACK },     /* loopback */
  { V4(169, 254, 0, 0), 96 + 16, BT_ADDR_SPECIAL },   /* link-local, cloud metadata */
  { V4(172, 16, 0, 0), 96 + 12, BT_ADDR_SPECIAL },    /* private */
  { V4(192, 0, 0, 0), 96 + 24, BT_ADDR_SPECIAL },     /* IETF protocol assignments */
  { V4(192, 0, 2, 0), 96 + 24, BT_ADDR_PUBLIC },      /* documentation */
  { V4(192, 31, 196, 0), 96 + 24, BT_ADDR_PUBLIC },   /* AS112 */
  { V4(192, 52, 193, 0), 96 + 24, BT_ADDR_PUBLIC },   /* AMT */
  { V4(192, 88, 99, 0), 96 + 24, BT_ADDR_SPECIAL },   /* 6to4 relays, deprecated; 6a44 */
  { V4(192, 168, 0, 0), 96 + 16, BT_ADDR_SPECIAL },   /* private */
  { V4(192, 175, 48, 0), 96 + 24, BT_ADDR_PUBLIC },   /* AS112 */
  { V4(198, 18, 0, 0), 96 + 15, BT_ADDR_SINKHOLE },   /* benchmarking */
  { V4(198, 51, 100, 0), 96 + 24, BT_ADDR_PUBLIC },   /* documentation */
  { V4(203, 0, 113, 0), 96 + 24, BT_ADDR_PUBLIC },    /* documentation */
  { V4(224, 0, 0, 0), 96 + 4, BT_ADDR_SPECIAL },      /* multicast */
  { V4(240, 0, 0, 0), 96 + 4, BT_ADDR_SPECIAL },      /* reserved, broadcast */
  { V4(0, 0, 0, 0), 96, BT_ADDR_PUBLIC },
};

static const Range ipv6_ranges[] = {
  { { 0 }, 128, BT_ADDR_LOOPBACK },         /* :: is the loopback to connect() */
  { { [15] = 1 }, 128, BT_ADDR_LOOPBACK },  /* ::1 */
  { { 0 }, 96, BT_ADDR_SPECIAL, CARRIES_LAST }, /* IPv4-compatible, deprecated */
  { { [8] = 0xff, 0xff }, 96, BT_ADDR_SPECIAL, CARRIES_LAST }, /* IPv4-translated, RFC 2765 */
  { { 0, 0x64, 0xff, 0x9b }, 96, BT_ADDR_PUBLIC, CARRIES_LAST }, /* NAT64 */
  { { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, BT_ADDR_SPECIAL, CARRIES_NAT64_LOCAL },
  { { 1 }, 64, BT_ADDR_SPECIAL },                       /* 100::/64, discard */
  { { 1, 0, 0, 0, 0, 0, 0, 1 }, 64, BT_ADDR_SPECIAL },  /* 100:0:0:1::/64, dummy prefix */
  { { 0x20, 0x01 }, 32, BT_ADDR_SPECIAL, CARRIES_TEREDO },
  { { 0x20, 0x01, 0, 4, 0x01, 0x12 }, 48, BT_ADDR_PUBLIC }, /* 2001:4:112::/48, AS112 */
  { { 0x20, 0x01, 0, 3 }, 32, BT_ADDR_PUBLIC },         /* 2001:3::/32, AMT */
  { { 0x20, 0x01 }, 23, BT_ADDR_SPECIAL },              /* protocol assignments, ORCHID, tests */
  { { 0x20, 0x01, 0x0d, 0xb8 }, 32, BT_ADDR_PUBLIC },   /* documentation */
  { { 0x20, 0x02 }, 16, BT_ADDR_PUBLIC, CARRIES_6TO4 },
  { { 0x26, 0x20, 0, 0x4f, 0x80 }, 48, BT_ADDR_PUBLIC }, /* 2620:4f:8000::/48, AS112 */
  { { 0x3f, 0xff }, 20, BT_ADDR_PUBLIC },               /* documentation */
  { { 0x20 }, 3, BT_ADDR_PUBLIC },                      /* global unicast */
  { { 0x5f }, 16, BT_ADDR_SPECIAL },                    /* SRv6 segment ids */
  { { 0xfc }, 7, BT_ADDR_SPECIAL },                     /* unique local */
  { { 0xfe, 0x80 }, 10, BT_ADDR_SPECIAL },              /* link-local */
  { { 0xfe, 0xc0 }, 10, BT_ADDR_SPECIAL },              /* site-local, deprecated */
  { { 0xff }, 8, BT_ADDR_SPECIAL },                     /* multicast */
  { { 0 }, 0, BT_ADDR_SPECIAL },                        /* never given out */
};

static const uint8_t mapped_prefix[12] = { [10] = 0xff, 0xff };

BtAddr
bt_addr_from_ipv4(uint32_t network_order)
{
  BtAddr addr;

  memcpy(addr.bytes, mapped_prefix, sizeof mapped_prefix);
  memcpy(addr.bytes + 12, &network_order, 4);
  return addr;
}

bool
bt_addr_is_ipv4(const BtAddr *addr)
{
  return memcmp(addr->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

uint32_t
bt_addr_get_ipv4(const BtAddr *addr)
{
  uint32_t network_order = 0;

  if (bt_addr_is_ipv4(addr))
    memcpy(&network_order, addr->bytes + 12, 4);
  return network_order;
}

bool
bt_addr_equal(const BtAddr *a, const BtAddr *b)
{
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool
bytes_in(const uint8_t bytes[16], const uint8_t net[16], unsigned prefix)
{
  unsigned whole = prefix / 8, rest = prefix % 8;

  if (prefix > 128 || memcmp(bytes, net, whole) != 0)
    return false;
  return rest == 0 || ((bytes[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

bool
bt_addr_in(const BtAddr *addr, const BtAddr *net, unsigned prefix)
{
  return bytes_in(addr->bytes, net->bytes, prefix);
}

static const Range *
find_range(const BtAddr *addr, const Range *ranges)
{
  /* The last row of each table holds every address of its family. */
  while (!bytes_in(addr->bytes, ranges->bytes, ranges->prefix))
    ranges++;
  return ranges;
}

static BtAddrClass
stricter(BtAddrClass a, BtAddrClass b)
{
  static const uint8_t rank[] = {
    [BT_ADDR_PUBLIC] = 0,
    [BT_ADDR_SPECIAL] = 1,
    [BT_ADDR_LOOPBACK] = 2,
    [BT_ADDR_SINKHOLE] = 3,
  };
  return rank[a] >= rank[b] ? a : b;
}

static BtAddr
ipv4_of(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  return (BtAddr){ V4(a, b, c, d) };
}

static size_t
get_carried(const uint8_t *bytes, Carries carries, BtAddr carried_out[BT_ADDR_MAX_CARRIED])
{
  static const uint8_t no_suffix[5];

  switch (carries) {
  case CARRIES_LAST:
    carried_out[0] = ipv4_of(bytes[12], bytes[13], bytes[14], bytes[15]);
    return 1;
  case CARRIES_6TO4:
    carried_out[0] = ipv4_of(bytes[2], bytes[3], bytes[4], bytes[5]);
    return 1;
  case CARRIES_TEREDO:
    carried_out[0] = ipv4_of(bytes[4], bytes[5], bytes[6], bytes[7]);
    carried_out[1] =
        ipv4_of(bytes[12] ^ 0xff, bytes[13] ^ 0xff, bytes[14] ^ 0xff, bytes[15] ^ 0xff);
    return 2;
  case CARRIES_NAT64_LOCAL:
    /* Which length the network chose is not known; a /48 leaves the suffix zero. */
    carried_out[0] = memcmp(bytes + 11, no_suffix, sizeof no_suffix) == 0
                         ? ipv4_of(bytes[6], bytes[7], bytes[9], bytes[10])
                         : ipv4_of(bytes[12], bytes[13], bytes[14], bytes[15]);
    return 1;
  case CARRIES_NONE:
  default:
    return 0;
  }
}

BtAddrClass
bt_addr_classify(const BtAddr *addr)
{
  const Range *range = find_range(addr, bt_addr_is_ipv4(addr) ? ipv4_ranges : ipv6_ranges);
  BtAddr carried[BT_ADDR_MAX_CARRIED];
  size_t n_carried = get_carried(addr->bytes, range->carries, carried);
  BtAddrClass class = range->class;

  for (size_t i = 0; i < n_carried; i++)
    class = stricter(class, find_range(&carried[i], ipv4_ranges)->class);
  return class;
}

size_t
bt_addr_get_carried(const BtAddr *addr, BtAddr carried_out[BT_ADDR_MAX_CARRIED])
{
  if (bt_addr_is_ipv4(addr))
    return 0;
  return get_carried(addr->bytes, find_range(addr, ipv6_ranges)->carries, carried_out);
}

/* "010.0.0.1" is octal to some readers and decimal to others, so it is neither here. */
static bool
has_leading_zero(const char *dotted)
{
  bool start = true;

  for (const char *p = dotted; *p != '\0'; p++) {
    if (start && p[0] == '0' && p[1] >= '0' && p[1] <= '9')
      return true;
    start = *p == '.';
  }
  return false;
}

bool
bt_addr_parse(const char *text, BtAddr *addr_out)
{
  const char *colon = strrchr(text, ':');
  const char *dotted = colon != NULL ? colon + 1 : text;
  BtAddr addr;
  uint32_t ipv4;

  if (strchr(text, '%') != NULL || (strchr(dotted, '.') != NULL && has_leading_zero(dotted)))
    return false;
  if (colon == NULL) {
    if (inet_pton(AF_INET, text, &ipv4) != 1)
      return false;
    *addr_out = bt_addr_from_ipv4(ipv4);
    return true;
  }
  if (inet_pton(AF_INET6, text, addr.bytes) != 1)
    return false;
  *addr_out = addr;
  return true;
}

const char *
bt_addr_format(const BtAddr *addr, char text_out[BT_ADDR_TEXT_SIZE])
{
  /* Cannot fail: the family is known and the text has room. */
  if (bt_addr_is_ipv4(addr))
    inet_ntop(AF_INET, addr->bytes + 12, text_out, BT_ADDR_TEXT_SIZE);
  else
    inet_ntop(AF_INET6, addr->bytes, text_out, BT_ADDR_TEXT_SIZE);
  return text_out;
}
