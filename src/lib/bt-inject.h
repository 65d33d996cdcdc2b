/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The fast path: connections that are made out here and handed to the worker. See
 * bt-inject.c for what makes that safe.
 */

#include "lib/bt-notifier-private.h"

G_BEGIN_DECLS

typedef enum {
  BT_INJECT_NOT,      /* the worker's socket is to be connected after all */
  BT_INJECT_ANSWERED,
  BT_INJECT_LATER,    /* it is made, but the worker did not get to take it */
  BT_INJECT_WAITS,    /* the connection is the worker's already; what comes of it is not known */
} BtInjected;

BtInject *bt_inject_new(BtNotifier *notifier);
void bt_inject_free(BtInject *self);

/*
 * A socket to be connected to the port in the place of the call's own, of which original is ours;
 * -1: that one cannot be exchanged without its being noticed.
 */
int bt_inject_make(BtInject *self, const BtCall *call, int original, guint16 port);
/*
 * Connects it to addr.  Takes made, and with ANSWERED *fd; but with WAITS it is to be watched and
 * *fd, the original, kept to be put back, and with LATER both are for bt_inject_hand_in().
 */
BtInjected bt_inject_connect(BtInject *self, const BtCall *call, int made, int *fd,
                             const BtAddr *addr, guint16 port);
/* The same once more, after LATER. Never NOT. */
BtInjected bt_inject_hand_in(BtInject *self, const BtCall *call, int made, int *fd);
/* The original found that nobody serves inside: it may be exchanged all the same. */
void bt_inject_set_tried(BtInject *self, int fd);
/* How a connection that waits stands: 0, EINPROGRESS, or why it failed. */
int bt_inject_result(BtInject *self, int made);
/* The worker was told that it is made: once. */
void bt_inject_set_told(BtInject *self, int made);
/* After it failed: the worker gets its own socket again. -1: it is not known any more. */
void bt_inject_put_back(BtInject *self, const BtCall *call, int original);

/* Is it one that shutdown() would make free to listen? */
gboolean bt_inject_is_connecting(BtInject *self, int fd);
/*
 * connect() on a socket that is not of the sandbox's network.  NOT: *fd is a socket of the sandbox's again, and so is the
 * worker's.  ANSWERED takes *fd; WAITS leaves it to be watched.
 */
BtInjected bt_inject_again(BtInject *self, const BtCall *call, int *fd, gboolean disconnects);

G_END_DECLS
