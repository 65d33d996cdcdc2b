/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-socket-options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* Newer than our C library's headers, or in the kernel's alone. */
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37
#endif

gboolean
bt_socket_get_option(int fd, int level, int name, void *value_out, socklen_t size)
{
  socklen_t got = size;

  memset(value_out, 0, size);
  return getsockopt(fd, level, name, value_out, &got) == 0;
}

guint64
bt_socket_get_network(int fd)
{
  guint64 cookie;
  return bt_socket_get_option(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, sizeof cookie) ? cookie : 0;
}

static guint64
own_network(void)
{
  static guint64 own;

  if (own == 0) {
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    own = bt_socket_get_network(one);
    if (one >= 0)
      close(one);
  }
  return own;
}

gboolean
bt_socket_is_outside(int fd)
{
  guint64 own = own_network();
  return own != 0 && bt_socket_get_network(fd) == own;
}

BtSocketPlace
bt_socket_get_place(int fd, guint64 network)
{
  guint64 own = own_network(), its = bt_socket_get_network(fd);

  if (own != 0 && its == own)
    return BT_SOCKET_OUTSIDE;
  return network == 0 || its == network ? BT_SOCKET_INSIDE : BT_SOCKET_ELSEWHERE;
}

typedef enum {
  COPIED, /* what a program may have set before it connects, and that means the same out here */
  PLAIN,  /* who set it wants something of the packets: by the sandbox's own network */
  FOUND,  /* of a socket that tried to connect, what it found out */
} Use;

#define MAX_OPTION 16

typedef struct {
  int level, name;
  guint size;
  Use use;
} Option;

/* What the filter refuses to set (plan/bt-inject-filter.c) is not looked for. */
static const Option options[] = {
  { IPPROTO_IPV6, IPV6_V6ONLY, sizeof(int), COPIED }, /* first: bind() asks for it */
  { SOL_SOCKET, SO_KEEPALIVE, sizeof(int), COPIED },
  { SOL_SOCKET, SO_OOBINLINE, sizeof(int), COPIED },
  { SOL_SOCKET, SO_RCVLOWAT, sizeof(int), COPIED },
  { SOL_SOCKET, SO_LINGER, sizeof(struct linger), COPIED },
  { SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval), COPIED },
  { SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval), COPIED },
  { IPPROTO_TCP, TCP_NODELAY, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_CORK, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_KEEPIDLE, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_KEEPINTVL, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_KEEPCNT, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_SYNCNT, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_LINGER2, sizeof(int), COPIED },
  { IPPROTO_TCP, TCP_USER_TIMEOUT, sizeof(int), COPIED },
  { IPPROTO_IP, IP_TOS, sizeof(int), COPIED },
  { IPPROTO_IP, IP_MTU_DISCOVER, sizeof(int), COPIED },
  { IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), COPIED },
  { IPPROTO_IPV6, IPV6_MTU_DISCOVER, sizeof(int), COPIED },
  { SOL_SOCKET, SO_PRIORITY, sizeof(int), PLAIN },
  { SOL_SOCKET, SO_REUSEPORT, sizeof(int), PLAIN },
  { SOL_SOCKET, SO_TIMESTAMP, sizeof(int), PLAIN },
  { SOL_SOCKET, SO_TIMESTAMPNS, sizeof(int), PLAIN },
  { SOL_SOCKET, SO_PEEK_OFF, sizeof(int), PLAIN },
  { SOL_SOCKET, SO_MAX_PACING_RATE, sizeof(guint64), PLAIN },
  { IPPROTO_TCP, TCP_DEFER_ACCEPT, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_WINDOW_CLAMP, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_QUICKACK, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_SAVE_SYN, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_INQ, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_TX_DELAY, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_CONGESTION, 16, PLAIN },
  { IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizeof(int), PLAIN },
  { IPPROTO_IP, IP_RECVERR, sizeof(int), PLAIN },
  { IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, sizeof(int), PLAIN },
  { IPPROTO_IPV6, IPV6_RECVERR, sizeof(int), PLAIN },
  { IPPROTO_IPV6, IPV6_DONTFRAG, sizeof(int), PLAIN },
  { IPPROTO_TCP, TCP_MAXSEG, sizeof(int), FOUND },
};

