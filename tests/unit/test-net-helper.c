/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-net run for real: the test plays the supervisor on the control
 * socket and the worker on the frame fd and the DNS sockets. What is reached
 * through libslirp is a listener of the test's own on 127.0.0.1, by a rule
 * that names the loopback.
 */
#include <errno.h>
#include <glib.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "frame-mutator.h"
#include "net/bt-confine.h"
#include "wire/bt-dns.h"
#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"

#define WAIT_MS 5000

/* What a test's sandbox has. */
enum { NO_NETWORK, NETWORK, FEW_BYTES };
#define BYTES 400

typedef struct {
  GPid pid;
  int control, frame;
  int listener;        /* what the worker may reach */
  guint16 port, other; /* the listener's, and one nobody has */
  struct sockaddr_in dns;
} Fixture;

static int
bound_socket(int type, struct sockaddr_in *address_out)
{
  socklen_t length = sizeof *address_out;
  int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

  *address_out = (struct sockaddr_in){ .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = address_out->sin_port };
  g_assert_cmpint(bind(fd, (struct sockaddr *)address_out, length), ==, 0);
  g_assert_cmpint(getsockname(fd, (struct sockaddr *)address_out, &length), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint(listen(fd, 8), ==, 0);
  return fd;
}

static GPid
spawn(int control)
{
  char *const argv[] = { (char *)"buntime-net", NULL }, *const environment[] = { NULL };
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid > 0)
    return pid;
  int fd = fcntl(control, F_DUPFD, 10), null = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++)
    dup2(null, i);
  dup2(fd, BT_NET_CONTROL_FD);
  close_range(4, ~0u, 0);
  execve(BT_TEST_NET, argv, environment);
  _exit(127);
}

static void
send_config(Fixture *f, const int *fds, gsize n_fds, guint64 bytes)
{
  struct {
    BtNetMsgConfig config;
    BtNetPolicyHeader header;
    BtNetRule rules[2];
    BtPortRange ports[2];
    char names[8];
  } message = {
    .config = { .header.kind = BT_NET_MSG_CONFIG,
                .prefix_length = 24,
                .mtu = 1500,
                .pin_seconds = 60,
                .flow_rate = BT_NET_MSG_ANY_RATE,
                .byte_limit = bytes },
    .header = { .magic = BT_NET_POLICY_MAGIC,
                .n_rules = 2,
                .n_ports = 2,
                .default_action = BT_ACTION_DENY,
                .names_size = 8 },
    .rules = { { .prefix = 128,
                 .action = BT_ACTION_ALLOW,
                 .proto = BT_PROTO_TCP | BT_PROTO_UDP,
                 .flags = BT_NET_RULE_LOOPBACK,
                 .n_ports = 1 },
               { .action = BT_ACTION_ALLOW, .proto = BT_PROTO_TCP, .flags = BT_NET_RULE_NAME } },
  };
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * 3)];
  } control = { .space = { 0 } };

  message.ports[0] = message.ports[1] = (BtPortRange){ f->port, f->port };
  message.rules[0].addr = bt_addr_from_ipv4(htonl(INADDR_LOOPBACK));
  inet_pton(AF_INET, WORKER, &message.config.worker_address);
  inet_pton(AF_INET, GATEWAY, &message.config.gateway);
  memcpy(message.config.worker_mac, worker_mac, 6);
  memcpy(message.config.gateway_mac, gateway_mac, 6);
  message.header.size = message.config.policy_size = sizeof message - sizeof message.config;

  struct iovec iovec = { &message, sizeof message };
  struct msghdr header = { .msg_iov = &iovec,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds) };
  struct cmsghdr *part = CMSG_FIRSTHDR(&header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
  memcpy(CMSG_DATA(part), fds, sizeof(int) * n_fds);
  g_assert_cmpint(sendmsg(f->control, &header, 0), ==, sizeof message);
}

static gssize
receive(int fd, gpointer bytes, gsize size)
{
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  if (poll(&pollfd, 1, WAIT_MS) != 1)
    return -1;
  return recv(fd, bytes, size, 0);
}

