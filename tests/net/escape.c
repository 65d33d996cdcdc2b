// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a program may do with a connection past sending and receiving: see fast.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif
#ifndef TCP_AO_ADD_KEY
#define TCP_AO_ADD_KEY 38
#endif

#include "fast.h"

static const char *
disconnect(int fd)
{
  const struct sockaddr none = { .sa_family = AF_UNSPEC };
  return said(connect(fd, &none, sizeof none));
}

static Address
any_address(int port)
{
  Address any;
  memset(&any, 0, sizeof any);
  any.any.sa_family = service.any.sa_family;
  any.in.sin_port = htons((uint16_t)port);
  return any;
}

/* Where all of its sockets are the host's: nobody may bind, and each may be disconnected. */
static int without_namespaces;

static const char *
op_without_namespaces(void)
{
  without_namespaces = 1;
  return "set";
}

/* Each is to fail; what did not is named. */
static const char *
try_to_serve(int fd)
{
  const int refused = without_namespaces ? EPERM : EINVAL;
  Address any = any_address(0), given = any_address(7009), local = any_address(0);

  if (local.any.sa_family == AF_INET)
    local.in.sin_addr.s_addr = inet_addr("203.0.113.10"); /* the world's host */
  if (bind(fd, &any.any, address_size) == 0)
    return "bound";
  if (bind(fd, &given.any, address_size) == 0)
    return "bound to a port";
  int error = bind(fd, &local.any, address_size) == 0 ? 0 : errno;
  if (error != refused)
    return "an address of the host's is told from others";
  local.in.sin_addr.s_addr = inet_addr("192.0.2.99");
  if (bind(fd, &local.any, address_size) == 0 || errno != refused)
    return "an address of another's is told from the host's";
  if (listen(fd, 1) == 0)
    return "listens";
  if (accept(fd, NULL, NULL) >= 0)
    return "accepts";
  return "closed";
}

static const char *
op_unspec(void)
{
  int fd = connected();
  const char *first = disconnect(fd);
  snprintf(text, sizeof text, "%s %s %s", first, try_to_serve(fd), echo(fd));
  return text;
}

static const char *
op_serve(void)
{
  return try_to_serve(connected());
}

/* After the other end has reset it, or both have closed. */
static const char *
op_serve_closed(void)
{
  struct linger hard = { 1, 0 };
  int fd = connected();
  char byte;

  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  shutdown(fd, SHUT_RDWR);
  wait_for(fd, POLLHUP);
  recv(fd, &byte, 1, MSG_DONTWAIT);
  usleep(20000);
  return try_to_serve(fd);
}

static const char *
op_serve_reset(void)
{
  int fd = connected();
  char byte;

  send(fd, "RESET", 5, 0);
  wait_for(fd, POLLHUP);
  int error = recv(fd, &byte, 1, 0) < 0 ? errno : 0;
  snprintf(text, sizeof text, "%s %s", name_of(error), try_to_serve(fd));
  return text;
}

/* shutdown() of one that connects would leave it free to listen. */
static const char *
op_serve_connecting(void)
{
  int fd = new_socket(SOCK_NONBLOCK);

  if (to(fd, &silent) == 0 || errno != EINPROGRESS)
    return name_of(errno);
  const char *first = try_to_serve(fd);
  const char *second = said(shutdown(fd, SHUT_RDWR));
  int third = shutdown(fd, SHUT_RD) == 0 ? 0 : errno, fourth = shutdown(fd, SHUT_WR) == 0 ? 0 : errno;
  snprintf(text, sizeof text, "%s %s %s %s %s %s", first, second, name_of(third),
           name_of(fourth), disconnect(fd), try_to_serve(fd));
  return text;
}

/* The same by a thread, while another puts the socket into a descriptor that is asked about. */
static int race_slot, race_other, race_made;
static volatile int race_ends;

static void *
swap(void *unused)
{
  while (!race_ends) {
    dup2(race_made, race_slot);
    dup2(race_other, race_slot);
  }
  return NULL;
}

static const char *
op_race(void)
{
  const struct sockaddr none = { .sa_family = AF_UNSPEC };
  pthread_t thread;

  race_made = new_socket(SOCK_NONBLOCK);
  race_other = new_socket(SOCK_NONBLOCK);
  race_slot = dup(race_other);
  if (to(race_made, &silent) == 0 || errno != EINPROGRESS)
    return name_of(errno);
  pthread_create(&thread, NULL, swap, NULL);
  for (int i = 0; i < 2000; i++) {
    shutdown(race_slot, SHUT_RDWR);
    connect(race_slot, &none, sizeof none);
  }
  race_ends = 1;
  pthread_join(thread, NULL);
  return try_to_serve(race_made);
}

