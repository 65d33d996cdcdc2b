/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a worker told, kept in bounds for whoever looks at it.
 *
 * It counts up from 0: bytes of a stream, or items. A reader has a cursor, the number of what it
 * has not seen; readers cost nothing. What is too much falls out at the old end, so that the
 * newest is always there, and a reader that comes too late is told how much it missed.
 *
 * The bound is on memory: what an entry itself costs is counted, too, so that a worker that
 * writes single bytes to both streams in turn needs no more of it.
 */

#include <glib.h>

G_BEGIN_DECLS

/* Of a stream: so much is one entry at most, and comes out as one piece. */
#define BT_SCROLLBACK_PIECE (16u << 10)

typedef enum {
  BT_SCROLLBACK_BYTES, /* what is added of one tag is joined */
  BT_SCROLLBACK_ITEMS, /* each is by itself */
} BtScrollbackKind;

typedef struct _BtScrollback BtScrollback;

/* max_size: bytes of memory; max_entries: besides that. */
BtScrollback *bt_scrollback_new(BtScrollbackKind kind, gsize max_size, guint max_entries);
void bt_scrollback_free(BtScrollback *scrollback);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtScrollback, bt_scrollback_free)

/* Copies it. tag: a stream's number, or whatever. */
void bt_scrollback_add(BtScrollback *scrollback, guint tag, const void *data, gsize size);
/* Counts what is not kept at all. */
void bt_scrollback_skip(BtScrollback *scrollback, guint64 count);
/* The number of what comes next: a cursor there has seen everything. */
guint64 bt_scrollback_get_end(const BtScrollback *scrollback);
/* Bytes of memory. */
gsize bt_scrollback_get_size(const BtScrollback *scrollback);

/*
 * The next piece behind the cursor, which it moves; what is no longer there is added to skipped.
 * FALSE: nothing is there any more, though something may have been skipped. The piece is gone
 * when something is added.
 */
gboolean bt_scrollback_next(const BtScrollback *scrollback, guint64 *cursor, guint64 *skipped,
                            guint *tag_out, const char **data_out, gsize *size_out);

G_END_DECLS
