/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Workers that are ready before they are wanted.
 */

#include <gio/gio.h>

#include "buntime-sandbox.h"
#include "buntime-worker.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * BuntimePool:
 *
 * Workers that wait for code: their sandboxes are made, their policy holds, and their
 * interpreters have started. Each is handed out once, and another one takes its place, so that
 * nothing that code leaves behind is found by other code.
 *
 * A pool belongs to the thread that made it, and needs that thread's main context to run. While
 * its workers wait it does nothing at all. A pool that nobody refers to ends them.
 *
 * Since: 1.0
 */
#define BUNTIME_TYPE_POOL (buntime_pool_get_type())
G_DECLARE_FINAL_TYPE(BuntimePool, buntime_pool, BUNTIME, POOL, GObject)

/**
 * buntime_pool_new:
 * @sandbox: a launcher, taken as it is now
 * @size: how many workers are to wait, at least one
 *
 * Makes a pool. The first workers are started when the main context runs next; the kind that
 * buntime_sandbox_set_worker() set says for which language.
 *
 * Returns: (transfer full): a new pool
 *
 * Since: 1.0
 */
BuntimePool *buntime_pool_new(BuntimeSandbox *sandbox, guint size);

/**
 * buntime_pool_set_program:
 * @pool: a pool that has just been made
 * @entry: a program, as on the command line
 * @args: (nullable) (array zero-terminated=1): its arguments
 *
 * Keeps workers of that program, instead of those that take code: it has to say that it is ready
 * for messages.
 *
 * Since: 1.0
 */
void buntime_pool_set_program(BuntimePool *pool, const char *entry, const char *const *args);

/**
 * buntime_pool_set_preload:
 * @pool: a pool that has just been made
 * @code: (nullable): what each worker runs before it waits, such as imports
 *
 * Runs code in every worker before it is handed out. Its output is dropped, and a worker in which
 * it fails counts as one that cannot start.
 *
 * Since: 1.0
 */
void buntime_pool_set_preload(BuntimePool *pool, const char *code);

/**
 * buntime_pool_get_ready:
 * @pool: a pool
 *
 * Says how many workers could be handed out at once.
 *
 * Returns: the number of workers that wait
 *
 * Since: 1.0
 */
guint buntime_pool_get_ready(BuntimePool *pool);

/**
 * buntime_pool_take_async:
 * @pool: a pool
 * @cancellable: (nullable): to give up waiting
 * @callback: called when there is a worker
 * @data: for @callback
 *
 * Takes a worker out of the pool, or waits for one. It is the caller's: whatever it runs, it never
 * comes back. Drop it, or buntime_worker_stop() it, when it is done. Another is started in its
 * place five milliseconds later, so that the two do not share the processors while its first code
 * begins; at once if none is left and somebody waits.
 *
 * Since: 1.0
 */
void buntime_pool_take_async(BuntimePool *pool, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data);

/**
 * buntime_pool_take_finish:
 * @pool: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends what buntime_pool_take_async() began. A worker that cannot start is an error of all who
 * wait; it is tried again after a while, which grows from a tenth of a second to five.
 *
 * Returns: (transfer full): a worker that is ready, or %NULL with @error set: why the last one
 *   could not be started, or %BUNTIME_ERROR_ENDED if the pool was stopped
 *
 * Since: 1.0
 */
BuntimeWorker *buntime_pool_take_finish(BuntimePool *pool, GAsyncResult *result, GError **error);

/**
 * buntime_pool_stop:
 * @pool: a pool
 *
 * Ends all workers that wait; whoever waits for one gets an error. Those that were taken go on.
 *
 * Since: 1.0
 */
void buntime_pool_stop(BuntimePool *pool);

#pragma GCC visibility pop
G_END_DECLS
