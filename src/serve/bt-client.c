/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-client.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "serve/bt-calls.h"
#include "serve/bt-served.h"

/* A request that waits; freed by its callback, which always comes. */
typedef struct {
  BtClient *client; /* NULL: it has ended */
  char *id;
  BtClientFinish finish;
  GCancellable *cancellable;
} Pending;

struct _BtClient {
  BtLines *lines;
  GHashTable *workers; /* number → BtServed */
  guint last_number;
  GHashTable *pools; /* number → BuntimePool */
  guint last_pool;
  GHashTable *pending; /* id → Pending */
  gboolean paused;     /* its workers are */
  gboolean ended;
  BtClientFunc closed;
  gpointer data;
};

/* ---- lines out ---- */

static void
pause_workers(BtClient *self, gboolean paused)
{
  GHashTableIter iter;
  gpointer served;

  if (self->paused == paused)
    return;
  self->paused = paused;
  g_hash_table_iter_init(&iter, self->workers);
  while (g_hash_table_iter_next(&iter, NULL, &served))
    bt_served_set_paused(served, paused);
}

/* fds: NULL or three. */
static void
put_with_fds(BtClient *self, GString *line, int *fds)
{
  if (fds != NULL)
    bt_lines_put_with_fds(self->lines, line, fds, BT_LINES_MAX_FDS);
  else
    bt_lines_put(self->lines, line);
  /* At once: each of many workers could have a large message in its hands. */
  if (bt_lines_is_full(self->lines))
    pause_workers(self, TRUE);
}

static void
put(BtClient *self, GString *line)
{
  put_with_fds(self, line, NULL);
}

GString *
bt_client_begin_notification(const char *name, guint worker)
{
  GString *line = g_string_new("{");

  bt_put_string(line, "method", name, -1);
  bt_put_name(line, "params");
  g_string_append_c(line, '{');
  bt_put_int(line, "worker", worker);
  return line;
}

void
bt_client_notify(BtClient *self, GString *line)
{
  g_string_append(line, "}}");
  put(self, line);
}

gboolean
bt_client_is_full(const BtClient *self)
{
  return self->paused;
}

static GString *
begin_answer(const char *id)
{
  GString *line = g_string_new("{");
  bt_put_json(line, "id", id != NULL ? id : "null");
  return line;
}

static GString *
begin_result(const char *id)
{
  GString *line = begin_answer(id);
  bt_put_name(line, "result");
  return g_string_append_c(line, '{');
}

static void
put_error_answer(BtClient *self, const char *id, const GError *error)
{
  GString *line = begin_answer(id);
  bt_put_error(line, "error", error);
  put(self, g_string_append_c(line, '}'));
}

/* ---- requests that wait ---- */

static void
pending_free(Pending *pending)
{
  g_object_unref(pending->cancellable);
  g_free(pending->id);
  g_free(pending);
}

static void
on_answered(GObject *object, GAsyncResult *result, gpointer data)
{
  Pending *pending = data;
  BtClient *self = pending->client;
  g_autoptr(GError) error = NULL;
  GString *line = begin_result(pending->id);

  gboolean ok = pending->finish(self, object, result, line, &error);
  if (self == NULL) {
    g_string_free(line, TRUE);
    pending_free(pending);
    return;
  }
  g_hash_table_remove(self->pending, pending->id);
  if (ok) {
    put(self, g_string_append(line, "}}"));
  } else {
    g_string_free(line, TRUE);
    put_error_answer(self, pending->id, error);
  }
  pending_free(pending);
}

GAsyncReadyCallback
bt_client_wait(BtClient *self, BtRequest *request, BtClientFinish finish,
               GCancellable **cancellable_out, gpointer *pending_out, GError **error)
{
  if (g_hash_table_size(self->pending) >= BT_SERVE_MAX_REQUESTS) {
    bt_fail(error, BUNTIME_ERROR_BUSY, request->method->name, _("too many requests wait"),
            _("wait for some of the answers"));
    return NULL;
  }
  Pending *pending = g_new0(Pending, 1);
  pending->client = self;
  pending->id = g_strdup(request->id);
  pending->finish = finish;
  pending->cancellable = g_cancellable_new();
  g_hash_table_insert(self->pending, pending->id, pending);
  request->later = TRUE;
  *cancellable_out = pending->cancellable;
  *pending_out = pending;
  return on_answered;
}

gboolean
bt_client_cancel(BtClient *self, const BtRequest *request, GError **error)
{
  const BtNode *node = bt_request_node(request, "request");
  g_autofree char *id = g_strndup(node->text, node->size);
  Pending *pending = g_hash_table_lookup(self->pending, id);

  if (pending == NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, id, _("no request of that id waits"), NULL);
  g_cancellable_cancel(pending->cancellable);
  return TRUE;
}

/* ---- workers ---- */

gboolean
bt_client_has_room(BtClient *self, GError **error)
{
  return g_hash_table_size(self->workers) < BT_SERVE_MAX_WORKERS ||
         bt_fail(error, BUNTIME_ERROR_BUSY, "spawn", _("too many workers"),
                 _("stop some, or open another connection"));
}

gboolean
bt_client_takes_fds(BtClient *self)
{
  return bt_lines_is_socket(self->lines);
}

guint
bt_client_add_worker(BtClient *self, BtServed *served)
{
  guint number = ++self->last_number;

  g_hash_table_insert(self->workers, GUINT_TO_POINTER(number), served);
  bt_served_set_paused(served, self->paused);
  return number;
}

void
bt_client_remove_worker(BtClient *self, guint number)
{
  g_hash_table_remove(self->workers, GUINT_TO_POINTER(number));
}

