/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The host program's end of a worker's channel: rings and control socket as one
 * GSource of the thread's own main context.
 *
 * The rings never wait: what finds no room is kept, up to BT_LINK_MAX_QUEUE bytes,
 * and goes out when the worker has read.  Of what comes in, one dispatch takes a
 * bounded number of messages, so that a worker that floods shares the loop with
 * others.  Everything is copied before it is looked at; a breach of the protocol
 * closes the link and is told once.
 */

#include <glib.h>

#include "wire/bt-control.h"
#include "wire/bt-frame.h"
#include "wire/bt-plan.h"
#include "wire/bt-ring.h"

G_BEGIN_DECLS

#define BT_LINK_DEFAULT_SIZE (1u << 20) /* of both rings together */
#define BT_LINK_MAX_QUEUE (64u << 20)

typedef struct _BtLink BtLink;

/* Each may free the link. */
typedef struct {
  void (*message)(gpointer data, BtFrameType type, guint32 id, GBytes *bytes);
  void (*control)(gpointer data, const BtControl *message);
  /* The worker is gone and all was read (reason NULL), or it broke the protocol. */
  void (*closed)(gpointer data, const char *reason);
} BtLinkFuncs;

/* size: of both rings, a power of two or less is used. fds_out: the worker's ends, to be passed on
 * and closed. */
BtLink *bt_link_new(guint64 size, const BtLinkFuncs *funcs, gpointer data,
                    int fds_out[BT_INIT_CHANNEL_FDS], GError **error);
void bt_link_free(BtLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtLink, bt_link_free)

/* FALSE: so much waits already that this would be too much, or the link is closed. */
gboolean bt_link_send(BtLink *link, BtFrameType type, guint32 id, GBytes *bytes);
/*
 * While paused nothing is taken from the worker, which waits where it writes once the ring
 * is full; and `closed` is told only afterwards, but for a breach of the protocol.
 */
void bt_link_set_paused(BtLink *link, gboolean paused);
/* Nobody who belongs to the worker has its end any more: what is in it is the rest. */
void bt_link_finish(BtLink *link);
/* It broke the protocol in a way that only its user sees. reason is a literal. */
void bt_link_break(BtLink *link, const char *reason);
/* To code that was sent: no more will be told of it. */
void bt_link_answered_code(BtLink *link);
typedef struct {
  guint64 capacity;
  guint64 used;  /* of it, what waits to be read; at most the capacity, whatever the worker writes */
  guint64 bytes; /* that went by since the start, headers included */
} BtRingUsage;

/* Of the ring that side writes. */
void bt_link_get_usage(BtLink *link, BtSide side, BtRingUsage *usage_out);
/* One JSON object; lost if the worker does not read. */
void bt_link_send_control(BtLink *link, const char *json);

G_END_DECLS
