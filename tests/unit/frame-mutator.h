/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Random frames for comparisons of one parser with another: right ones, with up to three things
 * about them changed, and with checksums that mostly hold, or nobody would look further than them.
 * What is put in or comes after the headers is pairs of ports that are listened to, so that whoever
 * looks for a header in the wrong place finds one that leads somewhere else.
 */

#include "frame-builder.h"

#define MUTANT_FIRST_PORT 20000u
#define MUTANT_PORTS 16u

typedef struct {
  Frame frame;
  gsize transport; /* where its header was put, from the frame's start */
  guint8 protocol;
} Mutant;

/* Where frames come from, one after the other. */
typedef struct {
  GRand *rand;
  Frame rest; /* of what was sent in two fragments; size 0: none */
} MutantSource;

static const char *const mutant_targets[] = {
  "192.0.2.7",     "198.51.100.1",  "203.0.113.200",
  "2001:db8:1::7", "2001:db8:2::1", "2620:fe::fe",
};

static inline guint
mutant_below(GRand *rand, guint end)
{
  return (guint)g_rand_int_range(rand, 0, (gint32)end);
}

static inline guint16
mutant_port(GRand *rand)
{
  return (guint16)(MUTANT_FIRST_PORT + mutant_below(rand, MUTANT_PORTS));
}

/* A byte that is probably at some bound. */
static inline guint8
mutant_byte(GRand *rand)
{
  static const guint8 bounds[] = { 0, 1, 4, 5, 6, 7, 8, 15, 16, 17, 64, 127, 128, 254, 255 };
  return mutant_below(rand, 2) == 0 ? (guint8)mutant_below(rand, 256)
                                    : bounds[mutant_below(rand, G_N_ELEMENTS(bounds))];
}

static inline void
mutant_fill(GRand *rand, guint8 *at, gsize size)
{
  for (gsize i = 0; i + 1 < size; i += 2)
    frame_put16(at + i, mutant_port(rand));
}

/* A number near what it was, or anything. */
static inline void
mutant_bend16(GRand *rand, guint8 *at)
{
  guint was = (guint)at[0] << 8 | at[1];
  static const int steps[] = { -8, -4, -1, 1, 4, 8, 20 };

  switch (mutant_below(rand, 4)) {
  case 0:
    frame_put16(at, mutant_below(rand, 65536));
    break;
  case 1:
    frame_put16(at, mutant_below(rand, 64));
    break;
  default:
    frame_put16(at, was + (guint)steps[mutant_below(rand, G_N_ELEMENTS(steps))]);
  }
}

static inline guint8 *
mutant_insert(Mutant *mutant, gsize at, gsize size)
{
  Frame *frame = &mutant->frame;

  at = MIN(at, frame->size);
  g_assert_cmpuint(frame->size + size, <=, sizeof frame->bytes);
  memmove(frame->bytes + at + size, frame->bytes + at, frame->size - at);
  frame->size += size;
  if (at <= mutant->transport)
    mutant->transport += size;
  return frame->bytes + at;
}

static inline void
mutant_lengthen(Mutant *mutant, gsize size)
{
  guint8 *length = frame_ip(&mutant->frame) + (frame_is_ipv6(&mutant->frame) ? 4 : 2);
  frame_put16(length, ((guint)length[0] << 8 | length[1]) + (guint)size);
}

/* ---- the ways ---- */

static inline void
mutant_add_options(GRand *rand, Mutant *mutant)
{
  static const guint8 kinds[] = { 0, 1, 7, 68, 131, 134, 136, 137, 148 };
  gsize size = 4 * (1 + mutant_below(rand, 10));
  guint8 *ip = frame_ip(&mutant->frame);

  if ((ip[0] & 15) + size / 4 > 15)
    return;
  guint8 *options = mutant_insert(mutant, BT_ETHERNET_SIZE + 20, size);
  ip[0] = (guint8)(ip[0] + size / 4);
  mutant_lengthen(mutant, size);
  mutant_fill(rand, options, size);
  if (mutant_below(rand, 3) == 0) {
    memset(options, 1, size);
    return;
  }
  options[0] = kinds[mutant_below(rand, G_N_ELEMENTS(kinds))];
  options[1] = (guint8)(mutant_below(rand, 3) == 0 ? mutant_byte(rand) : size);
  options[2] = (guint8)(mutant_below(rand, 3) == 0 ? mutant_byte(rand) : 4);
}

