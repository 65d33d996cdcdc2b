/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The part of the DNS responder that UDP and TCP share: names are asked of
 * the supervisor, each once at a time, and an answer's addresses are pinned
 * before anybody is told them.
 *
 *   query → refused here?  reply at once
 *         → same name and type in flight?  wait with the others
 *         → RESOLVE … ANSWER → pin → reply to all that wait
 *
 * Denied names take the same way: the supervisor answers with an address that
 * nothing opens, and knows the name when it is connected to.
 *
 * So each of them is work for the supervisor, and more than BT_LOOKUPS_RATE a
 * second are told to ask later (SERVFAIL).
 */

#include <glib.h>

#include "net/bt-pins.h"
#include "wire/bt-dns.h"

G_BEGIN_DECLS

#define BT_LOOKUPS_MAX 64u    /* in flight */
#define BT_LOOKUPS_WAITING 512u /* queries that wait */
#define BT_LOOKUPS_RATE 1000u /* queries a second; a second's worth at once */

typedef struct _BtLookups BtLookups;

typedef gboolean (*BtLookupsSendFunc)(gpointer data, const BtNetMsgResolve *resolve);
/* A query was too many in its second. */
typedef void (*BtLookupsFloodFunc)(gpointer data, gint64 now);
typedef void (*BtLookupsReplyFunc)(gpointer client, const BtDnsQuery *query,
                                   const BtDnsReply *reply);

/* pins is borrowed. */
BtLookups *bt_lookups_new(BtPins *pins, BtLookupsSendFunc send, BtLookupsFloodFunc flood,
                          gpointer data);
void bt_lookups_free(BtLookups *lookups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtLookups, bt_lookups_free)

/*
 * Takes one message of a client. Exactly one reply() follows, now or later,
 * and then client_free(). FALSE for what is not a query: no reply() then.
 */
gboolean bt_lookups_query(BtLookups *lookups, const guint8 *message, gsize size,
                      BtLookupsReplyFunc reply, gpointer client, GDestroyNotify client_free,
                      gint64 now);
/* How many names were asked for. */
guint64 bt_lookups_count(BtLookups *lookups);
void bt_lookups_answer(BtLookups *lookups, const BtNetMsgAnswer *answer, gint64 now);
/* Gives up what the supervisor has not answered. TRUE while something is in flight. */
gboolean bt_lookups_sweep(BtLookups *lookups, gint64 now);

G_END_DECLS
