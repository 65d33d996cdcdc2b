/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A capture file as tcpdump and Wireshark read it: one header, then a record
 * before each frame, in the byte order of who writes. The supervisor writes the
 * header, buntime-net the records.
 */

#include <stdint.h>

#define BT_PCAP_MAGIC 0xa1b2c3d4u /* of times in microseconds */
#define BT_PCAP_MAJOR 2
#define BT_PCAP_MINOR 4
#define BT_PCAP_SNAP_LENGTH 262144u /* more than a frame can have: none is cut */
#define BT_PCAP_ETHERNET 1u

typedef struct {
  uint32_t magic;
  uint16_t major, minor;
  uint32_t zone, accuracy; /* 0 */
  uint32_t snap_length;
  uint32_t link_type;
} BtPcapHeader;

typedef struct {
  uint32_t seconds, microseconds; /* since 1970 */
  uint32_t size;                  /* bytes that follow */
  uint32_t full_size;             /* of the frame */
} BtPcapRecord;
