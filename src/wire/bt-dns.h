/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * DNS as a stub resolver speaks it: a query of one question in, an answer
 * out.  Nothing of a client's is repeated but its question, byte for byte, so
 * that its random case (0x20) comes back.
 */

#include "wire/bt-net-msg.h"

#define BT_DNS_MIN_UDP_SIZE 512u
#define BT_DNS_MAX_UDP_SIZE 1232u /* what passes any path unfragmented; our own lo has no need of more */
#define BT_DNS_MAX_QUERY_SIZE 1024u
#define BT_DNS_QUESTION_MAX_SIZE (255u + 4u)

typedef enum {
  BT_DNS_RCODE_NOERROR = 0,
  BT_DNS_RCODE_FORMERR = 1,
  BT_DNS_RCODE_SERVFAIL = 2,
  BT_DNS_RCODE_NXDOMAIN = 3,
  BT_DNS_RCODE_NOTIMP = 4,
  BT_DNS_RCODE_REFUSED = 5,
  BT_DNS_RCODE_BADVERS = 16,
} BtDnsRcode;

typedef enum {
  BT_DNS_DROP = 0, /* not a query: nobody waits for an answer */
  BT_DNS_REFUSE,   /* answer query.rcode without any record */
  BT_DNS_ASK,      /* A, AAAA or PTR of a name that can exist */
} BtDnsVerdict;

typedef struct {
  uint16_t id;
  bool recursion_desired;
  bool edns;
  uint16_t udp_size; /* what the client takes, within our own bounds */
  uint16_t type;
  uint16_t rcode; /* BtDnsRcode, for REFUSE */
  uint16_t question_size; /* 0: none that could be repeated */
  uint8_t question[BT_DNS_QUESTION_MAX_SIZE];
  char name[BT_DNS_NAME_SIZE]; /* lower-cased, for ASK */
} BtDnsQuery;

BtDnsVerdict bt_dns_query_parse(const uint8_t *bytes, size_t size, BtDnsQuery *query_out);

/*
 * The address that a name of PTR's is about: "4.3.2.1.in-addr.arpa", or all 32
 * digits of "....8.b.d.0.1.0.0.2.ip6.arpa". The name is lower-cased.
 */
bool bt_dns_reverse_parse(const char *name, BtAddr *addr_out);

typedef struct {
  uint32_t rcode; /* BtDnsRcode */
  uint32_t ttl;
  const BtAddr *addrs; /* those not of the query's type are passed over */
  size_t n_addrs;
  const char *name; /* PTR's answer, or NULL */
} BtDnsReply;

/*
 * Writes at most size bytes, with the TC bit and no records if they do not
 * all fit. Returns the size, 0 if not even the header fits.
 */
size_t bt_dns_reply_write(const BtDnsQuery *query, const BtDnsReply *reply, uint8_t *bytes_out,
                          size_t size);

/*
 * The next message of a TCP stream: true if it is there whole, with the
 * bytes it takes of the stream in *used_out. A message larger than a query
 * may be is reported with size 0: the stream is to be closed.
 */
bool bt_dns_frame_next(const uint8_t *bytes, size_t size, const uint8_t **message_out,
                       size_t *size_out, size_t *used_out);
