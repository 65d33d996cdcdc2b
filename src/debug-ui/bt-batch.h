/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a page has not seen of a run, as items of a batch.
 */

#include "debug-ui/bt-run.h"

G_BEGIN_DECLS

/* How far a page has seen a run. */
typedef struct {
  guint64 output, events, messages; /* cursors */
  guint samples[BT_N_SAMPLES];      /* serials */
  guint serial;                     /* of its state */
} BtView;

/*
 * Adds a part of what is new, at most some tens of kilobytes of each kind, so that one that tells
 * much leaves room for the others. FALSE: there is nothing.
 */
gboolean bt_batch_add(GString *text, const BtRun *run, BtView *view);
/* Has it all been added that was there? */
gboolean bt_batch_is_drained(const BtRun *run, const BtView *view);

G_END_DECLS
