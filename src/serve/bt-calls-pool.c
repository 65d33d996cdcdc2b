/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-calls.h"
#include "serve/bt-served.h"

/* Of a pool's object: what its workers run. */
#define ENTRY_KEY "bt-entry"

gboolean
bt_call_pool_new(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  const char *entry = bt_request_text(request, "entry");
  const char *preload = bt_request_text(request, "preload");
  g_auto(GStrv) args = bt_request_texts(request, "args");
  BuntimePolicy *policy;

  if (!bt_client_has_room_for_pool(client, error))
    return FALSE;
  g_autoptr(BuntimeSandbox) sandbox = bt_call_sandbox(request, &policy, error);
  if (sandbox == NULL)
    return FALSE;
  BuntimePool *pool = buntime_pool_new(sandbox, (guint)bt_request_int(request, "size", 1));
  if (entry != NULL)
    buntime_pool_set_program(pool, entry, (const char *const *)args);
  g_object_set_data_full(G_OBJECT(pool), ENTRY_KEY, g_strdup(entry), g_free);
  if (preload != NULL)
    buntime_pool_set_preload(pool, preload);
  bt_put_int(result, "pool", bt_client_add_pool(client, pool));
  return TRUE;
}

static gboolean
finish_take(BtClient *client, GObject *object, GAsyncResult *result, GString *text,
            GError **error)
{
  g_autoptr(BuntimeWorker) worker =
    buntime_pool_take_finish(BUNTIME_POOL(object), result, error);

  /* One that comes too late is dropped: nobody has it, and it is ended. */
  if (worker == NULL || client == NULL || !bt_client_has_room(client, error))
    return FALSE;
  const char *entry = g_object_get_data(object, ENTRY_KEY);
  BtServed *served = bt_served_new(client, g_steal_pointer(&worker), entry, TRUE);
  bt_put_int(text, "worker", bt_served_get_number(served));
  return TRUE;
}

gboolean
bt_call_pool_take(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  BuntimePool *pool = bt_client_get_pool(client, request, error);
  GCancellable *cancellable;
  gpointer pending;
  GAsyncReadyCallback callback =
    pool != NULL ? bt_client_wait(client, request, finish_take, &cancellable, &pending, error)
                 : NULL;

  if (callback != NULL)
    buntime_pool_take_async(pool, cancellable, callback, pending);
  return callback != NULL;
}

gboolean
bt_call_pool_stop(BtClient *client, BtRequest *request, GString *result, GError **error)
{
  return bt_client_remove_pool(client, request, error);
}
