/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-watch.h"

/* Messages taken in one dispatch. */
#define BATCH 32

typedef struct {
  const BtControlFuncs *funcs;
  gpointer data;
} Watch;

/* Takes the descriptors of a message; returns how many. */
static gsize
take_fds(struct msghdr *message, int fds_out[BT_NET_MSG_MAX_FDS])
{
  gsize count = 0;

  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
       part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
      continue;
    gsize n = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (gsize i = 0; i < n; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      if (count < BT_NET_MSG_MAX_FDS)
        fds_out[count++] = fd;
      else
        close(fd);
    }
  }
  return count;
}

static gssize
receive(int fd, guint8 *bytes, gsize size, int fds_out[BT_NET_MSG_MAX_FDS], gsize *n_fds_out)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_NET_MSG_MAX_FDS)];
  } control;
  struct iovec iovec = { .iov_base = bytes, .iov_len = size };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control,
  };
  gssize got;

  do
    got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  *n_fds_out = got >= 0 ? take_fds(&message, fds_out) : 0;
  if (got >= 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return -1;
  return got;
}

/* One message of the set-up, and whether it is the last. FALSE: of no use. */
static gboolean
take_setup(BtSetup *setup, const guint8 *bytes, gsize size, const int *fds, gsize n_fds,
           gboolean *last_out)
{
  const guint8 *policy;
  BtNetMsg message;

  if (!bt_net_msg_parse(bytes, size, &message, &policy))
    return FALSE;
  *last_out = message.header.kind == BT_NET_MSG_CONFIG;
  if (message.header.kind == BT_NET_MSG_RELAYS && setup->n_relays == 0) {
    setup->n_relays = message.relays.n_listeners;
    memcpy(setup->relay_fds, fds, n_fds * sizeof *fds);
    return n_fds == setup->n_relays && n_fds > 0;
  }
  if (message.header.kind == BT_NET_MSG_PUBLISH && setup->publish.n_listeners == 0) {
    setup->publish = message.publish;
    memcpy(setup->publish_fds, fds, n_fds * sizeof *fds);
    return n_fds == message.publish.n_listeners + message.publish.n_dialers;
  }
  if (!*last_out || n_fds < 1)
    return FALSE;
  setup->config = message.config;
  setup->policy_bytes = g_memdup2(policy, message.config.policy_size);
  if (n_fds == 1) {
    setup->streams_fd = fds[0];
    return setup->n_relays == 0 && setup->publish.n_listeners == 0;
  }
  setup->udp_fd = fds[0];
  setup->tcp_fd = fds[1];
  setup->frame_fd = n_fds > 2 ? fds[2] : -1;
  setup->capture_fd = n_fds > 3 ? fds[3] : -1;
  return TRUE;
}

gboolean
bt_control_receive_setup(int fd, BtSetup *setup_out)
{
  /* Not on the heap: letting go of a mapping costs more than all that is in it. */
  static guint8 bytes[BT_NET_MSG_MAX_SIZE] __attribute__((aligned(8)));
  int fds[BT_NET_MSG_MAX_FDS];
  gboolean last = FALSE;
  gsize n_fds;

  *setup_out = (BtSetup){
    .udp_fd = -1, .tcp_fd = -1, .streams_fd = -1, .frame_fd = -1, .capture_fd = -1,
  };
  while (!last) {
    gssize got = receive(fd, bytes, sizeof bytes, fds, &n_fds);
    if (got <= 0 || !take_setup(setup_out, bytes, got, fds, n_fds, &last))
      return FALSE;
  }
  return bt_net_policy_open(setup_out->policy_bytes, setup_out->config.policy_size,
                            &setup_out->policy);
}

gboolean
bt_control_send(int fd, gconstpointer message, gsize size)
{
  return send(fd, message, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize)size;
}

/* FALSE once there is nothing more to expect from the supervisor. */
static gboolean
handle(const Watch *watch, const guint8 *bytes, gssize size)
{
  const guint8 *unused;
  BtNetMsg message;

  if (!bt_net_msg_parse(bytes, size, &message, &unused))
    return FALSE;
  switch (message.header.kind) {
  case BT_NET_MSG_ANSWER:
    watch->funcs->answer(watch->data, &message.answer);
    return TRUE;
  case BT_NET_MSG_HOST_ADDRS:
    watch->funcs->host_addrs(watch->data, &message.host_addrs);
    return TRUE;
  case BT_NET_MSG_FINISH:
    watch->funcs->finish(watch->data);
    return TRUE;
  case BT_NET_MSG_OPEN:
    watch->funcs->open(watch->data, &message.open);
    return TRUE;
  default:
    return FALSE;
  }
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  const Watch *watch = data;
  union {
    guint64 align;
    guint8 bytes[sizeof(BtNetMsg) + 8];
  } buffer;

  for (int i = 0; i < BATCH; i++) {
    /* recv() and not recvmsg(): the kernel drops descriptors nobody asked for. */
    gssize got = recv(fd, buffer.bytes, sizeof buffer.bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      return G_SOURCE_CONTINUE;
    if (got <= 0 || !handle(watch, buffer.bytes, got)) {
      watch->funcs->ended(watch->data);
      return G_SOURCE_REMOVE;
    }
  }
  return G_SOURCE_CONTINUE;
}

void
bt_control_watch(int fd, const BtControlFuncs *funcs, gpointer data)
{
  Watch *watch = g_new0(Watch, 1);
  watch->funcs = funcs;
  watch->data = data;
  bt_watch_fd(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, watch);
}
