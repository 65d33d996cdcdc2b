/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's side of buntime-net. See bt-net-peer.c.
 */

#include "lib/bt-explain.h"
#include "lib/bt-names.h"
#include "lib/bt-publish.h"
#include "wire/bt-net-msg.h"
#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct _BtNetPeer BtNetPeer;

/* The network that the worker has is gone for good. */
typedef void (*BtNetPeerLostFunc)(gpointer data, const char *why);
/* refused: nobody listens there. id 0: of all that were asked for, nothing more will come. */
typedef void (*BtNetPeerOpenedFunc)(gpointer data, guint32 id, gboolean refused);

/*
 * Borrows all but the error. early: buntime-net is started now, beside
 * init; else at the worker's first question for a name.
 */
BtNetPeer *bt_net_peer_new(BtNames *names, BtPolicy *policy, const BtPlanNet *net,
                           gboolean early, GPtrArray *published, BtExplainer *explainer,
                           GError **error);
/*
 * Takes sockets of the sandbox's: those that stand for the host's loopback (relays), or those
 * to reach published ports by. FALSE: not now.
 */
gboolean bt_net_peer_take_sockets(BtNetPeer *self, gboolean relays, const int *fds, guint n_fds);
/* Where frames are recorded, behind a header; before start(), open until free(). */
void bt_net_peer_set_capture(BtNetPeer *self, int fd);
/* Without it the run goes on, and that is said. */
void bt_net_peer_set_lost_func(BtNetPeer *self, BtNetPeerLostFunc func, gpointer data);
/* Takes the DNS sockets and the frame fd (-1 without a network), also on failure. */
gboolean bt_net_peer_start(BtNetPeer *self, int udp, int tcp, int frame, GError **error);
/*
 * Without start(), where the sandbox has no network of its own: gives buntime-net, started now if
 * it was not, a stream by which the worker asks for names. Takes fd.
 */
void bt_net_peer_hand_over(BtNetPeer *self, int fd);
/*
 * Has the host's service at a relayed address asked for, before the worker connects to the
 * relay; func gets the answer. FALSE: nobody can be asked.
 */
gboolean bt_net_peer_open_relay(BtNetPeer *self, guint32 id, const BtAddr *addr, guint16 port);
void bt_net_peer_set_opened_func(BtNetPeer *self, BtNetPeerOpenedFunc func, gpointer data);
/*
 * The worker is gone or will be killed: buntime-net ends, and free() waits for it, so wait for
 * its pidfd before. What the worker sent by a relay or a published port is passed on first, and
 * what is recorded comes to its end, for at most BT_NET_PEER_PATIENCE_MS.
 */
void bt_net_peer_finish(BtNetPeer *self);
#define BT_NET_PEER_PATIENCE_MS 1000
/* Readable when buntime-net has ended (transfer none); -1: there is none. */
int bt_net_peer_get_pidfd(const BtNetPeer *self);
void bt_net_peer_kill(BtNetPeer *self);
/* Behind finish(): waits until it has ended, as free() does. FALSE: it told no counts. */
gboolean bt_net_peer_settle(BtNetPeer *self, BtNetMsgCounts *counts_out);
void bt_net_peer_free(BtNetPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNetPeer, bt_net_peer_free)

G_END_DECLS
