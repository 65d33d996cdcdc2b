/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two rtnetlink sockets.  One is subscribed to address changes and says only
 * that something changed.  The other, made anew each time, dumps the whole
 * list: the kernel fills a dump as it is read, so reading it to its end waits
 * for nobody, and a change in the middle of it is told by the first socket.
 */
#include "lib/bt-host-addrs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-watch.h"
#include "policy/buntime-error.h"
#include "wire/bt-net-policy.h"

struct _BtHostAddrs {
  int fd;
  guint source;
  BtHostAddrsFunc func;
  gpointer data;
};

static int
open_route(guint32 groups)
{
  struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  close(fd);
  return -1;
}

static void
add_address(GArray *addrs, const struct nlmsghdr *header)
{
  const struct ifaddrmsg *message = NLMSG_DATA(header);
  int room = (int)IFA_PAYLOAD(header);
  BtAddr addr;

  for (const struct rtattr *part = IFA_RTA(message); RTA_OK(part, room);
       part = RTA_NEXT(part, room)) {
    /* The peer's address of a point-to-point link is not ours, but is as close as one. */
    if (part->rta_type != IFA_LOCAL && part->rta_type != IFA_ADDRESS)
      continue;
    if (message->ifa_family == AF_INET && RTA_PAYLOAD(part) == 4) {
      guint32 ipv4;
      memcpy(&ipv4, RTA_DATA(part), sizeof ipv4);
      addr = bt_addr_from_ipv4(ipv4);
    } else if (message->ifa_family == AF_INET6 && RTA_PAYLOAD(part) == sizeof addr.bytes) {
      memcpy(addr.bytes, RTA_DATA(part), sizeof addr.bytes);
    } else {
      continue;
    }
    gboolean known = FALSE;
    for (guint i = 0; i < addrs->len && !known; i++)
      known = bt_addr_equal(&g_array_index(addrs, BtAddr, i), &addr);
    if (!known)
      g_array_append_val(addrs, addr);
  }
}

/* 1: more will come, 0: the end, -1 with errno set. */
static int
take_part(int fd, GArray *addrs)
{
  union {
    struct nlmsghdr header;
    char bytes[32768];
  } buffer;
  ssize_t got = recv(fd, &buffer, sizeof buffer, 0);
  if (got < 0)
    return errno == EINTR ? 1 : -1;
  unsigned room = (unsigned)got;
  for (struct nlmsghdr *header = &buffer.header; NLMSG_OK(header, room);
       header = NLMSG_NEXT(header, room)) {
    if (header->nlmsg_type == NLMSG_DONE)
      return 0;
    if (header->nlmsg_type == NLMSG_ERROR) {
      errno = EIO;
      return -1;
    }
    if (header->nlmsg_type == RTM_NEWADDR && header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
      add_address(addrs, header);
  }
  return 1;
}

/* All addresses, or NULL with errno set. */
static GArray *
dump(void)
{
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg message;
  } request = {
    .header = {
      .nlmsg_len = sizeof request,
      .nlmsg_type = RTM_GETADDR,
      .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
    },
    .message = { .ifa_family = AF_UNSPEC },
  };
  /* With room, so that an empty list is not NULL. */
  g_autoptr(GArray) addrs = g_array_sized_new(FALSE, FALSE, sizeof(BtAddr), 16);
  int more = 1;
  int fd = open_route(0);

  if (fd < 0)
    return NULL;
  if (send(fd, &request, sizeof request, 0) != sizeof request)
    more = -1;
  while (more > 0)
    more = take_part(fd, addrs);
  int saved = errno;
  close(fd);
  errno = saved;
  return more == 0 ? g_steal_pointer(&addrs) : NULL;
}

static gboolean
tell(BtHostAddrs *self)
{
  g_autoptr(GArray) addrs = dump();
  if (addrs == NULL)
    return FALSE;
  self->func(self->data, (const BtAddr *)(gpointer)addrs->data, addrs->len);
  return TRUE;
}

static gboolean
on_change(int fd, GIOCondition condition, gpointer data)
{
  BtHostAddrs *self = data;
  char ignored[4096];

  /* What it says does not matter; ENOBUFS says that much was said. */
  for (int i = 0; i < 64 && (recv(fd, ignored, sizeof ignored, 0) > 0 || errno == ENOBUFS); i++)
    ;
  /* An old list would leave the new address open: a worker that uses up our
   * descriptors could wait for that. */
  if (!tell(self))
    self->func(self->data, NULL, 0);
  return G_SOURCE_CONTINUE;
}

BtHostAddrs *
bt_host_addrs_new(BtHostAddrsFunc func, gpointer data, GError **error)
{
  BtHostAddrs *self = g_new0(BtHostAddrs, 1);

  self->func = func;
  self->data = data;
  self->fd = open_route(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
  if (self->fd < 0 || !tell(self)) {
    bt_fail(error, BUNTIME_ERROR_SETUP, "rtnetlink", g_strerror(errno),
            _("buntime must know the host's own addresses to keep names away from them"));
    bt_host_addrs_free(self);
    return NULL;
  }
  self->source = bt_watch_fd(self->fd, G_IO_IN, on_change, self);
  return self;
}

/* Connecting a datagram socket asks the kernel for a route and for the address it would use. */
gboolean
bt_host_has_ipv6(void)
{
  /* The first address that is a global one: a default route covers it, or one for 2000::/3. */
  const struct sockaddr_in6 there = {
    .sin6_family = AF_INET6,
    .sin6_port = htons(9),
    .sin6_addr.s6_addr = { 0x20, [15] = 1 },
  };
  struct sockaddr_in6 here = { .sin6_family = AF_UNSPEC };
  socklen_t size = sizeof here;
  BtAddr addr;
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return FALSE;
  gboolean found = connect(fd, (const struct sockaddr *)&there, sizeof there) == 0 &&
                   getsockname(fd, (struct sockaddr *)&here, &size) == 0 &&
                   here.sin6_family == AF_INET6;
  close(fd);
  memcpy(addr.bytes, here.sin6_addr.s6_addr, sizeof addr.bytes);
  return found && !bt_net_is_on_link(&addr) && bt_addr_classify(&addr) != BT_ADDR_LOOPBACK;
}

void
bt_host_addrs_free(BtHostAddrs *self)
{
  bt_watch_clear(&self->source);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self);
}