static inline void
mutant_add_extension(GRand *rand, Mutant *mutant)
{
  static const guint8 kinds[] = { 0, 0, 43, 44, 44, 44, 51, 59, 60, 60, 135, 139, 140, 253 };
  gsize size = 8 * (1 + mutant_below(rand, 3));
  guint8 kind = kinds[mutant_below(rand, G_N_ELEMENTS(kinds))];
  guint8 *ip = frame_ip(&mutant->frame);

  if (kind == 44)
    size = 8;
  guint8 *header = mutant_insert(mutant, BT_ETHERNET_SIZE + 40, size);
  mutant_fill(rand, header, size);
  header[0] = ip[6];
  ip[6] = kind;
  mutant_lengthen(mutant, size);
  header[1] = (guint8)(kind == 44 ? 0 : kind == 51 ? size / 4 - 2 : size / 8 - 1);
  if (kind == 0 || kind == 60) { /* one padding, as it should be */
    memset(header + 2, 0, size - 2);
    header[2] = 1;
    header[3] = (guint8)(size - 4);
  } else if (kind == 43) {
    header[2] = (guint8)mutant_below(rand, 5);
    header[3] = (guint8)mutant_below(rand, 2);
  } else if (kind == 44) { /* every other one is whole: the only one of its packet */
    frame_put16(header + 2, mutant_below(rand, 2) == 0 ? 0 : mutant_below(rand, 16));
  }
  if (mutant_below(rand, 8) == 0)
    header[mutant_below(rand, 4)] = mutant_byte(rand);
}

/* Also a whole packet's first part alone, and a part that begins within the header. */
static inline void
mutant_fragment(GRand *rand, Mutant *mutant)
{
  static const guint fields[] = { 0x2000, 0x4000, 0x8000, 1, 2, 3, 0x2001, 0x1fff, 0x6000, 0xc000 };

  if (frame_is_ipv6(&mutant->frame))
    mutant_add_extension(rand, mutant);
  else
    frame_put16(frame_ip(&mutant->frame) + 6, fields[mutant_below(rand, G_N_ELEMENTS(fields))]);
}

static inline void
mutant_bend_ip(GRand *rand, Mutant *mutant)
{
  guint8 *ip = frame_ip(&mutant->frame);
  gboolean ipv6 = frame_is_ipv6(&mutant->frame);

  switch (mutant_below(rand, 6)) {
  case 0:
    ip[0] = mutant_below(rand, 2) == 0 ? mutant_byte(rand)
                                       : (guint8)((ip[0] & 0xf0) | mutant_below(rand, 16));
    break;
  case 1:
  case 2:
    mutant_bend16(rand, ip + (ipv6 ? 4 : 2));
    break;
  case 3:
    ip[ipv6 ? 6 : 9] = mutant_byte(rand);
    break;
  case 4:
    ip[ipv6 ? 7 : 8] = mutant_byte(rand);
    break;
  default: /* an address, mostly still one that is answered */
    ip[(ipv6 ? 8 : 12) + mutant_below(rand, ipv6 ? 32 : 8)] ^= (guint8)(1 << mutant_below(rand, 8));
  }
}

static inline void
mutant_bend_tcp(GRand *rand, Mutant *mutant)
{
  guint8 *tcp = mutant->frame.bytes + mutant->transport;
  gsize size = 4 * (1 + mutant_below(rand, 10));

  switch (mutant_below(rand, 6)) {
  case 0: /* of any length, and lying about it */
    mutant_fill(rand, mutant_insert(mutant, mutant->transport + 20, size), size);
    tcp[12] = (guint8)(tcp[12] + (size / 4 << 4));
    tcp[20] = (guint8)mutant_below(rand, 9);
    tcp[21] = mutant_byte(rand);
    mutant_lengthen(mutant, size);
    break;
  case 1:
    tcp[12] = mutant_byte(rand);
    break;
  case 2:
    tcp[13] = mutant_byte(rand);
    break;
  case 3: /* urgent, with a pointer anywhere */
    tcp[13] |= BT_TCP_URG;
    mutant_bend16(rand, tcp + 18);
    break;
  case 4: /* a window of nothing */
    frame_put16(tcp + 14, 0);
    break;
  default:
    frame_put32(tcp + 4 + 4 * mutant_below(rand, 2), g_rand_int(rand));
  }
}

