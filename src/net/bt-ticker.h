/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One timer for everything that ends after a while. It runs once a second
 * while something is there that can end, and not at all otherwise.
 */

#include <glib.h>

G_BEGIN_DECLS

/* TRUE while there is more to come. */
typedef gboolean (*BtTickFunc)(gpointer data, gint64 now);

typedef struct {
  BtTickFunc func;
  gpointer data;
  guint source;
} BtTicker;

void bt_ticker_init(BtTicker *ticker, BtTickFunc func, gpointer data);
void bt_ticker_clear(BtTicker *ticker);
void bt_ticker_arm(BtTicker *ticker);

G_END_DECLS