static BtNetMsg
receive_control(Fixture *f, guint32 kind)
{
  union {
    guint64 align;
    guint8 bytes[sizeof(BtNetMsg) + 8];
  } buffer;
  const guint8 *unused;
  BtNetMsg message;

  gssize got = receive(f->control, &buffer, sizeof buffer);
  g_assert_cmpint(got, >, 0);
  g_assert_true(bt_net_msg_parse(buffer.bytes, got, &message, &unused));
  g_assert_cmpuint(message.header.kind, ==, kind);
  return message;
}

static void
set_up(Fixture *f, gconstpointer network)
{
  struct sockaddr_in address = { 0 }, unused = { 0 };
  int control[2], frames[2];

  f->listener = bound_socket(SOCK_STREAM, &address);
  f->port = ntohs(address.sin_port);
  close(bound_socket(SOCK_STREAM, &unused));
  f->other = ntohs(unused.sin_port);
  f->dns = (struct sockaddr_in){ 0 };
  /* In this order: of the ports that are free here, few are taken by datagrams. */
  int tcp = bound_socket(SOCK_STREAM, &f->dns);
  int udp = bound_socket(SOCK_DGRAM, &f->dns);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), ==, 0);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, frames), ==, 0);
  f->control = control[0];
  f->frame = frames[0];
  f->pid = spawn(control[1]);
  close(control[1]);
  send_config(f, (const int[]){ udp, tcp, frames[1] },
              GPOINTER_TO_INT(network) != NO_NETWORK ? 3 : 2,
              GPOINTER_TO_INT(network) == FEW_BYTES ? BYTES : BT_NET_MSG_ANY_BYTES);
  close(udp);
  close(tcp);
  close(frames[1]);
  receive_control(f, BT_NET_MSG_READY);
}

/* The hang-up of the control socket ends it, with status 0: no sanitizer complained. */
static void
tear_down(Fixture *f, gconstpointer network)
{
  int status = -1;

  close(f->control);
  for (int i = 0; i < WAIT_MS / 10 && waitpid(f->pid, &status, WNOHANG) == 0; i++)
    g_usleep(10000);
  g_assert_cmpint(status, ==, 0);
  close(f->frame);
  close(f->listener);
}

static BtPacket
receive_frame(Fixture *f, Frame *frame_out)
{
  BtPacket packet;
  gssize got = receive(f->frame, frame_out->bytes, sizeof frame_out->bytes);
  g_assert_cmpint(got, >, 0);
  frame_out->size = got;
  bt_packet_parse(frame_out->bytes, frame_out->size, &packet);
  return packet;
}

static void
send_frame(Fixture *f, Frame frame)
{
  g_assert_cmpint(send(f->frame, frame.bytes, frame.size, 0), ==, frame.size);
}

/* A handshake, data both ways, and both ends' FIN. */
static void
test_tcp(Fixture *f, gconstpointer network)
{
  char bytes[64];
  Frame frame;

  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_SYN, 100, 0, ""));
  BtPacket packet = receive_frame(f, &frame);
  g_assert_cmpint(packet.kind, ==, BT_PACKET_TCP);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_SYN | BT_TCP_ACK);
  g_assert_cmpuint(packet.tcp.acknowledgement, ==, 101);
  guint32 theirs = packet.tcp.sequence + 1;

  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK, 101, theirs, ""));
  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK | 8, 101, theirs, "hello"));
  int fd = accept(f->listener, NULL, NULL);
  g_assert_cmpint(fd, >=, 0);
  g_assert_cmpint(receive(fd, bytes, sizeof bytes), ==, 5);
  g_assert_cmpmem(bytes, 5, "hello", 5);

  g_assert_cmpint(send(fd, "world!", 6, 0), ==, 6);
  do
    packet = receive_frame(f, &frame); /* ACKs in between */
  while (packet.tcp.payload_size == 0);
  g_assert_cmpuint(packet.tcp.payload_size, ==, 6);
  g_assert_cmpmem(frame.bytes + frame.size - 6, 6, "world!", 6);
  theirs += 6;
  close(fd);
  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK | BT_TCP_FIN, 106, theirs, ""));
  do
    packet = receive_frame(f, &frame);
  while ((packet.tcp.flags & BT_TCP_FIN) == 0);
}