static const char *
op_fastopen(void)
{
  struct sockaddr_in *other = &closed.in;
  int fd = connected(), one = 1;
  struct iovec iovec = { "x", 1 };
  struct mmsghdr message = { .msg_hdr = { .msg_name = other, .msg_namelen = address_size,
                                          .msg_iov = &iovec, .msg_iovlen = 1 } };

  const char *option = said(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one));
  const char *queue = said(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &one, sizeof one));
  const char *sendto_ = said(sendto(fd, "x", 1, MSG_FASTOPEN, &closed.any, address_size));
  const char *sendmsg_ = said(sendmsg(fd, &message.msg_hdr, MSG_FASTOPEN));
  const char *sendmmsg_ = said(sendmmsg(fd, &message, 1, MSG_FASTOPEN));
  snprintf(text, sizeof text, "%s %s %s %s %s", option, queue, sendto_, sendmsg_, sendmmsg_);
  return text;
}

/* An address beside the bytes: they go where the connection goes. */
static const char *
op_sendto(void)
{
  int fd = connected();
  char got[6] = "";
  struct iovec iovec = { "lo", 2 };
  struct mmsghdr message = { .msg_hdr = { .msg_name = &closed, .msg_namelen = address_size,
                                          .msg_iov = &iovec, .msg_iovlen = 1 } };

  sendto(fd, "hel", 3, 0, &closed.any, address_size);
  sendmmsg(fd, &message, 1, 0);
  wait_for(fd, POLLIN);
  recv(fd, got, 5, MSG_WAITALL);
  return strcmp(got, "hello") == 0 ? "to the same" : "elsewhere";
}

/* A second connect() to what is granted, what is not, and with another's family. */
static const char *
op_connect_again(void)
{
  struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = "/tmp/s" };
  int fd = connected();
  const char *same = said(to(fd, &service)), *other = said(to(fd, &closed));

  snprintf(text, sizeof text, "%s %s %s %s", same, other,
           said(connect(fd, (struct sockaddr *)&local, sizeof local)), echo(fd));
  return text;
}

typedef struct {
  const char *name;
  unsigned long number;
} Request;

static const char *
op_ioctls(void)
{
  static const Request requests[] = {
    { "SIOCGIFCONF", SIOCGIFCONF },   { "SIOCGIFADDR", SIOCGIFADDR },
    { "SIOCGIFHWADDR", SIOCGIFHWADDR }, { "SIOCGIFFLAGS", SIOCGIFFLAGS },
    { "SIOCGIFINDEX", SIOCGIFINDEX }, { "SIOCGIFNAME", SIOCGIFNAME },
    { "SIOCGIFMTU", SIOCGIFMTU },     { "SIOCSIFADDR", SIOCSIFADDR },
    { "SIOCSIFFLAGS", SIOCSIFFLAGS }, { "SIOCADDRT", SIOCADDRT },
    { "SIOCGARP", SIOCGARP },         { "SIOCETHTOOL", SIOCETHTOOL },
    { "SIOCGSKNS", SIOCGSKNS },       { "SIOCDEVPRIVATE", SIOCDEVPRIVATE },
    { "SIOCGIWNAME", 0x8B01 },        { "SIOCBRADDBR", SIOCBRADDBR },
    { "SIOCGIFCONF, long", SIOCGIFCONF | 1ul << 32 },
  };
  char buffer[4096];
  int fd = connected(), waiting = -1;

  for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++) {
    memset(buffer, 0, sizeof buffer);
    snprintf(buffer, 16, "lo");
    if (requests[i].number == SIOCGIFCONF) {
      struct ifconf conf = { .ifc_len = 2048, .ifc_buf = buffer + 1024 };
      memcpy(buffer, &conf, sizeof conf);
    }
    if (syscall(SYS_ioctl, fd, requests[i].number, buffer) >= 0 || errno != EPERM) {
      snprintf(text, sizeof text, "%s: %s", requests[i].name, name_of(errno));
      return text;
    }
  }
  if (ioctl(fd, FIONREAD, &waiting) != 0 || ioctl(fd, SIOCOUTQ, &waiting) != 0 ||
      ioctl(fd, SIOCATMARK, &waiting) != 0)
    return "its own state is not told";
  return "closed";
}

