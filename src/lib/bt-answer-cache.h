/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What granted names led to, for as long as their answers hold: most workers
 * keep no cache of their own and ask before each connection.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

/* Seconds that an answer holds. */
#define BT_ANSWER_TTL 30u
#define BT_ANSWER_CACHE_MAX 256u

typedef struct _BtAnswerCache BtAnswerCache;

BtAnswerCache *bt_answer_cache_new(void);
void bt_answer_cache_free(BtAnswerCache *cache);

/* Of a lookup for IPv4 alone or (ipv6) for both kinds, at now (µs). At most BT_NET_MSG_MAX_ADDRS. */
void bt_answer_cache_add(BtAnswerCache *cache, const char *name, gboolean ipv6,
                         const BtAddr *addrs, guint n_addrs, gint64 now);
/*
 * The addresses of such a lookup (transfer none, until the next change), or NULL: it is
 * to be made. *ttl_out: the seconds that they still hold, at least 1.
 */
const BtAddr *bt_answer_cache_get(BtAnswerCache *cache, const char *name, gboolean ipv6, gint64 now,
                                  guint *n_addrs_out, guint *ttl_out);

G_END_DECLS