/* Opens a connection from port; *theirs_out is the number that the worker expects next. */
static int
connect_from(Fixture *f, guint16 port, guint32 *theirs_out)
{
  Frame frame;

  send_frame(f, frame_tcp("127.0.0.1", f->port, port, BT_TCP_SYN, 100, 0, ""));
  BtPacket packet = receive_frame(f, &frame);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_SYN | BT_TCP_ACK);
  *theirs_out = packet.tcp.sequence + 1;
  send_frame(f, frame_tcp("127.0.0.1", f->port, port, BT_TCP_ACK, 101, *theirs_out, ""));
  int fd = accept(f->listener, NULL, NULL);
  g_assert_cmpint(fd, >=, 0);
  return fd;
}

/*
 * The far side has closed, and is written to nevertheless: the first of it is answered by a reset, and
 * for the second the kernel has a signal. It must not be the end of everybody's connections.
 */
static void
test_closed(Fixture *f, gconstpointer network)
{
  guint32 theirs;
  BtPacket packet;
  Frame frame;
  int status;

  close(connect_from(f, 4000, &theirs));
  do
    packet = receive_frame(f, &frame);
  while ((packet.tcp.flags & BT_TCP_FIN) == 0);
  /* Both are there at once, so that nothing is looked at in between. */
  g_assert_cmpint(kill(f->pid, SIGSTOP), ==, 0);
  g_assert_cmpint(waitpid(f->pid, &status, WUNTRACED), ==, f->pid);
  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK | 8, 101, theirs + 1, "more"));
  send_frame(f, frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK | 8, 105, theirs + 1, "yet more"));
  g_assert_cmpint(kill(f->pid, SIGCONT), ==, 0);
  do
    packet = receive_frame(f, &frame);
  while ((packet.tcp.flags & BT_TCP_RST) == 0);
  close(connect_from(f, 4001, &theirs));
}

/* Both ends of a connection that nobody uses at the moment learn that it was cut off. */
static void
test_bytes(Fixture *f, gconstpointer network)
{
  guint32 theirs[2], seen = 0;
  int fds[2] = { connect_from(f, 4000, &theirs[0]), connect_from(f, 4001, &theirs[1]) };
  Frame frame, large = frame_tcp("127.0.0.1", f->port, 4000, BT_TCP_ACK | 8, 101, theirs[0], "");
  BtPacket packet;
  char byte;

  frame_put16(frame_ip(&large) + 2, 20 + 20 + BYTES);
  large.size += BYTES;
  memset(large.bytes + large.size - BYTES, 'x', BYTES);
  frame_finish(&large);
  send_frame(f, large);
  while (seen != 3) {
    packet = receive_frame(f, &frame);
    g_assert_cmpint(packet.kind, ==, BT_PACKET_TCP);
    if ((packet.tcp.flags & BT_TCP_RST) == 0)
      continue;
    guint which = packet.destination_port == 4001;
    g_assert_cmpuint(packet.destination_port, ==, 4000 + which);
    g_assert_cmpuint(packet.tcp.sequence, ==, theirs[which]);
    seen |= 1u << which;
  }
  BtNetMsg message = receive_control(f, BT_NET_MSG_DENIED);
  g_assert_cmpuint(message.denied.reason, ==, BT_NET_REASON_BYTES);
  for (int i = 0; i < 2; i++) {
    g_assert_cmpint(receive(fds[i], &byte, 1), ==, -1);
    g_assert_cmpint(errno, ==, ECONNRESET);
    close(fds[i]);
  }
  /* And nothing begins any more. */
  send_frame(f, frame_tcp("127.0.0.1", f->port, 4002, BT_TCP_SYN, 100, 0, ""));
  packet = receive_frame(f, &frame);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST | BT_TCP_ACK);
  g_assert_cmpuint(packet.destination_port, ==, 4002);
}

/*
 * Libslirp has taken all that the far side sent, and waits for nothing of it until the worker has:
 * it is reset nevertheless, and not closed as if this were the end.
 */
