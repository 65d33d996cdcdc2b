/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A worker's question, "would this be allowed?", as it comes from the channel.
 */

#include "policy/bt-policy.h"
#include "wire/bt-frame.h"

G_BEGIN_DECLS

typedef struct {
  BtKind kind;
  gboolean folder; /* a path: of a directory */
  char *value;
} BtQuestion;

/* How many there were lately. */
typedef struct {
  gint64 second; /* of the monotonic clock */
  guint count;
} BtQuestionRate;

/* NULL: it is none, or there are too many (transfer full). */
BtQuestion *bt_question_new(BtFrameType type, GBytes *bytes, BtQuestionRate *rate);
void bt_question_free(BtQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtQuestion, bt_question_free)

G_END_DECLS
