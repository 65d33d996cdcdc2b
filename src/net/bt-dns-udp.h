/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "net/bt-lookups.h"

G_BEGIN_DECLS

/* DNS over UDP on a bound socket of the sandbox's. Takes fd, borrows lookups. */
typedef struct _BtDnsUdp BtDnsUdp;

BtDnsUdp *bt_dns_udp_new(int fd, BtLookups *lookups);
void bt_dns_udp_free(BtDnsUdp *udp);

G_END_DECLS
