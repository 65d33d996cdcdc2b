/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-rule-index.h"

#include <string.h>

/* The hash of a beginning is that of the one a letter shorter and that letter. */
#define HASH_START 5381u
#define HASH_NEXT(hash, letter) ((hash) * 33u + (guchar)(letter))

typedef struct {
  const char *bytes;
  gsize length;
  guint hash;
} Key;

struct _BtRuleIndex {
  GHashTable *entries; /* Key → GPtrArray of rules */
};

static guint
key_hash(gconstpointer data)
{
  return ((const Key *)data)->hash;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
  const Key *left = a, *right = b;
  return left->hash == right->hash && left->length == right->length &&
         memcmp(left->bytes, right->bytes, left->length) == 0;
}

BtRuleIndex *
bt_rule_index_new(void)
{
  BtRuleIndex *self = g_new0(BtRuleIndex, 1);
  self->entries = g_hash_table_new_full(key_hash, key_equal, g_free,
                                        (GDestroyNotify)g_ptr_array_unref);
  return self;
}

void
bt_rule_index_free(BtRuleIndex *self)
{
  g_hash_table_unref(self->entries);
  g_free(self);
}

void
bt_rule_index_add(BtRuleIndex *self, const char *beginning, gsize length, gpointer rule)
{
  Key key = { beginning, length, HASH_START };

  for (gsize i = 0; i < length; i++)
    key.hash = HASH_NEXT(key.hash, beginning[i]);
  GPtrArray *rules = g_hash_table_lookup(self->entries, &key);
  if (rules == NULL) {
    rules = g_ptr_array_new();
    g_hash_table_insert(self->entries, g_memdup2(&key, sizeof key), rules);
  }
  g_ptr_array_add(rules, rule);
}

static void
call(BtRuleIndex *self, const Key *key, BtRuleFunc func, gpointer data)
{
  const GPtrArray *rules = g_hash_table_lookup(self->entries, key);

  for (guint i = 0; rules != NULL && i < rules->len; i++)
    func(g_ptr_array_index(rules, i), data);
}

void
bt_rule_index_search(BtRuleIndex *self, const char *text, gsize length, char boundary,
                     BtRuleFunc func, gpointer data)
{
  Key key = { text, 0, HASH_START };

  call(self, &key, func, data);
  while (key.length < length) {
    key.hash = HASH_NEXT(key.hash, text[key.length]);
    key.length++;
    if (boundary == '\0' || key.length == length || text[key.length] == boundary)
      call(self, &key, func, data);
  }
}
