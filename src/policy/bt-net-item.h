/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The grammar of net items (DESIGN 4):
 *
 *   list  = item *( "," ( item | ports ) )      ports continue the item before
 *   item  = where [ ":" range ] [ "/" ( "tcp" | "udp" | "any" ) ]
 *   where = host | "*." host | address | "[" address "]" | address "/" prefix
 *   range = port [ "-" port ]
 *
 * A bare IPv6 address takes no port; in brackets it does. Errors have no
 * object yet (bt_fail_for() adds it).
 */

#include "policy/bt-policy.h"

G_BEGIN_DECLS

BtNetItem *bt_net_item_new(void);
BtNetItem *bt_net_item_copy(const BtNetItem *item);
void bt_net_item_free(BtNetItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNetItem, bt_net_item_free)

/*
 * Appends BtNetItems without rule data to items_out; localhost gives two.
 * Without a protocol an allow or warn item is TCP, a deny item everything.
 * written_out, if not NULL, receives for each item its text (char *).
 */
gboolean bt_net_item_parse_list(const char *list, BtAction action, GPtrArray *items_out,
                                GPtrArray *written_out, GError **error);

/* The parts, for policy files. All three change item only. */
gboolean bt_net_item_set_host(BtNetItem *item, const char *host, GError **error);
gboolean bt_net_item_set_cidr(BtNetItem *item, const char *cidr, GError **error);
/* "443" or "80,8000-9000"; appends. */
gboolean bt_net_item_add_ports(BtNetItem *item, const char *ports, GError **error);
/* word: "tcp", "udp", "any", or NULL where nothing is said. After address and ports. */
gboolean bt_net_item_set_proto(BtNetItem *item, const char *word, BtAction action, GError **error);
/* The other half of an item that set_host() made of "localhost", or NULL. */
BtNetItem *bt_net_item_localhost_v6(const BtNetItem *item);
/* Does it cover all of IPv4, so that a flow to whatever a name resolves to could match? */
gboolean bt_net_item_is_wide(const BtNetItem *item);

G_END_DECLS