BtServed *
bt_client_get_worker(BtClient *self, const BtRequest *request, GError **error)
{
  gint64 number = bt_request_int(request, "worker", 0);
  BtServed *served = g_hash_table_lookup(self->workers, GUINT_TO_POINTER((guint)number));

  if (served != NULL)
    return served;
  g_autofree char *object = g_strdup_printf(_("worker %d"), (int)number);
  if (number <= self->last_number)
    bt_fail(error, BUNTIME_ERROR_ENDED, object, _("the worker has ended"), NULL);
  else
    bt_fail(error, BUNTIME_ERROR_USAGE, object, _("there is no such worker"),
            _("its number is in the answer to spawn"));
  return NULL;
}

void
bt_client_list_workers(BtClient *self, GString *result)
{
  bt_put_name(result, "workers");
  g_string_append_c(result, '[');
  for (guint number = 1; number <= self->last_number; number++) {
    const BtServed *served = g_hash_table_lookup(self->workers, GUINT_TO_POINTER(number));
    if (served == NULL)
      continue;
    bt_put_name(result, NULL);
    g_string_append_c(result, '{');
    bt_served_describe(served, result);
    g_string_append_c(result, '}');
  }
  g_string_append_c(result, ']');
}

/* ---- pools ---- */

static void
pool_free(gpointer pool)
{
  buntime_pool_stop(pool);
  g_object_unref(pool);
}

gboolean
bt_client_has_room_for_pool(BtClient *self, GError **error)
{
  return g_hash_table_size(self->pools) < BT_SERVE_MAX_POOLS ||
         bt_fail(error, BUNTIME_ERROR_BUSY, "pool_new", _("too many pools"),
                 _("stop some, or open another connection"));
}

guint
bt_client_add_pool(BtClient *self, BuntimePool *pool)
{
  guint number = ++self->last_pool;

  g_hash_table_insert(self->pools, GUINT_TO_POINTER(number), pool);
  return number;
}

BuntimePool *
bt_client_get_pool(BtClient *self, const BtRequest *request, GError **error)
{
  gint64 number = bt_request_int(request, "pool", 0);
  BuntimePool *pool = g_hash_table_lookup(self->pools, GUINT_TO_POINTER((guint)number));

  if (pool != NULL)
    return pool;
  g_autofree char *object = g_strdup_printf(_("pool %d"), (int)number);
  if (number <= self->last_pool)
    bt_fail(error, BUNTIME_ERROR_ENDED, object, _("the pool was stopped"), NULL);
  else
    bt_fail(error, BUNTIME_ERROR_USAGE, object, _("there is no such pool"),
            _("its number is in the answer to pool_new"));
  return NULL;
}

gboolean
bt_client_remove_pool(BtClient *self, const BtRequest *request, GError **error)
{
  if (bt_client_get_pool(self, request, error) == NULL)
    return FALSE;
  return g_hash_table_remove(self->pools,
                             GUINT_TO_POINTER((guint)bt_request_int(request, "pool", 0)));
}

/* ---- lines in ---- */

static void
on_line(gpointer data, const char *text, gsize length)
{
  BtClient *self = data;
  g_auto(BtRequest) request = BT_REQUEST_INIT;
  g_autoptr(GError) error = NULL;

  if (text == NULL)
    bt_fail(&error, BUNTIME_ERROR_USAGE, _("request"), _("longer than 16 MiB"),
            _("send large messages in parts"));
  else
    bt_request_parse(text, length, &request, &error);
  if (error == NULL && g_hash_table_contains(self->pending, request.id))
    bt_fail(&error, BUNTIME_ERROR_USAGE, request.id, _("a request of this id waits already"),
            _("give each another"));
  GString *line = begin_result(request.id);
  if (error == NULL && bt_calls_run(self, &request, line, &error)) {
    if (!request.later)
      put_with_fds(self, g_string_append(g_steal_pointer(&line), "}}"),
                   request.fds[0] >= 0 ? request.fds : NULL);
  } else {
    put_error_answer(self, request.id, error);
  }
  if (line != NULL)
    g_string_free(line, TRUE);
}

static void
on_full(gpointer data, gboolean full)
{
  pause_workers(data, full);
}

static void
on_ended(gpointer data)
{
  bt_client_end(data);
}

static void
on_closed(gpointer data)
{
  BtClient *self = data;
  self->closed(self->data, self);
}

/* ---- */

BtClient *
bt_client_new(int fd_in, int fd_out, BtClientFunc closed, gpointer data)
{
  static const BtLinesFuncs funcs = { on_line, on_full, on_ended, on_closed };
  BtClient *self = g_new0(BtClient, 1);

  self->closed = closed;
  self->data = data;
  self->workers = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)bt_served_free);
  self->pools = g_hash_table_new_full(NULL, NULL, NULL, pool_free);
  self->pending = g_hash_table_new(g_str_hash, g_str_equal);
  self->lines = bt_lines_new(fd_in, fd_out, &funcs, self);
  return self;
}

void
bt_client_end(BtClient *self)
{
  GHashTableIter iter;
  gpointer pending;

  if (self->ended)
    return;
  self->ended = TRUE;
  /* They fail when their worker is gone. */
  g_hash_table_iter_init(&iter, self->pending);
  while (g_hash_table_iter_next(&iter, NULL, &pending))
    ((Pending *)pending)->client = NULL;
  g_hash_table_remove_all(self->pending);
  g_hash_table_remove_all(self->pools);
  g_hash_table_remove_all(self->workers);
  bt_lines_finish(self->lines);
}

void
bt_client_free(BtClient *self)
{
  bt_client_end(self);
  bt_lines_free(self->lines);
  g_hash_table_unref(self->workers);
  g_hash_table_unref(self->pools);
  g_hash_table_unref(self->pending);
  g_free(self);
}
