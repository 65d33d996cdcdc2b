/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of addresses are either one inside the other or apart.  So when they
 * are walked through by where they begin, the wider first, those that cover a
 * place lie on a stack, and a span is made wherever the stack changes.
 */
#include "policy/bt-net-spans.h"

#include <string.h>

/* Fewer rules, those for names included, are looked at in the time that a search takes. */
#define MIN_RULES 16

typedef struct {
  BtAddr first, last;
  guint prefix;
  guint32 id;
} Block;

typedef struct {
  GArray *spans, *ids;
  GArray *stack; /* Block */
} Walk;

static Block
block_of(const BtNetRule *rule, guint32 id)
{
  Block block = { .prefix = rule->prefix, .id = id };

  for (guint i = 0; i < sizeof block.first.bytes; i++) {
    guint bits = rule->prefix > 8 * i ? MIN(rule->prefix - 8 * i, 8) : 0;
    guint8 mask = (guint8)(0xff00 >> bits);
    block.first.bytes[i] = rule->addr.bytes[i] & mask;
    block.last.bytes[i] = block.first.bytes[i] | (guint8)~mask;
  }
  return block;
}

static int
compare_blocks(gconstpointer a, gconstpointer b)
{
  const Block *left = a, *right = b;
  int order = memcmp(left->first.bytes, right->first.bytes, sizeof left->first.bytes);
  if (order != 0)
    return order;
  return left->prefix != right->prefix ? (int)left->prefix - (int)right->prefix
                                       : (int)left->id - (int)right->id;
}

static int
compare_ids(gconstpointer a, gconstpointer b)
{
  guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;
  return left < right ? -1 : left > right;
}

/* What is on the stack covers the addresses from first. FALSE: too much. */
static gboolean
add_span(Walk *walk, const BtAddr *first)
{
  guint n_spans = walk->spans->len;
  const BtNetSpan *last =
    n_spans > 0 ? &g_array_index(walk->spans, BtNetSpan, n_spans - 1) : NULL;

  /* Several begin or end at one place: only what lies on the stack at last counts. */
  if (last != NULL && bt_addr_equal(&last->first, first)) {
    g_array_set_size(walk->ids, last->ids);
    g_array_set_size(walk->spans, n_spans - 1);
  }
  BtNetSpan span = { .first = *first, .ids = walk->ids->len, .n_ids = walk->stack->len };
  if (walk->ids->len + span.n_ids > BT_NET_POLICY_MAX_IDS ||
      walk->spans->len >= BT_NET_POLICY_MAX_SPANS)
    return FALSE;
  for (guint i = 0; i < walk->stack->len; i++)
    g_array_append_val(walk->ids, g_array_index(walk->stack, Block, i).id);
  if (span.n_ids > 0)
    qsort(&g_array_index(walk->ids, guint32, span.ids), span.n_ids, sizeof(guint32), compare_ids);
  g_array_append_val(walk->spans, span);
  return TRUE;
}

/* The address after; FALSE if there is none. */
static gboolean
after(const BtAddr *addr, BtAddr *next_out)
{
  *next_out = *addr;
  for (gsize i = sizeof addr->bytes; i-- > 0;)
    if (++next_out->bytes[i] != 0)
      return TRUE;
  return FALSE;
}

/* Takes what ends before first off the stack; NULL: everything. */
static gboolean
end_blocks(Walk *walk, const BtAddr *first)
{
  while (walk->stack->len > 0) {
    const Block top = g_array_index(walk->stack, Block, walk->stack->len - 1);
    BtAddr next;
    if (first != NULL && memcmp(top.last.bytes, first->bytes, sizeof first->bytes) >= 0)
      return TRUE;
    g_array_set_size(walk->stack, walk->stack->len - 1);
    if (after(&top.last, &next) && !add_span(walk, &next))
      return FALSE;
  }
  return TRUE;
}

static gboolean
walk_blocks(Walk *walk, const GArray *blocks)
{
  const BtAddr zero = { { 0 } };

  if (!add_span(walk, &zero))
    return FALSE;
  for (guint i = 0; i < blocks->len; i++) {
    const Block *block = &g_array_index(blocks, Block, i);
    if (!end_blocks(walk, &block->first))
      return FALSE;
    g_array_append_val(walk->stack, *block);
    if (!add_span(walk, &block->first))
      return FALSE;
  }
  return end_blocks(walk, NULL);
}

void
bt_net_spans_make(const BtNetRule *rules, guint n_rules, GArray *spans, GArray *ids)
{
  g_autoptr(GArray) blocks = g_array_new(FALSE, FALSE, sizeof(Block));
  g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(Block));
  Walk walk = { spans, ids, stack };

  for (guint32 id = 0; id < n_rules; id++) {
    if ((rules[id].flags & BT_NET_RULE_NAME) != 0)
      continue;
    Block block = block_of(&rules[id], id);
    g_array_append_val(blocks, block);
  }
  if (n_rules < MIN_RULES)
    return;
  g_array_sort(blocks, compare_blocks);
  if (walk_blocks(&walk, blocks))
    return;
  g_array_set_size(spans, 0);
  g_array_set_size(ids, 0);
}
