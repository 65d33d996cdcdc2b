/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-codes.h"

/* As much as may wait to be read by a worker. */
#define MAX_KEPT_SIZE (64u << 20)
#define KEPT_COST 128

typedef struct {
  guint32 id;
  GBytes *bytes;
} Kept;

static void
kept_free(gpointer data)
{
  Kept *kept = data;
  g_bytes_unref(kept->bytes);
  g_free(kept);
}

void
bt_codes_init(BtCodes *self)
{
  *self = (BtCodes){ .early = g_hash_table_new(NULL, NULL), .cut = g_hash_table_new(NULL, NULL) };
  g_queue_init(&self->kept);
}

void
bt_codes_clear(BtCodes *self)
{
  bt_codes_forget_all(self);
  g_hash_table_unref(self->early);
  g_hash_table_unref(self->cut);
}

static gboolean
is_open(const BtCodes *self)
{
  return !self->settling && g_hash_table_size(self->cut) == 0;
}

/* Code of no length takes room, too. */
static gsize
cost_of(GBytes *bytes)
{
  return g_bytes_get_size(bytes) + KEPT_COST;
}

BtCodeResult
bt_codes_begin(BtCodes *self, guint32 id, GBytes *bytes)
{
  gsize size = cost_of(bytes);

  if (is_open(self) && g_queue_is_empty(&self->kept))
    return BT_CODE_SEND;
  if (size > MAX_KEPT_SIZE - self->kept_size)
    return BT_CODE_FULL;
  Kept *kept = g_new(Kept, 1);
  *kept = (Kept){ id, g_bytes_ref(bytes) };
  g_queue_push_tail(&self->kept, kept);
  self->kept_size += size;
  return BT_CODE_KEPT;
}

static GList *
find_kept(BtCodes *self, guint32 id)
{
  GList *link = self->kept.head;

  while (link != NULL && ((const Kept *)link->data)->id != id)
    link = link->next;
  return link;
}

/* The caller's to free. */
static Kept *
take_kept(BtCodes *self, GList *link)
{
  Kept *kept = link->data;

  g_queue_delete_link(&self->kept, link);
  self->kept_size -= cost_of(kept->bytes);
  return kept;
}

BtCut
bt_codes_interrupt(BtCodes *self, guint32 id)
{
  if (g_hash_table_contains(self->early, GUINT_TO_POINTER(id)))
    return BT_CUT_DONE;
  /* Of what was not sent there is no answer to wait for. */
  if (find_kept(self, id) == NULL)
    g_hash_table_add(self->cut, GUINT_TO_POINTER(id));
  if (self->running == id)
    return BT_CUT_NOW;
  g_hash_table_add(self->early, GUINT_TO_POINTER(id));
  return BT_CUT_TELL;
}

gboolean
bt_codes_started(BtCodes *self, guint32 id)
{
  self->running = id;
  return g_hash_table_remove(self->early, GUINT_TO_POINTER(id));
}

gboolean
bt_codes_answered(BtCodes *self, guint32 id)
{
  g_hash_table_remove(self->early, GUINT_TO_POINTER(id));
  if (self->running == id)
    self->running = 0;
  if (!g_hash_table_remove(self->cut, GUINT_TO_POINTER(id)) || !is_open(self))
    return FALSE;
  self->settling = TRUE;
  return TRUE;
}

void
bt_codes_settled(BtCodes *self)
{
  self->settling = FALSE;
}

gboolean
bt_codes_next(BtCodes *self, guint32 *id_out, GBytes **bytes_out)
{
  if (!is_open(self) || g_queue_is_empty(&self->kept))
    return FALSE;
  Kept *kept = take_kept(self, self->kept.head);
  *id_out = kept->id;
  *bytes_out = g_bytes_ref(kept->bytes);
  if (g_hash_table_contains(self->early, GUINT_TO_POINTER(kept->id)))
    g_hash_table_add(self->cut, GUINT_TO_POINTER(kept->id));
  kept_free(kept);
  return TRUE;
}

void
bt_codes_unsent(BtCodes *self, guint32 id)
{
  g_hash_table_remove(self->early, GUINT_TO_POINTER(id));
  g_hash_table_remove(self->cut, GUINT_TO_POINTER(id));
}

gboolean
bt_codes_forget(BtCodes *self, guint32 id)
{
  GList *link = find_kept(self, id);

  if (link == NULL)
    return FALSE;
  g_hash_table_remove(self->early, GUINT_TO_POINTER(id));
  kept_free(take_kept(self, link));
  return TRUE;
}

void
bt_codes_forget_all(BtCodes *self)
{
  g_queue_clear_full(&self->kept, kept_free);
  self->kept_size = 0;
}
