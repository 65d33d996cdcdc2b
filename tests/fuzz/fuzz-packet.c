/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

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
                   parsed.ip.destination != packet->ip.source))
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
      packet.tcp.payload_size + 40u > packet.ip.total_size)
    abort();
  /* A reset from port 0 is none of ours, nor one to it: the parser refuses both. */
  check_reply(&packet, reply, bt_packet_write_reset(&packet, mac, reply), BT_PACKET_TCP);
  check_reply(&packet, reply,
              bt_packet_write_prohibited(&packet, data, size, mac, 0x0202000a, reply),
              BT_PACKET_ICMP);
  return 0;
}