static gboolean
is_ipv6(int fd)
{
  int domain;
  return bt_socket_get_option(fd, SOL_SOCKET, SO_DOMAIN, &domain, sizeof domain) &&
         domain == AF_INET6;
}

/* Both sockets are of one family, so what the kernel does not know it knows of neither. */
static gboolean
is_same(const Option *option, int from, int to, char value_out[MAX_OPTION])
{
  char other[MAX_OPTION];
  gboolean one = bt_socket_get_option(from, option->level, option->name, value_out, option->size);
  gboolean two = bt_socket_get_option(to, option->level, option->name, other, option->size);

  return one == two && (!one || memcmp(value_out, other, option->size) == 0);
}

/* ---- what a fresh one has ---- */

typedef struct {
  gboolean asked, known;
  char value[MAX_OPTION];
} Default;

struct _BtSocketDefaults {
  Default ipv4[G_N_ELEMENTS(options)], ipv6[G_N_ELEMENTS(options)];
};

BtSocketDefaults *
bt_socket_defaults_new(void)
{
  return g_new0(BtSocketDefaults, 1);
}

void
bt_socket_defaults_free(BtSocketDefaults *self)
{
  g_free(self);
}

/* As is_same(), of a fresh socket. */
static gboolean
is_default(BtSocketDefaults *defaults, guint i, int from, int fresh, gboolean ipv6,
           char value_out[MAX_OPTION])
{
  Default *one = ipv6 ? &defaults->ipv6[i] : &defaults->ipv4[i];
  const Option *option = &options[i];

  if (!one->asked)
    one->known = bt_socket_get_option(fresh, option->level, option->name, one->value, option->size);
  one->asked = TRUE;
  gboolean known =
    bt_socket_get_option(from, option->level, option->name, value_out, option->size);
  return known == one->known && (!known || memcmp(value_out, one->value, option->size) == 0);
}

static gboolean
is_of(const Option *option, gboolean ipv6)
{
  return ipv6 || option->level != IPPROTO_IPV6;
}

/* A size that was set is told doubled; one that was not is the kernel's to change. */
static gboolean
copy_buffers(int from, int to)
{
  static const int names[] = { SO_SNDBUF, SO_RCVBUF }; /* SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK */
  int locked, size, got;

  if (!bt_socket_get_option(from, SOL_SOCKET, SO_BUF_LOCK, &locked, sizeof locked))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    if ((locked & 1 << i) == 0)
      continue;
    bt_socket_get_option(from, SOL_SOCKET, names[i], &size, sizeof size);
    int half = size / 2;
    if (setsockopt(to, SOL_SOCKET, names[i], &half, sizeof half) != 0 ||
        !bt_socket_get_option(to, SOL_SOCKET, names[i], &got, sizeof got) || got != size)
      return FALSE;
  }
  return TRUE;
}

gboolean
bt_socket_copy_options(int from, int to, BtSocketDefaults *defaults)
{
  gboolean ipv6 = is_ipv6(from);
  char value[MAX_OPTION];

  for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
    const Option *option = &options[i];
    if (option->use != COPIED || !is_of(option, ipv6))
      continue;
    gboolean same = defaults != NULL ? is_default(defaults, i, from, to, ipv6, value)
                                     : is_same(option, from, to, value);
    if (!same && (setsockopt(to, option->level, option->name, value, option->size) != 0 ||
                  !is_same(option, from, to, value)))
      return FALSE;
  }
  return copy_buffers(from, to);
}

gboolean
bt_socket_is_ordinary(int fd, int fresh, gboolean tried, BtSocketDefaults *defaults)
{
  gboolean ipv6 = is_ipv6(fd);
  char value[MAX_OPTION];

  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (options[i].use != COPIED && (options[i].use != FOUND || !tried) &&
        is_of(&options[i], ipv6) && !is_default(defaults, i, fd, fresh, ipv6, value))
      return FALSE;
  return TRUE;
}

