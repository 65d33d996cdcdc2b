/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The packet view and the gate against libslirp: what it makes of a frame must never be another
 * destination than the one that was judged. Random frames go into libslirp as buntime-net runs it,
 * once all of them, once those that pass the gate; connect(), sendto() and send() are the test's
 * own, note where to, and reach nobody.
 *
 *   frame ─→ (gate) ─→ libslirp ─→ connect, sendto, send: is it where the view says?
 *
 * Connections get as far as data, so that segments of one are tried on another. The seed is the
 * one that the test prints; how far it gets is a matter of time.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frame-mutator.h"
#include "net/bt-gate.h"
#include "net/bt-stack.h"

/* With -m slow, a minute. */
#define RUN_TIME ((g_test_slow() ? 60 : 2) * G_USEC_PER_SEC)
/* Frames that one libslirp sees, each of them a connection at most. */
#define FRAMES 300
#define MAX_FDS 1024

typedef struct {
  BtAddr address;
  guint16 port;
} Destination;

/* An open connection as the worker sees it. */
typedef struct {
  Frame last; /* from the far side */
} Open;

typedef struct {
  MutantSource source;
  BtStack *stack;
  BtGate gate;
  gboolean gated;
  GArray *open; /* Open */
  guint frames, passed, connects, datagrams, echoes, sends, refused;
} Fixture;

/* What libslirp is doing, for the calls it makes. */
static Fixture *running;
static const BtPacket *judged; /* NULL: no frame is going in */
static const Frame *going_in;
static Destination peers[MAX_FDS];

/* ---- the calls ---- */

#define OWN __attribute__((visibility("default")))

OWN int socket(int family, int type, int protocol);
OWN int connect(int fd, const struct sockaddr *address, socklen_t length);
OWN ssize_t sendto(int fd, const void *bytes, size_t size, int flags,
                   const struct sockaddr *address, socklen_t length);
OWN ssize_t send(int fd, const void *bytes, size_t size, int flags);

static Destination
to_destination(const struct sockaddr *address)
{
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
  const struct sockaddr_in *in = (const struct sockaddr_in *)address;
  Destination to = { .port = ntohs(in->sin_port) };

  if (address->sa_family == AF_INET)
    to.address = bt_addr_from_ipv4(in->sin_addr.s_addr);
  else
    memcpy(to.address.bytes, &in6->sin6_addr, sizeof to.address.bytes);
  return to;
}

static void
check(BtPacketKind kind, const Destination *to, guint *count)
{
  char text[BT_ADDR_TEXT_SIZE];

  g_assert_nonnull(judged);
  if (judged->kind < BT_PACKET_TCP) {
    running->refused++;
    return;
  }
  ++*count;
  if (judged->kind == kind && judged->destination_port == to->port &&
      bt_addr_equal(&judged->ip.destination, &to->address))
    return;
  GString *hex = g_string_new(NULL);
  for (gsize i = 0; i < going_in->size; i++)
    g_string_append_printf(hex, "%02x", going_in->bytes[i]);
  g_error("libslirp goes to %s port %u by kind %u, the view has kind %u to port %u, of %s",
          bt_addr_format(&to->address, text), to->port, kind, judged->kind,
          judged->destination_port, hex->str);
}

/* Sockets of no network: one that is connected to nobody is ready for everything. */
int
socket(int family, int type, int protocol)
{
  int pair[2];

  if (running == NULL || (family != AF_INET && family != AF_INET6))
    return (int)syscall(SYS_socket, family, type, protocol);
  if ((type & 15) != SOCK_STREAM)
    return (int)syscall(SYS_socket, AF_UNIX, type, 0);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  /* libslirp waits for what is to be read: the far end stays, unused, with the process. */
  g_assert_cmpint(dup2(pair[1], pair[0] + MAX_FDS), ==, pair[0] + MAX_FDS);
  close(pair[1]);
  return pair[0];
}

int
connect(int fd, const struct sockaddr *address, socklen_t length)
{
  if (running == NULL)
    return (int)syscall(SYS_connect, fd, address, length);
  g_assert_cmpint(fd, <, MAX_FDS);
  peers[fd] = to_destination(address);
  check(BT_PACKET_TCP, &peers[fd], &running->connects);
  errno = EINPROGRESS;
  return -1;
}

