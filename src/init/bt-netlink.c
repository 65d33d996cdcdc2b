/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/bt-netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/bt-report.h"

#ifndef IN6_ADDR_GEN_MODE_NONE
#define IN6_ADDR_GEN_MODE_NONE 1
#endif

void
bt_netlink_open(BtNetlink *self)
{
  memset(self, 0, offsetof(BtNetlink, bytes));
  self->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (self->fd < 0)
    bt_fail_at("rtnetlink socket");
}

void
bt_netlink_clear(BtNetlink *self)
{
  close(self->fd);
}

/* Room for size bytes, aligned and zeroed. What we write is of bounded size. */
static void *
take(BtNetlink *self, size_t size)
{
  size_t aligned = NLMSG_ALIGN(size);

  if (self->used + aligned > sizeof self->bytes)
    bt_fail_with(EMSGSIZE, "rtnetlink batch");
  void *place = self->bytes + self->used;
  memset(place, 0, aligned);
  self->used += aligned;
  return place;
}

static void
update_length(BtNetlink *self)
{
  self->request->nlmsg_len = (uint32_t)(self->bytes + self->used - (uint8_t *)self->request);
}

void
bt_netlink_add(BtNetlink *self, const char *object, int type, int flags, const void *header,
               size_t size)
{
  if (self->count == BT_NETLINK_BATCH)
    bt_fail_with(EMSGSIZE, object);
  self->request = take(self, NLMSG_HDRLEN);
  self->request->nlmsg_type = (uint16_t)type;
  self->request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
  self->request->nlmsg_seq = self->count;
  self->requests[self->count].object = object;
  self->requests[self->count].ignored = 0;
  self->count++;
  memcpy(take(self, size), header, size);
  update_length(self);
}

void
bt_netlink_ignore(BtNetlink *self, int error)
{
  self->requests[self->count - 1].ignored = error;
}

void
bt_netlink_put(BtNetlink *self, int type, const void *data, size_t size)
{
  struct rtattr *attribute = take(self, RTA_LENGTH(size));

  attribute->rta_type = (unsigned short)type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  if (size > 0)
    memcpy(RTA_DATA(attribute), data, size);
  update_length(self);
}

size_t
bt_netlink_begin_nest(BtNetlink *self, int type)
{
  size_t start = self->used;
  bt_netlink_put(self, type | NLA_F_NESTED, NULL, 0);
  return start;
}

void
bt_netlink_end_nest(BtNetlink *self, size_t start)
{
  struct rtattr *attribute = (struct rtattr *)(self->bytes + start);
  attribute->rta_len = (unsigned short)(self->used - start);
}

/* The kernel's answer to one request, whose number it returns. */
static uint32_t
take_answer(BtNetlink *self)
{
  union {
    struct nlmsghdr header;
    uint8_t bytes[4096];
  } answer;

  ssize_t got = recv(self->fd, &answer, sizeof answer, 0);
  if (got < 0)
    bt_fail_at("rtnetlink answer");
  if ((size_t)got < NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
      answer.header.nlmsg_type != NLMSG_ERROR || answer.header.nlmsg_seq >= self->count)
    bt_fail_with(EPROTO, "rtnetlink answer");
  const struct nlmsgerr *result = NLMSG_DATA(&answer.header);
  uint32_t i = answer.header.nlmsg_seq;
  if (result->error != 0 && -result->error != self->requests[i].ignored)
    bt_fail_with(-result->error, self->requests[i].object);
  return i;
}

/*
 * The kernel works through the whole batch in order and answers a failed
 * request whether or not it asked (netlink_rcv_skb), so the last one's answer
 * says that no other is to come.
 */
void
bt_netlink_run(BtNetlink *self)
{
  uint32_t last = self->count - 1;

  self->request->nlmsg_flags |= NLM_F_ACK;
  if (send(self->fd, self->bytes, self->used, 0) < 0)
    bt_fail_at("rtnetlink request");
  while (take_answer(self) != last)
    continue;
  self->count = 0;
  self->used = 0;
}

/* Before it is up: an interface with a link-local address would send by itself. */
void
bt_netlink_add_setup(BtNetlink *self, const char *name, const uint8_t mac[6], uint32_t mtu)
{
  struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
  uint8_t mode = IN6_ADDR_GEN_MODE_NONE;

  bt_netlink_add(self, name, RTM_NEWLINK, 0, &link, sizeof link);
  bt_netlink_put(self, IFLA_IFNAME, name, strlen(name) + 1);
  if (mac != NULL)
    bt_netlink_put(self, IFLA_ADDRESS, mac, 6);
  bt_netlink_put(self, IFLA_MTU, &mtu, sizeof mtu);

  bt_netlink_add(self, "IPv6 of the interface", RTM_NEWLINK, 0, &link, sizeof link);
  bt_netlink_put(self, IFLA_IFNAME, name, strlen(name) + 1);
  size_t families = bt_netlink_begin_nest(self, IFLA_AF_SPEC);
  size_t family = bt_netlink_begin_nest(self, AF_INET6);
  bt_netlink_put(self, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
  bt_netlink_end_nest(self, family);
  bt_netlink_end_nest(self, families);
  /* A kernel without IPv6, or an MTU below its minimum: it is off anyway. */
  bt_netlink_ignore(self, EAFNOSUPPORT);
}

void
bt_netlink_add_up(BtNetlink *self, const char *name)
{
  struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };

  bt_netlink_add(self, name, RTM_NEWLINK, 0, &link, sizeof link);
  bt_netlink_put(self, IFLA_IFNAME, name, strlen(name) + 1);
}
