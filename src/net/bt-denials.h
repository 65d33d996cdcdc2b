/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Telling the supervisor what was dropped: the first of a kind at once, then
 * at most one a second and object with a count.  The memory for it is
 * bounded; what finds no room is counted by its reason alone.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

#define BT_DENIALS_MAX 256u

typedef struct _BtDenials BtDenials;

/* FALSE: it could not be sent now, and stays counted. */
typedef gboolean (*BtDenialsSendFunc)(gpointer data, const BtNetMsgDenied *denied);

BtDenials *bt_denials_new(BtDenialsSendFunc send, gpointer data);
void bt_denials_free(BtDenials *denials);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtDenials, bt_denials_free)

/* denied's header and count are filled here. */
void bt_denials_add(BtDenials *denials, const BtNetMsgDenied *denied, gint64 now);
/* Sends what was counted. TRUE while something is remembered. */
gboolean bt_denials_sweep(BtDenials *denials, gint64 now);

G_END_DECLS
