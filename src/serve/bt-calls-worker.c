/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "serve/bt-calls.h"
#include "serve/bt-served.h"

static BuntimeWorker *
start(BuntimeSandbox *sandbox, BtRequest *request, GError **error)
{
  const char *entry = bt_request_text(request, "entry");
  g_auto(GStrv) args = bt_request_texts(request, "args");
  const char *const *words = (const char *const *)args;
  int *fds = request->fds;

  if (!bt_request_boolean(request, "channel"))
    return buntime_sandbox_spawn(sandbox, entry, words, error);
  return buntime_sandbox_spawn_with_channel(sandbox, entry, words, &fds[0], &fds[1], &fds[2],
                                            error);
}

gboolean
bt_call_spawn(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimePolicy *policy;

  if (!bt_client_has_room(client, error))
    return FALSE;
  if (bt_request_boolean(request, "channel") && !bt_client_takes_fds(client))
    return bt_fail(error, BUNTIME_ERROR_USAGE, "spawn.channel",
                   _("descriptors do not go through a pipe"), _("connect to a socket: --socket"));
  g_autoptr(BuntimeSandbox) sandbox = bt_call_sandbox(request, &policy, error);
  BuntimeWorker *worker = sandbox != NULL ? start(sandbox, request, error) : NULL;
  if (worker == NULL)
    return FALSE;
  BtServed *served =
    bt_served_new(client, worker, bt_request_text(request, "entry"), FALSE);
  bt_put_int(result, "worker", bt_served_get_number(served));
  return TRUE;
}

static BuntimeWorker *
get_worker(BtClient *client, const BtRequest *request, GError **error)
{
  BtServed *served = bt_client_get_worker(client, request, error);
  return served != NULL ? bt_served_get_worker(served) : NULL;
}

static int
timeout_of(const BtRequest *request)
{
  return (int)bt_request_int(request, "timeout", -1);
}

static gboolean
finish_code(BtClient *client, GObject *object, GAsyncResult *result, GString *text,
            GError **error)
{
  g_autofree char *value = buntime_worker_run_code_finish(BUNTIME_WORKER(object), result, error);

  if (value == NULL)
    return FALSE;
  bt_put_bytes_as(text, "value", value, strlen(value));
  return TRUE;
}

gboolean
bt_call_run_code(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);
  GCancellable *cancellable;
  gpointer pending;
  GAsyncReadyCallback callback =
    worker != NULL ? bt_client_wait(client, request, finish_code, &cancellable, &pending, error)
                   : NULL;

  if (callback != NULL)
    buntime_worker_run_code(worker, bt_request_text(request, "code"), timeout_of(request),
                            cancellable, callback, pending);
  return callback != NULL;
}

static gboolean
finish_call(BtClient *client, GObject *object, GAsyncResult *result, GString *text,
            GError **error)
{
  g_autoptr(GBytes) bytes = buntime_worker_call_finish(BUNTIME_WORKER(object), result, error);

  if (bytes == NULL)
    return FALSE;
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);
  bt_put_bytes(text, data, size);
  return TRUE;
}

gboolean
bt_call_call(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);
  g_autoptr(GBytes) bytes = worker != NULL ? bt_request_bytes(request, error) : NULL;
  GCancellable *cancellable;
  gpointer pending;
  GAsyncReadyCallback callback =
    bytes != NULL ? bt_client_wait(client, request, finish_call, &cancellable, &pending, error)
                  : NULL;

  if (callback != NULL)
    buntime_worker_call(worker, bytes, timeout_of(request), cancellable, callback, pending);
  return callback != NULL;
}

gboolean
bt_call_send(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);
  g_autoptr(GBytes) bytes = worker != NULL ? bt_request_bytes(request, error) : NULL;

  return bytes != NULL && buntime_worker_send(worker, bytes, error);
}

gboolean
bt_call_reply(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);
  g_autoptr(GBytes) bytes = worker != NULL ? bt_request_bytes(request, error) : NULL;

  return bytes != NULL &&
         buntime_worker_reply(worker, (guint)bt_request_int(request, "request", 0), bytes, error);
}

gboolean
bt_call_reply_error(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);

  return worker != NULL &&
         buntime_worker_reply_error(worker, (guint)bt_request_int(request, "request", 0),
                                    bt_request_text(request, "error"), error);
}

gboolean
bt_call_cancel(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  return bt_client_cancel(client, request, error);
}

gboolean
bt_call_interrupt(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);

  if (worker != NULL)
    buntime_worker_interrupt(worker);
  return worker != NULL;
}

gboolean
bt_call_stop(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimeWorker *worker = get_worker(client, request, error);

  if (worker != NULL)
    buntime_worker_stop(worker, (guint)bt_request_int(request, "grace", 0));
  return worker != NULL;
}

gboolean
bt_call_list(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  bt_client_list_workers(client, result);
  return TRUE;
}
