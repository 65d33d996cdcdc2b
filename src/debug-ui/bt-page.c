/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-page.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "debug-ui/bt-batch.h"
#include "debug-ui/bt-fields.h"
#include "debug-ui/bt-problem.h"
#include "debug-ui/bt-ui-calls.h"
#include "debug-ui/bt-ui.h"

#define HELLO_SECONDS 5
#define WRONG_SECONDS 1
#define HELLO_SIZE (4u << 10)
/* Bytes that are read before the next message is whole: frames have heads, and may be many. */
#define HELLO_BUDGET (4 * HELLO_SIZE)
#define KNOWN_BUDGET (BT_UI_MAX_MESSAGE + (1u << 20))
#define TICK_USEC (G_USEC_PER_SEC / 30)
#define BATCH_SIZE (384u << 10)
#define MAX_UNSEEN 2
/* Bytes that it has not acknowledged: it is asked to, and it is hung up on. */
#define ASK_SIZE (1u << 20)
#define HANG_UP_SIZE (16u << 20)

struct _BtPage {
  BtUi *ui;
  SoupWebsocketConnection *socket;
  GSocketAddress *remote;
  gboolean known, wrong;
  guint timeout;      /* of what it has to do before it is known */
  GHashTable *views;  /* a run's number → BtView */
  guint64 seq, acked; /* of batches */
  guint64 sent;       /* bytes */
  guint64 sent_at[MAX_UNSEEN + 1]; /* by a batch's seq: `sent` after it */
  guint64 seen;       /* bytes that it has acknowledged */
  guint tick;         /* source */
  gint64 last_tick;
};

/* ---- out ---- */

GString *
bt_page_begin(const char *type)
{
  GString *text = g_string_new("{");
  bt_put_string(text, "type", type, -1);
  return text;
}

