/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-localhost.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-relay.h"
#include "net/bt-watch.h"

#define MAX_OPEN 256u
#define KEPT_TIME (2 * G_USEC_PER_SEC)

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

/* A port of the host's loopback. */
typedef struct {
  BtLocalhost *localhost;
  int fd;
  guint source; /* 0: paused */
  Address address;
  socklen_t length;
  BtAddr addr;
  guint16 port;
  GQueue kept; /* Kept, oldest first */
} Service;

/* The host's side of a connection that the worker is about to make. */
typedef struct {
  int fd;
  gint64 since;
} Kept;

typedef struct {
  BtLocalhost *localhost;
  BtRelay *relay;
  BtFlow flow; /* as it is told; of no table */
  int near, far;
  GList link;
} Connection;

struct _BtLocalhost {
  Service *services;
  guint n_services;
  BtGate *gate;
  GQueue connections;
  guint n_kept;
  gboolean finishing;
  gboolean paused; /* nothing is accepted until sweep() or the end of a connection */
  void (*changed)(gpointer data);
  gpointer data;
};

static gboolean on_accept(int fd, GIOCondition condition, gpointer data);

static gboolean
is_full(const BtLocalhost *self)
{
  return self->connections.length + self->n_kept >= MAX_OPEN;
}

static void
set_paused(BtLocalhost *self, gboolean paused)
{
  self->paused = paused;
  for (guint i = 0; i < self->n_services; i++) {
    Service *service = &self->services[i];
    if (paused)
      g_clear_handle_id(&service->source, g_source_remove);
    else if (service->source == 0)
      service->source = bt_watch_fd(service->fd, G_IO_IN, on_accept, service);
  }
  if (paused)
    self->changed(self->data);
}

/* ---- the host's side ---- */

/* -1, and *refused_out, where nobody listens. It may still be connecting. */
static int
dial(const Service *service, gboolean *refused_out)
{
  *refused_out = FALSE;
  int fd = socket(service->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  int error = bt_relay_connect(fd, &service->address.any, service->length);
  if (error == 0)
    return fd;
  *refused_out = error == ECONNREFUSED;
  close(fd);
  return -1;
}

static gboolean
is_allowed(const BtLocalhost *self, const Service *service)
{
  BtNetVerdict verdict = bt_net_policy_match(&self->gate->policy, &service->addr, BT_PROTO_TCP,
                                             service->port, NULL, NULL);
  return verdict.action != BT_ACTION_DENY && verdict.action != BT_ACTION_NONE;
}

static Service *
find_service(BtLocalhost *self, const BtAddr *addr, guint16 port)
{
  for (guint i = 0; i < self->n_services; i++)
    if (self->services[i].port == port && bt_addr_equal(&self->services[i].addr, addr))
      return &self->services[i];
  return NULL;
}

gboolean
bt_localhost_open(BtLocalhost *self, const BtAddr *addr, guint16 port, gint64 now)
{
  Service *service = find_service(self, addr, port);
  gboolean refused;

  if (service == NULL || is_full(self) || self->gate->quota.spent || !is_allowed(self, service) ||
      !bt_gate_take_flow(self->gate, now))
    return FALSE;
  int fd = dial(service, &refused);
  if (fd < 0)
    return refused;
  Kept *kept = g_new(Kept, 1);
  *kept = (Kept){ .fd = fd, .since = now };
  g_queue_push_tail(&service->kept, kept);
  self->n_kept++;
  self->changed(self->data);
  return FALSE;
}

/* The oldest that is kept, or -1. */
static int
take_kept(Service *service)
{
  Kept *kept = g_queue_pop_head(&service->kept);

  if (kept == NULL)
    return -1;
  int fd = kept->fd;
  g_free(kept);
  service->localhost->n_kept--;
  return fd;
}

/* ---- connections ---- */

static void
connection_free(Connection *connection, gboolean reset)
{
  BtLocalhost *self = connection->localhost;

  connection->flow.last_used = g_get_monotonic_time();
  connection->flow.bytes_out = bt_relay_get_bytes(connection->relay, BT_RELAY_NEAR);
  connection->flow.bytes_in = bt_relay_get_bytes(connection->relay, BT_RELAY_FAR);
  bt_flows_tell(self->gate->flows, &connection->flow, FALSE);
  g_queue_unlink(&self->connections, &connection->link);
  bt_relay_free(connection->relay);
  bt_relay_close(connection->near, reset);
  bt_relay_close(connection->far, reset);
  g_free(connection);
}

/* The worker's stream is not looked at here: what it says first are the program's own bytes. */
static void
on_connected(gpointer data)
{
  BtFlow *flow = &((Connection *)data)->flow;

  if (flow->awaits != 0)
    flow->awaits = bt_flow_times_connect(flow->times, 0, g_get_monotonic_time());
}

static gboolean
on_passing(gpointer data, BtRelayEnd end, gsize size)
{
  Connection *connection = data;
  BtFlow *flow = &connection->flow;
  gboolean out = end == BT_RELAY_NEAR;
  gint64 now = g_get_monotonic_time();

  if ((flow->awaits & (out ? BT_FLOW_AWAITS_OUT : BT_FLOW_AWAITS_IN)) != 0)
    flow->awaits = out ? bt_flow_times_outbound(flow->times, NULL, NULL, now)
                       : bt_flow_times_inbound(flow->times, NULL, now);
  return bt_gate_take_bytes(connection->localhost->gate, size, now);
}

static void
on_ended(gpointer data, BtRelay *relay, gboolean reset)
{
  Connection *connection = data;
  BtLocalhost *self = connection->localhost;

  connection_free(connection, reset);
  if (self->finishing)
    self->changed(self->data);
  else if (self->paused)
    set_paused(self, FALSE);
}

/* Takes both sockets. */
static void
connection_new(Service *service, int near, int far)
{
  static const BtRelayFuncs funcs = {
    .connected = on_connected,
    .passing = on_passing,
    .ended = on_ended,
  };
  const int on = 1;
  BtLocalhost *self = service->localhost;
  Connection *connection = g_new0(Connection, 1);

  /* What was written at once comes at once; small pieces are no more than the program's own. */
  setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->localhost = self;
  connection->near = near;
  connection->far = far;
  connection->link.data = connection;
  connection->flow.key =
    (BtFlowKey){ .address = service->addr, .port = service->port, .proto = BT_PROTO_TCP };
  connection->flow.started = g_get_monotonic_time();
  connection->relay = bt_relay_new(near, far, &funcs, connection);
  g_queue_push_tail_link(&self->connections, &connection->link);
  bt_flows_tell(self->gate->flows, &connection->flow, TRUE);
}

/* What is kept was counted when it was opened. FALSE: there was none, or it must wait. */
static gboolean
accept_one(Service *service)
{
  BtLocalhost *self = service->localhost;
  gboolean refused;

  if (service->kept.length == 0 &&
      (is_full(self) || !bt_gate_take_flow(self->gate, g_get_monotonic_time()))) {
    set_paused(self, TRUE);
    return FALSE;
  }
  int near = accept4(service->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (near < 0) {
    /* Without room for one more descriptor it would be ready for ever. */
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
      set_paused(self, TRUE);
    return FALSE;
  }
  int far = take_kept(service);
  if (far < 0 && !self->gate->quota.spent && is_allowed(self, service))
    far = dial(service, &refused);
  if (far >= 0)
    connection_new(service, near, far);
  else
    bt_relay_close(near, TRUE);
  return TRUE;
}

static gboolean
on_accept(int listener, GIOCondition condition, gpointer data)
{
  accept_one(data);
  return G_SOURCE_CONTINUE;
}

/* ---- all of it ---- */

/* FALSE: not a socket that stands for the host's loopback. */
static gboolean
service_init(Service *service, BtLocalhost *self, int fd)
{
  static const BtAddr ipv6 = { .bytes[15] = 1 };
  BtAddr ipv4 = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK));
  const Address *address = &service->address;

  *service = (Service){ .localhost = self, .fd = fd, .length = sizeof service->address };
  g_queue_init(&service->kept);
  if (getsockname(fd, &service->address.any, &service->length) != 0)
    return FALSE;
  if (address->any.sa_family == AF_INET) {
    service->addr = bt_addr_from_ipv4(address->in.sin_addr.s_addr);
    service->port = ntohs(address->in.sin_port);
    return bt_addr_equal(&service->addr, &ipv4);
  }
  if (address->any.sa_family != AF_INET6)
    return FALSE;
  memcpy(service->addr.bytes, &address->in6.sin6_addr, sizeof service->addr.bytes);
  service->port = ntohs(address->in6.sin6_port);
  return bt_addr_equal(&service->addr, &ipv6);
}

