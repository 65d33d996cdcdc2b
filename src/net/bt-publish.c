/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-publish.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-relay.h"
#include "net/bt-watch.h"

#define DRAIN_TIME (10 * G_USEC_PER_SEC)

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

enum { IPV4, IPV6, N_FAMILIES };

typedef struct {
  int fd;
  guint family;
  gint64 since; /* DRAINING */
  GList link;   /* in the queue of its state */
} Dialer;

typedef struct {
  BtPublish *publish;
  int fd;
  guint source; /* 0: paused */
  guint index;
  guint16 inner;
} Port;

typedef struct {
  BtPublish *publish;
  BtRelay *relay;
  BtFlow flow; /* as it is told; of no table */
  int near;
  Dialer *dialer;
  GList link;
} Connection;

struct _BtPublish {
  Port ports[BT_NET_MSG_MAX_PUBLISHED];
  guint n_ports;
  GQueue free[N_FAMILIES], draining; /* Dialer */
  GQueue connections;
  gboolean finishing;
  gboolean paused; /* nothing is accepted until sweep() or the end of a connection */
  gboolean tell;
  BtGate *gate;
  const BtPublishFuncs *funcs;
  gpointer data;
};

static gboolean on_accept(int fd, GIOCondition condition, gpointer data);

static void
set_paused(BtPublish *self, gboolean paused)
{
  self->paused = paused;
  for (guint i = 0; i < self->n_ports; i++) {
    Port *port = &self->ports[i];
    if (paused)
      g_clear_handle_id(&port->source, g_source_remove);
    else if (port->source == 0)
      port->source = bt_watch_fd(port->fd, G_IO_IN, on_accept, port);
  }
  if (paused)
    self->funcs->changed(self->data);
}

/* ---- dialers ---- */

static void
dialer_free(Dialer *dialer)
{
  close(dialer->fd);
  g_free(dialer);
}

