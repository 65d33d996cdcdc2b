/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a TCP flow asks for on the wire. See bt-inspect.c.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-packet.h"

G_BEGIN_DECLS

/* From the first byte of a head or a ClientHello to its last. */
#define BT_INSPECT_MAX_TIME (30 * (gint64)G_USEC_PER_SEC)

typedef enum {
  BT_INSPECT_PASS = 0,
  BT_INSPECT_DROP,   /* not yet: TCP sends it again */
  BT_INSPECT_CUT,    /* passes without the first bytes of its payload */
  BT_INSPECT_REFUSE, /* for a reason; the flow is to be ended */
} BtInspectResult;

/* May this name be asked for in the flow? */
typedef gboolean (*BtInspectJudgeFunc)(gpointer data, const char *name);

typedef struct {
  BtInspectResult result;
  gsize cut;          /* CUT */
  BtNetReason reason; /* REFUSE */
  const char *name;   /* REFUSE with BT_NET_REASON_NAME: the one that may not be */
  guint32 sequence;   /* REFUSE: that the far side expects next */
} BtInspection;

typedef struct _BtInspect BtInspect;

BtInspect *bt_inspect_new(void);
void bt_inspect_free(BtInspect *inspect);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtInspect, bt_inspect_free)

/* A segment of the worker's. */
BtInspection bt_inspect_outbound(BtInspect *inspect, const BtTcp *tcp, const guint8 *payload,
                                 gint64 now, BtInspectJudgeFunc judge, gpointer data);
/* A segment that libslirp sends for the far side. */
void bt_inspect_inbound(BtInspect *inspect, const BtTcp *tcp, const guint8 *payload);
/* Till a segment with SYN comes, of either side, no other needs to be shown. */
gboolean bt_inspect_is_released(const BtInspect *inspect);

G_END_DECLS
