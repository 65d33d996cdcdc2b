/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A client: its lines, its workers, and its requests that wait for an answer.
 *
 *   open     lines come in; each is answered, now or later
 *   ended    no more lines: its workers are killed, what waits is forgotten
 *   closed   what had been answered is written, or is not read any more
 *
 * Nothing of one client is seen by another; numbers of workers are each client's own.
 */

#include "lib/buntime.h"
#include "serve/bt-lines.h"
#include "serve/bt-request.h"

G_BEGIN_DECLS

typedef struct _BtClient BtClient;
typedef struct _BtServed BtServed; /* bt-served.h */

/* closed: frees the client. */
typedef void (*BtClientFunc)(gpointer data, BtClient *client);

/* Takes the descriptors. */
BtClient *bt_client_new(int fd_in, int fd_out, BtClientFunc closed, gpointer data);
/* As if it had closed its end. */
void bt_client_end(BtClient *client);
void bt_client_free(BtClient *client);

/* A line to the client: members of its params follow, then bt_client_notify(), which takes it. */
GString *bt_client_begin_notification(const char *name, guint worker);
void bt_client_notify(BtClient *client, GString *line);
/* Does it not read what it is told? */
gboolean bt_client_is_full(const BtClient *client);

/* ---- for methods ---- */

/*
 * Called with what the request came to; adds the result's members, or sets error.
 * client: NULL if it has ended.
 */
typedef gboolean (*BtClientFinish)(BtClient *client, GObject *object, GAsyncResult *result,
                                   GString *text, GError **error);

/* A request that is answered later: pass pending as the callback's data. NULL: there are too many. */
GAsyncReadyCallback bt_client_wait(BtClient *client, BtRequest *request, BtClientFinish finish,
                                   GCancellable **cancellable_out, gpointer *pending_out,
                                   GError **error);
gboolean bt_client_cancel(BtClient *client, const BtRequest *request, GError **error);

guint bt_client_add_worker(BtClient *client, BtServed *served);
gboolean bt_client_has_room(BtClient *client, GError **error);
/* Can it be sent descriptors? */
gboolean bt_client_takes_fds(BtClient *client);
void bt_client_remove_worker(BtClient *client, guint number);
/* Of the request's parameter `worker`. */
BtServed *bt_client_get_worker(BtClient *client, const BtRequest *request, GError **error);
void bt_client_list_workers(BtClient *client, GString *result);

gboolean bt_client_has_room_for_pool(BtClient *client, GError **error);
/* Takes pool; its number. */
guint bt_client_add_pool(BtClient *client, BuntimePool *pool);
/* Of the request's parameter `pool`. */
BuntimePool *bt_client_get_pool(BtClient *client, const BtRequest *request, GError **error);
gboolean bt_client_remove_pool(BtClient *client, const BtRequest *request, GError **error);

G_END_DECLS
