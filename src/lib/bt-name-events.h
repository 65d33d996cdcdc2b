/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the worker asks for by name, as events.
 *
 * Most are of audit alone: the connect that usually follows is told of anyway, and who asked is
 * not known. Without that connect nothing else speaks of the name.
 */

#include "lib/bt-explain.h"
#include "policy/bt-policy.h"
#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

/* Under audit: a name that is not granted was asked for. explainer may be NULL, as below. */
void bt_name_event_denied(BtExplainer *explainer, BtPolicy *policy, const char *name,
                          const BtVerdict *verdict);

typedef struct {
  gint64 asked;           /* monotonic, in µs; 0: the answer was known at once */
  gboolean ended;         /* the run was over first */
  guint32 rcode;          /* as in an ANSWER */
  const char *closed;     /* why its addresses are not told; else NULL */
  const BtNetMsgAnswer *answers[2]; /* of both kinds of address; NULL: none */
} BtNameAnswer;

/*
 * Under audit: a granted name was asked for, and this was the answer. What had to be looked up is
 * told by itself, since it took its time.
 */
void bt_name_event_answered(BtExplainer *explainer, BtPolicy *policy, const char *name,
                            const BtNameAnswer *answer);
/*
 * Of an answer with closed addresses beside public ones no connect will tell: the worker does not
 * learn of them. It may be somebody's attempt at rebinding. Takes reason.
 */
void bt_name_event_closed(BtExplainer *explainer, BtPolicy *policy, const char *name,
                          char *reason, guint count);

G_END_DECLS
