/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-packet.h"

#include <string.h>

#define IPV4_SIZE 20u
#define IPV6_SIZE 40u
#define TCP_SIZE 20u
#define ICMP_SIZE 8u
#define ARP_SIZE 28u
#define ADVERTISEMENT_SIZE 32u

#define ICMP_TOO_BIG 4u /* a code of UNREACHABLE */

enum { /* of ICMPv6 */
  ICMPV6_UNREACHABLE = 1,
  ICMPV6_TOO_BIG = 2,
  ICMPV6_PROHIBITED = 1, /* its code */
  ICMPV6_ADVERTISEMENT = 136,
};

static uint16_t
get16(const uint8_t *bytes)
{
  return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void
put16(uint8_t *bytes, uint16_t value)
{
  bytes[0] = value >> 8;
  bytes[1] = value & 0xff;
}

static void
put32(uint8_t *bytes, uint32_t value)
{
  put16(bytes, value >> 16);
  put16(bytes + 2, value & 0xffff);
}

/* The Internet checksum's sum, not yet folded. */
static uint32_t
sum_bytes(uint32_t sum, const uint8_t *bytes, size_t size)
{
  for (size_t i = 0; i + 1 < size; i += 2)
    sum += get16(bytes + i);
  if (size % 2 != 0)
    sum += (uint32_t)bytes[size - 1] << 8;
  return sum;
}

static uint16_t
fold(uint32_t sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static uint8_t *
write_ethernet(uint8_t *reply, const uint8_t destination[6], const uint8_t source[6],
               uint16_t type)
{
  memcpy(reply, destination, 6);
  memcpy(reply + 6, source, 6);
  put16(reply + 12, type);
  return reply + BT_ETHERNET_SIZE;
}

/* A header without options, not to be fragmented. Returns where its payload goes. */
static uint8_t *
write_ipv4(uint8_t *ip, const BtAddr *source, const BtAddr *destination, uint8_t protocol,
           size_t payload_size)
{
  memset(ip, 0, IPV4_SIZE);
  ip[0] = 0x45;
  put16(ip + 2, (uint16_t)(IPV4_SIZE + payload_size));
  put16(ip + 6, 0x4000);
  ip[8] = 64;
  ip[9] = protocol;
  memcpy(ip + 12, source->bytes + 12, 4);
  memcpy(ip + 16, destination->bytes + 12, 4);
  put16(ip + 10, fold(sum_bytes(0, ip, IPV4_SIZE)));
  return ip + IPV4_SIZE;
}

/* Neighbour discovery takes only what no router can have passed on: a hop limit of 255. */
static uint8_t *
write_ipv6(uint8_t *ip, const BtAddr *source, const BtAddr *destination, uint8_t protocol,
           size_t payload_size)
{
  memset(ip, 0, IPV6_SIZE);
  ip[0] = 0x60;
  put16(ip + 4, (uint16_t)payload_size);
  ip[6] = protocol;
  ip[7] = 255;
  memcpy(ip + 8, source->bytes, 16);
  memcpy(ip + 24, destination->bytes, 16);
  return ip + IPV6_SIZE;
}

/* Frame and header of the family that the addresses are of; where the payload goes. */
static uint8_t *
write_headers(uint8_t *reply, const uint8_t destination_mac[6], const uint8_t source_mac[6],
              const BtAddr *source, const BtAddr *destination, uint8_t protocol,
              size_t payload_size)
{
  if (bt_addr_is_ipv4(destination))
    return write_ipv4(write_ethernet(reply, destination_mac, source_mac, BT_ETHERTYPE_IPV4),
                      source, destination, protocol, payload_size);
  return write_ipv6(write_ethernet(reply, destination_mac, source_mac, BT_ETHERTYPE_IPV6), source,
                    destination, protocol, payload_size);
}

/* Over a payload with a zero in the place of its checksum, and the pseudo header. */
static uint16_t
checksum(const BtAddr *source, const BtAddr *destination, uint8_t protocol,
         const uint8_t *payload, size_t size)
{
  /* The prefixes of two IPv4 addresses are no part of it. */
  size_t skip = bt_addr_is_ipv4(destination) ? 12 : 0;
  uint32_t sum = protocol + (uint32_t)size;

  sum = sum_bytes(sum, source->bytes + skip, 16 - skip);
  sum = sum_bytes(sum, destination->bytes + skip, 16 - skip);
  return fold(sum_bytes(sum, payload, size));
}

/* The lengths and checksums of a TCP frame whose other bytes are right. */
static void
finish_tcp(BtPacket *packet, uint8_t *frame, size_t *size, size_t tcp_size)
{
  uint8_t *ip = frame + BT_ETHERNET_SIZE, *tcp = ip + packet->ip.header_size;

  packet->ip.total_size = (uint16_t)(packet->ip.header_size + tcp_size);
  *size = BT_ETHERNET_SIZE + packet->ip.total_size;
  if (bt_addr_is_ipv4(&packet->ip.destination)) {
    put16(ip + 2, packet->ip.total_size);
    put16(ip + 10, 0);
    put16(ip + 10, fold(sum_bytes(0, ip, IPV4_SIZE)));
  } else {
    put16(ip + 4, (uint16_t)tcp_size);
  }
  put16(tcp + 16, 0);
  put16(tcp + 16,
        checksum(&packet->ip.source, &packet->ip.destination, BT_IP_TCP, tcp, tcp_size));
}

const uint8_t *
bt_packet_tcp_payload(const BtPacket *packet, const uint8_t *frame)
{
  return frame + BT_ETHERNET_SIZE + packet->ip.total_size - packet->tcp.payload_size;
}

void
bt_packet_cut(BtPacket *packet, uint8_t *frame, size_t *size, size_t cut)
{
  uint8_t *tcp = frame + BT_ETHERNET_SIZE + packet->ip.header_size;
  size_t left = packet->tcp.payload_size - cut;

  if (packet->kind != BT_PACKET_TCP || cut > packet->tcp.payload_size)
    return;
  uint8_t *payload = tcp + (tcp[12] >> 4) * 4u;
  memmove(payload, payload + cut, left);
  packet->tcp.payload_size = (uint16_t)left;
  if (left > 0 || (packet->tcp.flags & BT_TCP_FIN) != 0)
    packet->tcp.sequence += (uint32_t)cut;
  put32(tcp + 4, packet->tcp.sequence);
  finish_tcp(packet, frame, size, (size_t)(payload - tcp) + left);
}

void
bt_packet_make_reset(BtPacket *packet, uint8_t *frame, size_t *size, uint32_t sequence)
{
  uint8_t *tcp = frame + BT_ETHERNET_SIZE + packet->ip.header_size;

  if (packet->kind != BT_PACKET_TCP)
    return;
  packet->tcp = (BtTcp){ .sequence = sequence,
                         .acknowledgement = packet->tcp.acknowledgement,
                         .flags = BT_TCP_RST | BT_TCP_ACK };
  put32(tcp + 4, sequence);
  tcp[12] = TCP_SIZE / 4 << 4;
  tcp[13] = packet->tcp.flags;
  put16(tcp + 18, 0);
  finish_tcp(packet, frame, size, TCP_SIZE);
}

/* RFC 1624: the sum changes by what the word does. */
void
bt_packet_even_window(uint8_t *frame, size_t size)
{
  uint8_t *ip = frame + BT_ETHERNET_SIZE;

  if (size < BT_ETHERNET_SIZE + IPV4_SIZE)
    return;
  bool ipv6 = ip[0] >> 4 == 6;
  uint8_t *tcp = ip + (ipv6 ? IPV6_SIZE : IPV4_SIZE);
  if (size < (size_t)(tcp - frame) + TCP_SIZE || ip[ipv6 ? 6 : 9] != BT_IP_TCP ||
      get16(tcp + 14) != UINT16_MAX)
    return;
  put16(tcp + 14, UINT16_MAX - 1);
  put16(tcp + 16, fold((uint16_t)~get16(tcp + 16) + (UINT16_MAX - 1u)));
}

size_t
bt_packet_write_reset(const BtPacket *packet, const uint8_t source_mac[6],
                      uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  const BtTcp *tcp = &packet->tcp;
  const BtIp *ip = &packet->ip;

  if (packet->kind != BT_PACKET_TCP || (tcp->flags & BT_TCP_RST) != 0)
    return 0;
  uint8_t *reset = write_headers(reply_out, packet->ethernet.source, source_mac, &ip->destination,
                                 &ip->source, BT_IP_TCP, TCP_SIZE);
  memset(reset, 0, TCP_SIZE);
  put16(reset, packet->destination_port);
  put16(reset + 2, packet->source_port);
  reset[12] = TCP_SIZE / 4 << 4;
  /* RFC 9293, 3.10.7.1: a reset that the peer will believe. */
  if ((tcp->flags & BT_TCP_ACK) != 0) {
    put32(reset + 4, tcp->acknowledgement);
    reset[13] = BT_TCP_RST;
  } else {
    uint32_t length = tcp->payload_size + ((tcp->flags & BT_TCP_SYN) != 0) +
                      ((tcp->flags & BT_TCP_FIN) != 0);
    put32(reset + 8, tcp->sequence + length);
    reset[13] = BT_TCP_RST | BT_TCP_ACK;
  }
  put16(reset + 16, checksum(&ip->destination, &ip->source, BT_IP_TCP, reset, TCP_SIZE));
  return (size_t)(reset - reply_out) + TCP_SIZE;
}

/* The checksum of an error, and the frame's size. ICMP alone has no pseudo header. */
static size_t
finish_error(uint8_t *reply, uint8_t *icmp, const BtAddr *source, const BtAddr *destination,
             size_t quoted)
{
  size_t size = ICMP_SIZE + quoted;

  put16(icmp + 2, bt_addr_is_ipv4(destination)
                    ? fold(sum_bytes(0, icmp, size))
                    : checksum(source, destination, BT_IP_ICMPV6, icmp, size));
  return (size_t)(icmp - reply) + size;
}

/* Never in answer to an error: RFC 1122, 3.2.2, and RFC 4443, 2.4. */
static bool
may_be_answered(const BtPacket *packet, size_t size, size_t quoted)
{
  return packet->kind >= BT_PACKET_OPTIONS && packet->ip.total_size >= quoted &&
         size >= BT_ETHERNET_SIZE + quoted &&
         (packet->kind != BT_PACKET_ICMP || packet->icmp.type == BT_ICMP_ECHO);
}

size_t
bt_packet_write_prohibited(const BtPacket *packet, const uint8_t *frame, size_t size,
                           const uint8_t source_mac[6], const BtAddr *source,
                           uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  const BtIp *ip = &packet->ip;
  bool ipv4 = bt_addr_is_ipv4(&ip->source);
  uint8_t protocol = ipv4 ? BT_IP_ICMP : BT_IP_ICMPV6;
  size_t quoted = ip->header_size + 8u;

  if (!may_be_answered(packet, size, quoted))
    return 0;
  uint8_t *icmp = write_headers(reply_out, packet->ethernet.source, source_mac, source,
                                &ip->source, protocol, ICMP_SIZE + quoted);
  memset(icmp, 0, ICMP_SIZE);
  icmp[0] = ipv4 ? BT_ICMP_UNREACHABLE : ICMPV6_UNREACHABLE;
  icmp[1] = ipv4 ? BT_ICMP_PROHIBITED : ICMPV6_PROHIBITED;
  memcpy(icmp + ICMP_SIZE, frame + BT_ETHERNET_SIZE, quoted);
  return finish_error(reply_out, icmp, source, &ip->source, quoted);
}

/* RFC 792 and 4443: the size that passes stands in the second word, else nothing of use does. */
static bool
is_too_big(const uint8_t *icmp, bool ipv4)
{
  return ipv4 ? icmp[0] == BT_ICMP_UNREACHABLE && icmp[1] == ICMP_TOO_BIG
              : icmp[0] == ICMPV6_TOO_BIG;
}

size_t
bt_packet_write_error(const BtPacket *packet, const uint8_t *frame, const BtAddr *source,
                      uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  const BtIp *ip = &packet->ip;
  bool ipv4 = bt_addr_is_ipv4(&ip->destination);
  const uint8_t *told = frame + BT_ETHERNET_SIZE + ip->header_size, *inner = told + ICMP_SIZE;

  if (packet->kind != BT_PACKET_ICMP || !packet->icmp.has_inner ||
      bt_addr_is_ipv4(source) != ipv4)
    return 0;
  size_t quoted = (ipv4 ? (inner[0] & 15) * 4u : IPV6_SIZE) + 8;
  uint8_t *icmp = write_headers(reply_out, packet->ethernet.destination, packet->ethernet.source,
                                source, &ip->destination, ipv4 ? BT_IP_ICMP : BT_IP_ICMPV6,
                                ICMP_SIZE + quoted);
  memset(icmp, 0, ICMP_SIZE);
  memcpy(icmp, told, 2);
  /* Over IPv4 the word's first half has another use (RFC 4884). */
  if (is_too_big(told, ipv4))
    memcpy(icmp + (ipv4 ? 6 : 4), told + (ipv4 ? 6 : 4), ipv4 ? 2 : 4);
  memcpy(icmp + ICMP_SIZE, inner, quoted);
  return finish_error(reply_out, icmp, source, &ip->destination, quoted);
}

size_t
bt_packet_write_arp_reply(const uint8_t mac[6], uint32_t address, const uint8_t target_mac[6],
                          uint32_t target, uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  static const uint8_t start[] = { 0, 1, 8, 0, 6, 4, 0, 2 };
  uint8_t *arp = write_ethernet(reply_out, target_mac, mac, BT_ETHERTYPE_ARP);

  memcpy(arp, start, sizeof start);
  memcpy(arp + 8, mac, 6);
  memcpy(arp + 14, &address, 4);
  memcpy(arp + 18, target_mac, 6);
  memcpy(arp + 24, &target, 4);
  return BT_ETHERNET_SIZE + ARP_SIZE;
}

size_t
bt_packet_write_advertisement(const uint8_t mac[6], const BtAddr *address,
                              const uint8_t target_mac[6], const BtAddr *target,
                              uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  static const uint8_t option[] = { 2, 1 }; /* target link-layer address, one unit of 8 bytes */
  uint8_t *icmp = write_headers(reply_out, target_mac, mac, address, target, BT_IP_ICMPV6,
                                ADVERTISEMENT_SIZE);

  memset(icmp, 0, ADVERTISEMENT_SIZE);
  icmp[0] = ICMPV6_ADVERTISEMENT;
  icmp[4] = 0x60; /* solicited, override */
  memcpy(icmp + 8, address->bytes, 16);
  memcpy(icmp + 24, option, sizeof option);
  memcpy(icmp + 26, mac, 6);
  put16(icmp + 2, checksum(address, target, BT_IP_ICMPV6, icmp, ADVERTISEMENT_SIZE));
  return (size_t)(icmp - reply_out) + ADVERTISEMENT_SIZE;
}
