/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-pins.h"

#include <string.h>

typedef struct {
  guint32 flows;
  gint64 expires;
} Pin;

/* The pins of one address. */
typedef struct {
  BtAddr addr;
  GArray *rules; /* guint32: the matcher reads them as they are */
  GArray *pins;  /* Pin: that of the rule in the same place */
} Place;

struct _BtPins {
  GHashTable *places; /* Place to itself, by its address */
  guint n_pins;
  guint32 version;
  GHashTable *host; /* BtAddr to itself */
  gint64 life;
  BtPinsExpiredFunc expired;
  gpointer data;
};

guint
bt_pins_hash_addr(gconstpointer key)
{
  const BtAddr *addr = key;
  guint32 words[4];
  guint hash = 0;

  memcpy(words, addr->bytes, sizeof words);
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    hash = (hash ^ words[i]) * 2654435761u;
  return hash ^ hash >> 15;
}

/* A Place starts with its address. */
static gboolean
addr_equal(gconstpointer a, gconstpointer b)
{
  return bt_addr_equal(a, b);
}

static void
place_free(gpointer data)
{
  Place *place = data;
  g_array_unref(place->rules);
  g_array_unref(place->pins);
  g_free(place);
}

BtPins *
bt_pins_new(gint64 life, BtPinsExpiredFunc expired, gpointer data)
{
  BtPins *self = g_new0(BtPins, 1);
  self->places = g_hash_table_new_full(bt_pins_hash_addr, addr_equal, place_free, NULL);
  self->host = g_hash_table_new_full(bt_pins_hash_addr, addr_equal, g_free, NULL);
  self->life = life;
  self->expired = expired;
  self->data = data;
  return self;
}

void
bt_pins_free(BtPins *self)
{
  g_hash_table_unref(self->places);
  g_hash_table_unref(self->host);
  g_free(self);
}

static Pin *
lookup(BtPins *self, const BtAddr *addr, guint32 rule)
{
  const Place *place = g_hash_table_lookup(self->places, addr);

  for (guint i = 0; place != NULL && i < place->rules->len; i++)
    if (g_array_index(place->rules, guint32, i) == rule)
      return &g_array_index(place->pins, Pin, i);
  return NULL;
}

static Pin *
append(BtPins *self, const BtAddr *addr, guint32 rule)
{
  Place *place = g_hash_table_lookup(self->places, addr);

  if (place == NULL) {
    place = g_new0(Place, 1);
    place->addr = *addr;
    place->rules = g_array_new(FALSE, FALSE, sizeof(guint32));
    place->pins = g_array_new(FALSE, TRUE, sizeof(Pin));
    g_hash_table_add(self->places, place);
  }
  g_array_append_val(place->rules, rule);
  g_array_set_size(place->pins, place->rules->len);
  self->n_pins++;
  return &g_array_index(place->pins, Pin, place->pins->len - 1);
}

/* Its own, or one that a gateway of the network would take to it. */
static gboolean
is_host(BtPins *self, const BtAddr *addr)
{
  BtAddr carried[BT_ADDR_MAX_CARRIED];
  gsize n_carried = bt_addr_get_carried(addr, carried);
  gboolean found = g_hash_table_contains(self->host, addr);

  for (gsize i = 0; i < n_carried && !found; i++)
    found = g_hash_table_contains(self->host, &carried[i]);
  return found;
}

/* The supervisor has checked this already; a second check costs nothing. */
static gboolean
may_be_pinned(BtPins *self, const BtAddr *addr)
{
  return bt_addr_classify(addr) == BT_ADDR_PUBLIC && !is_host(self, addr);
}

gboolean
bt_pins_add(BtPins *self, const BtAddr *addr, guint32 rule, gint64 now)
{
  if (!may_be_pinned(self, addr))
    return FALSE;
  Pin *pin = lookup(self, addr, rule);
  if (pin == NULL) {
    if (self->n_pins >= BT_PINS_MAX) {
      /* The supervisor has the pin already: it should not be the only one. */
      if (self->expired != NULL)
        self->expired(self->data, addr, rule);
      return FALSE;
    }
    pin = append(self, addr, rule);
  }
  pin->expires = now + self->life;
  return TRUE;
}

gboolean
bt_pins_has(BtPins *self, const BtAddr *addr, guint32 rule)
{
  return !is_host(self, addr) && lookup(self, addr, rule) != NULL;
}

guint32
bt_pins_get_version(BtPins *self)
{
  return self->version;
}

guint32
bt_pins_get(BtPins *self, const BtAddr *addr, const guint32 **rules_out)
{
  const Place *place = g_hash_table_lookup(self->places, addr);

  if (place == NULL || is_host(self, addr))
    return 0;
  *rules_out = (const guint32 *)place->rules->data;
  return place->rules->len;
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
  self->version++;
  g_hash_table_remove_all(self->host);
  for (gsize i = 0; i < n_addrs; i++)
    g_hash_table_add(self->host, g_memdup2(&addrs[i], sizeof addrs[i]));
}

/* Ends what is due at one address; FALSE if it could not all be told. */
static gboolean
sweep_place(BtPins *self, Place *place, gint64 now)
{
  for (guint i = place->rules->len; i-- > 0;) {
    const Pin *pin = &g_array_index(place->pins, Pin, i);
    if (pin->flows > 0 || pin->expires > now)
      continue;
    if (self->expired != NULL &&
        !self->expired(self->data, &place->addr, g_array_index(place->rules, guint32, i)))
      return FALSE;
    g_array_remove_index_fast(place->rules, i);
    g_array_remove_index_fast(place->pins, i);
    self->n_pins--;
  }
  return TRUE;
}

gboolean
bt_pins_sweep(BtPins *self, gint64 now)
{
  GHashTableIter iter;
  gpointer key;
  gboolean told = TRUE;

  g_hash_table_iter_init(&iter, self->places);
  /* Where the control socket is full, the rest is for the next time. */
  while (told && g_hash_table_iter_next(&iter, &key, NULL)) {
    Place *place = key;
    told = sweep_place(self, place, now);
    if (place->rules->len == 0)
      g_hash_table_iter_remove(&iter);
  }
  return self->n_pins > 0;
}