/* Back to where it was made; what is still on its way is lost. */
static void
dialer_reset(BtPublish *self, Dialer *dialer)
{
  const struct sockaddr none = { .sa_family = AF_UNSPEC };
  int error;
  socklen_t size = sizeof error;

  if (connect(dialer->fd, &none, sizeof none) != 0) {
    dialer_free(dialer);
    return;
  }
  /* A reset leaves its error behind. */
  getsockopt(dialer->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  g_queue_push_tail_link(&self->free[dialer->family], &dialer->link);
}

static gboolean
is_closed(const Dialer *dialer)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info.tcpi_state;

  return getsockopt(dialer->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == TCP_CLOSE;
}

/* Frees those that have closed, or have had their time. */
static void
reclaim(BtPublish *self, gint64 now)
{
  GList *next;

  for (GList *link = self->draining.head; link != NULL; link = next) {
    Dialer *dialer = link->data;
    next = link->next;
    if (!is_closed(dialer) && dialer->since + DRAIN_TIME > now)
      continue;
    g_queue_unlink(&self->draining, link);
    dialer_reset(self, dialer);
  }
}

/* Connects one to the worker; NULL: it does not listen, or there is none to connect. */
static Dialer *
dial(BtPublish *self, guint family, guint16 port)
{
  const Address addresses[N_FAMILIES] = {
    [IPV4].in = { .sin_family = AF_INET,
                  .sin_port = htons(port),
                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
    [IPV6].in6 = { .sin6_family = AF_INET6,
                   .sin6_port = htons(port),
                   .sin6_addr = IN6ADDR_LOOPBACK_INIT },
  };
  GList *link = g_queue_pop_head_link(&self->free[family]);

  if (link == NULL)
    return NULL;
  Dialer *dialer = link->data;
  if (bt_relay_connect(dialer->fd, &addresses[family].any,
                       family == IPV4 ? sizeof addresses->in : sizeof addresses->in6) == 0)
    return dialer;
  dialer_reset(self, dialer);
  return NULL;
}

/* ---- connections ---- */

static void
connection_end(Connection *connection, gboolean reset, gint64 now)
{
  BtPublish *self = connection->publish;
  Dialer *dialer = connection->dialer;

  connection->flow.last_used = now;
  connection->flow.bytes_out = bt_relay_get_bytes(connection->relay, BT_RELAY_FAR);
  connection->flow.bytes_in = bt_relay_get_bytes(connection->relay, BT_RELAY_NEAR);
  bt_flows_tell(self->gate->flows, &connection->flow, FALSE);
  g_queue_unlink(&self->connections, &connection->link);
  bt_relay_free(connection->relay);
  bt_relay_close(connection->near, reset);
  if (reset) {
    dialer_reset(self, dialer);
  } else {
    dialer->since = now;
    g_queue_push_tail_link(&self->draining, &dialer->link);
    reclaim(self, now);
    if (self->draining.length > 0)
      self->funcs->changed(self->data);
  }
  g_free(connection);
}

static gboolean
on_passing(gpointer data, BtRelayEnd end, gsize size)
{
  return bt_gate_take_bytes(((Connection *)data)->publish->gate, size, g_get_monotonic_time());
}

static void
on_ended(gpointer data, BtRelay *relay, gboolean reset)
{
  Connection *connection = data;
  BtPublish *self = connection->publish;

  connection_end(connection, reset, g_get_monotonic_time());
  if (self->finishing)
    self->funcs->changed(self->data);
  else if (self->paused)
    set_paused(self, FALSE);
}

static void
connection_new(BtPublish *self, int near, Dialer *dialer, const BtFlowKey *key)
{
  static const BtRelayFuncs funcs = { .passing = on_passing, .ended = on_ended };
  const int on = 1;
  Connection *connection = g_new0(Connection, 1);

  setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(dialer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->publish = self;
  connection->near = near;
  connection->dialer = dialer;
  connection->link.data = connection;
  connection->flow.key = *key;
  connection->flow.started = g_get_monotonic_time();
  connection->relay = bt_relay_new(near, dialer->fd, &funcs, connection);
  g_queue_push_tail_link(&self->connections, &connection->link);
  bt_flows_tell(self->gate->flows, &connection->flow, TRUE);
}

static BtFlowKey
key_of(const Address *peer)
{
  /* The port is at the same place in both. */
  BtFlowKey key = {
    .address = bt_addr_from_ipv4(peer->in.sin_addr.s_addr),
    .port = ntohs(peer->in.sin_port),
    .proto = BT_PROTO_TCP,
  };

  if (peer->any.sa_family == AF_INET6)
    memcpy(key.address.bytes, &peer->in6.sin6_addr, sizeof key.address.bytes);
  return key;
}

static gboolean
on_accept(int listener, GIOCondition condition, gpointer data)
{
  Port *port = data;
  BtPublish *self = port->publish;
  Address peer = { .any.sa_family = AF_UNSPEC };
  socklen_t length = sizeof peer;

  reclaim(self, g_get_monotonic_time());
  if (self->free[IPV4].length == 0) {
    set_paused(self, TRUE);
    return G_SOURCE_CONTINUE;
  }
  int near = accept4(listener, &peer.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (near < 0) {
    /* Without room for one more descriptor it would be ready for ever. */
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
      set_paused(self, TRUE);
    return G_SOURCE_CONTINUE;
  }
  Dialer *dialer = NULL;
  if (!self->gate->quota.spent) {
    dialer = dial(self, IPV4, port->inner);
    if (dialer == NULL)
      dialer = dial(self, IPV6, port->inner);
  }
  if (dialer == NULL) {
    bt_relay_close(near, TRUE);
    return G_SOURCE_CONTINUE;
  }
  BtFlowKey key = key_of(&peer);
  if (self->tell)
    self->funcs->accepted(self->data, &key.address, key.port, port->index);
  connection_new(self, near, dialer, &key);
  return G_SOURCE_CONTINUE;
}

/* ---- all of it ---- */

static void
add_dialer(BtPublish *self, int fd)
{
  Address address = { .any.sa_family = AF_UNSPEC };
  socklen_t length = sizeof address;
  Dialer *dialer = g_new0(Dialer, 1);

  dialer->fd = fd;
  dialer->link.data = dialer;
  getsockname(fd, &address.any, &length);
  dialer->family = address.any.sa_family == AF_INET6 ? IPV6 : IPV4;
  g_queue_push_tail_link(&self->free[dialer->family], &dialer->link);
}

BtPublish *
bt_publish_new(const BtNetMsgPublish *message, const int *fds, BtGate *gate,
               const BtPublishFuncs *funcs, gpointer data)
{
  BtPublish *self = g_new0(BtPublish, 1);

  self->gate = gate;
  self->tell = message->tell != 0;
  self->funcs = funcs;
  self->data = data;
  g_queue_init(&self->free[IPV4]);
  g_queue_init(&self->free[IPV6]);
  g_queue_init(&self->draining);
  g_queue_init(&self->connections);
  for (guint i = 0; i < message->n_listeners; i++)
    self->ports[self->n_ports++] =
      (Port){ .publish = self, .fd = fds[i], .index = i, .inner = message->ports[i] };
  for (guint i = 0; i < message->n_dialers; i++)
    add_dialer(self, fds[message->n_listeners + i]);
  set_paused(self, FALSE);
  return self;
}

static void
free_all(GQueue *dialers)
{
  for (GList *link = g_queue_pop_head_link(dialers); link != NULL;
       link = g_queue_pop_head_link(dialers))
    dialer_free(link->data);
}

void
bt_publish_free(BtPublish *self)
{
  while (!g_queue_is_empty(&self->connections))
    connection_end(g_queue_peek_head(&self->connections), TRUE, g_get_monotonic_time());
  free_all(&self->free[IPV4]);
  free_all(&self->free[IPV6]);
  free_all(&self->draining);
  for (guint i = 0; i < self->n_ports; i++) {
    g_clear_handle_id(&self->ports[i].source, g_source_remove);
    close(self->ports[i].fd);
  }
  g_free(self);
}

gboolean
bt_publish_sweep(BtPublish *self, gint64 now)
{
  reclaim(self, now);
  if (self->paused && !self->finishing && self->free[IPV4].length > 0)
    set_paused(self, FALSE);
  return self->draining.length > 0 || self->paused;
}

void
bt_publish_finish(BtPublish *self)
{
  GList *next;

  self->finishing = TRUE;
  set_paused(self, TRUE);
  for (GList *link = self->connections.head; link != NULL; link = next) {
    next = link->next;
    bt_relay_finish(((Connection *)link->data)->relay, BT_RELAY_FAR);
  }
}

gboolean
bt_publish_is_idle(const BtPublish *self)
{
  return self->connections.length == 0;
}
