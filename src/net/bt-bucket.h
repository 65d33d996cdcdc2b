/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * So many a second: a bucket that holds a second's worth and fills by as much a
 * second. A burst passes, a flood is slowed down. Times are monotonic
 * microseconds and always given.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 rate;   /* a second */
  guint64 tokens; /* millionths of one */
  gint64 filled;  /* when tokens was last right */
} BtBucket;

/* Full. */
void bt_bucket_init(BtBucket *bucket, guint32 rate, gint64 now);
/* FALSE: too soon after others. */
gboolean bt_bucket_take(BtBucket *bucket, gint64 now);

G_END_DECLS
