/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-quota.h"

#include "wire/bt-net-msg.h"

void
bt_quota_init(BtQuota *self, guint32 rate, guint64 bytes, gint64 now)
{
  *self = (BtQuota){ .bytes = bytes };
  bt_bucket_init(&self->flows, rate, now);
}

gboolean
bt_quota_take_flow(BtQuota *self, gint64 now)
{
  return self->flows.rate == BT_NET_MSG_ANY_RATE || bt_bucket_take(&self->flows, now);
}

gboolean
bt_quota_take_bytes(BtQuota *self, gsize size)
{
  if (self->bytes == BT_NET_MSG_ANY_BYTES)
    return TRUE;
  if (self->spent || size > self->bytes) {
    self->spent = TRUE;
    return FALSE;
  }
  self->bytes -= size;
  return TRUE;
}
