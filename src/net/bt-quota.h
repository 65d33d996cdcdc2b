/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much network is left, besides what rules allow.
 *
 * New flows are counted by a bucket that holds a second's worth of them and
 * fills by as much a second: a burst passes, a flood is slowed down.  Bytes
 * are those of the IP payload of what passes the gate, in both directions;
 * what does not fit any more uses up the rest.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint32 rate;    /* flows a second, or BT_NET_MSG_ANY_RATE */
  guint64 tokens;  /* millionths of a flow */
  gint64 filled;   /* when tokens was last right */
  guint64 bytes;   /* what is left, or BT_NET_MSG_ANY_BYTES */
  gboolean spent;  /* something did not fit: nothing will */
} BtQuota;

void bt_quota_init(BtQuota *quota, guint32 rate, guint64 bytes, gint64 now);
/* FALSE: too soon after others. */
gboolean bt_quota_take_flow(BtQuota *quota, gint64 now);
/* FALSE: spent. */
gboolean bt_quota_take_bytes(BtQuota *quota, gsize size);

G_END_DECLS