static void
test_bytes_taken(Fixture *f, gconstpointer network)
{
  static const char bytes[100 << 10]; /* more than half of libslirp's room, and less than all */
  guint32 theirs;
  char byte;
  int fd = connect_from(f, 4000, &theirs);

  g_assert_cmpint(send(fd, bytes, sizeof bytes, 0), ==, sizeof bytes);
  BtNetMsg message = receive_control(f, BT_NET_MSG_DENIED);
  g_assert_cmpuint(message.denied.reason, ==, BT_NET_REASON_BYTES);
  g_assert_cmpint(receive(fd, &byte, 1), ==, -1);
  g_assert_cmpint(errno, ==, ECONNRESET);
  close(fd);
}

/* Many connections at once, in and out of the mirror of what libslirp polls. */
static void
test_many(Fixture *f, gconstpointer network)
{
  enum { N = 100 };
  int fds[N];
  Frame frame;
  char byte;

  for (guint round = 0; round < 3; round++) {
    for (guint i = 0; i < N; i++) {
      guint16 port = (guint16)(5000 + round * N + i);
      send_frame(f, frame_tcp("127.0.0.1", f->port, port, BT_TCP_SYN, 100, 0, ""));
      BtPacket packet;
      do
        packet = receive_frame(f, &frame);
      while (packet.tcp.flags != (BT_TCP_SYN | BT_TCP_ACK));
      guint32 theirs = packet.tcp.sequence + 1;
      send_frame(f, frame_tcp("127.0.0.1", f->port, port, BT_TCP_ACK | 8, 101, theirs, "x"));
      fds[i] = accept(f->listener, NULL, NULL);
      g_assert_cmpint(receive(fds[i], &byte, 1), ==, 1);
    }
    for (guint i = 0; i < N; i++) {
      g_assert_cmpint(send(fds[N - 1 - i], "y", 1, 0), ==, 1);
      BtPacket packet;
      do
        packet = receive_frame(f, &frame);
      while (packet.tcp.payload_size != 1);
      g_assert_cmpuint(packet.destination_port, ==, 5000 + round * N + N - 1 - i);
    }
    for (guint i = 0; i < N; i++) {
      send_frame(f, frame_tcp("127.0.0.1", f->port, (guint16)(5000 + round * N + i),
                              BT_TCP_RST | BT_TCP_ACK, 102, 0, ""));
      close(fds[i]);
    }
  }
}

static void
test_denied(Fixture *f, gconstpointer network)
{
  Frame frame;

  send_frame(f, frame_tcp("127.0.0.1", f->other, 4000, BT_TCP_SYN, 100, 0, ""));
  BtPacket packet = receive_frame(f, &frame);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST | BT_TCP_ACK);
  BtNetMsg message = receive_control(f, BT_NET_MSG_DENIED);
  g_assert_cmpuint(message.denied.reason, ==, BT_NET_REASON_POLICY);
  g_assert_cmpuint(message.denied.port, ==, f->other);
  g_assert_cmpuint(message.denied.proto, ==, BT_PROTO_TCP);
  g_assert_cmpuint(message.denied.count, ==, 1);

  /* libslirp's own address is the host's loopback by another name. */
  send_frame(f, frame_tcp(GATEWAY, f->port, 4000, BT_TCP_SYN, 100, 0, ""));
  packet = receive_frame(f, &frame);
  g_assert_cmpuint(packet.tcp.flags, ==, BT_TCP_RST | BT_TCP_ACK);
  message = receive_control(f, BT_NET_MSG_DENIED);
  g_assert_cmpint(message.denied.rule, ==, BT_NET_RULE_CLOSURE);
}

/* Nobody listens: the host's ICMP error reaches the worker, and the error queue is emptied. */
static void
test_udp_refused(Fixture *f, gconstpointer network)
{
  Frame frame;

  for (int i = 0; i < 3; i++) {
    send_frame(f, frame_udp("127.0.0.1", f->port, 4000, "ping"));
    BtPacket packet = receive_frame(f, &frame);
    g_assert_cmpint(packet.kind, ==, BT_PACKET_ICMP);
    g_assert_cmpuint(packet.icmp.type, ==, BT_ICMP_UNREACHABLE);
    g_assert_true(packet.icmp.has_inner);
    g_assert_cmpuint(packet.icmp.inner.destination_port, ==, f->port);
  }
}

