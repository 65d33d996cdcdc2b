/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * buntime-net run for real: the test plays the supervisor on the control
 * socket, and whoever else it talks to.
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
enum { NO_NETWORK, NETWORK, FEW_BYTES, HANDED };
#define BYTES 400

typedef struct {
  GPid pid;
  int control, frame;
  int listener;        /* what the worker may reach */
  guint16 port, other; /* the listener's, and one nobody has */
  struct sockaddr_in dns;
  int streams; /* HANDED: by which those of DNS are handed over */
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
send_config(Fixture *f, const int *fds, gsize n_fds, guint64 bytes, guint pin_seconds)
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
                .pin_seconds = pin_seconds,
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
  f->streams = -1;
  if (GPOINTER_TO_INT(network) == HANDED) {
    int streams[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, streams), ==, 0);
    send_config(f, &streams[1], 1, BT_NET_MSG_ANY_BYTES, 1);
    close(streams[1]);
    f->streams = streams[0];
  } else {
    send_config(f, (const int[]){ udp, tcp, frames[1] },
                GPOINTER_TO_INT(network) != NO_NETWORK ? 3 : 2,
                GPOINTER_TO_INT(network) == FEW_BYTES ? BYTES : BT_NET_MSG_ANY_BYTES, 60);
  }
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
  if (f->streams >= 0)
    close(f->streams);
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
