/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The packet view against the kernel's: random frames go down a tap device, or a veth pair, into a
 * network namespace whose kernel takes half of all addresses for its own. What it made of a frame
 * shows from outside: a datagram arrives at a socket, a segment is answered by a reset, an echo by
 * a reply. Whatever the kernel took, our view refuses, or it names the same protocol, addresses and
 * ports. (It refuses more: what has options or is a fragment is nothing for the gate.)
 *
 *   frame, then a SYN of ours ─→ tap or veth ─→ kernel ─→ UDP sockets
 *                        frame fd ←─ resets, replies; the one to the SYN ends the turn
 *
 * The seed is the one that the test prints; how far it gets is a matter of time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame-mutator.h"

/* With -m slow, a minute. */
#define RUN_TIME ((g_test_slow() ? 60 : 2) * G_USEC_PER_SEC)
#define WAIT_MS 10000
#define TURN_PORT 7 /* nobody listens; no frame of the mutator's comes from there */

typedef struct {
  guint8 proto; /* BT_IP_* */
  BtAddr source, destination;
  guint16 source_port, destination_port;
} Taken;

typedef struct {
  int frames, epoll;
  guint32 turn;
  MutantSource source;
  /* by family and kind */
  guint same[2][BT_PACKET_ICMP + 1];
  guint refused, sent;
} Fixture;

/* ---- the namespace ---- */

static void
write_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
  close(fd);
}

static void
enter_namespace(void)
{
  g_autofree char *uids = g_strdup_printf("0 %u 1", geteuid());
  g_autofree char *gids = g_strdup_printf("0 %u 1", getegid());

  g_assert_cmpint(unshare(CLONE_NEWUSER | CLONE_NEWNET), ==, 0);
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", uids);
  write_file("/proc/self/gid_map", gids);
}

static void
ip(const char *arguments)
{
  g_autofree char *command = g_strconcat("ip ", arguments, NULL);
  g_autofree char *errors = NULL;
  int status = -1;

  g_assert_true(g_spawn_command_line_sync(command, NULL, &errors, &status, NULL));
  if (status != 0)
    g_error("%s: %s", command, errors);
}

static int
open_tap(void)
{
  struct ifreq request = { .ifr_name = "near", .ifr_flags = IFF_TAP | IFF_NO_PI };
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

  g_assert_cmpint(fd, >=, 0);
  g_assert_cmpint(ioctl(fd, TUNSETIFF, &request), ==, 0);
  return fd;
}

static int
open_veth(void)
{
  struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

  ip("link add near type veth peer name far");
  ip("link set far up");
  address.sll_ifindex = (int)if_nametoindex("far");
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL)), on = 1;
  g_assert_cmpint(fd, >=, 0);
  /* Past a queue that is only attached later, and swallows what is sent before: see bt-veth.c. */
  g_assert_cmpint(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on), ==, 0);
  g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  return fd;
}

/* Nobody is asked for on the way back, and every target is the kernel's own. */
static void
set_routes(void)
{
  ip("link set lo up");
  ip("link set near address 02:00:00:00:00:02 arp off up");
  ip("route add default dev near");
  ip("route add local 128.0.0.0/1 dev lo");
  ip("-6 route add default dev near");
  ip("-6 route add local 2000::/3 dev lo");
  ip("-6 route add local ::/3 dev lo");
}

static void
listen_to(int epoll, int family, guint16 port)
{
  const struct sockaddr_in6 address6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
  const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
  int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  struct epoll_event event = { .events = EPOLLIN, .data.u64 = (guint64)port << 32 | (guint32)fd };

  g_assert_cmpint(fd, >=, 0);
  if (family == AF_INET6) {
    g_assert_cmpint(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one), ==, 0);
    g_assert_cmpint(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one), ==, 0);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address6, sizeof address6), ==, 0);
  } else {
    g_assert_cmpint(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one), ==, 0);
    g_assert_cmpint(bind(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
  }
  g_assert_cmpint(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), ==, 0);
}

/* ---- what the kernel took ---- */

static BtAddr
from_in6(const struct in6_addr *in6)
{
  BtAddr addr;
  memcpy(addr.bytes, in6, sizeof addr.bytes);
  return addr;
}

static BtAddr
to_address(struct msghdr *message)
{
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level == IPPROTO_IPV6)
      return from_in6(&((struct in6_pktinfo *)CMSG_DATA(part))->ipi6_addr);
    if (part->cmsg_level == IPPROTO_IP)
      return bt_addr_from_ipv4(((struct in_pktinfo *)CMSG_DATA(part))->ipi_addr.s_addr);
  }
  g_assert_not_reached();
}

