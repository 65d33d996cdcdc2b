/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect() where there are no namespaces.
 *
 * The worker's TCP sockets are of the host's network from the start.  The kernel alone lets
 * them do nothing: Landlock refuses the worker each connect() and bind(), the filter refuses
 * bind(), listen(), MSG_FASTOPEN and TCP_FASTOPEN_CONNECT.  Who connects is the supervisor,
 * which Landlock does not hold:
 *
 *   connect() ── its socket is taken (pidfd_getfd), its address copied
 *       ├─ AF_UNSPEC .......... disconnected; wherever it goes next is asked here again
 *       ├─ port 53 ............ the sandbox's own resolver (bt-resolver-door.h)
 *       ├─ denied ............. EACCES and the event
 *       └─ else ............... connected, to the copy, by the very socket that was taken
 *
 * So nothing is exchanged as the fast path does it (bt-inject.c): a socket may be shared, in
 * an epoll set or of any options before.  What another thread does to its memory or to its
 * descriptors meanwhile comes too late.  The state that a socket is in cannot lead anywhere
 * by itself: only connect() names an address, and it is never continued.
 *
 * Datagrams each name one, in memory that the kernel reads again: there are none.
 *
 * A socket may be another program's, who passed it on (--allow-unix), and be set to leave by another
 * network, another address or another way than what was decided is about.  Such a one is refused.
 */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-connect.h"
#include "lib/bt-resolver-door.h"
#include "lib/bt-socket-options.h"
#include "wire/bt-net-policy.h"

static gboolean
is_tcp(int fd)
{
  int type, protocol;

  return bt_socket_get_option(fd, SOL_SOCKET, SO_TYPE, &type, sizeof type) &&
         bt_socket_get_option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, sizeof protocol) &&
         type == SOCK_STREAM && protocol == IPPROTO_TCP;
}

/* What was given to the worker from outside may be of another kind. Takes fd. */
static void
refuse(BtNotifier *self, const BtCall *call, int fd, int error)
{
  bt_call_return(self, call, error);
  close(fd);
}

static void
leave(int fd)
{
  const struct sockaddr none = { .sa_family = AF_UNSPEC };
  (void)!connect(fd, &none, sizeof none);
}

/*
 * A second connect() takes what came of the first, but where another thread has disconnected the
 * socket meanwhile it would be a first one, about which nobody was asked.
 */
int
bt_connect_flat_result(int fd, const BtSockAddr *address)
{
  struct tcp_info info = { 0 };
  gboolean blocking;
  int error = 0;

  bt_socket_get_option(fd, IPPROTO_TCP, TCP_INFO, &info, sizeof info);
  if (info.tcpi_state != TCP_CLOSE)
    return bt_connect_try(fd, address, &blocking);
  bt_socket_get_option(fd, SOL_SOCKET, SO_ERROR, &error, sizeof error);
  leave(fd);
  return error != 0 ? error : ECONNABORTED;
}

static gboolean
disconnects(const BtSockAddr *address)
{
  return address->length >= sizeof address->any.sa_family && address->any.sa_family == AF_UNSPEC;
}

/* It never waits, and its O_NONBLOCK is left alone: other threads may be using it. Takes fd. */
static void
disconnect(BtNotifier *self, const BtCall *call, int fd)
{
  const struct sockaddr none = { .sa_family = AF_UNSPEC };
  int error = connect(fd, &none, sizeof none) == 0 ? 0 : errno;

  refuse(self, call, fd, error);
}

/*
 * What was decided, and no more: "any" is the loopback, and a zone or a flow label chooses a way
 * that no rule speaks of.
 */
static void
settle_address(BtSockAddr *address, const BtAddr *addr)
{
  if (address->any.sa_family == AF_INET) {
    address->in.sin_addr.s_addr = bt_addr_get_ipv4(addr);
    memset(address->in.sin_zero, 0, sizeof address->in.sin_zero);
    address->length = sizeof address->in;
    return;
  }
  memcpy(&address->in6.sin6_addr, addr->bytes, sizeof addr->bytes);
  address->in6.sin6_flowinfo = 0;
  address->in6.sin6_scope_id = 0;
  address->length = sizeof address->in6;
}

/* Whatever address it has. Takes fd. */
static void
connect_resolver(BtNotifier *self, const BtCall *call, int fd)
{
  gboolean blocking = FALSE;
  BtSockAddr address;

  if (self->door == NULL)
    self->door = bt_resolver_door_new(self->peer);
  int error = bt_resolver_door_connect(self->door, fd, &address, &blocking);
  bt_connect_answer(self, call, fd, &address, -1, error, blocking);
}

void
bt_connect_flat(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *written)
{
  BtSockAddr address = *written;
  BtFlowWords words = { 0 };
  BtAddr addr, loopback;
  BtVerdict verdict;
  guint16 port;

  if (!is_tcp(fd)) {
    refuse(self, call, fd, EOPNOTSUPP);
    return;
  }
  if (disconnects(&address)) {
    disconnect(self, call, fd);
    return;
  }
  /* The kernel would say no other; it is not asked, since nothing was decided. */
  if (!bt_connect_parse(&address, &addr, &port)) {
    refuse(self, call, fd, address.length < sizeof address.in ? EINVAL : EAFNOSUPPORT);
    return;
  }
  if (!bt_socket_is_own(fd)) {
    bt_connect_refuse_foreign(self, call, fd, &address);
    return;
  }
  if (bt_net_is_service(BT_PROTO_TCP, port)) {
    connect_resolver(self, call, fd);
    return;
  }
  if (bt_connect_loopback_of(&addr, &loopback) != 0)
    addr = loopback;
  if (bt_connect_is_denied(self, call, &fd, &addr, BT_PROTO_TCP, port, &verdict, &words))
    return;
  bt_call_tell(self, call, BT_KIND_NET, &verdict,
               bt_net_describe_flow(&words, &addr, BT_PROTO_TCP, port), FALSE);
  settle_address(&address, &addr);
  bt_connect_carry_out(self, call, fd, &address, -1);
}

/* Asked only without namespaces, for datagrams. Programs ask for them to sort addresses, too. */
void
bt_notify_socket(BtNotifier *self, const BtCall *call)
{
  const BtVerdict verdict = { BT_ACTION_DENY,
                              bt_policy_get_plugin_origin(self->policy, BT_PLUGIN_NAMESPACES) };
  const char *family = call->args[0] == AF_INET6 ? "AF_INET6" : "AF_INET";

  self->datagrams_refused = TRUE;
  if ((self->audit & BT_AUDIT_CONNECT) == 0) {
    bt_call_return(self, call, EACCES);
    return;
  }
  bt_call_deny(self, call, BT_KIND_NET, &verdict, g_strdup_printf("%s (udp)", family), NULL,
               N_("without namespaces there is no UDP"));
}

gboolean
bt_notifier_has_refused_datagrams(BtNotifier *self)
{
  return self->datagrams_refused;
}
