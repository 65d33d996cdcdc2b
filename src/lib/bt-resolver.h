/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looking names up, behind a table of functions: the real ones ask
 * buntime-resolver, which is started at the first name that is granted; tests
 * bring their own.
 */

#include "lib/bt-explain.h"
#include "wire/bt-addr.h"

G_BEGIN_DECLS

typedef enum {
  BT_LOOKUP_FOUND,
  BT_LOOKUP_NO_DATA, /* the name exists, an address of it does not */
  BT_LOOKUP_NO_NAME, /* NXDOMAIN */
  BT_LOOKUP_FAILED,
} BtLookupResult;

/* Called once, from the main context and never from within start(). */
typedef void (*BtLookupDone)(gpointer data, BtLookupResult result, const BtAddr *addrs,
                             guint n_addrs);

typedef struct _BtResolver BtResolver;
struct _BtResolver {
  /* The addresses of an absolute name without its last dot; unless ipv6, IPv4's alone. */
  gpointer (*start)(BtResolver *self, const char *name, gboolean ipv6, BtLookupDone done,
                    gpointer data);
  /* done will not be called. */
  void (*cancel)(BtResolver *self, gpointer lookup);
  void (*free)(BtResolver *self); /* no lookup is left */
};

/* The socket of buntime-resolver. */
#define BT_RESOLVER_FD 3

/* Starts buntime-resolver. explainer is told if it ends early, and may be NULL. */
BtResolver *bt_resolver_new(BtExplainer *explainer, GError **error);

/* The same with another peer at the end of fd, which it takes: for tests. */
BtResolver *bt_resolver_new_for_fd(int fd, BtExplainer *explainer);

G_END_DECLS
