/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-answer-cache.h"

#include <string.h>

typedef struct {
  char *name; /* the key */
  gboolean ipv6;
  guint n_addrs;
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];
  gint64 until; /* µs, monotonic */
} Answer;

/* All hold for the same time, so the oldest is the next to end. */
struct _BtAnswerCache {
  GHashTable *answers; /* char *name → Answer */
  GQueue order;        /* Answer, the oldest first */
};

static void
answer_free(gpointer data)
{
  Answer *answer = data;
  g_free(answer->name);
  g_free(answer);
}

BtAnswerCache *
bt_answer_cache_new(void)
{
  BtAnswerCache *self = g_new0(BtAnswerCache, 1);
  self->answers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, answer_free);
  return self;
}

void
bt_answer_cache_free(BtAnswerCache *self)
{
  g_queue_clear(&self->order);
  g_hash_table_unref(self->answers);
  g_free(self);
}

static void
drop(BtAnswerCache *self, Answer *answer)
{
  g_queue_remove(&self->order, answer);
  g_hash_table_remove(self->answers, answer->name);
}

void
bt_answer_cache_add(BtAnswerCache *self, const char *name, gboolean ipv6, const BtAddr *addrs,
                    guint n_addrs, gint64 now)
{
  Answer *old = g_hash_table_lookup(self->answers, name);

  if (old == NULL && g_hash_table_size(self->answers) >= BT_ANSWER_CACHE_MAX)
    old = g_queue_peek_head(&self->order);
  if (old != NULL)
    drop(self, old);
  Answer *answer = g_new0(Answer, 1);
  answer->name = g_strdup(name);
  answer->ipv6 = ipv6;
  answer->n_addrs = MIN(n_addrs, BT_NET_MSG_MAX_ADDRS);
  memcpy(answer->addrs, addrs, answer->n_addrs * sizeof addrs[0]);
  answer->until = now + (gint64)BT_ANSWER_TTL * G_USEC_PER_SEC;
  g_hash_table_insert(self->answers, answer->name, answer);
  g_queue_push_tail(&self->order, answer);
}

const BtAddr *
bt_answer_cache_get(BtAnswerCache *self, const char *name, gboolean ipv6, gint64 now,
                    guint *n_addrs_out, guint *ttl_out)
{
  const Answer *answer = g_hash_table_lookup(self->answers, name);

  if (answer == NULL || answer->until <= now || (ipv6 && !answer->ipv6))
    return NULL;
  *n_addrs_out = answer->n_addrs;
  *ttl_out = (guint)MAX((answer->until - now) / G_USEC_PER_SEC, 1);
  return answer->addrs;
}
