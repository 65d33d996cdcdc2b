/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-quota.h"

#include "wire/bt-net-msg.h"

#define ONE_FLOW ((guint64)G_USEC_PER_SEC)

void
bt_quota_init(BtQuota *self, guint32 rate, guint64 bytes, gint64 now)
{
  *self = (BtQuota){ .rate = rate, .tokens = rate * ONE_FLOW, .filled = now, .bytes = bytes };
}

/* A microsecond brings rate millionths, so nothing is lost by rounding. */
static void
fill(BtQuota *self, gint64 now)
{
  guint64 passed = (guint64)CLAMP(now - self->filled, 0, G_USEC_PER_SEC);

  self->tokens = MIN(self->tokens + passed * self->rate, self->rate * ONE_FLOW);
  self->filled = now;
}

gboolean
bt_quota_take_flow(BtQuota *self, gint64 now)
{
  if (self->rate == BT_NET_MSG_ANY_RATE)
    return TRUE;
  fill(self, now);
  if (self->tokens < ONE_FLOW)
    return FALSE;
  self->tokens -= ONE_FLOW;
  return TRUE;
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
