/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A program that the page had run: the worker, and what it told so far, within bounds.
 *
 *   starting → running → exited      failed: it could not be started, or not be kept
 *
 * Everything is here before any page asks for it, and stays when the worker has ended.
 */

#include "debug-ui/bt-scrollback.h"
#include "lib/buntime.h"
#include "serve/bt-node.h"
#include "serve/bt-rest.h"

G_BEGIN_DECLS

typedef enum {
  BT_RUN_STARTING,
  BT_RUN_RUNNING,
  BT_RUN_EXITED,
  BT_RUN_FAILED,
} BtRunState;

/* What is looked at now and then, of which the newest is enough. */
typedef enum {
  BT_SAMPLE_MEMORY,
  BT_SAMPLE_RINGS,
  BT_SAMPLE_SYSCALLS,
  BT_N_SAMPLES,
} BtSampleKind;

typedef struct {
  char *json;   /* an item of a batch; NULL: there is none yet */
  guint serial; /* of the changes */
} BtSample;

typedef struct _BtRun BtRun;

/* Something of it changed. */
typedef void (*BtRunFunc)(gpointer data, BtRun *run);

struct _BtRun {
  guint number;
  char *tab, *name, *language, *file; /* as the page knows them; where the program is */
  BuntimeWorker *worker;              /* NULL: none was started */
  BtRunState state;
  guint serial; /* of the changes of what bt_run_describe() says */
  gint64 started, ended; /* milliseconds since 1970; 0: not yet */
  int exit;
  GError *error;
  char *layers;
  BtScrollback *output, *events, *messages;
  BtSample samples[BT_N_SAMPLES];
  BtRest rests[2]; /* of its output streams */
  guint64 connects, opens, execs;
  BtRunFunc changed;
  gpointer data;
};

/* What the page asked for. */
typedef struct {
  const char *tab, *name, *language, *code;
  const char *const *args;
} BtRunRequest;

/* Never NULL: what cannot be started has failed. file: its path (transfer full). */
BtRun *bt_run_new(guint number, const BtRunRequest *request, char *file, BuntimeSandbox *sandbox,
                  BtRunFunc changed, gpointer data);
/* Ends the worker, if it runs. */
void bt_run_free(BtRun *run);
/* Of those that were freed: workers that have not ended yet. */
guint bt_run_count_dying(void);

gboolean bt_run_is_over(const BtRun *run);
/* SIGTERM first, unless it is by force. */
void bt_run_stop(BtRun *run, gboolean force);
/* The members of WorkerState. */
void bt_run_describe(const BtRun *run, GString *text);

/* Looks at the rings, and at the processes, of a worker that runs. */
void bt_run_sample(BtRun *run, gboolean processes);

G_END_DECLS