ssize_t
sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address,
       socklen_t length)
{
  if (running == NULL || address == NULL)
    return syscall(SYS_sendto, fd, bytes, size, flags, address, length);
  Destination to = to_destination(address);
  if (judged != NULL && judged->kind == BT_PACKET_ICMP) {
    to.port = 0; /* of its ping sockets it means nothing */
    check(BT_PACKET_ICMP, &to, &running->echoes);
  } else {
    check(BT_PACKET_UDP, &to, &running->datagrams);
  }
  return (ssize_t)size;
}

/* Also between frames, of what was kept until the far end is ready; then there is nothing to judge. */
ssize_t
send(int fd, const void *bytes, size_t size, int flags)
{
  if (running == NULL)
    return syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);
  if (judged != NULL && size > 0)
    check(BT_PACKET_TCP, &peers[fd], &running->sends);
  return (ssize_t)size;
}

/* ---- around libslirp ---- */

static gboolean
on_denied(gpointer data, const BtNetMsgDenied *denied)
{
  return TRUE;
}

static void
on_output(gpointer data, const guint8 *bytes, gsize size)
{
  Fixture *f = data;
  guint8 error[BT_PACKET_REPLY_SIZE];
  gsize error_size;
  BtPacket packet;

  bt_packet_parse(bytes, size, &packet);
  if (f->gated &&
      !bt_gate_inbound(&f->gate, bytes, size, g_get_monotonic_time(), error, &error_size))
    return;
  if (packet.kind != BT_PACKET_TCP || size > sizeof(Frame) - sizeof(gsize) ||
      (packet.tcp.flags & BT_TCP_SYN) == 0)
    return;
  Open open = { .last.size = size };
  memcpy(open.last.bytes, bytes, size);
  g_array_append_val(f->open, open);
}

static BtAddr
addr(const char *text)
{
  BtAddr parsed;
  g_assert_true(bt_addr_parse(text, &parsed));
  return parsed;
}

static void
start(Fixture *f)
{
  static const BtNetRule everywhere[] = {
    { .action = BT_ACTION_ALLOW, .proto = BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP },
  };
  BtPins *pins = bt_pins_new(G_USEC_PER_SEC, NULL, NULL);

  f->gate = (BtGate){
    .config = { .prefix_length = 24, .mtu = 1500 },
    .policy = { .rules = everywhere, .n_rules = 1, .default_action = BT_ACTION_DENY },
    .pins = pins,
    .flows = bt_flows_new(pins),
    .denials = bt_denials_new(on_denied, NULL),
  };
  BtNetMsgConfig *config = &f->gate.config;
  config->worker_address = inet_addr(WORKER);
  config->gateway = inet_addr(GATEWAY);
  config->worker_address6 = addr(WORKER6);
  config->gateway6 = addr(GATEWAY6);
  memcpy(config->worker_mac, worker_mac, 6);
  memcpy(config->gateway_mac, gateway_mac, 6);
  bt_quota_init(&f->gate.quota, BT_NET_MSG_ANY_RATE, BT_NET_MSG_ANY_BYTES, g_get_monotonic_time());
  f->open = g_array_new(FALSE, FALSE, sizeof(Open));
  f->stack = bt_stack_new(config, on_output, f);
  g_assert_nonnull(f->stack);
}

static void
stop(Fixture *f)
{
  bt_stack_free(f->stack);
  bt_flows_free(f->gate.flows);
  bt_denials_free(f->gate.denials);
  bt_pins_free(f->gate.pins);
  g_array_unref(f->open);
  close_range(MAX_FDS, ~0u, 0);
}

/* ---- one frame ---- */

static void
put_in(Fixture *f, Frame *frame)
{
  guint8 reply[BT_PACKET_REPLY_SIZE];
  gsize reply_size;
  BtPacket packet;

  f->frames++;
  if (f->gated) {
    BtGateResult result = bt_gate_outbound(&f->gate, frame->bytes, &frame->size,
                                           g_get_monotonic_time(), reply, &reply_size);
    if (result != BT_GATE_PASS && result != BT_GATE_RESET)
      return;
  }
  bt_packet_parse(frame->bytes, frame->size, &packet);
  if (packet.kind == BT_PACKET_FRAGMENT)
    return; /* never passes the gate, and libslirp 4.7.0 follows pointers out of their bytes */
  f->passed++;
  judged = &packet;
  going_in = frame;
  bt_stack_input(f->stack, frame->bytes, frame->size);
  judged = NULL;
}

