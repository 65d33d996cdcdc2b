/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names that are not the Domain Name System's. Only for buntime-resolver: it needs GIO. */

#include <gio/gio.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

typedef enum {
  BT_NAME_DNS,     /* any other */
  BT_NAME_LOCAL,   /* below .local: multicast DNS (RFC 6762) */
  BT_NAME_NOWHERE, /* of no public name space, such as .onion (RFC 7686): asked for of nobody */
} BtNameSpace;

/* name is absolute, lower-case and without its last dot. */
BtNameSpace bt_name_space_of(const char *name);

#define BT_MDNS_SOCKET "/run/avahi-daemon/socket"

typedef enum {
  BT_MDNS_FOUND,
  BT_MDNS_NO_NAME, /* nobody has it, or nobody here asks by multicast */
  BT_MDNS_FAILED,
} BtMdnsResult;

/* addr is NULL unless it was found. */
typedef void (*BtMdnsDone)(gpointer data, BtMdnsResult result, const BtAddr *addr);

/* Asks the daemon at socket_path for an IPv4 address of the name; done is called once, later. */
void bt_mdns_look_up(const char *socket_path, const char *name, BtMdnsDone done, gpointer data);

G_END_DECLS
