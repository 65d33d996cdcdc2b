/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-net run for real: the test plays the supervisor on the control
 * socket and the worker on the frame fd and the DNS sockets. What is reached
 * through libslirp is a listener of the test's own on 127.0.0.1, by a rule
 * that names the loopback.
 */
#include "net-helper-fixture.h"

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
