/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Explaining denials on stderr: grouped, bounded in rate and memory, and
 * never blocking the supervisor, whatever the worker does and whoever reads.
 */

#include "lib/bt-event-stream.h"

G_BEGIN_DECLS

typedef struct _BtExplainer BtExplainer;

/* fd stays the caller's. quiet: events are counted, not shown. */
BtExplainer *bt_explainer_new(int fd, gboolean quiet);
/* Shows what is still held back, then frees. */
void bt_explainer_free(BtExplainer *explainer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtExplainer, bt_explainer_free)

/* Events go to this stream, too, whether quiet or not. Takes it. */
void bt_explainer_set_stream(BtExplainer *explainer, BtEventStream *stream);
/* They are told to func, too, and buntime's own lines as events of the state "notice". */
typedef void (*BtExplainerFunc)(gpointer data, const BtEvent *event);
void bt_explainer_set_func(BtExplainer *explainer, BtExplainerFunc func, gpointer data);
/* Without a stream, what audit reports as allowed is shown as well. */
void bt_explainer_set_audit(BtExplainer *explainer, gboolean audit);

void bt_explainer_add(BtExplainer *explainer, BtEvent *event); /* transfer full */
/* The same, but it is never one of several alike. */
void bt_explainer_add_alone(BtExplainer *explainer, BtEvent *event);
gboolean bt_explainer_has_stream(const BtExplainer *explainer);
/* For the stream alone, and by itself: not one of several alike. Takes the event. */
void bt_explainer_record(BtExplainer *explainer, BtEvent *event);
/* The event's group, as long as it is open. */
typedef struct {
  guint64 generation;
  gpointer group;
} BtEventHandle;

void bt_explainer_add_handle(BtExplainer *explainer, BtEvent *event, BtEventHandle *handle_out);
/* One more of the same; FALSE: its group is closed, make a new event. */
gboolean bt_explainer_again(BtExplainer *explainer, const BtEventHandle *handle);
/* One line of buntime's own, "buntime: " put before it; shown unless quiet. */
void bt_explainer_note(BtExplainer *explainer, const char *text);
/* Even if quiet: what nobody asked for. */
void bt_explainer_insist(BtExplainer *explainer, const char *text);

G_END_DECLS
