/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Explaining denials on stderr: grouped, bounded in rate and memory, and
 * never blocking the supervisor, whatever the worker does and whoever reads.
 */

#include "policy/bt-event.h"

G_BEGIN_DECLS

typedef struct _BtExplainer BtExplainer;

/* fd stays the caller's. quiet: events are counted, not shown. */
BtExplainer *bt_explainer_new(int fd, gboolean quiet);
/* Shows what is still held back, then frees. */
void bt_explainer_free(BtExplainer *explainer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtExplainer, bt_explainer_free)

void bt_explainer_add(BtExplainer *explainer, BtEvent *event); /* transfer full */
/* One line of buntime's own, "buntime: " put before it; shown unless quiet. */
void bt_explainer_note(BtExplainer *explainer, const char *text);

G_END_DECLS
