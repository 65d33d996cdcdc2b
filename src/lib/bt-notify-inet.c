/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect() to an address: which way it goes.
 *
 * A port of the host's loopback that was granted is a socket of buntime-net's
 * on the sandbox's own (net/bt-localhost.c), which would take every connection.
 * So buntime-net is asked first to connect to the host's service: refused there
 * is refused here; else the worker's connect is made, and the two are joined.
 *
 * Where nobody has to look at the bytes, another socket is connected in the place of the
 * worker's and handed in: see bt-inject.c.  A rule for localhost without a port is of use
 * only there, and what the program serves itself, inside, comes first.
 */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-connect.h"
#include "lib/bt-inject.h"
#include "lib/bt-process.h"
#include "lib/bt-socket-options.h"

/* The kernel takes an IPv6 address without its scope id (SIN6_LEN_RFC2133). */
#define MIN_IN6_LENGTH 24

/* ---- the host's loopback ---- */

guint
bt_connect_loopback_of(const BtAddr *addr, BtAddr *loopback_out)
{
  static const BtAddr any6;
  BtAddr ipv4 = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK)), any4 = bt_addr_from_ipv4(0);
  BtAddr ipv6 = { .bytes[15] = 1 };
  guint family = 0;

  if (bt_addr_equal(addr, &ipv4) || bt_addr_equal(addr, &any4))
    family = BT_PLAN_RELAY_IPV4;
  else if (bt_addr_equal(addr, &ipv6) || bt_addr_equal(addr, &any6))
    family = BT_PLAN_RELAY_IPV6;
  *loopback_out = family == BT_PLAN_RELAY_IPV4 ? ipv4 : ipv6;
  return family;
}

static gboolean
is_relayed(BtNotifier *self, guint family, guint16 port)
{
  for (guint32 i = 0; family != 0 && i < self->plan->header->relays.count; i++)
    if (self->plan->relays[i].port == port && (self->plan->relays[i].families & family) != 0)
      return TRUE;
  return FALSE;
}

/* Neither connected nor about to be. */
static gboolean
is_unconnected(int fd)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info.tcpi_state;

  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

/* buntime-net may be the worker's by now: its word refuses or lets go on, nothing else. */
static void
answer_asked(BtNotifier *self, BtWaitingConnect *waiting, gboolean refused)
{
  g_hash_table_remove(self->waiting, waiting);
  bt_alarm_set(&self->alarm);
  if (bt_call_is_valid(self, &waiting->call)) {
    if (refused)
      bt_call_return(self, &waiting->call, ECONNREFUSED);
    else
      bt_connect_carry_out(self, &waiting->call, g_steal_fd(&waiting->fd), &waiting->address, -1);
  }
  bt_waiting_connect_free(waiting);
  bt_alarm_unset(&self->alarm);
}

static BtWaitingConnect *
find_asked(BtNotifier *self, guint32 id)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init(&iter, self->waiting);
  while (g_hash_table_iter_next(&iter, &key, NULL)) {
    BtWaitingConnect *waiting = key;
    if (waiting->asked != 0 && (id == 0 || waiting->asked == id))
      return waiting;
  }
  return NULL;
}

static void
on_opened(gpointer data, guint32 id, gboolean refused)
{
  BtNotifier *self = data;
  BtWaitingConnect *waiting;

  do {
    waiting = find_asked(self, id);
    if (waiting != NULL)
      answer_asked(self, waiting, refused);
  } while (id == 0 && waiting != NULL);
}

void
bt_notify_connect_start(BtNotifier *self)
{
  if (self->plan->header->relays.count > 0)
    bt_net_peer_set_opened_func(self->peer, on_opened, self);
}

/* Takes fd. */
static void
connect_relayed(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
                const BtAddr *loopback, guint16 port)
{
  guint32 id = MAX(self->last_asked + 1, 1);

  self->last_asked = id;
  /* Else the kernel knows what to say, and the host's service need not hear of it. */
  if (!is_unconnected(fd) || !bt_net_peer_open_relay(self->peer, id, loopback, port)) {
    bt_connect_carry_out(self, call, fd, address, -1);
    return;
  }
  BtWaitingConnect *waiting = bt_waiting_connect_new(self, call, fd, address);
  if (waiting == NULL)
    return; /* nobody waits for the answer then */
  waiting->asked = id;
  bt_notifier_watch_signals(self);
}

/* ---- addresses ---- */

gboolean
bt_connect_parse(const BtSockAddr *address, BtAddr *addr_out, guint16 *port_out)
{
  if (address->any.sa_family == AF_INET && address->length >= sizeof address->in) {
    *addr_out = bt_addr_from_ipv4(address->in.sin_addr.s_addr);
    *port_out = ntohs(address->in.sin_port);
    return TRUE;
  }
  if (address->any.sa_family == AF_INET6 && address->length >= MIN_IN6_LENGTH) {
    memcpy(addr_out->bytes, &address->in6.sin6_addr, sizeof addr_out->bytes);
    *port_out = ntohs(address->in6.sin6_port);
    return TRUE;
  }
  return FALSE;
}

