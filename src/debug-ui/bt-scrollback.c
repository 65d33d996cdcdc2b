/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-scrollback.h"

#include <string.h>

typedef struct {
  guint64 start; /* its first number */
  guint tag;
  guint size, room;
  char data[];
} Entry;

/* An entry and its place among the others. */
#define ENTRY_COST (sizeof(Entry) + sizeof(Entry *) + 2 * sizeof(gsize))

struct _BtScrollback {
  BtScrollbackKind kind;
  gsize max_size, size;
  guint max_entries;
  guint64 end;
  Entry **entries; /* a circle */
  guint first, count, room; /* room: a power of two, or 0 */
};

static Entry *
entry_at(const BtScrollback *self, guint index)
{
  return self->entries[(self->first + index) & (self->room - 1)];
}

static guint64
entry_end(const BtScrollback *self, const Entry *entry)
{
  return entry->start + (self->kind == BT_SCROLLBACK_BYTES ? entry->size : 1);
}

static void
drop_first(BtScrollback *self)
{
  Entry *entry = entry_at(self, 0);

  self->size -= ENTRY_COST + entry->room;
  self->first = (self->first + 1) & (self->room - 1);
  self->count--;
  g_free(entry);
}

static void
grow(BtScrollback *self)
{
  guint room = MAX(16, self->room * 2);
  Entry **entries = g_new(Entry *, room);

  for (guint i = 0; i < self->count; i++)
    entries[i] = entry_at(self, i);
  g_free(self->entries);
  self->entries = entries;
  self->first = 0;
  self->room = room;
}

static void
append(BtScrollback *self, guint tag, const char *data, gsize size, gsize room)
{
  Entry *entry = g_malloc(sizeof(Entry) + room);

  *entry = (Entry){ .start = self->end, .tag = tag, .size = (guint)size, .room = (guint)room };
  memcpy(entry->data, data, size);
  if (self->count == self->room)
    grow(self);
  self->entries[(self->first + self->count++) & (self->room - 1)] = entry;
  self->size += ENTRY_COST + room;
}

/* How much of it went into the last entry, if that is of the same stream. */
static gsize
join(BtScrollback *self, guint tag, const char *data, gsize size)
{
  Entry *entry = self->count > 0 ? entry_at(self, self->count - 1) : NULL;

  if (entry == NULL || entry->tag != tag || entry_end(self, entry) != self->end ||
      entry->size + size > BT_SCROLLBACK_PIECE)
    return 0;
  if (entry->size + size > entry->room) {
    guint room = MAX(entry->room * 2, 128);
    while (room < entry->size + size)
      room *= 2;
    self->size += room - entry->room;
    entry = g_realloc(entry, sizeof(Entry) + room);
    entry->room = room;
    self->entries[(self->first + self->count - 1) & (self->room - 1)] = entry;
  }
  memcpy(entry->data + entry->size, data, size);
  entry->size += (guint)size;
  return size;
}

/* A piece ends where a character does. */
static gsize
piece_of(const char *data, gsize size)
{
  if (size <= BT_SCROLLBACK_PIECE)
    return size;
  for (gsize back = 0; back < 4; back++)
    if (((guchar)data[BT_SCROLLBACK_PIECE - back] & 0xc0) != 0x80)
      return BT_SCROLLBACK_PIECE - back;
  return BT_SCROLLBACK_PIECE;
}

static void
add_bytes(BtScrollback *self, guint tag, const char *data, gsize size)
{
  while (size > 0) {
    gsize part = join(self, tag, data, size);
    if (part == 0) {
      part = piece_of(data, size);
      append(self, tag, data, part, part);
    }
    self->end += part;
    data += part;
    size -= part;
  }
}

void
bt_scrollback_add(BtScrollback *self, guint tag, const void *data, gsize size)
{
  if (self->kind == BT_SCROLLBACK_BYTES) {
    add_bytes(self, tag, data, size);
  } else {
    append(self, tag, data, size, size);
    self->end++;
  }
  while (self->count > 1 && (self->size > self->max_size || self->count > self->max_entries))
    drop_first(self);
}

void
bt_scrollback_skip(BtScrollback *self, guint64 count)
{
  self->end += count;
}

guint64
bt_scrollback_get_end(const BtScrollback *self)
{
  return self->end;
}

gsize
bt_scrollback_get_size(const BtScrollback *self)
{
  return self->size;
}

/* The first entry that has something behind the cursor; count: none has. */
static guint
find(const BtScrollback *self, guint64 cursor)
{
  guint low = 0, high = self->count;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    if (entry_end(self, entry_at(self, middle)) > cursor)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

gboolean
bt_scrollback_next(const BtScrollback *self, guint64 *cursor, guint64 *skipped, guint *tag_out,
                   const char **data_out, gsize *size_out)
{
  guint index = find(self, *cursor);

  if (index == self->count) {
    *skipped += self->end - MIN(*cursor, self->end);
    *cursor = self->end;
    return FALSE;
  }
  const Entry *entry = entry_at(self, index);
  if (entry->start > *cursor) {
    *skipped += entry->start - *cursor;
    *cursor = entry->start;
  }
  gsize seen = self->kind == BT_SCROLLBACK_BYTES ? (gsize)(*cursor - entry->start) : 0;
  *tag_out = entry->tag;
  *data_out = entry->data + seen;
  *size_out = entry->size - seen;
  *cursor = entry_end(self, entry);
  return TRUE;
}

BtScrollback *
bt_scrollback_new(BtScrollbackKind kind, gsize max_size, guint max_entries)
{
  BtScrollback *self = g_new0(BtScrollback, 1);

  self->kind = kind;
  self->max_size = max_size;
  self->max_entries = max_entries;
  return self;
}

void
bt_scrollback_free(BtScrollback *self)
{
  while (self->count > 0)
    drop_first(self);
  g_free(self->entries);
  g_free(self);
}