static inline void
mutant_bend_transport(GRand *rand, Mutant *mutant)
{
  guint8 *header = mutant->frame.bytes + mutant->transport;

  if (mutant_below(rand, 4) == 0) {
    frame_put16(header + 2 * mutant_below(rand, 2),
                mutant_below(rand, 4) == 0 ? 0 : mutant_below(rand, 65536));
    return;
  }
  if (mutant->protocol == BT_IP_TCP)
    mutant_bend_tcp(rand, mutant);
  else if (mutant->protocol == BT_IP_UDP)
    mutant_bend16(rand, header + 4);
  else
    header[mutant_below(rand, 8)] = mutant_byte(rand);
}

static inline void
mutant_bend_frame(GRand *rand, Mutant *mutant)
{
  Frame *frame = &mutant->frame;

  switch (mutant_below(rand, 6)) {
  case 0:
    frame->size -= mutant_below(rand, (guint)MIN(frame->size, 40));
    break;
  case 1:
    memset(mutant_insert(mutant, frame->size, 12), mutant_byte(rand), 12);
    break;
  case 2:
    frame->bytes[12 + mutant_below(rand, 2)] ^= (guint8)(1 << mutant_below(rand, 8));
    break;
  case 3: /* a VLAN's tag */
    frame_put32(mutant_insert(mutant, 12, 4), 0x81000000 | mutant_below(rand, 8));
    break;
  case 4:
    frame->bytes[mutant_below(rand, 6)] ^= (guint8)(1 << mutant_below(rand, 8));
    break;
  default:
    frame->bytes[mutant_below(rand, (guint)frame->size)] = mutant_byte(rand);
  }
}

/* ---- all of it ---- */

static inline Mutant
mutant_start(GRand *rand)
{
  const char *target = mutant_targets[mutant_below(rand, G_N_ELEMENTS(mutant_targets))];
  static const guint8 flags[] = { BT_TCP_SYN, BT_TCP_SYN, BT_TCP_ACK, BT_TCP_SYN | BT_TCP_ACK,
                                  BT_TCP_FIN | BT_TCP_ACK, BT_TCP_URG | BT_TCP_ACK, 0, 0x18 };
  gboolean ipv6 = strchr(target, ':') != NULL;
  gsize size = 4 * mutant_below(rand, 24);
  guint8 data[96];
  Mutant mutant;

  mutant_fill(rand, data, sizeof data);
  mutant.transport = BT_ETHERNET_SIZE + (ipv6 ? 40 : 20);
  switch (mutant_below(rand, 5)) {
  case 0:
  case 1:
    mutant.protocol = BT_IP_TCP;
    mutant.frame = frame_tcp_bytes(target, mutant_port(rand), mutant_port(rand),
                                   flags[mutant_below(rand, G_N_ELEMENTS(flags))],
                                   g_rand_int(rand), g_rand_int(rand), data, size);
    break;
  case 2:
  case 3:
    mutant.protocol = BT_IP_UDP;
    frame_start_out(&mutant.frame, BT_IP_UDP, target, 8 + size);
    mutant_fill(rand, frame_payload(&mutant.frame), 4);
    frame_put16(frame_payload(&mutant.frame) + 4, 8 + size);
    memcpy(frame_payload(&mutant.frame) + 8, data, size);
    break;
  default:
    mutant.protocol = ipv6 ? BT_IP_ICMPV6 : BT_IP_ICMP;
    mutant.frame = ipv6 ? frame_icmpv6(target, 128, 8 + size)
                        : frame_icmp(target, BT_ICMP_ECHO, mutant_port(rand));
  }
  return mutant;
}