/* Its checksum is looked at only now; 0 as its protocol: it was wrong. */
static Taken
receive_datagram(int fd, guint16 port)
{
  union {
    struct cmsghdr header;
    char space[128];
  } control;
  char bytes[2048];
  struct sockaddr_in6 from;
  struct iovec iovec = { bytes, sizeof bytes };
  struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from,
                            .msg_iov = &iovec, .msg_iovlen = 1,
                            .msg_control = &control, .msg_controllen = sizeof control };

  if (recvmsg(fd, &message, 0) < 0) {
    g_assert_cmpint(errno, ==, EAGAIN);
    return (Taken){ 0 };
  }
  Taken taken = { .proto = BT_IP_UDP,
                  .source = from_in6(&from.sin6_addr),
                  .destination = to_address(&message),
                  .source_port = ntohs(from.sin6_port),
                  .destination_port = port };
  if (from.sin6_family == AF_INET)
    taken.source = bt_addr_from_ipv4(((struct sockaddr_in *)&from)->sin_addr.s_addr);
  return taken;
}

/*
 * What a frame of the kernel's answers, read without the code under test; 0 as its protocol: none.
 * A reset names the segment that caused it; *turn_out is what it acknowledges.
 */
static Taken
read_answer(const guint8 *frame, gsize size, guint32 *turn_out)
{
  const guint8 *packet = frame + BT_ETHERNET_SIZE;
  gboolean ipv6 = frame[12] == 0x86 && frame[13] == 0xdd;
  gsize header = ipv6 ? 40 : (packet[0] & 15) * 4u;
  guint8 proto = packet[ipv6 ? 6 : 9];
  const guint8 *payload = packet + header;
  Taken taken = { 0 };

  if ((!ipv6 && (frame[12] != 8 || frame[13] != 0)) || BT_ETHERNET_SIZE + header + 8 > size)
    return taken;
  if (ipv6) {
    memcpy(taken.destination.bytes, packet + 8, 16);
    memcpy(taken.source.bytes, packet + 24, 16);
  } else {
    guint32 address;
    memcpy(&address, packet + 12, 4);
    taken.destination = bt_addr_from_ipv4(address);
    memcpy(&address, packet + 16, 4);
    taken.source = bt_addr_from_ipv4(address);
  }
  if (proto == BT_IP_TCP) {
    taken.proto = BT_IP_TCP;
    taken.destination_port = (guint16)(payload[0] << 8 | payload[1]);
    taken.source_port = (guint16)(payload[2] << 8 | payload[3]);
    *turn_out = frame_get32(payload + 8);
  } else if ((proto == BT_IP_ICMP && payload[0] == 0) ||
             (proto == BT_IP_ICMPV6 && payload[0] == 129)) {
    taken.proto = BT_IP_ICMP;
  }
  return taken;
}

/* ---- one turn ---- */

static gboolean
is_same(const BtPacket *view, const Taken *taken)
{
  static const guint8 protos[] = {
    [BT_PACKET_TCP] = BT_IP_TCP, [BT_PACKET_UDP] = BT_IP_UDP, [BT_PACKET_ICMP] = BT_IP_ICMP,
  };
  return protos[view->kind] == taken->proto && bt_addr_equal(&view->ip.source, &taken->source) &&
         bt_addr_equal(&view->ip.destination, &taken->destination) &&
         view->source_port == taken->source_port &&
         view->destination_port == taken->destination_port;
}

static void
compare(Fixture *f, const Frame *frame, const Taken *taken)
{
  char source[BT_ADDR_TEXT_SIZE], destination[BT_ADDR_TEXT_SIZE];
  BtPacket view;

  bt_packet_parse(frame->bytes, frame->size, &view);
  if (view.kind < BT_PACKET_TCP) {
    f->refused++;
    return;
  }
  if (is_same(&view, taken)) {
    f->same[!bt_addr_is_ipv4(&taken->source)][view.kind]++;
    return;
  }
  GString *hex = g_string_new(NULL);
  for (gsize i = 0; i < frame->size; i++)
    g_string_append_printf(hex, "%02x", frame->bytes[i]);
  g_error("the kernel took protocol %u from %s port %u to %s port %u, the view has kind %u to port "
          "%u, of %s",
          taken->proto, bt_addr_format(&taken->source, source), taken->source_port,
          bt_addr_format(&taken->destination, destination), taken->destination_port, view.kind,
          view.destination_port, hex->str);
}