static const char *
op_set_options(void)
{
  static const struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, 0xffff) };
  const struct sock_fprog filter = { 1, (struct sock_filter *)all };
  const int one = 1;
  /* Loose source routing by another machine. */
  static const unsigned char route[] = { 131, 7, 4, 192, 0, 2, 99, 0 };
  static const unsigned char segment[24] = { 0, 2, 4, 0 };
  struct group_req group = { .gr_interface = 1 };
  struct in6_pktinfo info = { .ipi6_ifindex = 1 };
  const struct {
    const char *name;
    int level, option;
    const void *value;
    socklen_t size;
  } tries[] = {
    { "SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, "lo", 3 },
    { "SO_BINDTOIFINDEX", SOL_SOCKET, 62, &one, sizeof one },
    { "SO_MARK", SOL_SOCKET, SO_MARK, &one, sizeof one },
    { "SO_ATTACH_FILTER", SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter },
    { "SO_ATTACH_BPF", SOL_SOCKET, SO_ATTACH_BPF, &one, sizeof one },
    { "SO_ATTACH_REUSEPORT_CBPF", SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter },
    { "SO_TXTIME", SOL_SOCKET, 61, &one, sizeof one },
    { "SO_TIMESTAMPING", SOL_SOCKET, SO_TIMESTAMPING, &one, sizeof one },
    { "TCP_ULP", IPPROTO_TCP, TCP_ULP, "tls", 4 },
    { "TCP_REPAIR", IPPROTO_TCP, TCP_REPAIR, &one, sizeof one },
    { "TCP_MD5SIG", IPPROTO_TCP, TCP_MD5SIG, &one, sizeof one },
    { "TCP_AO_ADD_KEY", IPPROTO_TCP, TCP_AO_ADD_KEY, &one, sizeof one },
    { "IP_OPTIONS", IPPROTO_IP, IP_OPTIONS, route, sizeof route },
    { "IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, &one, sizeof one },
    { "IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, &one, sizeof one },
    { "IP_UNICAST_IF", IPPROTO_IP, IP_UNICAST_IF, &one, sizeof one },
    { "MCAST_JOIN_GROUP", IPPROTO_IP, MCAST_JOIN_GROUP, &group, sizeof group },
    { "IPV6_ADDRFORM", IPPROTO_IPV6, IPV6_ADDRFORM, &one, sizeof one },
    { "IPV6_PKTINFO", IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info },
    { "IPV6_RTHDR", IPPROTO_IPV6, IPV6_RTHDR, segment, sizeof segment },
    { "IPV6_UNICAST_IF", IPPROTO_IPV6, 76, &one, sizeof one },
    { "IPV6_FLOWLABEL_MGR", IPPROTO_IPV6, 32, segment, sizeof segment },
    /* How many routers are on the way. */
    { "IP_TTL", IPPROTO_IP, IP_TTL, &one, sizeof one },
    { "IP_MINTTL", IPPROTO_IP, IP_MINTTL, &one, sizeof one },
    { "IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, &one, sizeof one },
    { "IPV6_MINHOPCOUNT", IPPROTO_IPV6, IPV6_MINHOPCOUNT, &one, sizeof one },
    /* And which, of datagrams; where there are some, the C library asks for that. */
    { "IP_RECVERR", IPPROTO_IP, IP_RECVERR, &one, sizeof one },
    { "IPV6_RECVERR", IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one },
  };
  const unsigned count = sizeof tries / sizeof tries[0] - (without_namespaces ? 0 : 2);
  int fd = connected();

  for (unsigned i = 0; i < count; i++)
    if (setsockopt(fd, tries[i].level, tries[i].option, tries[i].value, tries[i].size) == 0 ||
        (errno != EPERM && errno != EOPNOTSUPP)) {
      snprintf(text, sizeof text, "%s: %s", tries[i].name, name_of(errno));
      return text;
    }
  return "closed";
}

/* Which groups it joins by the options that stay, and what the kernel tells. */
static const char *
op_groups(void)
{
  struct ip_mreq group = { .imr_multiaddr.s_addr = inet_addr("224.0.0.251") };
  struct in_addr local = { inet_addr("203.0.113.10") };
  int fd = connected();

  if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0)
    return "joined";
  const char *one = said(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &local, sizeof local));
  local.s_addr = inet_addr("192.0.2.99");
  const char *two = said(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &local, sizeof local));
  return one == two ? "closed" : "an address of the host's is told from others";
}

static const char *
op_network(void)
{
  char buffer[256];
  uint64_t cookie;
  socklen_t size = sizeof cookie;
  struct tcp_info info;
  int fd = connected();

  const char *first = said(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size));
  size = sizeof buffer;
  const char *second = said(getsockopt(fd, IPPROTO_IP, IP_PKTOPTIONS, buffer, &size));
  size = sizeof info;
  const char *third = said(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size));
  int network = ioctl(fd, SIOCGSKNS);
  snprintf(text, sizeof text, "%s %s %s %s %s", first, second, third, said(network),
           said(setns(fd, CLONE_NEWNET)));
  return text;
}

