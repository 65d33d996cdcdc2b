/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fast path.
 *
 * Where an address rule alone opens a TCP flow, nobody has to look at its bytes.  So the
 * connection is made here, in this machine's network, and put into the place of the worker's
 * socket (SECCOMP_IOCTL_NOTIF_ADDFD with SETFD).  It is as fast as one without a sandbox, and
 * buntime-net knows nothing of it.
 *
 *   connect() ── not fit, or a name is to hold ──> the sandbox's own network
 *       │
 *       └─ fit ── made, bound, connecting ─┬─ failed at once ... the worker's socket is untouched,
 *                                          │                     and the error answered
 *                                          ├─ connected ........ handed in, answered
 *                                          └─ still connecting . handed in; O_NONBLOCK: EINPROGRESS;
 *                                                else it waits, and when it fails the worker gets
 *                                                its own socket back
 *
 * It is handed in before it is connected, since a signal may end the wait: then the program
 * polls the socket, or calls again.  A thread that does not get to run cannot take it: then it
 * is tried again a little later.
 *
 * What the worker holds then is a socket of this machine's network namespace, and it stays
 * one however it is duplicated, inherited or passed on.  It must never reach another address
 * than the one that was decided, nor be reached:
 *
 *   connect() is notified, and never made on such a socket again (bt_inject_again): its state
 *       is told, or if it is closed the worker gets a socket of the sandbox's for it, to which
 *       the policy is applied anew.  AF_UNSPEC, which disconnects, is refused.
 *   listen() fails in the kernel unless the socket is "unconnected" (EINVAL), which nothing but
 *       connect() makes it again, and shutdown() while it connects.  So shutdown() is notified,
 *       too, and carried out here on what was looked at (bt-notify-inet.c).
 *   bind() fails in the kernel while the socket has a port (EINVAL), and the port of a closed
 *       one is only kept if it was asked for by number.  So it is: by another socket the kernel
 *       chooses it, and this one then names it.  IP_FREEBIND lets the kernel come to that
 *       before it says whether an address is this machine's.
 *   MSG_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_REPAIR and TCP_ULP are refused by the allow-list
 *       always; options that choose a way, an interface or options of packets, and ioctls that tell
 *       of interfaces, by the part of the filter that a run with this path has
 *       (plan/bt-inject-filter.c).
 *
 * None of this can be raced: the kernel refuses by the socket's own state, or the call is
 * decided and carried out on the descriptor that was taken.
 *
 * A socket is fit if the exchange goes unnoticed: nobody else holds it (bt-holders.c), no
 * option is set that could not be set on the other, and it is neither bound nor ever used.
 * That is about what programs notice alone, not about safety.
 */
#include "lib/bt-inject.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-holders.h"
#include "lib/bt-process.h"
#include "lib/bt-socket-options.h"

/* Connections of which the worker has not been told that they are made. */
#define MAX_UNTOLD 64
/* Sockets that tried inside, and may try again. */
#define MAX_TRIED 64

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

/* A socket that nobody served inside; the kernel goes on to tell the port it had then. */
typedef struct {
  ino_t inode;
  in_port_t port;
} Tried;

struct _BtInject {
  BtNotifier *notifier;
  BtSocketDefaults *defaults;
  int spare4, spare6; /* sockets of the sandbox's that were exchanged; -1: none */
  ino_t untold[MAX_UNTOLD];
  guint next_untold;
  Tried tried[MAX_TRIED];
  guint next_tried;
};

static int
state_of(int fd)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info.tcpi_state;

  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_state : -1;
}

static int
domain_of(int fd)
{
  int domain = -1;
  return bt_socket_get_option(fd, SOL_SOCKET, SO_DOMAIN, &domain, sizeof domain) ? domain : -1;
}

BtInject *
bt_inject_new(BtNotifier *notifier)
{
  BtInject *self = g_new0(BtInject, 1);
  self->notifier = notifier;
  self->defaults = bt_socket_defaults_new();
  self->spare4 = self->spare6 = -1;
  return self;
}