/* ---- sockets of others ---- */

/* What a worker without namespaces cannot set, and what would lead to another place or another way. */
static const Option foreign[] = {
  { SOL_SOCKET, SO_MARK, sizeof(int) },
  { SOL_SOCKET, SO_DONTROUTE, sizeof(int) },
  { SOL_SOCKET, SO_BINDTOIFINDEX, sizeof(int) },
  { IPPROTO_TCP, TCP_REPAIR, sizeof(int) },
  { IPPROTO_TCP, TCP_FASTOPEN_CONNECT, sizeof(int) },
  { IPPROTO_TCP, TCP_ULP, MAX_OPTION },
  { IPPROTO_IP, IP_OPTIONS, MAX_OPTION },
  { IPPROTO_IP, IP_TTL, sizeof(int) },
  { IPPROTO_IP, IP_MINTTL, sizeof(int) },
  { IPPROTO_IP, IP_TRANSPARENT, sizeof(int) }, /* IPV6_TRANSPARENT and IPV6_FREEBIND, too */
  { IPPROTO_IP, IP_FREEBIND, sizeof(int) },
  { IPPROTO_IP, IP_UNICAST_IF, sizeof(int) },
  { IPPROTO_IP, IP_LOCAL_PORT_RANGE, sizeof(int) },
  { IPPROTO_IPV6, IPV6_UNICAST_HOPS, sizeof(int) },
  { IPPROTO_IPV6, IPV6_MINHOPCOUNT, sizeof(int) },
  { IPPROTO_IPV6, IPV6_UNICAST_IF, sizeof(int) },
  { IPPROTO_IPV6, IPV6_HOPOPTS, MAX_OPTION },
  { IPPROTO_IPV6, IPV6_RTHDRDSTOPTS, MAX_OPTION },
  { IPPROTO_IPV6, IPV6_RTHDR, MAX_OPTION },
  { IPPROTO_IPV6, IPV6_DSTOPTS, MAX_OPTION },
};

static gboolean
is_free(int fd)
{
  struct tcp_info info = { 0 };
  return bt_socket_get_option(fd, IPPROTO_TCP, TCP_INFO, &info, sizeof info) &&
         info.tcpi_state == TCP_CLOSE;
}

/*
 * Of one that tried to connect the kernel goes on to tell which address and port it had.  So it
 * is bound once more, to nothing: that is refused if it has a port, and else it has no address,
 * either, after that.  No port is chosen for it now.
 */
static gboolean
unbind(int fd, gboolean ipv6)
{
  struct sockaddr_storage any = { .ss_family = ipv6 ? AF_INET6 : AF_INET };
  const int on = 1;
  int late;

  if (!bt_socket_get_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late) ||
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0)
    return FALSE;
  gboolean unbound = bind(fd, (struct sockaddr *)&any, ipv6 ? sizeof(struct sockaddr_in6)
                                                            : sizeof(struct sockaddr_in)) == 0;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  return unbound;
}

static gboolean
has_name(int fd, gboolean ipv6)
{
  struct sockaddr_storage own = { .ss_family = AF_UNSPEC }, any = own;
  socklen_t size = sizeof own;

  any.ss_family = ipv6 ? AF_INET6 : AF_INET;
  return getsockname(fd, (struct sockaddr *)&own, &size) != 0 || memcmp(&own, &any, size) != 0;
}

gboolean
bt_socket_is_own(int fd)
{
  gboolean ipv6 = is_ipv6(fd), same = bt_socket_is_outside(fd);
  char value[MAX_OPTION];

  int fresh = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  for (guint i = 0; same && i < G_N_ELEMENTS(foreign); i++)
    same = (!ipv6 && foreign[i].level == IPPROTO_IPV6) || is_same(&foreign[i], fd, fresh, value);
  if (fresh >= 0)
    close(fresh);
  /* Another state has come of a connect() that was made here, and leads to no other place. */
  return same && fresh >= 0 && (!is_free(fd) || !has_name(fd, ipv6) || unbind(fd, ipv6));
}
