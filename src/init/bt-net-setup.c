/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sandbox's network: the DNS sockets, those for relays, and with a network the one
 * interface whose frames all come out of one descriptor, a frame a read(). lo is up already.
 *
 * Must leave nothing behind that the worker could take: the descriptors go to
 * the supervisor and are closed here before the next stage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "init/bt-init.h"
#include "init/bt-net-parts.h"
#include "init/bt-netlink.h"
#include "init/bt-report.h"

#define TUN_DEVICE "/dev/net/tun"
#define LO_INDEX 1 /* in every network namespace */

static int
open_tap(int tun, const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  if (ioctl(tun, TUNSETIFF, &request) != 0)
    bt_fail_at(TUN_DEVICE);
  /* Else the last close waits 15-23 ms; the device goes with its namespace. */
  if (ioctl(tun, TUNSETPERSIST, 1) != 0)
    bt_fail_at("TUNSETPERSIST");
  return tun;
}

/* Makes the interface; its frame fd, and the mode that was taken. */
static int
open_frames(const BtPlanNet *net, const char *name, BtPlanNetMode *mode_out)
{
  int tun = -1;

  if (net->mode != BT_PLAN_NET_VETH) {
    tun = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tun < 0 && net->mode == BT_PLAN_NET_TAP)
      bt_fail_at(TUN_DEVICE);
  }
  *mode_out = tun >= 0 ? BT_PLAN_NET_TAP : BT_PLAN_NET_VETH;
  return tun >= 0 ? open_tap(tun, name) : bt_veth_open(name, net->mtu);
}

static unsigned
index_of(int socket_fd, const char *name)
{
  struct ifreq request = { .ifr_flags = 0 };

  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  if (ioctl(socket_fd, SIOCGIFINDEX, &request) != 0)
    bt_fail_at(name);
  return (unsigned)request.ifr_ifindex;
}

static void
add_address(BtNetlink *netlink, const char *object, unsigned index, uint32_t address,
            uint32_t prefix_length)
{
  struct ifaddrmsg header = {
    .ifa_family = AF_INET,
    .ifa_prefixlen = (uint8_t)prefix_length,
    .ifa_index = index,
  };

  bt_netlink_add(netlink, object, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof header);
  bt_netlink_put(netlink, IFA_LOCAL, &address, sizeof address);
  bt_netlink_put(netlink, IFA_ADDRESS, &address, sizeof address);
}

/*
 * The worker's window is 65535 bytes at most, as libslirp knows no larger ones, and a segment for
 * it could have 32768: what comes would be cut into one such, one of a byte less, and now and then
 * one of two bytes. Asked for less, libslirp sends two alike, and its buffer holds five of them.
 */
static void
put_segment_size(BtNetlink *netlink, uint32_t mtu)
{
  const uint32_t size = 65535 / 2, headers = 60; /* of IPv6 and TCP */

  if (mtu < size + headers)
    return;
  size_t metrics = bt_netlink_begin_nest(netlink, RTA_METRICS);
  bt_netlink_put(netlink, RTAX_ADVMSS, &size, sizeof size);
  bt_netlink_end_nest(netlink, metrics);
}

static void
add_default_route(BtNetlink *netlink, unsigned index, uint32_t gateway, uint32_t mtu)
{
  struct rtmsg header = {
    .rtm_family = AF_INET,
    .rtm_table = RT_TABLE_MAIN,
    .rtm_protocol = RTPROT_STATIC,
    .rtm_scope = RT_SCOPE_UNIVERSE,
    .rtm_type = RTN_UNICAST,
  };

  bt_netlink_add(netlink, "default route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header,
                 sizeof header);
  bt_netlink_put(netlink, RTA_GATEWAY, &gateway, sizeof gateway);
  bt_netlink_put(netlink, RTA_OIF, &index, sizeof index);
  put_segment_size(netlink, mtu);
}

static void
add_neighbour(BtNetlink *netlink, unsigned index, uint8_t family, const void *gateway,
              size_t size, const uint8_t mac[6])
{
  struct ndmsg header = {
    .ndm_family = family,
    .ndm_ifindex = (int)index,
    .ndm_state = NUD_PERMANENT,
  };

  bt_netlink_add(netlink, "gateway's neighbour entry", RTM_NEWNEIGH,
                 NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof header);
  bt_netlink_put(netlink, NDA_DST, gateway, size);
  bt_netlink_put(netlink, NDA_LLADDR, mac, 6);
}

