/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looking names up, behind a table of functions: the real ones live in the
 * module buntime-resolver, which alone is linked to GIO and is loaded at the
 * first name that is granted; tests bring their own.
 */

#include <glib.h>

#include "wire/bt-addr.h"

G_BEGIN_DECLS

typedef enum {
  BT_LOOKUP_FOUND,
  BT_LOOKUP_NO_DATA, /* the name exists, an IPv4 address of it does not */
  BT_LOOKUP_NO_NAME, /* NXDOMAIN */
  BT_LOOKUP_FAILED,
} BtLookupResult;

/* Called once, from the main context and never from within start(). */
typedef void (*BtLookupDone)(gpointer data, BtLookupResult result, const BtAddr *addrs,
                             guint n_addrs);

typedef struct {
  /* The IPv4 addresses of an absolute name without its last dot. */
  gpointer (*start)(const char *name, BtLookupDone done, gpointer data);
  /* done will not be called. */
  void (*cancel)(gpointer lookup);
} BtResolver;

/* Of the module buntime-resolver: `const BtResolver bt_resolver`. */
#define BT_RESOLVER_MODULE "buntime-resolver"
#define BT_RESOLVER_SYMBOL "bt_resolver"

G_END_DECLS
