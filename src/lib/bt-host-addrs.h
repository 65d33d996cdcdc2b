/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host's own addresses, now and whenever they change. No name rule may
 * lead to them, whatever range they are in.
 */

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

typedef struct _BtHostAddrs BtHostAddrs;

typedef void (*BtHostAddrsFunc)(gpointer data, const BtAddr *addrs, guint n_addrs);

/*
 * Calls func before it returns and on every change. NULL with error set if
 * they cannot be known; func is called with addrs NULL if that is so later.
 */
BtHostAddrs *bt_host_addrs_new(BtHostAddrsFunc func, gpointer data, GError **error);
void bt_host_addrs_free(BtHostAddrs *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtHostAddrs, bt_host_addrs_free)

/*
 * Does this machine reach IPv6 addresses of the internet now? A look at its routes: nothing
 * is sent. One that has only addresses of its own link does not.
 */
gboolean bt_host_has_ipv6(void);

G_END_DECLS