static void
send_frame(Fixture *f, const Frame *frame)
{
  for (int i = 0; i < 1000 && write(f->frames, frame->bytes, frame->size) < 0; i++) {
    if (errno == EINVAL)
      return; /* too short to be a frame */
    g_assert_cmpint(errno, ==, ENOBUFS);
    g_usleep(1000);
  }
}

/* Until the answer to our own SYN: it comes after all that the frame brought about. */
static void
finish_turn(Fixture *f, const Frame *frame)
{
  guint8 answer[2048];

  for (;;) {
    struct pollfd pollfd = { .fd = f->frames, .events = POLLIN };
    ssize_t size = read(f->frames, answer, sizeof answer);
    guint32 turn = 0;
    if (size < 0) {
      g_assert_cmpint(errno, ==, EAGAIN);
      g_assert_cmpint(poll(&pollfd, 1, WAIT_MS), ==, 1);
      continue;
    }
    Taken taken = read_answer(answer, (gsize)size, &turn);
    if (taken.proto == BT_IP_TCP && taken.source_port == TURN_PORT && turn == f->turn + 1)
      return;
    if (taken.proto != 0)
      compare(f, frame, &taken);
  }
}

static void
take_turn(Fixture *f)
{
  Frame frame = mutant_next(&f->source);
  Frame own = frame_tcp("192.0.2.99", TURN_PORT, TURN_PORT, BT_TCP_SYN, ++f->turn, 0, "");
  struct epoll_event events[4];
  int n;

  send_frame(f, &frame);
  send_frame(f, &own);
  f->sent++;
  finish_turn(f, &frame);
  while ((n = epoll_wait(f->epoll, events, G_N_ELEMENTS(events), 0)) > 0) {
    for (int i = 0; i < n; i++) {
      Taken taken = receive_datagram((int)(guint32)events[i].data.u64,
                                     (guint16)(events[i].data.u64 >> 32));
      if (taken.proto != 0)
        compare(f, &frame, &taken);
    }
  }
}

/* What is sent and what comes back pass one queue, in order. */
static void
stay_on_this_cpu(void)
{
  cpu_set_t cpus;

  CPU_ZERO(&cpus);
  CPU_SET((gsize)sched_getcpu(), &cpus);
  g_assert_cmpint(sched_setaffinity(0, sizeof cpus, &cpus), ==, 0);
}

static void
run(int (*open_frames)(void))
{
  Fixture f = { .turn = 0x40000000 };
  gint64 end;

  /* The namespace ends with the process, and the next test has its own. */
  enter_namespace();
  stay_on_this_cpu();
  f.source.rand = g_rand_new_with_seed((guint32)g_test_rand_int());
  f.frames = open_frames();
  set_routes();
  f.epoll = epoll_create1(EPOLL_CLOEXEC);
  for (guint i = 0; i < MUTANT_PORTS; i++) {
    listen_to(f.epoll, AF_INET, (guint16)(MUTANT_FIRST_PORT + i));
    listen_to(f.epoll, AF_INET6, (guint16)(MUTANT_FIRST_PORT + i));
  }
  for (end = g_get_monotonic_time() + RUN_TIME; g_get_monotonic_time() < end;)
    take_turn(&f);

  for (guint ipv6 = 0; ipv6 < 2; ipv6++)
    g_test_message("IPv%u: %u segments, %u datagrams, %u echoes taken alike", ipv6 ? 6 : 4,
                   f.same[ipv6][BT_PACKET_TCP], f.same[ipv6][BT_PACKET_UDP],
                   f.same[ipv6][BT_PACKET_ICMP]);
  g_test_message("%u frames; taken by the kernel and refused here: %u", f.sent, f.refused);
  /* Without these it would not have been a comparison. */
  for (guint ipv6 = 0; ipv6 < 2; ipv6++)
    for (guint kind = BT_PACKET_TCP; kind <= BT_PACKET_ICMP; kind++)
      g_assert_cmpuint(f.same[ipv6][kind], >, 0);
  g_assert_cmpuint(f.refused, >, 0);
  close(f.frames);
  g_rand_free(f.source.rand);
}

static void
test_veth(void)
{
  run(open_veth);
}

static void
test_tap(void)
{
  run(open_tap);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packet-kernel/veth", test_veth);
  /* Where only root may open it; in the world everybody may, see tests/net/test_packet_view.py. */
  if (access("/dev/net/tun", R_OK | W_OK) == 0)
    g_test_add_func("/packet-kernel/tap", test_tap);
  return g_test_run();
}
