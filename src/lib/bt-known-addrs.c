/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-known-addrs.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/bt-pin-table.h"

#define SINKHOLE_NET 0xc6130000u /* 198.19.0.0/16 */

struct _BtKnownAddrs {
  GHashTable *known;     /* set of BtKnownAddr by addr */
  GQueue order;          /* BtKnownAddr, the oldest first */
  GHashTable *sinkholes; /* char *name (of the BtKnownAddr) → BtKnownAddr */
  guint next_sinkhole;
};

static void
known_free(gpointer data)
{
  BtKnownAddr *known = data;
  g_free(known->name);
  g_free(known->reason);
  g_free(known->grant);
  g_free(known);
}

BtKnownAddrs *
bt_known_addrs_new(void)
{
  BtKnownAddrs *self = g_new0(BtKnownAddrs, 1);

  self->known = g_hash_table_new_full(bt_addr_hash, bt_addr_equal_keys, NULL, known_free);
  self->sinkholes = g_hash_table_new(g_str_hash, g_str_equal);
  g_queue_init(&self->order);
  return self;
}

void
bt_known_addrs_free(BtKnownAddrs *self)
{
  g_hash_table_unref(self->sinkholes);
  g_queue_clear(&self->order);
  g_hash_table_unref(self->known);
  g_free(self);
}

BtKnownAddr *
bt_known_addrs_get(BtKnownAddrs *self, const BtAddr *addr)
{
  return g_hash_table_lookup(self->known, addr);
}

static void
forget_oldest(BtKnownAddrs *self)
{
  BtKnownAddr *known = g_queue_pop_head(&self->order);

  if (g_hash_table_lookup(self->sinkholes, known->name) == known)
    g_hash_table_remove(self->sinkholes, known->name);
  g_hash_table_remove(self->known, &known->addr);
}

BtKnownAddr *
bt_known_addrs_remember(BtKnownAddrs *self, const BtAddr *addr, const char *name)
{
  BtKnownAddr *known = g_hash_table_lookup(self->known, addr);

  if (known != NULL) {
    if (strcmp(known->name, name) != 0) {
      g_free(known->name);
      known->name = g_strdup(name);
    }
    return known;
  }
  if (g_hash_table_size(self->known) >= BT_KNOWN_ADDRS_MAX)
    forget_oldest(self);
  known = g_new0(BtKnownAddr, 1);
  known->addr = *addr;
  known->name = g_strdup(name);
  g_hash_table_insert(self->known, &known->addr, known);
  g_queue_push_tail(&self->order, known);
  return known;
}

BtKnownAddr *
bt_known_addrs_sinkhole(BtKnownAddrs *self, const char *name)
{
  BtKnownAddr *known = g_hash_table_lookup(self->sinkholes, name);
  BtAddr addr;

  if (known != NULL)
    return known;
  /* The space is larger than the table and walked in order: the next is free. */
  self->next_sinkhole = self->next_sinkhole % 65534 + 1;
  addr = bt_addr_from_ipv4(htonl(SINKHOLE_NET + self->next_sinkhole));
  known = bt_known_addrs_remember(self, &addr, name);
  g_hash_table_insert(self->sinkholes, known->name, known);
  return known;
}
