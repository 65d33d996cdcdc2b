/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How much network is left, besides what rules allow.
 *
 * New flows are counted by a bucket.  Bytes are those of the IP payload of what passes the gate, in both directions;
 * what does not fit any more uses up the rest.
 */

#include "net/bt-bucket.h"

G_BEGIN_DECLS

typedef struct {
  BtBucket flows; /* of BT_NET_MSG_ANY_RATE: not limited */
  guint64 bytes;  /* what is left, or BT_NET_MSG_ANY_BYTES */
  gboolean spent; /* something did not fit: nothing will */
} BtQuota;

void bt_quota_init(BtQuota *quota, guint32 rate, guint64 bytes, gint64 now);
/* FALSE: too soon after others. */
gboolean bt_quota_take_flow(BtQuota *quota, gint64 now);
/* FALSE: spent. */
gboolean bt_quota_take_bytes(BtQuota *quota, gsize size);

G_END_DECLS
