/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What addresses were answered for: the names that explain connections.
 *
 * The sinkhole is 198.19/16 of the benchmarking range, which the gate and the matcher both
 * drop: there an address stands for one name.  The table is bounded and forgets the oldest,
 * which costs an explanation, never a decision.
 */

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

#define BT_KNOWN_ADDRS_MAX 4096u

typedef struct {
  BtAddr addr; /* the key */
  char *name;
  char *reason; /* sinkhole: why a granted name leads nowhere; NULL: it is not granted */
  char *grant;  /* with reason: the address that a rule would have to name */
  gboolean several; /* one of several in an answer */
} BtKnownAddr;

typedef struct _BtKnownAddrs BtKnownAddrs;

BtKnownAddrs *bt_known_addrs_new(void);
void bt_known_addrs_free(BtKnownAddrs *table);

/* NULL: it was not answered, or that is long ago. All are valid until the next is made. */
BtKnownAddr *bt_known_addrs_get(BtKnownAddrs *table, const BtAddr *addr);
/* The name an address was answered for last; makes or renames. */
BtKnownAddr *bt_known_addrs_remember(BtKnownAddrs *table, const BtAddr *addr, const char *name);
/* That of a name; makes it. */
BtKnownAddr *bt_known_addrs_sinkhole(BtKnownAddrs *table, const char *name);

G_END_DECLS
