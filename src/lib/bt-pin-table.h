/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's pins: which name rules an address is pinned to, and since
 * when it is so. They end by buntime-net's word (bt-names.c).
 */

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

#define BT_PIN_TABLE_MAX 16384u

typedef struct _BtPinTable BtPinTable;

BtPinTable *bt_pin_table_new(void);
void bt_pin_table_free(BtPinTable *table);

/* Pins addr to the rule, or notes that it was answered again at now (µs). FALSE: full. */
gboolean bt_pin_table_add(BtPinTable *table, const BtAddr *addr, guint32 rule, gint64 now);
gboolean bt_pin_table_has(BtPinTable *table, const BtAddr *addr, guint32 rule);
/* Unless it was answered after the given time. */
void bt_pin_table_remove(BtPinTable *table, const BtAddr *addr, guint32 rule, gint64 answered);
/* The rules of addr (transfer none, until the next change); their number. */
guint32 bt_pin_table_get(BtPinTable *table, const BtAddr *addr, const guint32 **rules_out);

guint bt_addr_hash(gconstpointer addr);
gboolean bt_addr_equal_keys(gconstpointer a, gconstpointer b);

G_END_DECLS
