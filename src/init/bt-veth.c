/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames without /dev/net/tun: a veth pair whose peer sits in a helper
 * network namespace behind an AF_PACKET socket.  Nothing but that socket
 * keeps the helper namespace alive, and no process is ever in it but us, for
 * the time it takes to make it.  The peer has no address: its namespace
 * neither answers nor forwards anything.
 *
 * A packet socket sees frames before a checksum is filled in or a large one
 * is cut, since a veth device claims to do both; the worker's end must not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "init/bt-init.h"
#include "init/bt-net-parts.h"
#include "init/bt-netlink.h"
#include "init/bt-report.h"

#define PEER_NAME "peer"
/* Frames that wait for buntime-net; the kernel doubles it and caps it at rmem_max. */
#define RECEIVE_BUFFER (1 << 20)

static void
add_pair(BtNetlink *netlink, const char *name, int worker_namespace)
{
  struct ifinfomsg link = { .ifi_family = AF_UNSPEC };

  bt_netlink_add(netlink, "veth", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &link, sizeof link);
  bt_netlink_put(netlink, IFLA_IFNAME, PEER_NAME, sizeof PEER_NAME);
  size_t info = bt_netlink_begin_nest(netlink, IFLA_LINKINFO);
  bt_netlink_put(netlink, IFLA_INFO_KIND, "veth", sizeof "veth");
  size_t data = bt_netlink_begin_nest(netlink, IFLA_INFO_DATA);
  size_t other = bt_netlink_begin_nest(netlink, VETH_INFO_PEER);
  /* This nest alone starts with a header instead of an attribute. */
  memset(netlink->bytes + netlink->used, 0, sizeof link);
  netlink->used += NLMSG_ALIGN(sizeof link);
  bt_netlink_put(netlink, IFLA_IFNAME, name, strlen(name) + 1);
  bt_netlink_put(netlink, IFLA_NET_NS_FD, &worker_namespace, sizeof worker_namespace);
  bt_netlink_end_nest(netlink, other);
  bt_netlink_end_nest(netlink, data);
  bt_netlink_end_nest(netlink, info);
}

static int
open_packet_socket(void)
{
  const int on = 1, buffer = RECEIVE_BUFFER;
  struct ifreq request = { .ifr_name = PEER_NAME };
  /* Protocol 0: nothing is received until it is bound to the one interface. */
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    bt_fail_at("packet socket");
  if (ioctl(fd, SIOCGIFINDEX, &request) != 0)
    bt_fail_at("veth peer");
  struct sockaddr_ll address = {
    .sll_family = AF_PACKET,
    .sll_protocol = htons(ETH_P_ALL),
    .sll_ifindex = request.ifr_ifindex,
  };
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) != 0)
    bt_fail_at("PACKET_IGNORE_OUTGOING");
  /*
   * The peer comes up before the worker's end, without a carrier, so that its
   * queue is only attached when the kernel gets round to that; till then it
   * swallows what is sent. Frames need no queue, and must not be lost.
   */
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0)
    bt_fail_at("PACKET_QDISC_BYPASS");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) != 0)
    bt_fail_at("SO_RCVBUF");
  if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
    bt_fail_at("packet socket");
  return fd;
}

static void
turn_off_offload(const char *name)
{
  /* Without checksums a device has no segmentation either (netdev_fix_features). */
  struct ethtool_value value = { .cmd = ETHTOOL_STXCSUM, .data = 0 };
  struct ifreq request = { .ifr_data = (void *)&value };
  BT_AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    bt_fail_at("socket");
  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  if (ioctl(fd, SIOCETHTOOL, &request) != 0)
    bt_fail_at("checksum offload");
}

int
bt_veth_open(const char *name, uint32_t mtu)
{
  BtNetlink netlink;
  BT_AUTO_FD home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

  if (home < 0)
    bt_fail_at("/proc/self/ns/net");
  if (unshare(CLONE_NEWNET) != 0)
    bt_fail_at("network namespace for the veth peer");
  bt_netlink_open(&netlink);
  add_pair(&netlink, name, home);
  bt_netlink_add_setup(&netlink, PEER_NAME, NULL, mtu);
  bt_netlink_add_up(&netlink, PEER_NAME);
  bt_netlink_run(&netlink);
  bt_netlink_clear(&netlink);
  int frames = open_packet_socket();
  if (setns(home, CLONE_NEWNET) != 0)
    bt_fail_at("/proc/self/ns/net");
  turn_off_offload(name);
  return frames;
}
