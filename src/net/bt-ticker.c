/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-ticker.h"

static gboolean
on_tick(gpointer data)
{
  BtTicker *self = data;

  if (self->func(self->data, g_get_monotonic_time()))
    return G_SOURCE_CONTINUE;
  self->source = 0;
  return G_SOURCE_REMOVE;
}

void
bt_ticker_init(BtTicker *self, BtTickFunc func, gpointer data)
{
  *self = (BtTicker){ .func = func, .data = data };
}

void
bt_ticker_clear(BtTicker *self)
{
  g_clear_handle_id(&self->source, g_source_remove);
}

void
bt_ticker_arm(BtTicker *self)
{
  if (self->source == 0)
    self->source = g_timeout_add_seconds(1, on_tick, self);
}