/*
 * The sandbox's own loopback and interface: nothing leaves by them. Of the
 * range 0/8 only 0.0.0.0 is the loopback's, and of the addresses with one
 * embedded, such as NAT64's, none.
 */
static gboolean
is_own_address(BtNotifier *self, const BtAddr *addr)
{
  static const BtAddr any6, loopback6 = { .bytes[15] = 1 };
  BtAddr own = bt_addr_from_ipv4(self->plan->header->net.address);
  guint32 ipv4 = ntohl(bt_addr_get_ipv4(addr));

  if (bt_addr_is_ipv4(addr))
    return ipv4 >> 24 == 127 || ipv4 == 0 || bt_addr_equal(addr, &own);
  return bt_addr_equal(addr, &any6) || bt_addr_equal(addr, &loopback6) ||
         bt_addr_equal(addr, &self->plan->header->net.address6);
}

/*
 * getaddrinfo() connects UDP sockets to learn which source address each of
 * several results would get. Nothing is sent by that, and where TCP is granted
 * it is no attempt at UDP: let it pass without a word; the gate holds datagrams.
 */
static gboolean
is_address_probe(BtNotifier *self, const BtAddr *addr, guint16 port)
{
  BtFlowWords words;
  BtVerdict tcp = bt_names_check_flow(self->names, addr, BT_PROTO_TCP, port, &words);
  return port == 0 || (words.several && tcp.action != BT_ACTION_DENY);
}

/*
 * To the sandbox's own loopback, where a refusal is there as soon as it is asked for.
 * Where nobody listens, and nobody will, it may be the host's that was meant: if outside,
 * that is for the caller to try, else it is told of. Takes fd, but if it returns FALSE.
 */
static gboolean
connect_own(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
            const BtAddr *addr, guint16 port, gboolean tcp, gboolean outside)
{
  const BtVerdict given = { BT_ACTION_ALLOW, NULL };
  const BtFlowWords words = { .name = NULL };
  gboolean blocking = FALSE;
  int error = bt_connect_try(fd, address, &blocking);
  gboolean refused =
    tcp && (error == ECONNREFUSED || (error == EINPROGRESS && is_unconnected(fd)));

  if (refused && outside) {
    /* A second one takes what came of the first, and leaves the socket as it was. */
    if (error == EINPROGRESS)
      bt_connect_try(fd, address, &blocking);
    bt_inject_set_tried(self->inject, fd);
    return FALSE;
  }
  if (refused)
    self->refused_port = port;
  else if (tcp && port == self->refused_port)
    self->refused_port = 0;
  bt_call_tell(self, call, BT_KIND_NET, &given,
               bt_net_describe_flow(&words, addr, tcp ? BT_PROTO_TCP : BT_PROTO_UDP, port), FALSE);
  bt_connect_answer(self, call, fd, address, -1, error, blocking);
  return TRUE;
}

guint16
bt_notifier_get_refused_port(BtNotifier *self)
{
  return self->refused_port;
}

static void
close_made(int *fd)
{
  if (*fd >= 0)
    close(*fd);
}

/* A socket for the fast path, if addresses alone open the way; else -1. */
static int
make_outside(BtNotifier *self, const BtCall *call, int fd, const BtAddr *addr, guint16 port)
{
  return self->inject != NULL && bt_names_is_plain(self->names, addr, port)
           ? bt_inject_make(self->inject, call, fd, port)
           : -1;
}

/* Takes made; and fd, if it returns TRUE. */
static gboolean
connect_outside(BtNotifier *self, const BtCall *call, int made, int fd, const BtAddr *addr,
                guint16 port)
{
  BtInjected how = bt_inject_connect(self->inject, call, made, &fd, addr, port);

  if (how == BT_INJECT_WAITS || how == BT_INJECT_LATER)
    bt_connect_wait_for_made(self, call, made, fd, how == BT_INJECT_LATER);
  return how != BT_INJECT_NOT;
}

gboolean
bt_connect_is_denied(BtNotifier *self, const BtCall *call, int *fd, const BtAddr *addr, guint proto,
                     guint16 port, BtVerdict *verdict_out, BtFlowWords *words_out)
{
  const char *closed = bt_net_closed_reason(&self->plan->header->net, addr, proto, port);
  BtVerdict verdict = bt_names_check_flow(self->names, addr, proto, port, words_out);
  const BtOrigin *spent = bt_names_get_spent(self->names);

  if (closed != NULL) {
    verdict = (BtVerdict){ BT_ACTION_DENY,
                           bt_policy_net_origin(self->policy, BT_NET_RULE_CLOSURE) };
  } else if (spent != NULL && verdict.action != BT_ACTION_DENY) {
    verdict = (BtVerdict){ BT_ACTION_DENY, spent };
    closed = bt_net_reason_text(BT_NET_REASON_BYTES);
  }
  *verdict_out = verdict;
  if (verdict.action != BT_ACTION_DENY ||
      (proto == BT_PROTO_UDP && is_address_probe(self, addr, port)))
    return FALSE;
  close(g_steal_fd(fd));
  bt_call_deny(self, call, BT_KIND_NET, &verdict,
               bt_net_describe_flow(words_out, addr, proto, port),
               closed != NULL ? NULL : bt_net_suggest_flow(words_out, addr, proto, port),
               closed != NULL ? closed : words_out->reason);
  return TRUE;
}

