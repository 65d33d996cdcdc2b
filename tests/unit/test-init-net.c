/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* buntime-init's network: the frames that come out of it, and the addresses inside. */
#include "init-harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static const guint8 worker_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const guint8 gateway_mac[6] = { 2, 0, 0, 0, 0, 2 };

static void
set_network(Plan *plan, BtPlanNetMode mode)
{
  BtPlanNet *net = &plan->header.net;

  net->mode = mode;
  net->mtu = 1500;
  net->address = inet_addr("10.0.2.15");
  net->gateway = inet_addr("10.0.2.2");
  net->prefix_length = 24;
  memcpy(net->mac, worker_mac, 6);
  memcpy(net->gateway_mac, gateway_mac, 6);
  net->interface = plan_add_string(plan, "eth0");
}

static guint16
ones_sum(const guint8 *bytes, gsize size, guint32 sum)
{
  for (gsize i = 0; i < size; i++)
    sum += i % 2 == 0 ? (guint32)bytes[i] << 8 : bytes[i];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16)sum;
}

static gsize
read_frame(int fd, guint8 *frame, gsize size)
{
  struct pollfd waiting = { .fd = fd, .events = POLLIN };
  g_assert_cmpint(poll(&waiting, 1, PATIENCE_MS), ==, 1);
  ssize_t got = read(fd, frame, size);
  g_assert_cmpint(got, >, 42);
  return (gsize)got;
}

/* An IPv4 packet with a UDP datagram whose two checksums hold. */
static void
check_datagram(const guint8 *frame, gsize size)
{
  const guint8 *packet = frame + 14;
  gsize total = (gsize)packet[2] << 8 | packet[3];

  g_assert_cmpmem(frame, 6, gateway_mac, 6);
  g_assert_cmpmem(frame + 6, 6, worker_mac, 6);
  g_assert_cmpuint(frame[12], ==, 8);
  g_assert_cmpuint(packet[0], ==, 0x45);
  g_assert_cmpuint(packet[9], ==, IPPROTO_UDP);
  g_assert_cmpuint(total + 14, <=, size);
  g_assert_cmphex(ones_sum(packet, 20, 0), ==, 0xffff);
  /* The pseudo header: addresses, protocol, length. */
  guint32 pseudo = ones_sum(packet + 12, 8, IPPROTO_UDP + (guint32)total - 20);
  g_assert_cmphex(ones_sum(packet + 20, total - 20, pseudo), ==, 0xffff);
}

/* Sends a datagram back with "pong"; swapping leaves the checksum's sum alone. */
static void
answer_datagram(int fd, guint8 *frame, gsize size)
{
  guint8 *packet = frame + 14, copy[8];

  memcpy(frame, worker_mac, 6);
  memcpy(frame + 6, gateway_mac, 6);
  memcpy(copy, packet + 12, 8);
  memcpy(packet + 12, copy + 4, 4);
  memcpy(packet + 16, copy, 4);
  memcpy(copy, packet + 20, 4);
  memcpy(packet + 20, copy + 2, 2);
  memcpy(packet + 22, copy, 2);
  memset(packet + 26, 0, 2); /* none: allowed over IPv4 */
  memcpy(packet + 28, "pong", 4);
  g_assert_cmpint(write(fd, frame, size), ==, size);
}

/* The worker's datagrams come out whole, an answer goes in, DNS has its own way. */
static void
test_network(gconstpointer data)
{
  BtPlanNetMode mode = GPOINTER_TO_INT(data);
  Plan *plan = plan_new("exec 3<>/dev/udp/192.0.2.1/9; echo -n ping >&3; "
                        "timeout 10 head -c 4 <&3; echo; "
                        "exec 4<>/dev/udp/127.0.0.53/53; echo -n query >&4; "
                        "tail -n +3 /proc/net/dev | cut -d: -f1 | sort; "
                        "grep eth0 /proc/net/if_inet6; echo end");
  guint8 frame[2048], query[16];
  Run run;

  set_network(plan, mode);
  run_start(&run, plan);
  run_until(&run, run_has_network_and_listener);
  g_assert_cmpuint(run.last.kind, ==, 0);
  g_assert_cmpuint(run.net_mode, ==, mode);
  run_answer(&run); /* the shell's own start */
  gsize size = read_frame(run.net_fds[2], frame, sizeof frame);
  check_datagram(frame, size);
  g_assert_cmpmem(frame + 42, 4, "ping", 4);
  answer_datagram(run.net_fds[2], frame, size);
  run_until(&run, NULL);
  g_assert_cmpstr(run_output(&run), ==, "pong\n    lo\n  eth0\nend\n");
  g_assert_cmpint(read(run.net_fds[0], query, sizeof query), ==, 5);
  g_assert_cmpmem(query, 5, "query", 5);
  /* Neither its own frames nor any of IPv6. */
  g_assert_cmpint(read(run.net_fds[2], frame, sizeof frame), <, 0);
  g_assert_cmpint(errno, ==, EAGAIN);
  run_clear(&run);
}