/* The checksums that hold for whoever believes the headers, if they can be believed. */
static inline void
mutant_finish(Mutant *mutant)
{
  gboolean ipv6 = frame_is_ipv6(&mutant->frame);
  guint8 *ip = frame_ip(&mutant->frame), *transport = mutant->frame.bytes + mutant->transport;
  gsize header = ipv6 ? 40 : (ip[0] & 15) * 4u;
  gsize length = (gsize)ip[ipv6 ? 4 : 2] << 8 | ip[ipv6 ? 5 : 3];
  gsize end = BT_ETHERNET_SIZE + length + (ipv6 ? 40 : 0);
  gsize at = mutant->protocol == BT_IP_TCP ? 16 : mutant->protocol == BT_IP_UDP ? 6 : 2;
  guint32 sum = 0;

  if (!ipv6 && header >= 20 && BT_ETHERNET_SIZE + header <= mutant->frame.size) {
    frame_put16(ip + 10, 0);
    frame_put16(ip + 10, ~frame_sum(0, ip, header) & 0xffff);
  }
  if (end > mutant->frame.size || end < mutant->transport + at + 2)
    return;
  gsize size = end - mutant->transport;
  if (mutant->protocol == BT_IP_UDP) {
    gsize said = (gsize)transport[4] << 8 | transport[5];
    size = said >= 8 && said < size ? said : size;
  }
  if (mutant->protocol != BT_IP_ICMP)
    sum = frame_sum((guint32)mutant->protocol + (guint32)size, ip + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);
  frame_put16(transport + at, 0);
  frame_put16(transport + at, ~frame_sum(sum, transport, size) & 0xffff);
}

/* Of a whole packet the part from begin to end, which says that it begins at place. */
static inline Frame
mutant_part(const Mutant *whole, gsize begin, gsize end, gsize place, guint16 id)
{
  Mutant part = *whole;
  gboolean ipv6 = frame_is_ipv6(&part.frame), more = part.transport + end < part.frame.size;
  guint8 *ip = frame_ip(&part.frame), *payload = part.frame.bytes + part.transport;

  memmove(payload, payload + begin, end - begin);
  part.frame.size = part.transport + end - begin;
  if (ipv6) {
    guint8 *header = mutant_insert(&part, part.transport, 8);
    header[0] = ip[6];
    header[1] = 0;
    frame_put16(header + 2, (guint)place | more);
    frame_put32(header + 4, id);
    ip[6] = 44;
    frame_put16(ip + 4, 8 + end - begin);
    return part.frame;
  }
  frame_put16(ip + 2, 20 + end - begin);
  frame_put16(ip + 4, id);
  frame_put16(ip + 6, (guint)place / 8 | (more ? 0x2000 : 0));
  frame_put16(ip + 10, 0);
  frame_put16(ip + 10, ~frame_sum(0, ip, 20) & 0xffff);
  return part.frame;
}

/* In two, in any order; a first part may be tiny, and a second one lie over the first. */
static inline Frame
mutant_split(MutantSource *source)
{
  Mutant whole = mutant_start(source->rand);
  mutant_finish(&whole);
  gsize size = whole.frame.size - whole.transport, cut = 8;
  guint16 id = (guint16)g_rand_int(source->rand);

  if (size <= 8)
    return whole.frame;
  if (mutant_below(source->rand, 2) == 0)
    cut = 8 * (1 + mutant_below(source->rand, (guint)(size - 1) / 8));
  gsize over = mutant_below(source->rand, 4) == 0 ? 8 : 0;
  Frame first = mutant_part(&whole, 0, cut, 0, id);
  Frame last = mutant_part(&whole, cut - over, size, cut - over, id);
  gboolean turned = mutant_below(source->rand, 4) == 0;
  source->rest = turned ? first : last;
  return turned ? last : first;
}

static inline Frame
mutant_bend(GRand *rand)
{
  Mutant mutant = mutant_start(rand);

  for (guint left = mutant_below(rand, 4); left > 0; left--) {
    gboolean ipv6 = frame_is_ipv6(&mutant.frame);
    switch (mutant_below(rand, 8)) {
    case 0:
      (ipv6 ? mutant_add_extension : mutant_add_options)(rand, &mutant);
      break;
    case 1:
      mutant_fragment(rand, &mutant);
      break;
    case 2:
    case 3:
      mutant_bend_ip(rand, &mutant);
      break;
    case 4:
    case 5:
    case 6:
      mutant_bend_transport(rand, &mutant);
      break;
    default:
      mutant_bend_frame(rand, &mutant);
    }
  }
  if (mutant_below(rand, 10) != 0)
    mutant_finish(&mutant);
  return mutant.frame;
}

static inline Frame
mutant_next(MutantSource *source)
{
  Frame rest = source->rest;

  source->rest.size = 0;
  if (rest.size > 0)
    return rest;
  return mutant_below(source->rand, 10) == 0 ? mutant_split(source) : mutant_bend(source->rand);
}
