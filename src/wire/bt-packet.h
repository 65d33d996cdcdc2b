/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Packets as the gate sees them: one Ethernet frame in, one struct out, every
 * length checked against the bytes that are there.  Checksums are not looked
 * at: they protect from accidents, and libslirp checks them anyway.
 *
 * IPv4 and IPv6 come out as one: IPv4 addresses as ::ffff:a.b.c.d, which no
 * IPv6 packet may hold, and ICMPv6 types as those of ICMP that mean the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bt-addr.h"

#define BT_ETHERNET_SIZE 14u
#define BT_FRAME_MAX_SIZE (BT_ETHERNET_SIZE + 65535u)

enum {
  BT_ETHERTYPE_IPV4 = 0x0800,
  BT_ETHERTYPE_ARP = 0x0806,
  BT_ETHERTYPE_IPV6 = 0x86dd,
};

enum {
  BT_IP_ICMP = 1,
  BT_IP_TCP = 6,
  BT_IP_UDP = 17,
  BT_IP_ICMPV6 = 58,
};

enum {
  BT_TCP_FIN = 1u << 0,
  BT_TCP_SYN = 1u << 1,
  BT_TCP_RST = 1u << 2,
  BT_TCP_ACK = 1u << 4,
  BT_TCP_URG = 1u << 5,
};

enum {
  BT_ICMP_ECHO_REPLY = 0,
  BT_ICMP_UNREACHABLE = 3,
  BT_ICMP_ECHO = 8,
  BT_ICMP_TIME_EXCEEDED = 11,
  BT_ICMP_PROHIBITED = 13, /* a code of UNREACHABLE: administratively prohibited */
  BT_ICMP_OTHER = 255,     /* ICMPv6: neighbour discovery and all else */
};

typedef enum {
  BT_PACKET_MALFORMED = 0, /* a length or header that cannot be */
  BT_PACKET_OTHER,         /* ethernet alone is filled: neither IP nor ARP for IPv4 */
  BT_PACKET_ARP,           /* ethernet and arp */
  BT_PACKET_FRAGMENT,      /* ethernet and ip alone: the rest of a fragment means nothing */
  BT_PACKET_OPTIONS,       /* ethernet and ip alone: IPv4 options, IPv6 extension headers */
  BT_PACKET_IP,            /* ethernet and ip alone: another protocol */
  BT_PACKET_TCP,
  BT_PACKET_UDP,
  BT_PACKET_ICMP, /* ICMPv6, too */
} BtPacketKind;

typedef struct {
  uint8_t destination[6];
  uint8_t source[6];
  uint16_t type;
} BtEthernet;

typedef struct {
  uint16_t operation; /* 1 request, 2 reply */
  uint8_t sender_mac[6];
  uint8_t target_mac[6];
  uint32_t sender; /* network order */
  uint32_t target;
} BtArp;

typedef struct {
  BtAddr source;
  BtAddr destination;
  uint16_t total_size; /* from the IP header on; never beyond the frame */
  uint8_t header_size;
  uint8_t protocol; /* IPv6: of the next header */
} BtIp;

typedef struct {
  uint32_t sequence;
  uint32_t acknowledgement;
  uint16_t payload_size;
  uint8_t flags; /* BT_TCP_* and others */
} BtTcp;

/* What an ICMP error speaks about: the start of the packet that caused it. */
typedef struct {
  BtAddr source;
  BtAddr destination;
  uint16_t source_port; /* ICMP: the echo's identifier */
  uint16_t destination_port;
  uint8_t protocol;
} BtIcmpInner;

typedef struct {
  uint8_t type; /* ICMPv6: a packet too big is UNREACHABLE, as in ICMP */
  uint8_t code; /* as it came */
  uint16_t identifier; /* ECHO, ECHO_REPLY */
  bool has_inner;      /* UNREACHABLE, TIME_EXCEEDED with enough of the packet */
  BtIcmpInner inner;
} BtIcmp;

/* Ports are in host order. */
typedef struct {
  BtPacketKind kind;
  BtEthernet ethernet;
  BtArp arp;
  BtIp ip;
  uint16_t source_port; /* TCP, UDP */
  uint16_t destination_port;
  BtTcp tcp;
  BtIcmp icmp;
} BtPacket;

/* Fills *packet_out as far as the kind says, and the rest with zeros. */
BtPacketKind bt_packet_parse(const uint8_t *frame, size_t size, BtPacket *packet_out);

/*
 * Replies to a frame of the worker's, as if from where it was going. Each
 * returns the frame's size, or 0 if there is nothing to say (a reset to a
 * reset). packet must come from bt_packet_parse() of the same frame.
 */
#define BT_PACKET_REPLY_SIZE 128u
size_t bt_packet_write_reset(const BtPacket *packet, const uint8_t source_mac[6],
                             uint8_t reply_out[BT_PACKET_REPLY_SIZE]);
size_t bt_packet_write_prohibited(const BtPacket *packet, const uint8_t *frame, size_t size,
                                  const uint8_t source_mac[6], const BtAddr *source,
                                  uint8_t reply_out[BT_PACKET_REPLY_SIZE]);
/*
 * An ICMP error of somebody on the way (has_inner) once more, for the same receiver, but as if
 * from source: nothing else is told than what happened to which packet, and which size passes.
 */
size_t bt_packet_write_error(const BtPacket *packet, const uint8_t *frame, const BtAddr *source,
                             uint8_t reply_out[BT_PACKET_REPLY_SIZE]);
/*
 * Change a TCP frame, its checksums included, and packet with it; *size becomes
 * the packet's own. cut: takes the first bytes of the payload away, and leaves
 * the sequence number where nothing remains, so that it is acknowledged again.
 * make_reset: an end of the connection in the sender's name, at that number.
 */
void bt_packet_cut(BtPacket *packet, uint8_t *frame, size_t *size, size_t cut);
void bt_packet_make_reset(BtPacket *packet, uint8_t *frame, size_t *size, uint32_t sequence);
/*
 * Makes the largest window of a TCP frame of libslirp's one smaller. Half of it is the most that
 * Linux sends in a segment to who has no larger ones, and of an odd one a segment
 * of one byte would be left, each time.
 */
void bt_packet_even_window(uint8_t *frame, size_t size);
/* Where the payload of a TCP frame is. */
const uint8_t *bt_packet_tcp_payload(const BtPacket *packet, const uint8_t *frame);
/* "mac is at address", told to target: by ARP, and by neighbour discovery for IPv6. */
size_t bt_packet_write_arp_reply(const uint8_t mac[6], uint32_t address,
                                 const uint8_t target_mac[6], uint32_t target,
                                 uint8_t reply_out[BT_PACKET_REPLY_SIZE]);
size_t bt_packet_write_advertisement(const uint8_t mac[6], const BtAddr *address,
                                     const uint8_t target_mac[6], const BtAddr *target,
                                     uint8_t reply_out[BT_PACKET_REPLY_SIZE]);
