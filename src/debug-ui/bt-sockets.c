/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-sockets.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "debug-ui/bt-meter.h"
#include "lib/buntime.h"

#define BACKLOG 64
#define REQUEST_SECONDS 5
/* Until one is looked at again that there were no descriptors for. */
#define PAUSE_MS 100

typedef struct {
  BtSockets *sockets;
  GSocket *socket;
  GSocketAddress *remote;
  GObject *connection; /* NULL: it is gone */
  BtMeter *meter;
  guint timeout;       /* 0: it has none */
  gboolean held;       /* it gives its place to nobody */
  gboolean closed;
} Place;

struct _BtSockets {
  GSocket *socket;
  GSource *source;
  guint pause;
  guint16 port;
  char *address;
  GPtrArray *places; /* Place; what made the last request is last */
  BtSocketsFunc func;
  gpointer data;
};

/* ---- connections ---- */

static void on_connection_gone(gpointer data, GObject *connection);

static void
place_free(Place *place)
{
  if (place->connection != NULL)
    g_object_weak_unref(place->connection, on_connection_gone, place);
  g_clear_handle_id(&place->timeout, g_source_remove);
  g_object_unref(place->socket);
  g_object_unref(place->meter);
  g_object_unref(place->remote);
  g_free(place);
}

/*
 * Whoever reads it next is told so, and lets it go. It is closed and not shut down: what comes
 * after that can still be read, as long as the client sends.
 */
static void
hang_up(Place *place)
{
  g_clear_handle_id(&place->timeout, g_source_remove);
  place->closed = TRUE;
  g_socket_close(place->socket, NULL);
}

static gboolean
on_timeout(gpointer data)
{
  Place *place = data;

  place->timeout = 0;
  hang_up(place);
  return G_SOURCE_REMOVE;
}

static void
on_connection_gone(gpointer data, GObject *connection)
{
  Place *place = data;

  place->connection = NULL;
  g_ptr_array_remove(place->sockets->places, place);
}

static Place *
find(BtSockets *self, GSocketAddress *remote)
{
  for (guint i = 0; i < self->places->len; i++) {
    Place *place = g_ptr_array_index(self->places, i);
    if (place->remote == remote)
      return place;
  }
  return NULL;
}

static void
move_to_end(BtSockets *self, Place *place)
{
  guint index;

  if (g_ptr_array_find(self->places, place, &index))
    g_ptr_array_add(self->places, g_ptr_array_steal_index(self->places, index));
}

void
bt_sockets_touch(BtSockets *self, GSocketAddress *remote)
{
  Place *place = find(self, remote);

  if (place == NULL || place->timeout == 0)
    return;
  bt_meter_allow(place->meter, BT_SOCKETS_REQUEST);
  g_source_remove(place->timeout);
  place->timeout = g_timeout_add_seconds(REQUEST_SECONDS, on_timeout, place);
  move_to_end(self, place);
}

void
bt_sockets_hang_up(BtSockets *self, GSocketAddress *remote)
{
  Place *place = find(self, remote);

  if (place != NULL && !place->closed)
    hang_up(place);
}

void
bt_sockets_keep(BtSockets *self, GSocketAddress *remote)
{
  Place *place = find(self, remote);

  if (place != NULL)
    g_clear_handle_id(&place->timeout, g_source_remove);
}

void
bt_sockets_hold(BtSockets *self, GSocketAddress *remote, gboolean held)
{
  Place *place = find(self, remote);

  if (place != NULL)
    place->held = held;
}

void
bt_sockets_allow(BtSockets *self, GSocketAddress *remote, gsize bytes)
{
  Place *place = find(self, remote);

  if (place != NULL)
    bt_meter_allow(place->meter, bytes);
}

/* Makes some, if that is what it takes. */
static gboolean
has_room(BtSockets *self)
{
  Place *oldest = NULL;
  guint count = 0;

  for (guint i = 0; i < self->places->len; i++) {
    Place *place = g_ptr_array_index(self->places, i);
    count += !place->closed;
    if (oldest == NULL && !place->held && !place->closed)
      oldest = place;
  }
  if (count >= BT_SOCKETS_MAX && oldest != NULL) {
    hang_up(oldest);
    count--;
  }
  return count < BT_SOCKETS_MAX;
}

static void
take(BtSockets *self, GSocket *socket)
{
  g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, NULL);
  g_autoptr(GSocketAddress) remote = g_socket_get_remote_address(socket, NULL);

  /* It is gone already. */
  if (local == NULL || remote == NULL)
    return;
  g_autoptr(GSocketConnection) connection =
    g_socket_connection_factory_create_connection(socket);
  Place *place = g_new0(Place, 1);
  place->sockets = self;
  place->socket = g_object_ref(socket);
  place->remote = g_object_ref(remote);
  place->connection = G_OBJECT(connection);
  place->meter = bt_meter_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)),
                              BT_SOCKETS_REQUEST);
  place->timeout = g_timeout_add_seconds(REQUEST_SECONDS, on_timeout, place);
  g_ptr_array_add(self->places, place);
  g_object_weak_ref(place->connection, on_connection_gone, place);
  /* The connection goes with what stands for it, and is closed by that. */
  g_autoptr(GIOStream) stream =
    g_simple_io_stream_new(G_INPUT_STREAM(place->meter),
                           g_io_stream_get_output_stream(G_IO_STREAM(connection)));
  g_object_set_data_full(G_OBJECT(stream), "connection", g_object_ref(connection),
                         g_object_unref);
  self->func(self->data, stream, local, remote);
}

