/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-packet.h"

#include <string.h>

#define IPV4_MIN_SIZE 20u
#define TCP_MIN_SIZE 20u
#define UDP_SIZE 8u
#define ICMP_SIZE 8u
#define ARP_SIZE 28u

static uint16_t
get16(const uint8_t *bytes)
{
  return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t
get32(const uint8_t *bytes)
{
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
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

/* An address stays in network order. */
static uint32_t
get_address(const uint8_t *bytes)
{
  uint32_t address;
  memcpy(&address, bytes, sizeof address);
  return address;
}

static BtPacketKind
parse_arp(const uint8_t *bytes, size_t size, BtArp *arp_out)
{
  static const uint8_t ethernet_ipv4[] = { 0, 1, 8, 0, 6, 4 };

  if (size < ARP_SIZE || memcmp(bytes, ethernet_ipv4, sizeof ethernet_ipv4) != 0)
    return BT_PACKET_MALFORMED;
  arp_out->operation = get16(bytes + 6);
  memcpy(arp_out->sender_mac, bytes + 8, 6);
  arp_out->sender = get_address(bytes + 14);
  memcpy(arp_out->target_mac, bytes + 18, 6);
  arp_out->target = get_address(bytes + 24);
  return BT_PACKET_ARP;
}

static BtPacketKind
parse_tcp(const uint8_t *bytes, size_t size, BtPacket *packet)
{
  if (size < TCP_MIN_SIZE)
    return BT_PACKET_MALFORMED;
  size_t header_size = (bytes[12] >> 4) * 4u;
  if (header_size < TCP_MIN_SIZE || header_size > size)
    return BT_PACKET_MALFORMED;
  packet->source_port = get16(bytes);
  packet->destination_port = get16(bytes + 2);
  packet->tcp.sequence = get32(bytes + 4);
  packet->tcp.acknowledgement = get32(bytes + 8);
  packet->tcp.flags = bytes[13];
  packet->tcp.payload_size = (uint16_t)(size - header_size);
  /* No host sends these; what a stack makes of them is its own affair. */
  unsigned flags = packet->tcp.flags;
  if ((flags & BT_TCP_SYN) != 0 && (flags & (BT_TCP_FIN | BT_TCP_RST)) != 0)
    return BT_PACKET_MALFORMED;
  if (packet->source_port == 0 || packet->destination_port == 0)
    return BT_PACKET_MALFORMED;
  return BT_PACKET_TCP;
}

static BtPacketKind
parse_udp(const uint8_t *bytes, size_t size, BtPacket *packet)
{
  if (size < UDP_SIZE || get16(bytes + 4) != size)
    return BT_PACKET_MALFORMED;
  packet->source_port = get16(bytes);
  packet->destination_port = get16(bytes + 2);
  if (packet->source_port == 0 || packet->destination_port == 0)
    return BT_PACKET_MALFORMED;
  return BT_PACKET_UDP;
}

/* RFC 792: the header and at least eight bytes of what followed it. */
static bool
parse_icmp_inner(const uint8_t *bytes, size_t size, BtIcmpInner *inner_out)
{
  if (size < IPV4_MIN_SIZE || bytes[0] >> 4 != 4)
    return false;
  size_t header_size = (bytes[0] & 15) * 4u;
  if (header_size < IPV4_MIN_SIZE || header_size + 8 > size)
    return false;
  inner_out->source = get_address(bytes + 12);
  inner_out->destination = get_address(bytes + 16);
  inner_out->protocol = bytes[9];
  const uint8_t *payload = bytes + header_size;
  if (inner_out->protocol == BT_IP_ICMP) {
    inner_out->source_port = get16(payload + 4);
  } else {
    inner_out->source_port = get16(payload);
    inner_out->destination_port = get16(payload + 2);
  }
  return true;
}

static BtPacketKind
parse_icmp(const uint8_t *bytes, size_t size, BtIcmp *icmp_out)
{
  if (size < ICMP_SIZE)
    return BT_PACKET_MALFORMED;
  icmp_out->type = bytes[0];
  icmp_out->code = bytes[1];
  if (icmp_out->type == BT_ICMP_ECHO || icmp_out->type == BT_ICMP_ECHO_REPLY)
    icmp_out->identifier = get16(bytes + 4);
  if (icmp_out->type == BT_ICMP_UNREACHABLE || icmp_out->type == BT_ICMP_TIME_EXCEEDED)
    icmp_out->has_inner =
        parse_icmp_inner(bytes + ICMP_SIZE, size - ICMP_SIZE, &icmp_out->inner);
  return BT_PACKET_ICMP;
}

static BtPacketKind
parse_ipv4(const uint8_t *bytes, size_t size, BtPacket *packet)
{
  BtIpv4 *ip = &packet->ip;

  if (size < IPV4_MIN_SIZE || bytes[0] >> 4 != 4)
    return BT_PACKET_MALFORMED;
  ip->header_size = (bytes[0] & 15) * 4u;
  ip->total_size = get16(bytes + 2);
  ip->protocol = bytes[9];
  ip->source = get_address(bytes + 12);
  ip->destination = get_address(bytes + 16);
  /* A frame may be longer, Ethernet pads short ones; never shorter. */
  if (ip->header_size < IPV4_MIN_SIZE || ip->total_size < ip->header_size ||
      ip->total_size > size)
    return BT_PACKET_MALFORMED;
  /* More fragments to come, or not the first. */
  if ((get16(bytes + 6) & 0x3fff) != 0)
    return BT_PACKET_FRAGMENT;
  if (ip->header_size != IPV4_MIN_SIZE)
    return BT_PACKET_OPTIONS;

  const uint8_t *payload = bytes + ip->header_size;
  size_t payload_size = ip->total_size - ip->header_size;
  switch (ip->protocol) {
  case BT_IP_TCP:
    return parse_tcp(payload, payload_size, packet);
  case BT_IP_UDP:
    return parse_udp(payload, payload_size, packet);
  case BT_IP_ICMP:
    return parse_icmp(payload, payload_size, &packet->icmp);
  default:
    return BT_PACKET_IPV4;
  }
}

BtPacketKind
bt_packet_parse(const uint8_t *frame, size_t size, BtPacket *packet_out)
{
  memset(packet_out, 0, sizeof *packet_out);
  if (size < BT_ETHERNET_SIZE || size > BT_FRAME_MAX_SIZE)
    return BT_PACKET_MALFORMED;
  memcpy(packet_out->ethernet.destination, frame, 6);
  memcpy(packet_out->ethernet.source, frame + 6, 6);
  packet_out->ethernet.type = get16(frame + 12);

  const uint8_t *payload = frame + BT_ETHERNET_SIZE;
  size_t payload_size = size - BT_ETHERNET_SIZE;
  if (packet_out->ethernet.type == BT_ETHERTYPE_IPV4)
    packet_out->kind = parse_ipv4(payload, payload_size, packet_out);
  else if (packet_out->ethernet.type == BT_ETHERTYPE_ARP)
    packet_out->kind = parse_arp(payload, payload_size, &packet_out->arp);
  else
    packet_out->kind = BT_PACKET_OTHER;
  return packet_out->kind;
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
write_ipv4(uint8_t *ip, uint32_t source, uint32_t destination, uint8_t protocol,
           size_t payload_size)
{
  memset(ip, 0, IPV4_MIN_SIZE);
  ip[0] = 0x45;
  put16(ip + 2, (uint16_t)(IPV4_MIN_SIZE + payload_size));
  put16(ip + 6, 0x4000);
  ip[8] = 64;
  ip[9] = protocol;
  memcpy(ip + 12, &source, 4);
  memcpy(ip + 16, &destination, 4);
  put16(ip + 10, fold(sum_bytes(0, ip, IPV4_MIN_SIZE)));
  return ip + IPV4_MIN_SIZE;
}

size_t
bt_packet_write_reset(const BtPacket *packet, const uint8_t source_mac[6],
                      uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  const BtTcp *tcp = &packet->tcp;
  uint8_t *ip, *reset;

  if (packet->kind != BT_PACKET_TCP || (tcp->flags & BT_TCP_RST) != 0)
    return 0;
  ip = write_ethernet(reply_out, packet->ethernet.source, source_mac, BT_ETHERTYPE_IPV4);
  reset = write_ipv4(ip, packet->ip.destination, packet->ip.source, BT_IP_TCP, TCP_MIN_SIZE);
  memset(reset, 0, TCP_MIN_SIZE);
  put16(reset, packet->destination_port);
  put16(reset + 2, packet->source_port);
  reset[12] = TCP_MIN_SIZE / 4 << 4;
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
  uint32_t sum = sum_bytes(BT_IP_TCP + TCP_MIN_SIZE, ip + 12, 8);
  put16(reset + 16, fold(sum_bytes(sum, reset, TCP_MIN_SIZE)));
  return BT_ETHERNET_SIZE + IPV4_MIN_SIZE + TCP_MIN_SIZE;
}

size_t
bt_packet_write_prohibited(const BtPacket *packet, const uint8_t *frame, size_t size,
                           const uint8_t source_mac[6], uint32_t source,
                           uint8_t reply_out[BT_PACKET_REPLY_SIZE])
{
  size_t quoted = packet->ip.header_size + 8u;
  uint8_t *ip, *icmp;

  /* Never in answer to an error, RFC 1122 3.2.2. */
  if (packet->kind < BT_PACKET_OPTIONS || packet->ip.total_size < quoted ||
      size < BT_ETHERNET_SIZE + quoted ||
      (packet->kind == BT_PACKET_ICMP && packet->icmp.type != BT_ICMP_ECHO))
    return 0;
  ip = write_ethernet(reply_out, packet->ethernet.source, source_mac, BT_ETHERTYPE_IPV4);
  icmp = write_ipv4(ip, source, packet->ip.source, BT_IP_ICMP, ICMP_SIZE + quoted);
  memset(icmp, 0, ICMP_SIZE);
  icmp[0] = BT_ICMP_UNREACHABLE;
  icmp[1] = BT_ICMP_PROHIBITED;
  memcpy(icmp + ICMP_SIZE, frame + BT_ETHERNET_SIZE, quoted);
  put16(icmp + 2, fold(sum_bytes(0, icmp, ICMP_SIZE + quoted)));
  return BT_ETHERNET_SIZE + IPV4_MIN_SIZE + ICMP_SIZE + quoted;
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
