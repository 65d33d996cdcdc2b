/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-bucket.h"

#define ONE ((guint64)G_USEC_PER_SEC)

void
bt_bucket_init(BtBucket *self, guint32 rate, gint64 now)
{
  *self = (BtBucket){ .rate = rate, .tokens = rate * ONE, .filled = now };
}

gboolean
bt_bucket_take(BtBucket *self, gint64 now)
{
  guint64 passed = (guint64)CLAMP(now - self->filled, 0, G_USEC_PER_SEC);

  /* A microsecond brings rate millionths, so nothing is lost by rounding. */
  self->tokens = MIN(self->tokens + passed * self->rate, self->rate * ONE);
  self->filled = now;
  if (self->tokens < ONE)
    return FALSE;
  self->tokens -= ONE;
  return TRUE;
}
