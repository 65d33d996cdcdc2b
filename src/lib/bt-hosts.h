/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

/* The addresses that a hosts file (hosts(5)) gives a name, IPv4's alone unless ipv6; how many. */
guint bt_hosts_parse(const char *text, gsize length, const char *name, gboolean ipv6,
                     BtAddr *addrs_out, guint max_addrs);
/* The same of the file at path, which may be missing. */
guint bt_hosts_lookup(const char *path, const char *name, gboolean ipv6, BtAddr *addrs_out,
                      guint max_addrs);

G_END_DECLS