/* The pair's ends come up one after the other: an answer that is quick was sometimes lost. */
static void
test_veth_often(void)
{
  for (int i = 0; i < 25; i++)
    test_network(GINT_TO_POINTER(BT_PLAN_NET_VETH));
}

/* The first that is not for a group: the kernel tells of its own groups. */
static gsize
read_frame6(int fd, guint8 *frame, gsize size)
{
  for (;;) {
    gsize got = read_frame(fd, frame, size);
    if (frame[0] != 0x33)
      return got;
  }
}

/* With IPv6: one address, one way out, and nobody is looked for on the way. */
static void
test_network6(gconstpointer data)
{
  static const char address[] = "fd62000000000000000000000000000f";
  Plan *plan = plan_new("exec 3<>/dev/udp/2001:db8::1/9; echo -n ping >&3; "
                        "exec 4<>/dev/udp/fd62::77/9; echo -n near >&4; "
                        "grep eth0 /proc/net/if_inet6; echo end");
  const BtAddr own = { { 0xfd, 0x62, [15] = 15 } };
  guint8 frame[2048];
  Run run;

  set_network(plan, GPOINTER_TO_INT(data));
  plan->header.net.address6 = own;
  plan->header.net.gateway6 = (BtAddr){ { 0xfd, 0x62, [15] = 2 } };
  run_start(&run, plan);
  run_until(&run, run_has_network_and_listener);
  run_answer(&run); /* the shell's own start */
  for (guint i = 0; i < 2; i++) {
    gsize size = read_frame6(run.net_fds[2], frame, sizeof frame);
    g_assert_cmpuint(size, >=, 14 + 40 + 12);
    g_assert_cmpmem(frame, 6, gateway_mac, 6);
    g_assert_cmpmem(frame + 6, 6, worker_mac, 6);
    g_assert_cmpuint(frame[12] << 8 | frame[13], ==, 0x86dd);
    g_assert_cmpuint(frame[20], ==, IPPROTO_UDP);
    g_assert_cmpmem(frame + 22, 16, own.bytes, 16);
    g_assert_cmphex(ones_sum(frame + 54, 12, ones_sum(frame + 22, 32, IPPROTO_UDP + 12)), ==,
                    0xffff);
    g_assert_cmpmem(frame + 62, 4, i == 0 ? "ping" : "near", 4);
  }
  run_until(&run, NULL);
  g_assert_true(g_str_has_prefix(run_output(&run), address));
  g_assert_true(g_str_has_suffix(run_output(&run), " eth0\nend\n"));
  g_assert_cmpuint(strlen(run_output(&run)), <, 2 * strlen(address)); /* and no other */
  run_clear(&run);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (getuid() == 0)
    g_error("to be run as an ordinary user");
  g_test_add_data_func("/init-net/veth", GINT_TO_POINTER(BT_PLAN_NET_VETH), test_network);
  g_test_add_func("/init-net/veth-often", test_veth_often);
  g_test_add_data_func("/init-net/veth6", GINT_TO_POINTER(BT_PLAN_NET_VETH), test_network6);
  /* Where only root may open it, AUTO takes veth: seen above. */
  if (access("/dev/net/tun", R_OK | W_OK) == 0) {
    g_test_add_data_func("/init-net/tap", GINT_TO_POINTER(BT_PLAN_NET_TAP), test_network);
    g_test_add_data_func("/init-net/tap6", GINT_TO_POINTER(BT_PLAN_NET_TAP), test_network6);
  }
  return g_test_run();
}
