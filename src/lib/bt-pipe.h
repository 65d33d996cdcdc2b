/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One of a worker's output streams: a pipe, read from the thread's main context.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtPipe BtPipe;

/* bytes: NULL at the end, once. May free the pipe. */
typedef void (*BtPipeFunc)(gpointer data, BtPipe *pipe, GBytes *bytes);

/* fd_out: the worker's end. */
BtPipe *bt_pipe_new(BtPipeFunc func, gpointer data, int *fd_out, GError **error);
/* While paused nothing is read, so that who writes waits; the end is told afterwards. */
void bt_pipe_set_paused(BtPipe *pipe, gboolean paused);
/* Nobody who belongs to the worker has it any more: what is in it is the rest. */
void bt_pipe_finish(BtPipe *pipe);
void bt_pipe_free(BtPipe *pipe);

G_END_DECLS
