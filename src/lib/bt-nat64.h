/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The prefixes by which this machine's network takes IPv6 to IPv4. See bt-nat64.c. */

#include "lib/bt-resolver.h"

G_BEGIN_DECLS

#define BT_NAT64_MAX 4

typedef struct _BtNat64 BtNat64;

BtNat64 *bt_nat64_new(void);
void bt_nat64_free(BtNat64 *self);

/* What is known at now (µs)? It holds for some minutes. */
gboolean bt_nat64_is_known(BtNat64 *self, gint64 now);
/*
 * Asks, unless it does already; ready is called later, once for each question upstream,
 * with what bt_nat64_is_known() then says. resolver must outlive self.
 */
void bt_nat64_ask(BtNat64 *self, BtResolver *resolver, void (*ready)(gpointer data, gboolean known),
                  gpointer data);
/* The IPv4 addresses that addr leads to by one of the prefixes; how many. */
gsize bt_nat64_get_carried(BtNat64 *self, const BtAddr *addr, BtAddr carried_out[BT_NAT64_MAX]);

G_END_DECLS
