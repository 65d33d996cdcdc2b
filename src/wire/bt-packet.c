/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-packet.h"

#include <string.h>

#define IPV4_MIN_SIZE 20u
#define IPV6_SIZE 40u
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

/* An address stays in network order. */
static uint32_t
get_address(const uint8_t *bytes)
{
  uint32_t address;
  memcpy(&address, bytes, sizeof address);
  return address;
}

static BtAddr
get_ipv6(const uint8_t *bytes)
{
  BtAddr addr;
  memcpy(addr.bytes, bytes, sizeof addr.bytes);
  return addr;
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

static void
get_inner_ports(const uint8_t *payload, BtIcmpInner *inner_out)
{
  if (inner_out->protocol == BT_IP_ICMP || inner_out->protocol == BT_IP_ICMPV6) {
    inner_out->source_port = get16(payload + 4);
  } else {
    inner_out->source_port = get16(payload);
    inner_out->destination_port = get16(payload + 2);
  }
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
  inner_out->source = bt_addr_from_ipv4(get_address(bytes + 12));
  inner_out->destination = bt_addr_from_ipv4(get_address(bytes + 16));
  inner_out->protocol = bytes[9];
  get_inner_ports(bytes + header_size, inner_out);
  return true;
}

/* What has extension headers is no packet that the gate let out. */
static bool
parse_icmpv6_inner(const uint8_t *bytes, size_t size, BtIcmpInner *inner_out)
{
  if (size < IPV6_SIZE + 8 || bytes[0] >> 4 != 6)
    return false;
  inner_out->source = get_ipv6(bytes + 8);
  inner_out->destination = get_ipv6(bytes + 24);
  inner_out->protocol = bytes[6];
  get_inner_ports(bytes + IPV6_SIZE, inner_out);
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

/* RFC 4443; the rest of its types is for links that have neighbours. */
static uint8_t
icmp_type_of(uint8_t icmpv6_type)
{
  switch (icmpv6_type) {
  case 1: /* destination unreachable */
  case 2: /* packet too big */
    return BT_ICMP_UNREACHABLE;
  case 3:
    return BT_ICMP_TIME_EXCEEDED;
  case 128:
    return BT_ICMP_ECHO;
  case 129:
    return BT_ICMP_ECHO_REPLY;
  default:
    return BT_ICMP_OTHER;
  }
}

static BtPacketKind
parse_icmpv6(const uint8_t *bytes, size_t size, BtIcmp *icmp_out)
{
  if (size < ICMP_SIZE)
    return BT_PACKET_MALFORMED;
  icmp_out->type = icmp_type_of(bytes[0]);
  icmp_out->code = bytes[1];
  if (icmp_out->type == BT_ICMP_ECHO || icmp_out->type == BT_ICMP_ECHO_REPLY)
    icmp_out->identifier = get16(bytes + 4);
  if (icmp_out->type == BT_ICMP_UNREACHABLE || icmp_out->type == BT_ICMP_TIME_EXCEEDED)
    icmp_out->has_inner =
        parse_icmpv6_inner(bytes + ICMP_SIZE, size - ICMP_SIZE, &icmp_out->inner);
  return BT_PACKET_ICMP;
}

static BtPacketKind
parse_ipv4(const uint8_t *bytes, size_t size, BtPacket *packet)
{
  BtIp *ip = &packet->ip;

  if (size < IPV4_MIN_SIZE || bytes[0] >> 4 != 4)
    return BT_PACKET_MALFORMED;
  ip->header_size = (bytes[0] & 15) * 4u;
  ip->total_size = get16(bytes + 2);
  ip->protocol = bytes[9];
  ip->source = bt_addr_from_ipv4(get_address(bytes + 12));
  ip->destination = bt_addr_from_ipv4(get_address(bytes + 16));
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
    return BT_PACKET_IP;
  }
}

/*
 * Behind the header the payload, or nothing: a chain of extension headers is
 * not followed, so that nobody can read another chain in it than the gate.
 */
static BtPacketKind
parse_ipv6(const uint8_t *bytes, size_t size, BtPacket *packet)
{
  BtIp *ip = &packet->ip;

  if (size < IPV6_SIZE || bytes[0] >> 4 != 6)
    return BT_PACKET_MALFORMED;
  size_t payload_size = get16(bytes + 4);
  ip->source = get_ipv6(bytes + 8);
  ip->destination = get_ipv6(bytes + 24);
  /* An IPv4 address in another packet than IPv4's would be judged as if it were in one. */
  if (payload_size > size - IPV6_SIZE || bt_addr_is_ipv4(&ip->source) ||
      bt_addr_is_ipv4(&ip->destination))
    return BT_PACKET_MALFORMED;
  ip->header_size = IPV6_SIZE;
  ip->total_size = (uint16_t)(IPV6_SIZE + payload_size); /* within the frame's 65535 */
  ip->protocol = bytes[6];

  const uint8_t *payload = bytes + IPV6_SIZE;
  switch (ip->protocol) {
  case BT_IP_TCP:
    return parse_tcp(payload, payload_size, packet);
  case BT_IP_UDP:
    return parse_udp(payload, payload_size, packet);
  case BT_IP_ICMPV6:
    return parse_icmpv6(payload, payload_size, &packet->icmp);
  case 44:
    return BT_PACKET_FRAGMENT;
  case 0:   /* hop-by-hop options, a jumbogram's length among them */
  case 43:  /* routing */
  case 51:  /* authentication */
  case 60:  /* destination options */
  case 135: /* mobility */
  case 139: /* host identity */
  case 140: /* shim6 */
    return BT_PACKET_OPTIONS;
  default:
    return BT_PACKET_IP;
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
  else if (packet_out->ethernet.type == BT_ETHERTYPE_IPV6)
    packet_out->kind = parse_ipv6(payload, payload_size, packet_out);
  else if (packet_out->ethernet.type == BT_ETHERTYPE_ARP)
    packet_out->kind = parse_arp(payload, payload_size, &packet_out->arp);
  else
    packet_out->kind = BT_PACKET_OTHER;
  return packet_out->kind;
}
