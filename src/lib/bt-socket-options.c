/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-socket-options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* Newer than our C library's headers. */
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

/* 0: it is not told. */
static guint64
network_of(int fd)
{
  guint64 cookie;
  return bt_socket_get_option(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, sizeof cookie) ? cookie : 0;
}

gboolean
bt_socket_is_outside(int fd)
{
  static guint64 own;

  if (own == 0) {
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    own = network_of(one);
    if (one >= 0)
      close(one);
  }
  return own != 0 && network_of(fd) == own;
}

typedef struct {
  int level, name;
  guint size;
} Option;

/* What a program may have set before it connects, and that means the same out here. */
static const Option copied[] = {
  { IPPROTO_IPV6, IPV6_V6ONLY, sizeof(int) }, /* first: bind() asks for it */
  { SOL_SOCKET, SO_KEEPALIVE, sizeof(int) },
  { SOL_SOCKET, SO_OOBINLINE, sizeof(int) },
  { SOL_SOCKET, SO_RCVLOWAT, sizeof(int) },
  { SOL_SOCKET, SO_LINGER, sizeof(struct linger) },
  { SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval) },
  { SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval) },
  { IPPROTO_TCP, TCP_NODELAY, sizeof(int) },
  { IPPROTO_TCP, TCP_CORK, sizeof(int) },
  { IPPROTO_TCP, TCP_KEEPIDLE, sizeof(int) },
  { IPPROTO_TCP, TCP_KEEPINTVL, sizeof(int) },
  { IPPROTO_TCP, TCP_KEEPCNT, sizeof(int) },
  { IPPROTO_TCP, TCP_SYNCNT, sizeof(int) },
  { IPPROTO_TCP, TCP_LINGER2, sizeof(int) },
  { IPPROTO_TCP, TCP_USER_TIMEOUT, sizeof(int) },
  { IPPROTO_IP, IP_TOS, sizeof(int) },
  { IPPROTO_IP, IP_TTL, sizeof(int) },
  { IPPROTO_IP, IP_MTU_DISCOVER, sizeof(int) },
  { IPPROTO_IPV6, IPV6_TCLASS, sizeof(int) },
  { IPPROTO_IPV6, IPV6_UNICAST_HOPS, sizeof(int) },
  { IPPROTO_IPV6, IPV6_MTU_DISCOVER, sizeof(int) },
};

/* Who set one of these wants something of the packets: by the sandbox's own network. */
static const Option plain[] = {
  { SOL_SOCKET, SO_MARK, sizeof(int) },
  { SOL_SOCKET, SO_PRIORITY, sizeof(int) },
  { SOL_SOCKET, SO_DONTROUTE, sizeof(int) },
  { SOL_SOCKET, SO_REUSEPORT, sizeof(int) },
  { SOL_SOCKET, SO_TIMESTAMP, sizeof(int) },
  { SOL_SOCKET, SO_TIMESTAMPNS, sizeof(int) },
  { SOL_SOCKET, SO_TIMESTAMPING, sizeof(int) },
  { SOL_SOCKET, SO_ZEROCOPY, sizeof(int) },
  { SOL_SOCKET, SO_BINDTOIFINDEX, sizeof(int) },
  { SOL_SOCKET, SO_PEEK_OFF, sizeof(int) },
  { SOL_SOCKET, SO_MAX_PACING_RATE, sizeof(guint64) },
  { IPPROTO_TCP, TCP_DEFER_ACCEPT, sizeof(int) },
  { IPPROTO_TCP, TCP_WINDOW_CLAMP, sizeof(int) },
  { IPPROTO_TCP, TCP_QUICKACK, sizeof(int) },
  { IPPROTO_TCP, TCP_SAVE_SYN, sizeof(int) },
  { IPPROTO_TCP, TCP_INQ, sizeof(int) },
  { IPPROTO_TCP, TCP_TX_DELAY, sizeof(int) },
  { IPPROTO_TCP, TCP_CONGESTION, 16 },
  { IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizeof(int) },
  { IPPROTO_IP, IP_RECVERR, sizeof(int) },
  { IPPROTO_IP, IP_MINTTL, sizeof(int) },
  { IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, sizeof(int) },
  { IPPROTO_IPV6, IPV6_RECVERR, sizeof(int) },
  { IPPROTO_IPV6, IPV6_DONTFRAG, sizeof(int) },
};

/* Of a socket that tried to connect, this is what it found out. */
static const Option segment = { IPPROTO_TCP, TCP_MAXSEG, sizeof(int) };

#define MAX_OPTION 16

/* Both sockets are of one family, so what the kernel does not know it knows of neither. */
static gboolean
is_same(const Option *option, int from, int to, char value_out[MAX_OPTION])
{
  char other[MAX_OPTION];
  gboolean one = bt_socket_get_option(from, option->level, option->name, value_out, option->size);
  gboolean two = bt_socket_get_option(to, option->level, option->name, other, option->size);

  return one == two && (!one || memcmp(value_out, other, option->size) == 0);
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
bt_socket_copy_options(int from, int to)
{
  char value[MAX_OPTION];

  for (guint i = 0; i < G_N_ELEMENTS(copied); i++) {
    const Option *option = &copied[i];
    if (!is_same(option, from, to, value) &&
        (setsockopt(to, option->level, option->name, value, option->size) != 0 ||
         !is_same(option, from, to, value)))
      return FALSE;
  }
  return copy_buffers(from, to);
}

gboolean
bt_socket_is_ordinary(int fd, int fresh, gboolean tried)
{
  char value[MAX_OPTION];
  socklen_t none = 0;

  if (!tried && !is_same(&segment, fd, fresh, value))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
    if (!is_same(&plain[i], fd, fresh, value))
      return FALSE;
  /* The instructions of a filter, and bytes of options. */
  if (getsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, value, &none) == 0 && none > 0)
    return FALSE;
  none = sizeof value;
  return getsockopt(fd, IPPROTO_IP, IP_OPTIONS, value, &none) != 0 || none == 0;
}
