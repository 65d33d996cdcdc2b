/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way to the resolver where the worker's sockets are the host's.
 *
 *   worker's socket ── connected by us ──> a listener of ours on 127.0.0.1
 *                                            │ accepted, if it is the one
 *   buntime-net <── handed over ─────────────┘
 *
 * It is a TCP connection like any other, so that a program may do with its end whatever one
 * does with a resolver's.  It is made over the loopback that all programs of this machine
 * share: who comes by an address and port that we did not send here is hung up on
 * (bt-expected.h).  So nobody else is answered, and the worker only where connect() led it here.
 */
#include "lib/bt-resolver-door.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-expected.h"
#include "lib/bt-socket-options.h"
#include "lib/bt-watch.h"

#define BACKLOG BT_EXPECTED_MAX
/* Accepted in one dispatch. */
#define BATCH 32

struct _BtResolverDoor {
  BtNetPeer *peer;
  int listener; /* -1 until somebody asks */
  guint source;
  in_port_t port;
  BtExpected expected;
};

BtResolverDoor *
bt_resolver_door_new(BtNetPeer *peer)
{
  BtResolverDoor *self = g_new0(BtResolverDoor, 1);
  self->peer = peer;
  self->listener = -1;
  return self;
}

void
bt_resolver_door_free(BtResolverDoor *self)
{
  bt_watch_clear(&self->source);
  if (self->listener >= 0)
    close(self->listener);
  g_free(self);
}

static gboolean
on_stream(int listener, GIOCondition condition, gpointer data)
{
  BtResolverDoor *self = data;

  for (guint i = 0; i < BATCH; i++) {
    struct sockaddr_in peer = { 0 };
    socklen_t size = sizeof peer;
    int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
      break;
    if (bt_expected_take(&self->expected, peer.sin_addr.s_addr, peer.sin_port,
                         g_get_monotonic_time()))
      bt_net_peer_hand_over(self->peer, fd);
    else
      close(fd);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
open_door(BtResolverDoor *self)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  socklen_t size = sizeof address;

  if (self->listener >= 0)
    return TRUE;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return FALSE;
  if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
    close(fd);
    return FALSE;
  }
  self->listener = fd;
  self->port = address.sin_port;
  self->source = bt_watch_fd(fd, G_IO_IN, on_stream, self);
  return TRUE;
}

/* Of IPv6 by the address that stands for IPv4's. */
static void
fill_address(const BtResolverDoor *self, int fd, BtSockAddr *address_out)
{
  const BtAddr loopback = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK));
  int domain = AF_INET;

  *address_out = (BtSockAddr){ .length = sizeof address_out->in };
  bt_socket_get_option(fd, SOL_SOCKET, SO_DOMAIN, &domain, sizeof domain);
  address_out->any.sa_family = (sa_family_t)domain;
  if (domain == AF_INET) {
    address_out->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address_out->in.sin_port = self->port;
    return;
  }
  memcpy(&address_out->in6.sin6_addr, loopback.bytes, sizeof loopback.bytes);
  address_out->in6.sin6_port = self->port;
  address_out->length = sizeof address_out->in6;
}

static gboolean
is_unused(int fd)
{
  struct tcp_info info = { 0 };
  return bt_socket_get_option(fd, IPPROTO_TCP, TCP_INFO, &info, sizeof info) &&
         info.tcpi_state == TCP_CLOSE;
}

/* Nobody is accepted before we are back in the main loop. */
static void
expect(BtResolverDoor *self, int fd)
{
  BtSockAddr own = { .length = sizeof own.storage };
  guint16 port;
  BtAddr addr;

  if (getsockname(fd, &own.any, &own.length) == 0 && bt_connect_parse(&own, &addr, &port) &&
      bt_addr_is_ipv4(&addr))
    bt_expected_add(&self->expected, bt_addr_get_ipv4(&addr), htons(port), g_get_monotonic_time());
}

int
bt_resolver_door_connect(BtResolverDoor *self, int fd, BtSockAddr *address_out,
                         gboolean *blocking_out)
{
  if (!open_door(self))
    return ECONNREFUSED;
  fill_address(self, fd, address_out);
  gboolean unused = is_unused(fd);
  int error = bt_connect_try(fd, address_out, blocking_out);
  if (unused && (error == 0 || error == EINPROGRESS))
    expect(self, fd);
  return error;
}