void
bt_inject_free(BtInject *self)
{
  if (self->spare4 >= 0)
    close(self->spare4);
  if (self->spare6 >= 0)
    close(self->spare6);
  bt_socket_defaults_free(self->defaults);
  g_free(self);
}

/* ---- what was handed in and not told of ---- */

static ino_t
inode_of(int fd)
{
  struct stat info;
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

/* The oldest is forgotten: a second connect() on it says EISCONN where the kernel says 0. */
static void
set_untold(BtInject *self, int fd)
{
  self->untold[self->next_untold] = inode_of(fd);
  self->next_untold = (self->next_untold + 1) % MAX_UNTOLD;
}

static gboolean
take_untold(BtInject *self, int fd)
{
  ino_t inode = inode_of(fd);

  for (guint i = 0; i < MAX_UNTOLD; i++) {
    if (inode == 0 || self->untold[i] != inode)
      continue;
    self->untold[i] = 0;
    return TRUE;
  }
  return FALSE;
}

/* ---- fit ---- */

/* FALSE: it has an address. The port may be one that it had. */
static gboolean
get_own_port(int fd, in_port_t *port_out)
{
  static const struct in6_addr any6 = IN6ADDR_ANY_INIT;
  Address address;
  socklen_t size = sizeof address;

  memset(&address, 0, sizeof address);
  if (getsockname(fd, &address.any, &size) != 0)
    return FALSE;
  if (address.any.sa_family == AF_INET) {
    *port_out = address.in.sin_port;
    return address.in.sin_addr.s_addr == 0;
  }
  *port_out = address.in6.sin6_port;
  return memcmp(&address.in6.sin6_addr, &any6, sizeof any6) == 0;
}

static gboolean
has_tried(const BtInject *self, int fd, in_port_t port)
{
  ino_t inode = inode_of(fd);

  for (guint i = 0; i < MAX_TRIED; i++)
    if (inode != 0 && self->tried[i].inode == inode && self->tried[i].port == port)
      return TRUE;
  return FALSE;
}

void
bt_inject_set_tried(BtInject *self, int fd)
{
  Tried *tried = &self->tried[self->next_tried];

  tried->inode = inode_of(fd);
  if (get_own_port(fd, &tried->port))
    self->next_tried = (self->next_tried + 1) % MAX_TRIED;
}

static gboolean
is_blocking(int fd)
{
  return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

static gboolean
has_owner(int fd)
{
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 || (flags & O_ASYNC) != 0 || fcntl(fd, F_GETOWN) != 0;
}

/* *tried_out: it was fit before, and only tried to connect since. */
static gboolean
is_fit(const BtInject *self, const BtCall *call, int fd, gboolean *tried_out)
{
  in_port_t port;

  if (state_of(fd) != TCP_CLOSE || has_owner(fd) ||
      !get_own_port(fd, &port))
    return FALSE;
  *tried_out = port != 0;
  return (port == 0 || has_tried(self, fd, port)) &&
         bt_holders_is_alone(call->tid, inode_of(fd));
}

/* ---- making one ---- */

static int
new_socket(int domain)
{
  const int on = 1;
  int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

  /* Two sockets have the port for a moment, and one that ended may have had it. */
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* A socket that holds a port which the kernel chose; -1: there is none. */
static int
choose_port(int domain, int from, Address *address_out, socklen_t size)
{
  int chooser = new_socket(domain), v6_only;

  if (chooser < 0)
    return -1;
  memset(address_out, 0, sizeof *address_out);
  address_out->any.sa_family = (sa_family_t)domain;
  if (domain == AF_INET6 && bt_socket_get_option(from, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only))
    setsockopt(chooser, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
  if (bind(chooser, &address_out->any, size) == 0 &&
      getsockname(chooser, &address_out->any, &size) == 0)
    return chooser;
  close(chooser);
  return -1;
}

static in_port_t
port_of(const Address *address)
{
  return address->any.sa_family == AF_INET ? address->in.sin_port : address->in6.sin6_port;
}

/*
 * Gives it a port by number: the kernel never takes that from it. Not the number of the port that
 * it connects to: on this machine, where nobody serves that, it would be its own peer.
 */
static gboolean
bind_for_good(int fd, int domain, int from, guint16 port)
{
  const int on = 1;
  Address address;
  socklen_t size = domain == AF_INET ? sizeof address.in : sizeof address.in6;
  int first = choose_port(domain, from, &address, size), chooser = first;

  /* Another one, since the first is held. */
  if (first >= 0 && port_of(&address) == htons(port))
    chooser = choose_port(domain, from, &address, size);
  gboolean bound = chooser >= 0 && port_of(&address) != htons(port) &&
                   bind(fd, &address.any, size) == 0 &&
                   setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0;
  if (chooser != first && chooser >= 0)
    close(chooser);
  if (first >= 0)
    close(first);
  return bound;
}

int
bt_inject_make(BtInject *self, const BtCall *call, int original, guint16 port)
{
  int domain = domain_of(original);
  gboolean tried;

  if (!is_fit(self, call, original, &tried))
    return -1;
  int fd = domain == AF_INET || domain == AF_INET6 ? new_socket(domain) : -1;
  if (fd < 0)
    return -1;
  if (bt_socket_is_ordinary(original, fd, tried, self->defaults) &&
      bt_socket_copy_options(original, fd, self->defaults) &&
      bind_for_good(fd, domain, original, port))
    return fd;
  close(fd);
  return -1;
}

/* Of our own words: what else the worker's address held (a zone, a flow label) is left behind. */
static socklen_t
fill_address(Address *address_out, int domain, const BtAddr *addr, guint16 port)
{
  memset(address_out, 0, sizeof *address_out);
  address_out->any.sa_family = (sa_family_t)domain;
  if (domain == AF_INET) {
    address_out->in.sin_addr.s_addr = bt_addr_get_ipv4(addr);
    address_out->in.sin_port = htons(port);
    return sizeof address_out->in;
  }
  memcpy(&address_out->in6.sin6_addr, addr->bytes, sizeof addr->bytes);
  address_out->in6.sin6_port = htons(port);
  return sizeof address_out->in6;
}

/* Begins to connect; 0, or an errno. EAGAIN: not this way. */
static int
begin(int fd, const BtAddr *addr, guint16 port)
{
  Address address;
  int domain = domain_of(fd);

  if (domain == AF_INET && !bt_addr_is_ipv4(addr))
    return EAGAIN;
  socklen_t size = fill_address(&address, domain, addr, port);
  if (connect(fd, &address.any, size) == 0 || errno == EINPROGRESS)
    return 0;
  switch (errno) {
  case EADDRINUSE:
  case EADDRNOTAVAIL:
  case ENOBUFS:
  case ENOMEM:
  case EINTR:
    return EAGAIN;
  default:
    return errno;
  }
}

/* ---- handing in ---- */

/* How often it is tried at once, where it could not be later. */
#define MAX_TRIES 4

/*
 * Into the place of the call's own socket; as bt_call_replace(). Only now is its O_NONBLOCK the
 * worker's.
 */
static int
hand_in(BtInject *self, const BtCall *call, int fd, gboolean blocking)
{
  int number = (int)call->args[0];
  int flags = bt_process_fd_flags(call->tid, number);

  if (flags < 0)
    return EBADF;
  fcntl(fd, F_SETFL, blocking ? 0 : O_NONBLOCK);
  return bt_call_replace(self->notifier, call, fd, number, (flags & O_CLOEXEC) != 0);
}

static gboolean
hand_in_now(BtInject *self, const BtCall *call, int fd, gboolean blocking)
{
  int error = EINTR;

  for (guint i = 0; i < MAX_TRIES && error == EINTR; i++)
    error = hand_in(self, call, fd, blocking);
  return error == 0;
}

/* Takes fd, which no longer has a place in the sandbox. One may have to go back (exchange()). */
static void
keep_spare(BtInject *self, int fd)
{
  int *spare = domain_of(fd) == AF_INET ? &self->spare4 : &self->spare6;

  if (*spare >= 0)
    close(fd);
  else
    *spare = fd;
}

static int
error_of(int fd)
{
  int error = 0;
  bt_socket_get_option(fd, SOL_SOCKET, SO_ERROR, &error, sizeof error);
  return error;
}

static int
why_closed(int fd)
{
  int error = error_of(fd);
  return error != 0 ? error : ECONNABORTED;
}

static gboolean
is_connecting(int state)
{
  return state == TCP_SYN_SENT || state == TCP_SYN_RECV;
}

static BtInjected
answer(BtInject *self, const BtCall *call, int made, int *fd, int error)
{
  close(made);
  close(g_steal_fd(fd));
  bt_call_return(self->notifier, call, error);
  return BT_INJECT_ANSWERED;
}

BtInjected
bt_inject_connect(BtInject *self, const BtCall *call, int made, int *fd, const BtAddr *addr,
                  guint16 port)
{
  int error = begin(made, addr, port);

  if (error == EAGAIN) {
    close(made);
    return BT_INJECT_NOT;
  }
  return error != 0 ? answer(self, call, made, fd, error)
                    : bt_inject_hand_in(self, call, made, fd);
}

BtInjected
bt_inject_hand_in(BtInject *self, const BtCall *call, int made, int *fd)
{
  gboolean blocking = is_blocking(*fd);
  int state = state_of(made);

  if (state == TCP_CLOSE)
    return answer(self, call, made, fd, why_closed(made));
  int error = hand_in(self, call, made, blocking);
  if (error == EINTR)
    return BT_INJECT_LATER;
  if (error != 0)
    return answer(self, call, made, fd, error);
  if (is_connecting(state) || !blocking)
    set_untold(self, made);
  if (is_connecting(state) && blocking)
    return BT_INJECT_WAITS;
  keep_spare(self, g_steal_fd(fd));
  /* Interrupted meanwhile, it asks again. */
  if (!bt_call_return(self->notifier, call, blocking ? 0 : EINPROGRESS) && blocking)
    set_untold(self, made);
  close(made);
  return BT_INJECT_ANSWERED;
}

int
bt_inject_result(BtInject *self, int made)
{
  int state = state_of(made);

  if (is_connecting(state))
    return EINPROGRESS;
  return state != TCP_CLOSE ? 0 : why_closed(made);
}

void
bt_inject_set_told(BtInject *self, int made)
{
  take_untold(self, made);
}

void
bt_inject_put_back(BtInject *self, const BtCall *call, int original)
{
  if (original >= 0)
    hand_in_now(self, call, original, is_blocking(original));
}

gboolean
bt_inject_is_connecting(BtInject *self, int fd)
{
  int domain = domain_of(fd);

  return (domain == AF_INET || domain == AF_INET6) && bt_socket_is_outside(fd) &&
         state_of(fd) == TCP_SYN_SENT;
}

/* ---- connect() on what was handed in ---- */

/* A closed one for one of the sandbox's, as it was before. */
static gboolean
exchange(BtInject *self, const BtCall *call, int *fd)
{
  int *spare = domain_of(*fd) == AF_INET ? &self->spare4 : &self->spare6;

  if (*spare < 0 || !bt_holders_is_alone(call->tid, inode_of(*fd)) ||
      !bt_socket_copy_options(*fd, *spare, NULL) || !hand_in_now(self, call, *spare, is_blocking(*fd)))
    return FALSE;
  close(*fd);
  *fd = g_steal_fd(spare);
  return TRUE;
}

BtInjected
bt_inject_again(BtInject *self, const BtCall *call, int *fd, gboolean disconnects)
{
  int state = state_of(*fd), error = EOPNOTSUPP;

  if (!disconnects) {
    if (is_connecting(state) && is_blocking(*fd))
      return BT_INJECT_WAITS;
    error = is_connecting(state) ? EALREADY : state != TCP_CLOSE ? EISCONN : error_of(*fd);
    if (error == EISCONN && take_untold(self, *fd))
      error = 0;
    else if (error == 0 && exchange(self, call, fd))
      return BT_INJECT_NOT;
    else if (error == 0)
      error = ECONNABORTED;
  }
  if (!bt_call_return(self->notifier, call, error) && error == 0)
    set_untold(self, *fd);
  close(g_steal_fd(fd));
  return BT_INJECT_ANSWERED;
}