/* UDP through libslirp, and back only from whom it was sent to. */
static void
test_udp(Fixture *f, gconstpointer network)
{
  struct sockaddr_in address = { .sin_port = htons(f->port) }, stranger = { 0 }, from;
  socklen_t length = sizeof from;
  int fd = bound_socket(SOCK_DGRAM, &address), other = bound_socket(SOCK_DGRAM, &stranger);
  char bytes[64];
  Frame frame;

  send_frame(f, frame_udp("127.0.0.1", f->port, 4000, "ping"));
  struct pollfd pollfd = { .fd = fd, .events = POLLIN };
  g_assert_cmpint(poll(&pollfd, 1, WAIT_MS), ==, 1);
  g_assert_cmpint(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length), ==, 4);
  /* First the stranger, so that a frame of its would be the one that is seen. */
  g_assert_cmpint(sendto(other, "evil", 4, 0, (struct sockaddr *)&from, length), ==, 4);
  g_assert_cmpint(sendto(fd, "pong", 4, 0, (struct sockaddr *)&from, length), ==, 4);
  BtPacket packet = receive_frame(f, &frame);
  g_assert_cmpint(packet.kind, ==, BT_PACKET_UDP);
  g_assert_cmpuint(packet.source_port, ==, f->port);
  g_assert_cmpmem(frame.bytes + frame.size - 4, 4, "pong", 4);
  close(fd);
  close(other);
}

static gsize
write_query(guint8 *bytes, guint16 id, const char *label, guint16 type)
{
  gsize length = strlen(label);

  memset(bytes, 0, 12);
  frame_put16(bytes, id);
  bytes[2] = 1; /* RD */
  bytes[5] = 1;
  bytes[12] = (guint8)length;
  memcpy(bytes + 13, label, length);
  bytes[13 + length] = 0;
  frame_put16(bytes + 14 + length, type);
  frame_put16(bytes + 16 + length, 1);
  return 18 + length;
}

static void
answer(Fixture *f, guint32 id, const char *address)
{
  BtNetMsgAnswer reply = { .header = { BT_NET_MSG_ANSWER, id },
                           .ttl = 30,
                           .n_addrs = 1,
                           .n_rules = 1,
                           .rules = { 1 } };
  g_assert_true(bt_addr_parse(address, &reply.addrs[0]));
  g_assert_cmpint(send(f->control, &reply, sizeof reply, 0), ==, sizeof reply);
}

static void
check_answer(const guint8 *bytes, gssize size, guint16 id, const char *label)
{
  g_assert_cmpint(size, ==, 18 + strlen(label) + 16);
  g_assert_cmpuint(bytes[0] << 8 | bytes[1], ==, id);
  g_assert_cmpuint(bytes[2] & 0x80, ==, 0x80);
  g_assert_cmpuint(bytes[3] & 15, ==, 0);
  g_assert_cmpuint(bytes[7], ==, 1);
  g_assert_cmpmem(bytes + 13, strlen(label), label, strlen(label)); /* its own case */
  g_assert_cmpmem(bytes + size - 4, 4, "\313\0\161\5", 4);          /* 203.0.113.5 */
}