/*
 * IPv6 where the machine has it. The address is all there is on the link, so that
 * nobody but the gateway is ever looked for, and used at once: nobody could have it, too.
 * Nothing is learned from advertisements, since none gets through (bt-gate.h).
 */
static void
add_address6(BtNetlink *netlink, unsigned index, const BtAddr *address)
{
  struct ifaddrmsg header = {
    .ifa_family = AF_INET6,
    .ifa_prefixlen = 128,
    .ifa_flags = IFA_F_NODAD,
    .ifa_index = index,
  };

  bt_netlink_add(netlink, "interface's IPv6 address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL,
                 &header, sizeof header);
  bt_netlink_put(netlink, IFA_LOCAL, address->bytes, sizeof address->bytes);
  bt_netlink_put(netlink, IFA_ADDRESS, address->bytes, sizeof address->bytes);
}

static void
add_default_route6(BtNetlink *netlink, unsigned index, const BtAddr *gateway, uint32_t mtu)
{
  struct rtmsg header = {
    .rtm_family = AF_INET6,
    .rtm_table = RT_TABLE_MAIN,
    .rtm_protocol = RTPROT_STATIC,
    .rtm_scope = RT_SCOPE_UNIVERSE,
    .rtm_type = RTN_UNICAST,
    .rtm_flags = RTNH_F_ONLINK,
  };

  bt_netlink_add(netlink, "default route of IPv6", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
                 &header, sizeof header);
  bt_netlink_put(netlink, RTA_GATEWAY, gateway->bytes, sizeof gateway->bytes);
  bt_netlink_put(netlink, RTA_OIF, &index, sizeof index);
  put_segment_size(netlink, mtu);
}

/* Object texts outlive the batch: they are literals or the plan's strings. */
static void
add_interface(BtNetlink *netlink, const BtPlanNet *net, const char *name)
{
  unsigned index = index_of(netlink->fd, name);

  bt_netlink_add_setup(netlink, name, net->mac, net->mtu);
  bt_netlink_add_up(netlink, name);
  add_address(netlink, "interface's address", index, net->address, net->prefix_length);
  add_default_route(netlink, index, net->gateway, net->mtu);
  add_neighbour(netlink, index, AF_INET, &net->gateway, sizeof net->gateway, net->gateway_mac);
  if (!bt_plan_net_has_ipv6(net))
    return;
  /*
   * EACCES, of a neighbour EINVAL: the administrator turned IPv6 off for new interfaces. Then a
   * connect says so at once (ENETUNREACH), and the next address is taken.
   */
  add_address6(netlink, index, &net->address6);
  bt_netlink_ignore(netlink, EACCES);
  add_default_route6(netlink, index, &net->gateway6, net->mtu);
  bt_netlink_ignore(netlink, EACCES);
  add_neighbour(netlink, index, AF_INET6, net->gateway6.bytes, sizeof net->gateway6.bytes,
                net->gateway_mac);
  bt_netlink_ignore(netlink, EINVAL);
}

/* Most runs have none, and the resolver at an address that lo has. */
static void
add_interfaces(const BtPlanNet *net, const char *name, bool frames)
{
  bool dns = net->dns != 0 && ntohl(net->dns) >> 24 != 127;
  BtNetlink netlink;

  if (!dns && !frames)
    return;
  bt_netlink_open(&netlink);
  if (dns)
    add_address(&netlink, "DNS address", LO_INDEX, net->dns, 32);
  if (frames)
    add_interface(&netlink, net, name);
  bt_netlink_run(&netlink);
  bt_netlink_clear(&netlink);
}

void
bt_stage_network(BtInit *init)
{
  const BtPlanNet *net = &init->plan.header->net;
  const char *name = bt_plan_string(&init->plan, net->interface);
  BtPlanNetMode mode = BT_PLAN_NET_NONE;
  int fds[3] = { -1, -1, -1 };
  unsigned count = 0;

  if (net->mode == BT_PLAN_NET_HOST)
    bt_fail_with(EOPNOTSUPP, "network of the host");
  bt_net_namespace_enter(init);
  int frames = net->mode != BT_PLAN_NET_NONE ? open_frames(net, name, &mode) : -1;
  add_interfaces(net, name, frames >= 0);
  if (net->dns != 0) {
    bt_dns_sockets_open(net->dns, fds);
    count = 2;
  }
  if (frames >= 0)
    fds[count++] = frames;
  bt_relay_sockets_open(&init->plan);
  bt_dialers_open(&init->plan);
  bt_report_fds(BT_STATUS_NET, mode, fds, count);
  for (unsigned i = 0; i < count; i++)
    close(fds[i]);
}