/* ---- the listening socket ---- */

static void listen_on(BtSockets *self);

static gboolean
on_pause_over(gpointer data)
{
  BtSockets *self = data;

  self->pause = 0;
  listen_on(self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_ready(GSocket *listening, GIOCondition condition, gpointer data)
{
  BtSockets *self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GSocket) socket = has_room(self) ? g_socket_accept(listening, NULL, &error) : NULL;

  if (socket != NULL) {
    take(self, socket);
    return G_SOURCE_CONTINUE;
  }
  if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  /* Out of places or descriptors: it stays readable, and would keep us from sleeping. */
  g_clear_pointer(&self->source, g_source_unref);
  self->pause = g_timeout_add(PAUSE_MS, on_pause_over, self);
  return G_SOURCE_REMOVE;
}

static void
listen_on(BtSockets *self)
{
  self->source = g_socket_create_source(self->socket, G_IO_IN, NULL);
  g_source_set_callback(self->source, G_SOURCE_FUNC(on_ready), self, NULL);
  g_source_attach(self->source, NULL);
}

static gboolean
fail_listen(const char *address, guint16 port, const GError *failure, GError **error)
{
  gboolean taken = g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  gboolean refused = g_error_matches(failure, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  gboolean v6 = strchr(address, ':') != NULL;
  g_autofree char *object =
    g_strdup_printf("%s%s%s:%u", v6 ? "[" : "", address, v6 ? "]" : "", port);
  /* GIO's own words, and the address once more, stand before what errno means. */
  const char *last = g_strrstr(failure->message, ": ");
  const char *reason = last != NULL ? last + strlen(": ") : failure->message;

  return bt_fail(error, BUNTIME_ERROR_SETUP, object,
                 taken ? _("another program has this port") : reason,
                 taken || refused ? _("take another: --port=3001, or --port=0 for any that is free")
                                  : _("write one of this machine's: --listen=192.168.0.7"));
}

static gboolean
open_socket(BtSockets *self, const char *address, guint16 port, GError **error)
{
  g_autoptr(GSocketAddress) wanted = g_inet_socket_address_new_from_string(address, port);
  g_autoptr(GError) failure = NULL;

  if (wanted == NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, address, _("not an address"),
                   _("write one of this machine's: --listen=192.168.0.7"));
  /* Host and Origin have to be it. */
  if (g_inet_address_get_is_any(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(wanted))))
    return bt_fail(error, BUNTIME_ERROR_USAGE, address, _("stands for every address"),
                   _("write one of this machine's: --listen=192.168.0.7"));
  self->socket = g_socket_new(g_socket_address_get_family(wanted), G_SOCKET_TYPE_STREAM,
                              G_SOCKET_PROTOCOL_TCP, &failure);
  if (self->socket == NULL)
    return fail_listen(address, port, failure, error);
  g_socket_set_blocking(self->socket, FALSE);
  g_socket_set_listen_backlog(self->socket, BACKLOG);
  if (!g_socket_bind(self->socket, wanted, TRUE, &failure) ||
      !g_socket_listen(self->socket, &failure))
    return fail_listen(address, port, failure, error);
  g_autoptr(GSocketAddress) local = g_socket_get_local_address(self->socket, &failure);
  if (local == NULL)
    return fail_listen(address, port, failure, error);
  self->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local));
  self->address =
    g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(local)));
  return TRUE;
}

BtSockets *
bt_sockets_new(const char *address, guint16 port, BtSocketsFunc func, gpointer data,
               GError **error)
{
  BtSockets *self = g_new0(BtSockets, 1);

  self->places = g_ptr_array_new_with_free_func((GDestroyNotify)place_free);
  self->func = func;
  self->data = data;
  if (!open_socket(self, address, port, error)) {
    bt_sockets_free(self);
    return NULL;
  }
  listen_on(self);
  return self;
}

guint16
bt_sockets_get_port(const BtSockets *self)
{
  return self->port;
}

const char *
bt_sockets_get_address(const BtSockets *self)
{
  return self->address;
}

void
bt_sockets_free(BtSockets *self)
{
  if (self->source != NULL) {
    g_source_destroy(self->source);
    g_source_unref(self->source);
  }
  g_clear_handle_id(&self->pause, g_source_remove);
  g_clear_object(&self->socket);
  g_ptr_array_unref(self->places);
  g_free(self->address);
  g_free(self);
}
