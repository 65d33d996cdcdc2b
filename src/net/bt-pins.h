/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Pins: which address a name rule covers at the moment.
 *
 * A pin lives while a flow uses it, and for a while after the last answer and
 * the last flow.  Times are monotonic microseconds and always given, so that
 * tests need no clock.
 */

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

#define BT_PINS_MAX 16384u

typedef struct _BtPins BtPins;

/* Tells of an ended pin; FALSE if that could not be told now: it is asked again. */
typedef gboolean (*BtPinsExpiredFunc)(gpointer data, const BtAddr *addr, guint32 rule);

BtPins *bt_pins_new(gint64 life, BtPinsExpiredFunc expired, gpointer data);
void bt_pins_free(BtPins *pins);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPins, bt_pins_free)

/*
 * Pins addr to rule or prolongs the pin. FALSE: the address is not a public
 * one, is the host's own, or the table is full of pins in use.
 */
gboolean bt_pins_add(BtPins *pins, const BtAddr *addr, guint32 rule, gint64 now);
gboolean bt_pins_has(BtPins *pins, const BtAddr *addr, guint32 rule);
/*
 * Another number whenever bt_pins_has() may have come to say FALSE of a pin that is held: by
 * what the host's own addresses are now.
 */
guint32 bt_pins_get_version(BtPins *pins);
/* The rules that addr is pinned to (transfer none, until the next change); their number. */
guint32 bt_pins_get(BtPins *pins, const BtAddr *addr, const guint32 **rules_out);
/* Between hold and release the pin does not end; TRUE if there is such a pin. */
gboolean bt_pins_hold(BtPins *pins, const BtAddr *addr, guint32 rule);
void bt_pins_release(BtPins *pins, const BtAddr *addr, guint32 rule, gint64 now);
/* The host's own addresses are never pinned; existing pins of them open nothing more. */
void bt_pins_set_host_addrs(BtPins *pins, const BtAddr *addrs, gsize n_addrs);
/* Ends what is due. TRUE while there are pins. */
gboolean bt_pins_sweep(BtPins *pins, gint64 now);

/* A GHashFunc of a BtAddr, for tables by address. */
guint bt_pins_hash_addr(gconstpointer addr);

G_END_DECLS