/* More of a connection that is open, and its acknowledgement; bent, too. */
static Frame
continue_one(Fixture *f)
{
  GRand *rand = f->source.rand;
  Open *open = &g_array_index(f->open, Open, mutant_below(rand, f->open->len));
  Mutant mutant = { .frame = frame_reply(&open->last), .protocol = BT_IP_TCP };
  guint8 *tcp = frame_payload(&mutant.frame);
  gsize size = mutant_below(rand, 4) * 8;

  memcpy(mutant.frame.bytes, gateway_mac, 6); /* libslirp has a MAC address of its own */
  mutant.transport = BT_ETHERNET_SIZE + frame_header_size(&mutant.frame);
  /* The answer to a SYN: its numbers the other way round, its options left out. */
  mutant.frame.size = mutant.transport + 20 + size;
  frame_put16(frame_ip(&mutant.frame) + (frame_is_ipv6(&mutant.frame) ? 4 : 2),
              (frame_is_ipv6(&mutant.frame) ? 20 : 40) + size);
  guint32 theirs = frame_get32(tcp + 4), ours = frame_get32(tcp + 8);
  frame_put32(tcp + 4, ours);
  frame_put32(tcp + 8, theirs + 1);
  tcp[12] = 5 << 4;
  tcp[13] = BT_TCP_ACK | (mutant_below(rand, 8) == 0 ? BT_TCP_FIN : 0);
  frame_put16(tcp + 14, 65535);
  frame_put16(tcp + 18, 0);
  mutant_fill(rand, tcp + 20, size);
  if (mutant_below(rand, 2) == 0)
    mutant_bend_tcp(rand, &mutant);
  if (mutant_below(rand, 8) == 0)
    mutant_bend_ip(rand, &mutant);
  mutant_finish(&mutant);
  return mutant.frame;
}

/* libslirp complains of what no gate kept from it; that is no failure. */
static gboolean
is_fatal(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  return g_strcmp0(domain, "Slirp") != 0;
}

static void
on_complaint(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

static void
run(gboolean gated)
{
  Fixture f = { .gated = gated };
  struct rlimit files;

  g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &files), ==, 0);
  files.rlim_cur = 2 * MAX_FDS + 16;
  g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &files), ==, 0);
  f.source.rand = g_rand_new_with_seed((guint32)g_test_rand_int());
  running = &f;
  for (gint64 end = g_get_monotonic_time() + RUN_TIME; g_get_monotonic_time() < end;) {
    start(&f);
    for (guint i = 0; i < FRAMES; i++) {
      gboolean more = f.open->len > 0 && mutant_below(f.source.rand, 2) == 0;
      Frame frame = more ? continue_one(&f) : mutant_next(&f.source);
      put_in(&f, &frame);
      g_main_context_iteration(NULL, FALSE);
    }
    stop(&f);
  }
  running = NULL;
  g_rand_free(f.source.rand);

  g_test_message("%u frames, %u went in: %u connections, %u times data, %u datagrams, %u echoes alike",
                 f.frames, f.passed, f.connects, f.sends, f.datagrams, f.echoes);
  g_test_message("taken by libslirp and refused by the view: %u", f.refused);
  /* Without these it would not have been a comparison. */
  g_assert_cmpuint(f.connects, >, 0);
  g_assert_cmpuint(f.sends, >, 0);
  g_assert_cmpuint(f.datagrams, >, 0);
  g_assert_cmpuint(f.echoes, >, 0);
  g_assert_cmpint(f.refused > 0, ==, !gated);
}

static void
test_view(void)
{
  g_test_log_set_fatal_handler(is_fatal, NULL);
  guint handler = g_log_set_handler("Slirp", G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL, on_complaint, NULL);
  run(FALSE);
  g_log_remove_handler("Slirp", handler);
}

static void
test_gate(void)
{
  run(TRUE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/packet-slirp/view", test_view);
  g_test_add_func("/packet-slirp/gate", test_gate);
  return g_test_run();
}
