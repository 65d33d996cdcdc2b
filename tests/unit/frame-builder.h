/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Frames for tests, right in everything that a test does not make wrong. */

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

#include "wire/bt-packet.h"

typedef struct {
  guint8 bytes[1600];
  gsize size;
} Frame;

static const guint8 worker_mac[6] = { 0x02, 0, 0, 0, 0, 0x0f };
static const guint8 gateway_mac[6] = { 0x02, 0, 0, 0, 0, 0x02 };
#define WORKER "10.0.2.15"
#define GATEWAY "10.0.2.2"
#define WORKER6 "fd00:1:2:3::f"
#define GATEWAY6 "fd00:1:2:3::2"

static inline gboolean
is_addr(const BtAddr *addr, const char *text)
{
  BtAddr parsed;
  return bt_addr_parse(text, &parsed) && bt_addr_equal(addr, &parsed);
}

static inline void
frame_put16(guint8 *at, guint value)
{
  at[0] = (guint8)(value >> 8);
  at[1] = (guint8)value;
}

static inline void
frame_put32(guint8 *at, guint32 value)
{
  frame_put16(at, value >> 16);
  frame_put16(at + 2, value & 0xffff);
}

static inline guint32
frame_get32(const guint8 *at)
{
  return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

static inline guint32
frame_sum(guint32 sum, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    sum += i % 2 == 0 ? (guint32)bytes[i] << 8 : bytes[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static inline guint8 *
frame_ip(Frame *frame)
{
  return frame->bytes + BT_ETHERNET_SIZE;
}

static inline gboolean
frame_is_ipv6(const Frame *frame)
{
  return frame->bytes[12] == BT_ETHERTYPE_IPV6 >> 8 && frame->bytes[13] == (BT_ETHERTYPE_IPV6 & 255);
}

static inline gsize
frame_header_size(const Frame *frame)
{
  return frame_is_ipv6(frame) ? 40 : 20;
}

static inline guint8 *
frame_payload(Frame *frame)
{
  return frame_ip(frame) + frame_header_size(frame);
}

/* Fills in every checksum again. */
static inline void
frame_finish(Frame *frame)
{
  guint8 *ip = frame_ip(frame), *payload = frame_payload(frame);
  gsize size = frame->size - BT_ETHERNET_SIZE - frame_header_size(frame);
  gboolean ipv6 = frame_is_ipv6(frame);
  guint8 protocol = ip[ipv6 ? 6 : 9];
  gsize at = protocol == BT_IP_TCP ? 16 : protocol == BT_IP_UDP ? 6 : 2;
  guint32 sum = 0;

  if (!ipv6) {
    frame_put16(ip + 10, 0);
    frame_put16(ip + 10, ~frame_sum(0, ip, 20) & 0xffff);
  }
  frame_put16(payload + at, 0);
  if (protocol != BT_IP_ICMP)
    sum = frame_sum((guint32)protocol + (guint32)size, ip + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);
  frame_put16(payload + at, ~frame_sum(sum, payload, size) & 0xffff);
}

static inline void
frame_start6(Frame *frame, const guint8 *destination_mac, const guint8 *source_mac,
             guint8 protocol, const char *source, const char *destination, gsize payload_size)
{
  guint8 *ip = frame_ip(frame);

  memset(frame, 0, sizeof *frame);
  memcpy(frame->bytes, destination_mac, 6);
  memcpy(frame->bytes + 6, source_mac, 6);
  frame_put16(frame->bytes + 12, BT_ETHERTYPE_IPV6);
  ip[0] = 0x60;
  frame_put16(ip + 4, payload_size);
  ip[6] = protocol;
  ip[7] = 64;
  g_assert_cmpint(inet_pton(AF_INET6, source, ip + 8), ==, 1);
  g_assert_cmpint(inet_pton(AF_INET6, destination, ip + 24), ==, 1);
  frame->size = BT_ETHERNET_SIZE + 40 + payload_size;
}

static inline void
frame_start(Frame *frame, const guint8 *destination_mac, const guint8 *source_mac, guint8 protocol,
            const char *source, const char *destination, gsize payload_size)
{
  guint8 *ip = frame_ip(frame);

  memset(frame, 0, sizeof *frame);
  memcpy(frame->bytes, destination_mac, 6);
  memcpy(frame->bytes + 6, source_mac, 6);
  frame_put16(frame->bytes + 12, BT_ETHERTYPE_IPV4);
  ip[0] = 0x45;
  frame_put16(ip + 2, 20 + payload_size);
  ip[8] = 64;
  ip[9] = protocol;
  g_assert_cmpint(inet_pton(AF_INET, source, ip + 12), ==, 1);
  g_assert_cmpint(inet_pton(AF_INET, destination, ip + 16), ==, 1);
  frame->size = BT_ETHERNET_SIZE + 20 + payload_size;
}

/* From the worker to the gateway, of the destination's family. */
static inline void
frame_start_out(Frame *frame, guint8 protocol, const char *destination, gsize payload_size)
{
  if (strchr(destination, ':') != NULL)
    frame_start6(frame, gateway_mac, worker_mac, protocol, WORKER6, destination, payload_size);
  else
    frame_start(frame, gateway_mac, worker_mac, protocol, WORKER, destination, payload_size);
}

static inline Frame
frame_tcp_bytes(const char *destination, guint16 port, guint16 source_port, guint flags,
                guint32 sequence, guint32 acknowledgement, const void *data, gsize size)
{
  Frame frame;

  g_assert_cmpuint(size, <=, 1400);
  frame_start_out(&frame, BT_IP_TCP, destination, 20 + size);
  guint8 *tcp = frame_payload(&frame);
  frame_put16(tcp, source_port);
  frame_put16(tcp + 2, port);
  frame_put32(tcp + 4, sequence);
  frame_put32(tcp + 8, acknowledgement);
  tcp[12] = 5 << 4;
  tcp[13] = (guint8)flags;
  frame_put16(tcp + 14, 65535);
  memcpy(tcp + 20, data, size);
  frame_finish(&frame);
  return frame;
}

static inline Frame
frame_tcp(const char *destination, guint16 port, guint16 source_port, guint flags,
          guint32 sequence, guint32 acknowledgement, const char *data)
{
  return frame_tcp_bytes(destination, port, source_port, flags, sequence, acknowledgement, data,
                         strlen(data));
}

static inline Frame
frame_udp(const char *destination, guint16 port, guint16 source_port, const char *data)
{
  Frame frame;
  gsize size = strlen(data);

  frame_start_out(&frame, BT_IP_UDP, destination, 8 + size);
  guint8 *udp = frame_payload(&frame);
  frame_put16(udp, source_port);
  frame_put16(udp + 2, port);
  frame_put16(udp + 4, 8 + size);
  memcpy(udp + 8, data, size);
  frame_finish(&frame);
  return frame;
}

static inline Frame
frame_icmp(const char *destination, guint8 type, guint16 identifier)
{
  Frame frame;

  frame_start(&frame, gateway_mac, worker_mac, BT_IP_ICMP, WORKER, destination, 16);
  guint8 *icmp = frame_payload(&frame);
  icmp[0] = type;
  frame_put16(icmp + 4, identifier);
  frame_finish(&frame);
  return frame;
}

/* type as it goes over the wire. */
static inline Frame
frame_icmpv6(const char *destination, guint8 type, gsize payload_size)
{
  Frame frame;

  frame_start6(&frame, gateway_mac, worker_mac, BT_IP_ICMPV6, WORKER6, destination,
               8 + payload_size);
  frame_payload(&frame)[0] = type;
  frame_finish(&frame);
  return frame;
}

/* The same conversation seen from the other side. */
static inline Frame
frame_reply(const Frame *frame)
{
  Frame reply = *frame;
  guint8 *ip = frame_ip(&reply), *payload = frame_payload(&reply);
  const guint8 *given = frame->bytes + BT_ETHERNET_SIZE;
  const gsize header = frame_header_size(frame), size = frame_is_ipv6(frame) ? 16 : 4;
  const gsize destination = header - size, source = destination - size;

  memcpy(reply.bytes, frame->bytes + 6, 6);
  memcpy(reply.bytes + 6, frame->bytes, 6);
  memcpy(ip + source, given + destination, size);
  memcpy(ip + destination, given + source, size);
  if (!frame_is_ipv6(frame) && ip[9] == BT_IP_ICMP) {
    payload[0] = BT_ICMP_ECHO_REPLY;
  } else {
    memcpy(payload, given + header + 2, 2);
    memcpy(payload + 2, given + header, 2);
  }
  frame_finish(&reply);
  return reply;
}

/* The far side takes a SYN; its own numbers begin at sequence. */
static inline Frame
frame_syn_ack(const Frame *syn, guint32 sequence)
{
  Frame reply = frame_reply(syn);
  guint8 *tcp = frame_payload(&reply);

  frame_put32(tcp + 4, sequence);
  frame_put32(tcp + 8, frame_get32(frame_payload((Frame *)syn) + 4) + 1);
  tcp[13] = BT_TCP_SYN | BT_TCP_ACK;
  frame_finish(&reply);
  return reply;
}