void
bt_connect_inet(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
                gboolean tcp)
{
  guint proto = tcp ? BT_PROTO_TCP : BT_PROTO_UDP;
  BtFlowWords words = { 0 };
  BtAddr addr, loopback;
  BtVerdict verdict;
  guint16 port;

  /* Not an address (AF_UNSPEC disconnects): the kernel knows what to say. */
  if (!bt_connect_parse(address, &addr, &port)) {
    bt_connect_carry_out(self, call, fd, address, -1);
    return;
  }
  guint family = tcp ? bt_connect_loopback_of(&addr, &loopback) : 0;
  gboolean relayed = is_relayed(self, family, port);
  __attribute__((cleanup(close_made))) int made =
    tcp ? make_outside(self, call, fd, family != 0 ? &loopback : &addr, port) : -1;
  if (is_own_address(self, &addr)) {
    if (!relayed && connect_own(self, call, fd, address, &addr, port, tcp,
                                family != 0 && made >= 0))
      return;
    addr = loopback;
  }
  if (bt_connect_is_denied(self, call, &fd, &addr, proto, port, &verdict, &words))
    return;
  bt_call_tell(self, call, BT_KIND_NET, &verdict,
               bt_net_describe_flow(&words, &addr, proto, port), FALSE);
  if (made >= 0 && connect_outside(self, call, g_steal_fd(&made), fd, &addr, port))
    return;
  if (relayed)
    connect_relayed(self, call, fd, address, &addr, port);
  else
    bt_connect_carry_out(self, call, fd, address, -1);
}

/* ---- what others made ---- */

/* Takes fd. */
static char *
describe(int fd, const BtSockAddr *address)
{
  const BtFlowWords words = { .name = NULL };
  gsize length = address->length - MIN(address->length, offsetof(struct sockaddr_un, sun_path));
  int type = SOCK_STREAM;
  guint16 port;
  BtAddr addr;

  bt_socket_get_option(fd, SOL_SOCKET, SO_TYPE, &type, sizeof type);
  close(fd);
  if (bt_connect_parse(address, &addr, &port))
    return bt_net_describe_flow(&words, &addr, type == SOCK_STREAM ? BT_PROTO_TCP : BT_PROTO_UDP,
                                port);
  if (address->any.sa_family != AF_UNIX || length == 0 || address->un.sun_path[0] != '\0')
    return NULL;
  g_autofree char *name = g_strndup(address->un.sun_path + 1, length - 1);
  return g_strconcat("@", name, NULL);
}

void
bt_connect_refuse_foreign(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  const BtVerdict verdict = { BT_ACTION_DENY,
                              bt_policy_net_origin(self->policy, BT_NET_RULE_CLOSURE) };
  BtKind kind = address->any.sa_family == AF_UNIX ? BT_KIND_UNIX : BT_KIND_NET;
  char *object = describe(fd, address);

  if (object == NULL)
    bt_call_return(self, call, EACCES);
  else
    bt_call_deny(self, call, kind, &verdict, object, NULL,
                 N_("the socket is another program's, for a network, an address or a way of its own"));
}

/* ---- what was handed in ---- */

void
bt_connect_made(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address)
{
  gboolean disconnects = address->length >= sizeof(sa_family_t) &&
                         address->any.sa_family == AF_UNSPEC;

  /* Of somebody outside, who passed it on: what is decided here is about the sandbox's. */
  if (self->inject == NULL) {
    bt_call_return(self, call, EOPNOTSUPP);
    close(fd);
    return;
  }
  BtInjected how = bt_inject_again(self->inject, call, &fd, disconnects);

  if (how == BT_INJECT_WAITS)
    bt_connect_wait_for_made(self, call, fd, -1, FALSE);
  else if (how == BT_INJECT_NOT)
    bt_connect_inet(self, call, fd, address, TRUE);
}

/*
 * Asked only with a fast path: a socket that was handed in must not be shut down while it
 * connects, since it could listen then.
 */
void
bt_notify_shutdown(BtNotifier *self, const BtCall *call)
{
  int fd = bt_process_take_fd(&self->last_thread, call->tid, (int)call->args[0]);

  if (fd < 0) {
    bt_call_return(self, call, errno == EBADF ? EBADF : EACCES);
    return;
  }
  if (bt_call_is_valid(self, call)) {
    int error = ENOTCONN;
    if (!bt_inject_is_connecting(self->inject, fd))
      error = shutdown(fd, (int)call->args[1]) == 0 ? 0 : errno;
    bt_call_return(self, call, error);
  }
  close(fd);
}
