/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/bt-backend.h"
#include "lib/bt-codes.h"
#include "lib/bt-link.h"
#include "lib/bt-pipe.h"
#include "lib/buntime-worker.h"

G_BEGIN_DECLS

/* Shared by buntime-worker.c, buntime-worker-calls.c and buntime-worker-state.c alone. */
struct _BuntimeWorker {
  GObject parent_instance;
  BtBackend *backend;
  BtLink *link;
  BtLink *broken; /* by the worker, which is being killed; nothing is read */
  BtPipe *pipes[2];
  guint64 output_left; /* bytes of it that may still come, by pipes and by the channel */
  gboolean output_over;
  GHashTable *calls; /* id → GTask */
  guint32 last_id;
  /* Of a program that takes code, by its own word: */
  gboolean channel_is_given; /* whoever has it, there is no link */
  gboolean takes_code;
  BtCodes codes;
  GSource *grace; /* to the kill after stop */
  GMainContext *context; /* of all that is emitted */
  GSource *closed;  /* the channel is, and perhaps the worker ends, too: NULL: it is not */
  GSource *exiting; /* to ::exited, once calls that failed have been told so */
  BtQuestionRate questions;
  char *name;     /* what events call it */
  gboolean ended; /* the backend said so */
  gboolean exited;
  int status;
  int limit; /* BtLimit that ended it; -1: none did */
  GError *error;
};

/* ---- buntime-worker-calls.c ---- */

/* NULL: there is none. */
void bt_worker_clear_source(GSource **source);
gboolean bt_worker_send_bytes(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes,
                              GError **error);
/* A RESULT, REPLY or ERROR of the worker's. */
void bt_worker_answer(BuntimeWorker *self, BtFrameType type, guint32 id, GBytes *bytes);
void bt_worker_fail_calls(BuntimeWorker *self, const char *reason);
void bt_worker_follow_code(BuntimeWorker *self, const BtControl *message);
/* What was kept back is given to the worker, since every signal has been sent. */
void bt_worker_settle_codes(gpointer worker);

G_END_DECLS