/* All of it once more on what a child has of it, a duplicate, and what a sibling was sent. */
static const char *
try_all(int fd)
{
  struct ifconf conf = { .ifc_len = 0 };
  int one = 1;

  if (!without_namespaces && strcmp(disconnect(fd), "EOPNOTSUPP") != 0)
    return "disconnected";
  if (sendto(fd, "x", 1, MSG_FASTOPEN, &closed.any, address_size) >= 0)
    return "opened";
  if (ioctl(fd, SIOCGIFCONF, &conf) == 0)
    return "interfaces";
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one) == 0)
    return "option";
  if (to(fd, &closed) == 0 || (errno != EISCONN && errno != EACCES))
    return "connected";
  if (without_namespaces && (strcmp(disconnect(fd), "ok") != 0 || to(fd, &closed) == 0 || errno != EACCES))
    return "not decided again";
  return try_to_serve(fd);
}

/* An address that changes while it is looked at: what is denied must never be asked. */
static volatile int flip_ends;
static Address flip_address;

static void *
flip(void *unused)
{
  volatile uint16_t *port = &flip_address.in.sin_port;

  while (!flip_ends) {
    *port = closed.in.sin_port;
    *port = service.in.sin_port;
  }
  return NULL;
}

static const char *
op_flip(void)
{
  pthread_t thread;
  int made = 0, denied = 0;

  flip_address = service;
  pthread_create(&thread, NULL, flip, NULL);
  for (int i = 0; i < 800; i++) {
    int fd = new_socket(0);
    int error = to(fd, &flip_address) == 0 ? 0 : errno;
    made += error == 0;
    denied += error == EACCES;
    close(fd);
    if (error != 0 && error != EACCES) {
      snprintf(text, sizeof text, "%s", name_of(error));
      break;
    }
  }
  flip_ends = 1;
  pthread_join(thread, NULL);
  return made + denied == 800 ? made > 0 && denied > 0 ? "held" : "never tried" : text;
}

/* And a descriptor that does: only sockets that were decided about are connected. */
static const char *
op_swap(void)
{
  pthread_t thread;
  int strange = 0;

  race_made = new_socket(0);
  race_other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  race_slot = dup(race_other);
  race_ends = 0;
  pthread_create(&thread, NULL, swap, NULL);
  for (int i = 0; i < 200; i++) {
    int error = to(race_slot, &closed) == 0 ? 0 : errno;
    strange += error != EACCES && error != EINVAL && error != EBADF && error != ENOENT;
  }
  race_ends = 1;
  pthread_join(thread, NULL);
  return strange == 0 ? "held" : "made";
}

static const char *
op_after_dup(void)
{
  return try_all(dup(connected()));
}

static const char *
from_child(int sends)
{
  int channel[2], answer[2], fd = connected(), status;

  socketpair(AF_UNIX, SOCK_STREAM, 0, channel);
  if (pipe(answer) != 0)
    return name_of(errno);
  pid_t pid = fork();
  if (pid == 0) {
    int mine = sends ? (close(fd), receive_fd(channel[1])) : fd;
    const char *found = try_all(mine);
    _exit(write(answer[1], found, strlen(found) + 1) < 0);
  }
  if (sends)
    send_fd(channel[0], fd);
  waitpid(pid, &status, 0);
  fcntl(answer[0], F_SETFL, O_NONBLOCK);
  return read(answer[0], text, sizeof text) > 0 ? text : "nothing said";
}

static const char *
op_after_fork(void)
{
  return from_child(0);
}

static const char *
op_after_passing(void)
{
  return from_child(1);
}

/* One that waits for a socket which another thread disconnects is not connected once more. */
static void *
wait_for_silent(void *socket)
{
  int error = to(*(int *)socket, &silent) == 0 ? 0 : errno;
  return (void *)name_of(error);
}

static const char *
op_abandoned(void)
{
  pthread_t thread;
  void *found;
  int fd = new_socket(0);

  pthread_create(&thread, NULL, wait_for_silent, &fd);
  wait_for_begin(fd);
  const char *first = disconnect(fd);
  pthread_join(thread, &found);
  snprintf(text, sizeof text, "%s %s", first, (char *)found);
  return text;
}

static const Op ops[] = {
  { "abandoned", op_abandoned },
  { "without-namespaces", op_without_namespaces },
  { "flip", op_flip },
  { "swap", op_swap },
  { "unspec", op_unspec },
  { "serve", op_serve },
  { "serve-closed", op_serve_closed },
  { "serve-reset", op_serve_reset },
  { "serve-connecting", op_serve_connecting },
  { "race", op_race },
  { "fastopen", op_fastopen },
  { "sendto", op_sendto },
  { "connect-again", op_connect_again },
  { "ioctls", op_ioctls },
  { "set-options", op_set_options },
  { "groups", op_groups },
  { "network", op_network },
  { "after-dup", op_after_dup },
  { "after-fork", op_after_fork },
  { "after-passing", op_after_passing },
};

int
main(int argc, char **argv)
{
  return run(ops, sizeof ops / sizeof ops[0], argc, argv);
}