BtLocalhost *
bt_localhost_new(const int *fds, guint n_fds, BtGate *gate, void (*changed)(gpointer data),
                 gpointer data)
{
  BtLocalhost *self = g_new0(BtLocalhost, 1);

  self->services = g_new0(Service, n_fds);
  self->gate = gate;
  self->changed = changed;
  self->data = data;
  g_queue_init(&self->connections);
  for (guint i = 0; i < n_fds; i++) {
    if (service_init(&self->services[self->n_services], self, fds[i]))
      self->n_services++;
    else
      close(fds[i]);
  }
  set_paused(self, FALSE);
  return self;
}

void
bt_localhost_cut(BtLocalhost *self)
{
  while (!g_queue_is_empty(&self->connections))
    connection_free(g_queue_peek_head(&self->connections), TRUE);
  for (guint i = 0; i < self->n_services; i++)
    for (int fd = take_kept(&self->services[i]); fd >= 0; fd = take_kept(&self->services[i]))
      close(fd);
}

void
bt_localhost_free(BtLocalhost *self)
{
  bt_localhost_cut(self);
  for (guint i = 0; i < self->n_services; i++) {
    g_clear_handle_id(&self->services[i].source, g_source_remove);
    close(self->services[i].fd);
  }
  g_free(self->services);
  g_free(self);
}

gboolean
bt_localhost_sweep(BtLocalhost *self, gint64 now)
{
  for (guint i = 0; i < self->n_services; i++) {
    GQueue *kept = &self->services[i].kept;
    while (kept->head != NULL && ((Kept *)kept->head->data)->since + KEPT_TIME <= now)
      close(take_kept(&self->services[i]));
  }
  if (self->paused && !self->finishing && !is_full(self))
    set_paused(self, FALSE);
  return self->n_kept > 0 || self->paused;
}

void
bt_localhost_finish(BtLocalhost *self)
{
  GList *next;

  /* The worker may have connected, sent all it had and ended before we looked. */
  for (guint i = 0; i < self->n_services && !self->paused; i++)
    while (accept_one(&self->services[i]))
      continue;
  self->finishing = TRUE;
  set_paused(self, TRUE);
  for (GList *link = self->connections.head; link != NULL; link = next) {
    next = link->next;
    bt_relay_finish(((Connection *)link->data)->relay, BT_RELAY_NEAR);
  }
}

gboolean
bt_localhost_is_idle(const BtLocalhost *self)
{
  return self->connections.length == 0;
}