/* Two clients with one question, in two spellings: one RESOLVE, two answers. */
static void
test_dns_udp(Fixture *f, gconstpointer network)
{
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  guint8 bytes[600];

  g_assert_cmpint(connect(fd, (struct sockaddr *)&f->dns, sizeof f->dns), ==, 0);
  gsize size = write_query(bytes, 7, "GitHub", BT_DNS_TYPE_A);
  g_assert_cmpint(send(fd, bytes, size, 0), ==, size);
  BtNetMsg message = receive_control(f, BT_NET_MSG_RESOLVE);
  g_assert_cmpstr(message.resolve.name, ==, "github");
  g_assert_cmpuint(message.resolve.type, ==, BT_DNS_TYPE_A);
  size = write_query(bytes, 8, "gitHUB", BT_DNS_TYPE_A);
  g_assert_cmpint(send(fd, bytes, size, 0), ==, size);
  /* Refused here; its reply shows that the two before were taken. */
  size = write_query(bytes, 9, "github", 255);
  g_assert_cmpint(send(fd, bytes, size, 0), ==, size);
  g_assert_cmpint(receive(fd, bytes, sizeof bytes), ==, size);
  g_assert_cmpuint(bytes[3] & 15, ==, BT_DNS_RCODE_REFUSED);

  answer(f, message.header.id, "203.0.113.5");
  check_answer(bytes, receive(fd, bytes, sizeof bytes), 7, "GitHub");
  check_answer(bytes, receive(fd, bytes, sizeof bytes), 8, "gitHUB");
  /* Nobody asked twice. */
  g_assert_cmpint(recv(f->control, bytes, sizeof bytes, MSG_DONTWAIT), ==, -1);
  close(fd);
}

/* More queries in one write than may be in flight, cut where it hurts. */
static void
test_dns_tcp(Fixture *f, gconstpointer network)
{
  enum { N = 20 };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  GByteArray *stream = g_byte_array_new();
  guint8 bytes[2048];

  g_assert_cmpint(connect(fd, (struct sockaddr *)&f->dns, sizeof f->dns), ==, 0);
  for (guint i = 0; i < N; i++) {
    g_autofree char *label = g_strdup_printf("name%02u", i);
    gsize size = write_query(bytes + 2, (guint16)i, label, BT_DNS_TYPE_A);
    frame_put16(bytes, size);
    g_byte_array_append(stream, bytes, size + 2);
  }
  g_assert_cmpint(send(fd, stream->data, 1, 0), ==, 1);
  g_assert_cmpint(send(fd, stream->data + 1, stream->len - 1, 0), ==, stream->len - 1);
  shutdown(fd, SHUT_WR); /* the answers are still owed */
  g_byte_array_unref(stream);
  for (guint i = 0; i < N; i++) {
    g_autofree char *label = g_strdup_printf("name%02u", i);
    BtNetMsg message = receive_control(f, BT_NET_MSG_RESOLVE);
    g_assert_cmpstr(message.resolve.name, ==, label);
    answer(f, message.header.id, "203.0.113.5");
    g_assert_cmpint(receive(fd, bytes, 2), ==, 2);
    gsize size = bytes[0] << 8 | bytes[1];
    check_answer(bytes, receive(fd, bytes, size), (guint16)i, label);
  }
  g_assert_cmpint(receive(fd, bytes, 1), ==, 0);
  close(fd);
}

/* Without a network grant it only explains. */
static void
test_no_network(Fixture *f, gconstpointer network)
{
  test_dns_udp(f, network);
  g_assert_cmpint(send(f->frame, "x", 1, MSG_NOSIGNAL), ==, -1); /* it was never given the other end */
}

/* A supervisor's message that cannot be ends it, rather than being guessed at. */
static void
test_bad_message(Fixture *f, gconstpointer network)
{
  g_assert_cmpint(send(f->control, "nonsense", 8, 0), ==, 8);
  char byte;
  g_assert_cmpint(receive(f->control, &byte, 1), ==, 0);
}

/* What its own status says of the confinement. */
static void
test_confined(Fixture *f, gconstpointer network)
{
  static const char *const lines[] = {
    "\nNoNewPrivs:\t1\n", "\nSeccomp:\t2\n", "\nCapEff:\t0000000000000000\n",
    "\nCapPrm:\t0000000000000000\n",
  };
  g_autofree char *path = g_strdup_printf("/proc/%d/status", f->pid), *text = NULL;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
    g_assert_nonnull(strstr(text, lines[i]));
}

