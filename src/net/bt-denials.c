/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-denials.h"

#include <string.h>

#include "net/bt-pins.h"

typedef struct {
  BtNetMsgDenied message; /* count: what is not yet told */
  gint64 told;
} Entry;

struct _BtDenials {
  GHashTable *table; /* Entry to itself */
  BtDenialsSendFunc send;
  gpointer data;
};

static guint
entry_hash(gconstpointer key)
{
  const BtNetMsgDenied *m = &((const Entry *)key)->message;
  return bt_pins_hash_addr(&m->addr) ^ g_str_hash(m->name) ^ m->port * 40503u ^ m->reason << 8 ^
         m->proto;
}

/* The source port is not part of the object: retries use another each time. */
static gboolean
entry_equal(gconstpointer a, gconstpointer b)
{
  const BtNetMsgDenied *ma = &((const Entry *)a)->message, *mb = &((const Entry *)b)->message;
  return ma->reason == mb->reason && ma->proto == mb->proto && ma->port == mb->port &&
         ma->rule == mb->rule && bt_addr_equal(&ma->addr, &mb->addr) &&
         strcmp(ma->name, mb->name) == 0;
}

BtDenials *
bt_denials_new(BtDenialsSendFunc send, gpointer data)
{
  BtDenials *self = g_new0(BtDenials, 1);
  self->table = g_hash_table_new_full(entry_hash, entry_equal, g_free, NULL);
  self->send = send;
  self->data = data;
  return self;
}

void
bt_denials_free(BtDenials *self)
{
  g_hash_table_unref(self->table);
  g_free(self);
}

static void
tell(BtDenials *self, Entry *entry, gint64 now)
{
  if (!self->send(self->data, &entry->message))
    return;
  entry->message.count = 0;
  entry->told = now;
}

/* With room for one entry of each reason above the bound. */
static Entry *
find_or_add(BtDenials *self, const BtNetMsgDenied *denied)
{
  Entry key = { .message = *denied };
  Entry *entry = g_hash_table_lookup(self->table, &key);

  if (entry != NULL)
    return entry;
  if (g_hash_table_size(self->table) >= BT_DENIALS_MAX) {
    memset(&key, 0, sizeof key);
    key.message.reason = denied->reason;
    key.message.rule = denied->rule;
    entry = g_hash_table_lookup(self->table, &key);
    if (entry != NULL)
      return entry;
    /* Rules are many: without this the overflow itself would have no bound. */
    if (g_hash_table_size(self->table) >= 2 * BT_DENIALS_MAX)
      return NULL;
  }
  entry = g_memdup2(&key, sizeof key);
  entry->message.header = (BtNetMsgHeader){ .kind = BT_NET_MSG_DENIED };
  entry->message.count = 0;
  g_hash_table_add(self->table, entry);
  return entry;
}

void
bt_denials_add(BtDenials *self, const BtNetMsgDenied *denied, gint64 now)
{
  Entry *entry = find_or_add(self, denied);
  if (entry == NULL)
    return;
  if (entry->message.count < G_MAXUINT32)
    entry->message.count++;
  if (entry->told == 0)
    tell(self, entry, now);
}

gboolean
bt_denials_sweep(BtDenials *self, gint64 now)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->table);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    Entry *entry = key;
    if (now - entry->told < G_USEC_PER_SEC)
      continue;
    if (entry->message.count > 0)
      tell(self, entry, now);
    else
      g_hash_table_iter_remove(&iter);
  }
  return g_hash_table_size(self->table) > 0;
}
