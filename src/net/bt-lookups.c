/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-lookups.h"

#include <string.h>

#include "net/bt-bucket.h"

/* Longer than a stub resolver waits: the supervisor has its own, shorter time-out. */
#define GIVE_UP (30 * G_USEC_PER_SEC)

typedef struct {
  BtDnsQuery query;
  BtLookupsReplyFunc reply;
  gpointer client;
  GDestroyNotify client_free;
} Waiter;

typedef struct {
  guint32 id;
  guint32 type;
  char name[BT_DNS_NAME_SIZE];
  gint64 started;
  GPtrArray *waiters; /* Waiter */
} Lookup;

struct _BtLookups {
  GHashTable *by_id;   /* id to Lookup, which it owns */
  GHashTable *by_name; /* Lookup to itself, by type and name */
  guint32 last_id;
  guint n_waiters;
  guint64 n_queries;
  BtPins *pins;
  BtBucket bucket;
  BtLookupsSendFunc send;
  BtLookupsFloodFunc flood;
  gpointer data;
};

static void
waiter_free(gpointer data)
{
  Waiter *waiter = data;
  if (waiter->client_free != NULL)
    waiter->client_free(waiter->client);
  g_free(waiter);
}

static void
lookup_free(gpointer data)
{
  Lookup *lookup = data;
  g_ptr_array_unref(lookup->waiters);
  g_free(lookup);
}

static guint
name_hash(gconstpointer key)
{
  const Lookup *lookup = key;
  return g_str_hash(lookup->name) ^ lookup->type;
}

static gboolean
name_equal(gconstpointer a, gconstpointer b)
{
  const Lookup *lookup_a = a, *lookup_b = b;
  return lookup_a->type == lookup_b->type && strcmp(lookup_a->name, lookup_b->name) == 0;
}

BtLookups *
bt_lookups_new(BtPins *pins, BtLookupsSendFunc send, BtLookupsFloodFunc flood, gpointer data)
{
  BtLookups *self = g_new0(BtLookups, 1);
  self->by_id = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, lookup_free);
  self->by_name = g_hash_table_new(name_hash, name_equal);
  self->pins = pins;
  self->send = send;
  self->flood = flood;
  bt_bucket_init(&self->bucket, BT_LOOKUPS_RATE, 0);
  self->data = data;
  return self;
}

void
bt_lookups_free(BtLookups *self)
{
  g_hash_table_unref(self->by_name);
  g_hash_table_unref(self->by_id);
  g_free(self);
}

static void
reply_code(Waiter *waiter, BtDnsRcode rcode)
{
  BtDnsReply reply = { .rcode = rcode };
  waiter->reply(waiter->client, &waiter->query, &reply);
}

/* Replies to all that wait, and forgets the lookup. */
static void
finish(BtLookups *self, Lookup *lookup, const BtDnsReply *reply)
{
  for (guint i = 0; i < lookup->waiters->len; i++) {
    Waiter *waiter = g_ptr_array_index(lookup->waiters, i);
    waiter->reply(waiter->client, &waiter->query, reply);
  }
  self->n_waiters -= lookup->waiters->len;
  g_hash_table_remove(self->by_name, lookup);
  g_hash_table_remove(self->by_id, GUINT_TO_POINTER(lookup->id));
}

static Lookup *
start(BtLookups *self, const BtDnsQuery *query, gint64 now)
{
  BtNetMsgResolve resolve = { .header.kind = BT_NET_MSG_RESOLVE, .type = query->type };

  if (g_hash_table_size(self->by_id) >= BT_LOOKUPS_MAX)
    return NULL;
  do
    resolve.header.id = ++self->last_id;
  while (resolve.header.id == 0 ||
         g_hash_table_contains(self->by_id, GUINT_TO_POINTER(resolve.header.id)));
  g_strlcpy(resolve.name, query->name, sizeof resolve.name);
  if (!self->send(self->data, &resolve))
    return NULL;

  Lookup *lookup = g_new0(Lookup, 1);
  lookup->id = resolve.header.id;
  lookup->type = query->type;
  g_strlcpy(lookup->name, query->name, sizeof lookup->name);
  lookup->started = now;
  lookup->waiters = g_ptr_array_new_with_free_func(waiter_free);
  g_hash_table_insert(self->by_id, GUINT_TO_POINTER(lookup->id), lookup);
  g_hash_table_add(self->by_name, lookup);
  return lookup;
}

static Lookup *
find_or_start(BtLookups *self, const BtDnsQuery *query, gint64 now)
{
  Lookup key = { .type = query->type };

  if (!bt_bucket_take(&self->bucket, now)) {
    self->flood(self->data, now);
    return NULL;
  }
  if (self->n_waiters >= BT_LOOKUPS_WAITING)
    return NULL;
  g_strlcpy(key.name, query->name, sizeof key.name);
  Lookup *lookup = g_hash_table_lookup(self->by_name, &key);
  return lookup != NULL ? lookup : start(self, query, now);
}

gboolean
bt_lookups_query(BtLookups *self, const guint8 *message, gsize size, BtLookupsReplyFunc reply,
                 gpointer client, GDestroyNotify client_free, gint64 now)
{
  Waiter *waiter = g_new0(Waiter, 1);
  BtDnsVerdict verdict = bt_dns_query_parse(message, size, &waiter->query);

  waiter->reply = reply;
  waiter->client = client;
  waiter->client_free = client_free;
  self->n_queries += verdict != BT_DNS_DROP;
  if (verdict == BT_DNS_ASK) {
    Lookup *lookup = find_or_start(self, &waiter->query, now);
    if (lookup != NULL) {
      g_ptr_array_add(lookup->waiters, waiter);
      self->n_waiters++;
      return TRUE;
    }
    reply_code(waiter, BT_DNS_RCODE_SERVFAIL);
  } else if (verdict == BT_DNS_REFUSE) {
    reply_code(waiter, waiter->query.rcode);
  }
  waiter_free(waiter);
  return verdict != BT_DNS_DROP;
}

guint64
bt_lookups_count(BtLookups *self)
{
  return self->n_queries;
}

void
bt_lookups_answer(BtLookups *self, const BtNetMsgAnswer *answer, gint64 now)
{
  Lookup *lookup = g_hash_table_lookup(self->by_id, GUINT_TO_POINTER(answer->header.id));

  /* Pinned even if nobody waits any longer: the supervisor counts on its UNPIN. */
  for (guint32 i = 0; i < answer->n_addrs; i++)
    for (guint32 j = 0; j < answer->n_rules; j++)
      bt_pins_add(self->pins, &answer->addrs[i], answer->rules[j], now);
  if (lookup == NULL)
    return;
  BtDnsReply reply = {
    .rcode = answer->rcode,
    .ttl = answer->ttl,
    .addrs = answer->addrs,
    .n_addrs = answer->n_addrs,
    .name = answer->name[0] != '\0' ? answer->name : NULL,
  };
  finish(self, lookup, &reply);
}

gboolean
bt_lookups_sweep(BtLookups *self, gint64 now)
{
  const BtDnsReply failed = { .rcode = BT_DNS_RCODE_SERVFAIL };
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, self->by_id);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    Lookup *lookup = value;
    if (lookup->started + GIVE_UP > now)
      continue;
    finish(self, lookup, &failed);
    g_hash_table_iter_init(&iter, self->by_id); /* it was changed */
  }
  return g_hash_table_size(self->by_id) > 0;
}