static void
send_text(BtPage *self, GString *text)
{
  g_autoptr(GBytes) bytes = NULL;

  self->sent += text->len;
  bytes = g_string_free_to_bytes(text);
  if (soup_websocket_connection_get_state(self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_send_message(self->socket, SOUP_WEBSOCKET_DATA_TEXT, bytes);
}

static void
close_socket(BtPage *self, gushort code, const char *reason)
{
  if (soup_websocket_connection_get_state(self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close(self->socket, code, reason);
}

/* What is between the brackets is a batch's items. */
static GString *
begin_batch(BtPage *self)
{
  GString *text = bt_page_begin("batch");

  bt_put_int(text, "seq", (gint64)self->seq + 1);
  bt_put_name(text, "items");
  return g_string_append_c(text, '[');
}

static void
send_batch(BtPage *self, GString *text)
{
  send_text(self, g_string_append(text, "]}"));
  self->seq++;
  self->sent_at[self->seq % G_N_ELEMENTS(self->sent_at)] = self->sent;
}

void
bt_page_send(BtPage *self, GString *text)
{
  send_text(self, g_string_append_c(text, '}'));
  if (self->sent - self->seen > HANG_UP_SIZE)
    bt_ui_hang_up(self->ui, self->remote);
  else if (self->sent - self->seen > ASK_SIZE && self->seq == self->acked)
    send_batch(self, begin_batch(self));
}

/* ---- what workers tell ---- */

static BtView *
get_view(BtPage *self, const BtRun *run)
{
  gpointer key = GUINT_TO_POINTER(run->number);
  BtView *view = g_hash_table_lookup(self->views, key);

  if (view != NULL)
    return view;
  view = g_new0(BtView, 1);
  g_hash_table_insert(self->views, key, view);
  return view;
}

/* Each in turn has its part, until the batch is full. */
static void
add_runs(BtPage *self, GString *text, GPtrArray *runs)
{
  gboolean more = TRUE;

  while (more && text->len < BATCH_SIZE) {
    more = FALSE;
    for (guint i = 0; i < runs->len && text->len < BATCH_SIZE; i++) {
      const BtRun *run = g_ptr_array_index(runs, (i + self->seq) % runs->len);
      more = bt_batch_add(text, run, get_view(self, run)) || more;
    }
  }
}

static void
send_state(BtPage *self, const BtRun *run, BtView *view)
{
  GString *text = bt_page_begin("state");

  bt_run_describe(run, text);
  bt_page_send(self, text);
  view->serial = run->serial;
}

void
bt_page_introduce(BtPage *self, const BtRun *run)
{
  if (self->known)
    send_state(self, run, get_view(self, run));
}

/* TRUE: there is more to tell. */
static gboolean
send_states(BtPage *self, GPtrArray *runs)
{
  gboolean more = FALSE;

  for (guint i = 0; i < runs->len; i++) {
    const BtRun *run = g_ptr_array_index(runs, i);
    BtView *view = get_view(self, run);
    gboolean drained = bt_batch_is_drained(run, view);
    more = more || !drained;
    /* The end comes last. */
    if (view->serial != run->serial && (drained || !bt_run_is_over(run)))
      send_state(self, run, view);
  }
  return more;
}

static gboolean
on_tick(gpointer data)
{
  BtPage *self = data;
  GPtrArray *runs = bt_ui_get_runs(self->ui);

  self->tick = 0;
  self->last_tick = g_get_monotonic_time();
  GString *text = begin_batch(self);
  gsize empty = text->len;
  add_runs(self, text, runs);
  if (text->len > empty)
    send_batch(self, text);
  else
    g_string_free(text, TRUE);
  if (send_states(self, runs))
    bt_page_wake(self);
  return G_SOURCE_REMOVE;
}

void
bt_page_wake(BtPage *self)
{
  if (!self->known || self->tick != 0 || self->seq - self->acked >= MAX_UNSEEN)
    return;
  gint64 wait = self->last_tick + TICK_USEC - g_get_monotonic_time();
  self->tick = g_timeout_add((guint)(MAX(wait, 0) / 1000), on_tick, self);
}

void
bt_page_forget(BtPage *self, guint number)
{
  g_hash_table_remove(self->views, GUINT_TO_POINTER(number));
}

static gboolean
acknowledge(BtPage *self, const BtNode *message, GError **error)
{
  gint64 seq;

  if (!bt_field_number(message, "seq", &seq, error))
    return FALSE;
  if ((guint64)seq > self->seq || (guint64)seq <= self->acked)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "ack.seq", _("not of a batch that waits for it"),
                   NULL);
  self->acked = (guint64)seq;
  self->seen = self->sent_at[self->acked % G_N_ELEMENTS(self->sent_at)];
  bt_page_wake(self);
  return TRUE;
}

/* ---- hello ---- */

static gboolean
on_timeout(gpointer data)
{
  BtPage *self = data;

  self->timeout = 0;
  /* It may never answer that. */
  bt_ui_hold(self->ui, self->remote, FALSE);
  close_socket(self, SOUP_WEBSOCKET_CLOSE_POLICY_VIOLATION, "no hello");
  return G_SOURCE_REMOVE;
}

static void
wait_for(BtPage *self, guint seconds)
{
  g_clear_handle_id(&self->timeout, g_source_remove);
  self->timeout = g_timeout_add_seconds(seconds, on_timeout, self);
}

/* All that was there before is known by the hello; what it told follows. */
static void
see_states(BtPage *self)
{
  GPtrArray *runs = bt_ui_get_runs(self->ui);

  for (guint i = 0; i < runs->len; i++) {
    const BtRun *run = g_ptr_array_index(runs, i);
    get_view(self, run)->serial = run->serial;
  }
}

static gboolean
read_hello(BtPage *self, const BtNode *message, GError **error)
{
  static const char *const keys[] = { "type", "version", "token", NULL };
  const char *token;
  gint64 version;

  if (!bt_fields_check(message, keys, error) ||
      !bt_field_text(message, "token", HELLO_SIZE, &token, error) ||
      !bt_field_number(message, "version", &version, error))
    return FALSE;
  /* Nobody without the token learns of versions. */
  if (!bt_ui_is_token(self->ui, token))
    return bt_fail(error, BUNTIME_ERROR_USAGE, "hello.token", _("not this server's"),
                   _("open the address that it printed"));
  if (version != BT_UI_PROTOCOL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "hello.version", _("not this server's"),
                   _("load the page again"));
  return TRUE;
}

static void
greet(BtPage *self, const BtNode *message)
{
  const BtNode *type = bt_node_get(message, "type");
  g_autoptr(GError) error = NULL;

  /* Right or wrong: a guess has its price, and silence none. */
  bt_ui_hold(self->ui, self->remote, TRUE);
  if (type == NULL || g_strcmp0(type->string, "hello") != 0)
    bt_fail(&error, BUNTIME_ERROR_USAGE, "hello", _("a message that is missing"), NULL);
  if (error != NULL || !read_hello(self, message, &error)) {
    self->wrong = TRUE;
    wait_for(self, WRONG_SECONDS);
    return;
  }
  self->known = TRUE;
  bt_ui_allow(self->ui, self->remote, KNOWN_BUDGET);
  g_clear_handle_id(&self->timeout, g_source_remove);
  soup_websocket_connection_set_max_incoming_payload_size(self->socket, BT_UI_MAX_MESSAGE);
  bt_page_send(self, bt_ui_hello(self->ui));
  see_states(self);
  bt_ui_page_came(self->ui);
  bt_page_wake(self);
}

/* ---- in ---- */

static void
send_error(BtPage *self, gint64 id, const GError *error)
{
  GString *text = bt_page_begin("error");

  if (id >= 0)
    bt_put_int(text, "id", id);
  else
    bt_put_json(text, "id", "null");
  bt_problem_put_error(text, "problem", error);
  bt_page_send(self, text);
}

static void
take_message(BtPage *self, const BtNode *message)
{
  const BtNode *type = bt_node_get(message, "type"), *id = bt_node_get(message, "id");
  g_autoptr(GError) error = NULL;

  if (type == NULL || type->kind != BT_NODE_STRING) {
    bt_fail(&error, BUNTIME_ERROR_USAGE, "type", _("a key that is missing"), NULL);
    send_error(self, -1, error);
  } else if (strcmp(type->string, "ack") == 0) {
    if (!acknowledge(self, message, &error))
      send_error(self, -1, error);
  } else if (!bt_ui_calls_run(self->ui, self, message, &error)) {
    send_error(self, id != NULL && id->integral && id->number >= 0 ? id->number : -1, error);
  }
}

static void
on_message(SoupWebsocketConnection *socket, SoupWebsocketDataType type, GBytes *bytes,
           BtPage *self)
{
  g_autoptr(GError) error = NULL;
  gsize size;
  const char *text = g_bytes_get_data(bytes, &size);

  if (self->wrong)
    return;
  bt_ui_allow(self->ui, self->remote, self->known ? KNOWN_BUDGET : HELLO_BUDGET);
  g_autoptr(BtNode) message = bt_node_parse(text != NULL ? text : "", size, &error);
  if (message == NULL && self->known) {
    send_error(self, -1, error);
  } else if (message == NULL) {
    self->wrong = TRUE;
    wait_for(self, WRONG_SECONDS);
  } else if (self->known) {
    take_message(self, message);
  } else {
    greet(self, message);
  }
}

static void
on_closed(SoupWebsocketConnection *socket, BtPage *self)
{
  bt_ui_remove_page(self->ui, self);
}

/* ---- */

BtPage *
bt_page_new(BtUi *ui, SoupWebsocketConnection *socket, GSocketAddress *remote)
{
  BtPage *self = g_new0(BtPage, 1);

  self->ui = ui;
  self->socket = g_object_ref(socket);
  self->remote = g_object_ref(remote);
  self->views = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  soup_websocket_connection_set_max_incoming_payload_size(socket, HELLO_SIZE);
  bt_ui_allow(ui, remote, HELLO_BUDGET);
  g_signal_connect(socket, "message", G_CALLBACK(on_message), self);
  g_signal_connect(socket, "closed", G_CALLBACK(on_closed), self);
  wait_for(self, HELLO_SECONDS);
  return self;
}

gboolean
bt_page_is_known(const BtPage *self)
{
  return self->known;
}

void
bt_page_free(BtPage *self)
{
  g_signal_handlers_disconnect_by_data(self->socket, self);
  close_socket(self, SOUP_WEBSOCKET_CLOSE_GOING_AWAY, NULL);
  g_clear_handle_id(&self->timeout, g_source_remove);
  g_clear_handle_id(&self->tick, g_source_remove);
  g_hash_table_unref(self->views);
  g_object_unref(self->socket);
  g_object_unref(self->remote);
  g_free(self);
}