/* Nothing but CONFIG may come first. */
static void
test_no_config(void)
{
  const BtNetMsgHeader ready = { .kind = BT_NET_MSG_READY };
  int control[2], status;

  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), ==, 0);
  GPid pid = spawn(control[1]);
  close(control[1]);
  g_assert_cmpint(send(control[0], &ready, sizeof ready, 0), ==, sizeof ready);
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, 3);
  close(control[0]);
}

/* Two that were sent before the first answer came: the second is still waited for after it. */
static void
test_udp_first(Fixture *f, gconstpointer network)
{
  struct sockaddr_in address = { .sin_port = htons(f->port) }, from[2];
  int fd = bound_socket(SOCK_DGRAM, &address);
  Frame frame;
  char byte;

  send_frame(f, frame_udp("127.0.0.1", f->port, 4000, "0"));
  send_frame(f, frame_udp("127.0.0.1", f->port, 4001, "1"));
  for (int i = 0; i < 2; i++) {
    socklen_t length = sizeof *from;
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };
    g_assert_cmpint(poll(&pollfd, 1, WAIT_MS), ==, 1);
    struct sockaddr_in sender;
    g_assert_cmpint(recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&sender, &length), ==, 1);
    from[byte - '0'] = sender;
  }
  for (int i = 0; i < 2; i++) {
    g_assert_cmpint(sendto(fd, "x", 1, 0, (struct sockaddr *)&from[i], sizeof *from), ==, 1);
    BtPacket packet = receive_frame(f, &frame);
    g_assert_cmpint(packet.kind, ==, BT_PACKET_UDP);
    g_assert_cmpuint(packet.destination_port, ==, 4000 + i);
  }
  close(fd);
}

/* ---- garbage ---- */

/* Of a connection to what is allowed, if the far side was heard of: in time or not. */
static Frame
bent_segment(Fixture *f, GRand *rand, const Frame *heard)
{
  guint16 port = (guint16)(4000 + mutant_below(rand, 64));
  guint32 ours = 100 + mutant_below(rand, 3), theirs = g_rand_int(rand);
  guint flags = mutant_below(rand, 2) == 0 ? BT_TCP_SYN : BT_TCP_ACK;
  guint8 data[64];
  BtPacket packet;

  if (mutant_below(rand, 4) == 0)
    return frame_udp("127.0.0.1", f->port, port, "garbage");
  if (mutant_below(rand, 2) == 0 &&
      bt_packet_parse(heard->bytes, heard->size, &packet) == BT_PACKET_TCP) {
    port = packet.destination_port;
    ours = packet.tcp.acknowledgement;
    theirs = packet.tcp.sequence + packet.tcp.payload_size + (packet.tcp.flags & BT_TCP_SYN ? 1 : 0);
    flags = BT_TCP_ACK | (mutant_below(rand, 8) == 0 ? BT_TCP_FIN : 0);
  }
  mutant_fill(rand, data, sizeof data);
  Mutant mutant = { .protocol = BT_IP_TCP, .transport = BT_ETHERNET_SIZE + 20 };
  mutant.frame = frame_tcp_bytes("127.0.0.1", f->port, port, flags, ours, theirs, data,
                                 mutant_below(rand, sizeof data));
  if (mutant_below(rand, 2) == 0)
    mutant_bend_tcp(rand, &mutant);
  if (mutant_below(rand, 8) == 0)
    mutant_bend_ip(rand, &mutant);
  mutant_finish(&mutant);
  return mutant.frame;
}

