/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-pins.h"

#include <string.h>

typedef struct {
  BtAddr addr; /* with rule the key; no padding between */
  guint32 rule;
  guint32 flows;
  gint64 expires;
} Pin;

struct _BtPins {
  GHashTable *table; /* Pin to itself */
  GHashTable *host;  /* BtAddr to itself */
  gint64 life;
  BtPinsExpiredFunc expired;
  gpointer data;
};

static guint
addr_hash(gconstpointer key)
{
  const BtAddr *addr = key;
  guint hash = 5381;

  for (gsize i = 0; i < sizeof addr->bytes; i++)
    hash = hash * 33 + addr->bytes[i];
  return hash;
}

static gboolean
addr_equal(gconstpointer a, gconstpointer b)
{
  return bt_addr_equal(a, b);
}

static guint
pin_hash(gconstpointer key)
{
  const Pin *pin = key;
  return addr_hash(&pin->addr) ^ pin->rule * 2654435761u;
}

static gboolean
pin_equal(gconstpointer a, gconstpointer b)
{
  const Pin *pin_a = a, *pin_b = b;
  return pin_a->rule == pin_b->rule && bt_addr_equal(&pin_a->addr, &pin_b->addr);
}

BtPins *
bt_pins_new(gint64 life, BtPinsExpiredFunc expired, gpointer data)
{
  BtPins *self = g_new0(BtPins, 1);
  self->table = g_hash_table_new_full(pin_hash, pin_equal, g_free, NULL);
  self->host = g_hash_table_new_full(addr_hash, addr_equal, g_free, NULL);
  self->life = life;
  self->expired = expired;
  self->data = data;
  return self;
}

void
bt_pins_free(BtPins *self)
{
  g_hash_table_unref(self->table);
  g_hash_table_unref(self->host);
  g_free(self);
}

static Pin *
lookup(BtPins *self, const BtAddr *addr, guint32 rule)
{
  Pin key = { .addr = *addr, .rule = rule };
  return g_hash_table_lookup(self->table, &key);
}

/* The supervisor has checked this already; a second check costs nothing. */
static gboolean
may_be_pinned(BtPins *self, const BtAddr *addr)
{
  return bt_addr_classify(addr) == BT_ADDR_PUBLIC && !g_hash_table_contains(self->host, addr);
}

gboolean
bt_pins_add(BtPins *self, const BtAddr *addr, guint32 rule, gint64 now)
{
  if (!may_be_pinned(self, addr))
    return FALSE;
  Pin *pin = lookup(self, addr, rule);
  if (pin == NULL) {
    if (g_hash_table_size(self->table) >= BT_PINS_MAX) {
      /* The supervisor has the pin already: it should not be the only one. */
      if (self->expired != NULL)
        self->expired(self->data, addr, rule);
      return FALSE;
    }
    pin = g_new0(Pin, 1);
    pin->addr = *addr;
    pin->rule = rule;
    g_hash_table_add(self->table, pin);
  }
  pin->expires = now + self->life;
  return TRUE;
}

gboolean
bt_pins_has(BtPins *self, const BtAddr *addr, guint32 rule)
{
  return !g_hash_table_contains(self->host, addr) && lookup(self, addr, rule) != NULL;
}

gboolean
bt_pins_hold(BtPins *self, const BtAddr *addr, guint32 rule)
{
  Pin *pin = lookup(self, addr, rule);
  if (pin == NULL)
    return FALSE;
  pin->flows++;
  return TRUE;
}

void
bt_pins_release(BtPins *self, const BtAddr *addr, guint32 rule, gint64 now)
{
  Pin *pin = lookup(self, addr, rule);
  if (pin == NULL || pin->flows == 0)
    return;
  pin->flows--;
  if (pin->expires < now + self->life)
    pin->expires = now + self->life;
}

void
bt_pins_set_host_addrs(BtPins *self, const BtAddr *addrs, gsize n_addrs)
{
  g_hash_table_remove_all(self->host);
  for (gsize i = 0; i < n_addrs; i++)
    g_hash_table_add(self->host, g_memdup2(&addrs[i], sizeof addrs[i]));
}

gboolean
bt_pins_sweep(BtPins *self, gint64 now)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->table);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    Pin *pin = key;
    if (pin->flows > 0 || pin->expires > now)
      continue;
    if (self->expired != NULL && !self->expired(self->data, &pin->addr, pin->rule))
      break; /* the control socket is full: next time */
    g_hash_table_iter_remove(&iter);
  }
  return g_hash_table_size(self->table) > 0;
}
