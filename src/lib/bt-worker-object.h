/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lib/bt-backend.h"
#include "lib/bt-codes.h"
#include "lib/bt-link.h"
#include "lib/bt-pipe.h"
#include "lib/buntime-worker.h"

G_BEGIN_DECLS

/* Shared by buntime-worker.c and buntime-worker-state.c, and by nobody else. */
struct _BuntimeWorker {
  GObject parent_instance;
  BtBackend *backend;
  BtLink *link;
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
  BtQuestionRate questions;
  char *name;     /* what events call it */
  gboolean ended; /* the backend said so */
  gboolean exited;
  int status;
  GError *error;
};

G_END_DECLS
