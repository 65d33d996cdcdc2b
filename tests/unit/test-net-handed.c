/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-net where the sandbox has no network of its own: streams of DNS are handed over to it, and
 * it moves no packets.
 */
#include "net-helper-fixture.h"

static int
hand_over(Fixture *f)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = { .space = { 0 } };
  char byte = 0;
  struct iovec iovec = { &byte, 1 };
  struct msghdr message = { .msg_iov = &iovec,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof control };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  int ends[2];

  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(part), &ends[1], sizeof(int));
  g_assert_cmpint(sendmsg(f->streams, &message, 0), ==, 1);
  close(ends[1]);
  return ends[0];
}

/* More clients than a listener has; and a pin ends by itself, since there are no flows here. */
static void
test_handed(Fixture *f, gconstpointer network)
{
  enum { N = 40 };
  int fds[N];
  guint8 bytes[600];

  g_assert_cmpint(send(f->streams, "x", 1, 0), ==, 1); /* nothing comes with it: nothing happens */
  for (guint i = 0; i < N; i++) {
    g_autofree char *label = g_strdup_printf("name%02u", i);
    fds[i] = hand_over(f);
    gsize size = write_query(bytes + 2, (guint16)i, label, BT_DNS_TYPE_A);
    bytes[0] = 0;
    bytes[1] = (guint8)size;
    g_assert_cmpint(send(fds[i], bytes, size + 2, 0), ==, size + 2);
    BtNetMsg message = receive_control(f, BT_NET_MSG_RESOLVE);
    g_assert_cmpstr(message.resolve.name, ==, label);
    answer(f, message.header.id, "203.0.113.5");
  }
  for (guint i = 0; i < N; i++) {
    g_autofree char *label = g_strdup_printf("name%02u", i);
    g_assert_cmpint(receive(fds[i], bytes, 2), ==, 2);
    check_answer(bytes, receive(fds[i], bytes, bytes[0] << 8 | bytes[1]), (guint16)i, label);
    close(fds[i]);
  }
  BtNetMsg message = receive_control(f, BT_NET_MSG_UNPIN);
  BtAddr addr;
  g_assert_true(bt_addr_parse("203.0.113.5", &addr));
  g_assert_true(bt_addr_equal(&message.unpin.addr, &addr));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/net-handed/streams", Fixture, GINT_TO_POINTER(HANDED), set_up, test_handed, tear_down);
  return g_test_run();
}
