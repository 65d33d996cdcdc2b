/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * --max-output: what a program writes to stdout and stderr, counted.
 *
 *   worker ── pipe ── a buffer of ours ── the caller's stdout or stderr
 *
 * Only with that limit is there anything between the two. A stream is either
 * read or written: its buffer is filled once, and read again when all of it has
 * been passed on. So a slow reader fills the pipe and makes the worker wait,
 * and the main loop waits for neither. Bytes of a stream keep their order; where
 * both streams are one file (2>&1) they share a pipe, and keep it between them.
 *
 * Of more than the limit the first bytes up to exactly the limit are passed on.
 * Then nothing is read any more. When the worker and all it started have ended
 * (bt_output_finish()), what they left in the pipes is still passed on; a host's
 * process that got hold of one, by a Unix socket, is not waited for.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtOutput BtOutput;

BtOutput *bt_output_new(guint64 limit);
void bt_output_free(BtOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtOutput, bt_output_free)

/*
 * Where the worker's stdio was to go becomes where this output passes it on to,
 * and pipes take its place. Their ends are closed when the worker has them.
 */
gboolean bt_output_divert(BtOutput *output, int stdio[3], GError **error);
void bt_output_close_worker_ends(BtOutput *output);

typedef void (*BtOutputFunc)(gpointer data);

/*
 * Passes on from now on. over: there was more than the limit, told once; done:
 * both streams have ended. Neither may free the output.
 */
void bt_output_start(BtOutput *output, BtOutputFunc over, BtOutputFunc done, gpointer data);
/* Nobody of the sandbox is left. Done may be told before this returns. */
void bt_output_finish(BtOutput *output);
gboolean bt_output_is_done(const BtOutput *output);

G_END_DECLS
