/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Addresses as the rules see them: 16 bytes in network order, IPv4 as
 * ::ffff:a.b.c.d, and the classes that the IANA special-purpose registries
 * put them in (DESIGN 6, address closure).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t bytes[16];
} BtAddr;

typedef enum {
  BT_ADDR_PUBLIC = 0, /* globally reachable, and the documentation ranges */
  BT_ADDR_LOOPBACK,   /* 127/8, ::1, 0.0.0.0/8 and ::, which connect() takes to the loopback */
  BT_ADDR_SPECIAL,    /* every other range that is not globally reachable */
  BT_ADDR_SINKHOLE,   /* 198.18/15: where denied names point */
} BtAddrClass;

/* Of the sandbox's own IPv6 network, worker's and gateway's; libslirp knows no other. */
#define BT_NET_PREFIX_LENGTH6 64u

BtAddr bt_addr_from_ipv4(uint32_t network_order);
bool bt_addr_is_ipv4(const BtAddr *addr);
uint32_t bt_addr_get_ipv4(const BtAddr *addr); /* network order; 0 unless bt_addr_is_ipv4() */
bool bt_addr_equal(const BtAddr *a, const BtAddr *b);
/* prefix is 0-128; an IPv4 /n is 96 + n. */
bool bt_addr_in(const BtAddr *addr, const BtAddr *net, unsigned prefix);
/*
 * Looks through IPv4-mapped, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), 6to4 and
 * Teredo forms: the worse of the outer and the embedded address's class.
 */
BtAddrClass bt_addr_classify(const BtAddr *addr);
/*
 * The IPv4 addresses that an IPv6 one carries in those forms, to which a gateway
 * of the network may take what is sent there: how many, none of IPv4's own.
 */
#define BT_ADDR_MAX_CARRIED 2
size_t bt_addr_get_carried(const BtAddr *addr, BtAddr carried_out[BT_ADDR_MAX_CARRIED]);
/* Numeric addresses only, no zone id, no short or hex forms ("127.1", "0x7f.1"). */
bool bt_addr_parse(const char *text, BtAddr *addr_out);
#define BT_ADDR_TEXT_SIZE 46
const char *bt_addr_format(const BtAddr *addr, char text_out[BT_ADDR_TEXT_SIZE]);