/* Takes whatever comes back, so that nothing waits for us. Was a connection from port answered? */
static gboolean
drain(Fixture *f, Frame *heard, guint16 port)
{
  gboolean answered = FALSE;
  char bytes[sizeof(BtNetMsg)];
  BtPacket packet;
  gssize got;

  while ((got = recv(f->frame, heard->bytes, sizeof heard->bytes, MSG_DONTWAIT)) > 0) {
    heard->size = (gsize)got;
    answered |= bt_packet_parse(heard->bytes, heard->size, &packet) == BT_PACKET_TCP &&
                packet.destination_port == port &&
                packet.tcp.flags == (BT_TCP_SYN | BT_TCP_ACK);
  }
  while (recv(f->control, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  for (int fd; (fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;)
    close(fd);
  return answered;
}

static void
ask_garbage(Fixture *f, GRand *rand, int udp)
{
  guint8 bytes[600] = { 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 1, 'b', 0, 0, 1, 0, 1 };
  gsize size = mutant_below(rand, 4) == 0 ? mutant_below(rand, sizeof bytes) : 21;

  for (guint i = mutant_below(rand, 4); i > 0; i--)
    bytes[mutant_below(rand, 24)] = mutant_byte(rand);
  sendto(udp, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&f->dns, sizeof f->dns);
  while (recv(udp, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  if (mutant_below(rand, 64) != 0)
    return;
  int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bytes[0] = mutant_byte(rand);
  bytes[1] = mutant_byte(rand);
  if (connect(tcp, (struct sockaddr *)&f->dns, sizeof f->dns) == 0)
    send(tcp, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  close(tcp);
}

static guint64
resident_kib(Fixture *f)
{
  g_autofree char *path = g_strdup_printf("/proc/%d/status", f->pid), *text = NULL;

  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  return g_ascii_strtoull(strstr(text, "VmRSS:") + strlen("VmRSS:"), NULL, 10);
}

/*
 * For a second, with -m slow for three minutes: on the wire, and to the resolver. It then still does
 * what it is for, and has not grown; that it ends well is seen when it is ended.
 */
static void
test_garbage(Fixture *f, gconstpointer network)
{
  gint64 end = g_get_monotonic_time() + (g_test_slow() ? 180 : 1) * G_USEC_PER_SEC;
  int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  MutantSource source = { .rand = g_rand_new_with_seed((guint32)g_test_rand_int()) };
  guint64 before = 0, frames = 0;
  Frame heard = { .size = 0 };

  g_unix_set_fd_nonblocking(f->listener, TRUE, NULL);
  while (g_get_monotonic_time() < end || frames <= 4096) {
    for (int i = 0; i < 16; i++, frames++)
      send_frame(f, mutant_below(source.rand, 2) == 0 ? mutant_next(&source)
                                                      : bent_segment(f, source.rand, &heard));
    ask_garbage(f, source.rand, udp);
    drain(f, &heard, 0);
    if (frames == 4096)
      before = resident_kib(f); /* the tables have been filled once */
  }
  send_frame(f, frame_tcp("127.0.0.1", f->port, 60000, BT_TCP_SYN, 100, 0, ""));
  end = g_get_monotonic_time() + 2 * WAIT_MS * 1000;
  while (!drain(f, &heard, 60000)) {
    g_assert_cmpint(g_get_monotonic_time(), <, end);
    g_usleep(1000);
  }
  g_test_message("%" G_GUINT64_FORMAT " frames; %" G_GUINT64_FORMAT " KiB, then %" G_GUINT64_FORMAT,
                 frames, before, resident_kib(f));
#ifndef BT_SANITIZED
  g_assert_cmpuint(resident_kib(f), <, before + 16 * 1024);
#endif
  g_rand_free(source.rand);
  close(udp);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function, network)                                                             \
  g_test_add("/net-helper/" name, Fixture, GINT_TO_POINTER(network), set_up, function, tear_down)
  ADD("tcp", test_tcp, NETWORK);
  ADD("closed", test_closed, NETWORK);
  ADD("bytes", test_bytes, FEW_BYTES);
  ADD("bytes-taken", test_bytes_taken, FEW_BYTES);
  ADD("many", test_many, NETWORK);
  ADD("denied", test_denied, NETWORK);
  ADD("udp", test_udp, NETWORK);
  ADD("udp-refused", test_udp_refused, NETWORK);
  ADD("udp-first", test_udp_first, NETWORK);
  ADD("dns-udp", test_dns_udp, NETWORK);
  ADD("dns-tcp", test_dns_tcp, NETWORK);
  ADD("garbage", test_garbage, NETWORK);
  ADD("no-network", test_no_network, NO_NETWORK);
  ADD("bad-message", test_bad_message, NETWORK);
  ADD("confined", test_confined, NETWORK);
  g_test_add_func("/net-helper/no-config", test_no_config);
  return g_test_run();
}
