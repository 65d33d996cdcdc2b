/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What names the worker may look up, what they lead to, and what an address
 * was looked up as. See bt-names.c.
 */

#include "lib/bt-explain.h"
#include "lib/bt-resolver.h"
#include "policy/bt-policy.h"
#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

typedef struct _BtNames BtNames;

/* Life of a pin after the last answer and the last flow, in seconds. */
#define BT_NAMES_PIN_SECONDS 60u

typedef void (*BtNamesAnswerFunc)(gpointer data, const BtNetMsgAnswer *answer);

/* explainer is borrowed and may be NULL; it is told when names cannot be looked up at all. */
BtNames *bt_names_new(BtPolicy *policy, BtExplainer *explainer);
void bt_names_free(BtNames *names);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNames, bt_names_free)

/* Where answers go; may be called from within bt_names_query(). */
void bt_names_set_answer_func(BtNames *names, BtNamesAnswerFunc func, gpointer data);
/* Asked at each question: would addresses of IPv6 be of use? NULL, as at first: never. */
void bt_names_set_ipv6_func(BtNames *names, gboolean (*func)(void));
/* For tests: instead of buntime-resolver, borrowed, and of /etc/hosts. */
void bt_names_set_resolver(BtNames *names, BtResolver *resolver, const char *hosts_path);

/* A question of buntime-net: exactly one answer with its id will follow. */
void bt_names_query(BtNames *names, const BtNetMsgResolve *query);
/* buntime-net let go of a pin. */
void bt_names_unpin(BtNames *names, const BtAddr *addr, guint32 rule);
/* The host's own addresses, closed to every name. */
void bt_names_set_host_addrs(BtNames *names, const BtAddr *addrs, guint n_addrs);

/*
 * All bytes of the limit that origin speaks of were sent or received: whatever
 * a rule says, nothing is reached any more. It is borrowed; NULL: not yet.
 */
void bt_names_set_spent(BtNames *names, const BtOrigin *origin);
const BtOrigin *bt_names_get_spent(BtNames *names);

/* What stands beside a verdict. All are NULL or live until the next query. */
typedef struct {
  const char *name;   /* what the address was looked up as */
  const char *reason; /* what decided instead of a rule */
  const char *grant;  /* the host that a flag would have to name, if not name or the address */
  gboolean several;   /* name led to other addresses, too */
} BtFlowWords;

BtVerdict bt_names_check_flow(BtNames *names, const BtAddr *addr, guint proto, guint16 port,
                              BtFlowWords *words_out);

/* Does a rule of addresses, or the default, open TCP to it, and no name lead there? */
gboolean bt_names_is_plain(BtNames *names, const BtAddr *addr, guint16 port);

G_END_DECLS
