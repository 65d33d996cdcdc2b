/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What we send back must be a packet for whoever sent this one. */
static void
check_reply(const BtPacket *packet, const uint8_t *reply, size_t size, BtPacketKind kind)
{
  BtPacket parsed;

  if (size > BT_PACKET_REPLY_SIZE)
    abort();
  if (size > 0 && (bt_packet_parse(reply, size, &parsed) != kind ||
                   !bt_addr_equal(&parsed.ip.destination, &packet->ip.source)))
    abort();
}

/* IPv6 headers hold no IPv4 address, and IPv4's hold nothing else. */
static void
check_family(const BtPacket *packet)
{
  bool ipv4 = packet->ethernet.type == BT_ETHERTYPE_IPV4;

  if (bt_addr_is_ipv4(&packet->ip.source) != ipv4 ||
      bt_addr_is_ipv4(&packet->ip.destination) != ipv4)
    abort();
}

static void
check_even_window(const uint8_t *data, size_t size)
{
  uint8_t frame[BT_PACKET_REPLY_SIZE];

  if (size > sizeof frame)
    return;
  memcpy(frame, data, size);
  bt_packet_even_window(frame, size);
  size_t changed = 0;
  for (size_t i = 0; i < size; i++)
    changed += frame[i] != data[i];
  if (changed > 4)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 };
  uint8_t reply[BT_PACKET_REPLY_SIZE];
  BtPacket packet;

  bt_packet_parse(data, size, &packet);
  if (packet.kind >= BT_PACKET_FRAGMENT &&
      (size_t)packet.ip.total_size + BT_ETHERNET_SIZE > size)
    abort();
  if (packet.kind == BT_PACKET_TCP &&
      packet.tcp.payload_size + packet.ip.header_size + 20u > packet.ip.total_size)
    abort();
  BtAddr gateway = bt_addr_from_ipv4(0x0202000a);
  if (packet.kind >= BT_PACKET_FRAGMENT) {
    check_family(&packet);
    if (!bt_addr_is_ipv4(&packet.ip.source))
      gateway = (BtAddr){ { 0xfd, [15] = 2 } };
  }
  /* A reset from port 0 is none of ours, nor one to it: the parser refuses both. */
  check_reply(&packet, reply, bt_packet_write_reset(&packet, mac, reply), BT_PACKET_TCP);
  check_reply(&packet, reply,
              bt_packet_write_prohibited(&packet, data, size, mac, &gateway, reply),
              BT_PACKET_ICMP);
  check_even_window(data, size);
  return 0;
}
