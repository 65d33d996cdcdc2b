/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's side of buntime-net. See bt-net-peer.c.
 */

#include "lib/bt-explain.h"
#include "lib/bt-names.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct _BtNetPeer BtNetPeer;

/*
 * Borrows all but the error. network: buntime-net is started now, beside
 * init; else at the worker's first question for a name.
 */
BtNetPeer *bt_net_peer_new(BtNames *names, BtPolicy *policy, const BtPlanNet *net,
                           gboolean network, BtExplainer *explainer, GError **error);
/* Takes the DNS sockets and the frame fd (-1 without a network), also on failure. */
gboolean bt_net_peer_start(BtNetPeer *self, int udp, int tcp, int frame, GError **error);
/* Ends buntime-net without waiting for it; free() does. */
void bt_net_peer_kill(BtNetPeer *self);
void bt_net_peer_free(BtNetPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNetPeer, bt_net_peer_free)

G_END_DECLS
