/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-pin-table.h"

#include <string.h>

/* The pins of one address. */
typedef struct {
  BtAddr addr;
  GArray *rules;    /* guint32: the matcher reads them as they are */
  GArray *answered; /* gint64 µs, monotonic: that of the rule in the same place */
} Place;

struct _BtPinTable {
  GHashTable *places; /* Place to itself, by its address */
  guint n_pins;
};

guint
bt_addr_hash(gconstpointer key)
{
  const BtAddr *addr = key;
  guint32 words[4];
  memcpy(words, addr->bytes, sizeof words);
  return (words[0] ^ words[1]) * 31 + (words[2] ^ words[3]) * 2654435761u;
}

gboolean
bt_addr_equal_keys(gconstpointer a, gconstpointer b)
{
  return bt_addr_equal(a, b);
}

static void
place_free(gpointer data)
{
  Place *place = data;
  g_array_unref(place->rules);
  g_array_unref(place->answered);
  g_free(place);
}

BtPinTable *
bt_pin_table_new(void)
{
  BtPinTable *self = g_new0(BtPinTable, 1);
  self->places = g_hash_table_new_full(bt_addr_hash, bt_addr_equal_keys, place_free, NULL);
  return self;
}

void
bt_pin_table_free(BtPinTable *self)
{
  g_hash_table_unref(self->places);
  g_free(self);
}

/* The rule's place in the arrays, or -1. */
static int
find(const Place *place, guint32 rule)
{
  for (guint i = 0; place != NULL && i < place->rules->len; i++)
    if (g_array_index(place->rules, guint32, i) == rule)
      return (int)i;
  return -1;
}

gboolean
bt_pin_table_add(BtPinTable *self, const BtAddr *addr, guint32 rule, gint64 now)
{
  Place *place = g_hash_table_lookup(self->places, addr);
  int at = find(place, rule);

  if (at >= 0) {
    g_array_index(place->answered, gint64, at) = now;
    return TRUE;
  }
  if (self->n_pins >= BT_PIN_TABLE_MAX)
    return FALSE;
  if (place == NULL) {
    place = g_new0(Place, 1);
    place->addr = *addr;
    place->rules = g_array_new(FALSE, FALSE, sizeof(guint32));
    place->answered = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_hash_table_add(self->places, place);
  }
  g_array_append_val(place->rules, rule);
  g_array_append_val(place->answered, now);
  self->n_pins++;
  return TRUE;
}

gboolean
bt_pin_table_has(BtPinTable *self, const BtAddr *addr, guint32 rule)
{
  return find(g_hash_table_lookup(self->places, addr), rule) >= 0;
}

void
bt_pin_table_remove(BtPinTable *self, const BtAddr *addr, guint32 rule, gint64 answered)
{
  Place *place = g_hash_table_lookup(self->places, addr);
  int at = find(place, rule);

  if (at < 0 || g_array_index(place->answered, gint64, at) > answered)
    return;
  g_array_remove_index_fast(place->rules, at);
  g_array_remove_index_fast(place->answered, at);
  self->n_pins--;
  if (place->rules->len == 0)
    g_hash_table_remove(self->places, addr);
}

guint32
bt_pin_table_get(BtPinTable *self, const BtAddr *addr, const guint32 **rules_out)
{
  const Place *place = g_hash_table_lookup(self->places, addr);

  if (place == NULL)
    return 0;
  *rules_out = (const guint32 *)place->rules->data;
  return place->rules->len;
}
