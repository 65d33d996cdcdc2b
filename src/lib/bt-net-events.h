/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What buntime-net tells of the worker's flows, as events.
 */

#include "lib/bt-explain.h"
#include "lib/bt-names.h"
#include "lib/bt-publish.h"
#include "wire/bt-net-msg.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

/* Of the sandbox that buntime-net serves; all borrowed. */
typedef struct {
  BtNames *names;
  BtPolicy *policy;
  BtExplainer *explainer;
  const BtPlanNet *net;
  GPtrArray *published; /* BtPublished */
  gint64 begun; /* monotonic, in µs: no packet was seen before */
  GHashTable *flow_names; /* of flows that are open: bt_net_flow_names_new() */
} BtNetParts;

/* By what names flows were opened: their addresses may have been answered for others since. */
GHashTable *bt_net_flow_names_new(void);

/* FALSE: it speaks of a limit that was not set. */
gboolean bt_net_event_denied(const BtNetParts *parts, const BtNetMsgDenied *message);
/* FALSE: nothing is published there. */
gboolean bt_net_event_accepted(const BtNetParts *parts, const BtNetMsgAccepted *message);
void bt_net_event_flow(const BtNetParts *parts, const BtNetMsgFlow *message);

G_END_DECLS
