/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NAT64 by a prefix of the network's own.
 *
 * Where a network has IPv6 alone, its DNS64 makes addresses of IPv6 for names
 * that have none, and its NAT64 takes them to IPv4.  By the well-known prefix
 * an address tells what it carries; a network's own prefix looks like any
 * other, and the owner of a granted name could write the network's 10.0.0.1
 * with it.  RFC 7050 says how to learn it: ipv4only.arpa has the addresses
 * 192.0.0.170 and 192.0.0.171 and no other kind, so what else comes as an
 * answer was made, and where the two stand in it (RFC 6052, 2.2) says how.
 *
 * It is asked when the first address of IPv6 is about to be answered, and again
 * after some minutes, since a machine can change its network.  A resolver that
 * fails to say leaves it unknown: then no such address is answered.
 */
#include "lib/bt-nat64.h"

#include <arpa/inet.h>
#include <string.h>

#define VALID_SECONDS 300
#define PROBE "ipv4only.arpa"
#define PROBE_FIRST 0xc00000aau /* 192.0.0.170, and the next */

/* Bits before the IPv4 address; byte 8 is left out of it, and zero. */
static const guint8 lengths[] = { 96, 64, 56, 48, 40, 32 };

typedef struct {
  BtAddr net;
  guint length;
} Prefix;

struct _BtNat64 {
  Prefix prefixes[BT_NAT64_MAX];
  guint n_prefixes;
  gint64 until; /* µs, monotonic; 0: nothing is known */
  BtResolver *resolver;
  gpointer handle; /* of the question that is open, or NULL */
  void (*ready)(gpointer data, gboolean known);
  gpointer data;
};

BtNat64 *
bt_nat64_new(void)
{
  return g_new0(BtNat64, 1);
}

void
bt_nat64_free(BtNat64 *self)
{
  if (self->handle != NULL)
    self->resolver->cancel(self->resolver, self->handle);
  g_free(self);
}

/* What stands behind a prefix of so many bits. */
static guint32
ipv4_behind(const BtAddr *addr, guint length)
{
  guint8 ipv4[4];

  for (guint i = 0, at = length / 8; i < 4; i++, at++) {
    if (at == 8)
      at++;
    ipv4[i] = addr->bytes[at];
  }
  return (guint32)ipv4[0] << 24 | (guint32)ipv4[1] << 16 | (guint32)ipv4[2] << 8 | ipv4[3];
}

static void
add_prefix(BtNat64 *self, const BtAddr *addr)
{
  for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
    guint32 ipv4 = ipv4_behind(addr, lengths[i]);
    if ((ipv4 & ~1u) != PROBE_FIRST || (lengths[i] < 96 && addr->bytes[8] != 0))
      continue;
    for (guint k = 0; k < self->n_prefixes; k++)
      if (self->prefixes[k].length == lengths[i] &&
          bt_addr_in(addr, &self->prefixes[k].net, lengths[i]))
        return;
    if (self->n_prefixes < BT_NAT64_MAX)
      self->prefixes[self->n_prefixes++] = (Prefix){ .net = *addr, .length = lengths[i] };
    return;
  }
}

static void
on_answer(gpointer data, BtLookupResult result, const BtAddr *addrs, guint n_addrs)
{
  BtNat64 *self = data;

  self->handle = NULL;
  if (result != BT_LOOKUP_FAILED) {
    self->n_prefixes = 0;
    for (guint i = 0; i < n_addrs; i++)
      if (!bt_addr_is_ipv4(&addrs[i]))
        add_prefix(self, &addrs[i]);
    self->until = g_get_monotonic_time() + (gint64)VALID_SECONDS * G_USEC_PER_SEC;
  }
  self->ready(self->data, result != BT_LOOKUP_FAILED);
}

gboolean
bt_nat64_is_known(BtNat64 *self, gint64 now)
{
  return now < self->until;
}

void
bt_nat64_ask(BtNat64 *self, BtResolver *resolver, void (*ready)(gpointer data, gboolean known),
             gpointer data)
{
  if (self->handle != NULL)
    return;
  self->resolver = resolver;
  self->ready = ready;
  self->data = data;
  self->handle = resolver->start(resolver, PROBE, TRUE, on_answer, self);
}

gsize
bt_nat64_get_carried(BtNat64 *self, const BtAddr *addr, BtAddr carried_out[BT_NAT64_MAX])
{
  gsize n_carried = 0;

  for (guint i = 0; i < self->n_prefixes; i++)
    if (bt_addr_in(addr, &self->prefixes[i].net, self->prefixes[i].length))
      carried_out[n_carried++] =
        bt_addr_from_ipv4(htonl(ipv4_behind(addr, self->prefixes[i].length)));
  return n_carried;
}
