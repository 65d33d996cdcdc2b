/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-net-send.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>

#include "policy/buntime-error.h"

static gboolean
send_with_fds(int fd, const void *bytes, gsize size, const int *fds, guint n_fds)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_NET_MSG_MAX_FDS)];
  } control = { .space = { 0 } };
  struct iovec iovec = { .iov_base = (void *)bytes, .iov_len = size };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_SPACE(sizeof(int) * n_fds),
  };
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);

  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
  memcpy(CMSG_DATA(part), fds, sizeof(int) * n_fds);
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (gssize)size;
}

/* As fast as fits into the message. */
static GBytes *
compile_policy(BtPolicy *source)
{
  GBytes *policy = bt_policy_compile_net(source);

  if (g_bytes_get_size(policy) <= BT_NET_MSG_MAX_SIZE - sizeof(BtNetMsgConfig))
    return policy;
  g_bytes_unref(policy);
  return bt_policy_compile_net_plain(source);
}

static guint64
limit_or(BtPolicy *policy, BtLimit limit, guint64 any)
{
  guint64 value;
  return bt_policy_get_limit(policy, limit, &value, NULL) ? MIN(value, any - 1) : any;
}

gboolean
bt_net_send_config(int fd, const BtNetParts *parts, gboolean tell_flows, gboolean tell_counts,
                   const int *fds, guint n_fds, GError **error)
{
  g_autoptr(GBytes) policy = compile_policy(parts->policy);
  gsize policy_size;
  const void *policy_bytes = g_bytes_get_data(policy, &policy_size);
  gsize size = sizeof(BtNetMsgConfig) + policy_size;
  BtNetMsgConfig config = {
    .header.kind = BT_NET_MSG_CONFIG,
    .worker_address = parts->net->address,
    .gateway = parts->net->gateway,
    .prefix_length = parts->net->prefix_length,
    .mtu = parts->net->mtu,
    .worker_address6 = parts->net->address6,
    .gateway6 = parts->net->gateway6,
    .pin_seconds = BT_NAMES_PIN_SECONDS,
    .policy_size = (guint32)policy_size,
    .flow_rate = (guint32)limit_or(parts->policy, BT_LIMIT_NET_RATE, BT_NET_MSG_ANY_RATE),
    .byte_limit = limit_or(parts->policy, BT_LIMIT_NET_BYTES, BT_NET_MSG_ANY_BYTES),
    .tell_flows = tell_flows,
    .tell_counts = tell_counts,
  };

  if (size > BT_NET_MSG_MAX_SIZE)
    return bt_fail(error, BUNTIME_ERROR_POLICY, "net.rules", _("too many rules"),
                   _("use wider address ranges or fewer port lists"));
  memcpy(config.worker_mac, parts->net->mac, sizeof config.worker_mac);
  memcpy(config.gateway_mac, parts->net->gateway_mac, sizeof config.gateway_mac);
  g_autofree char *message = g_malloc(size);
  memcpy(message, &config, sizeof config);
  memcpy(message + sizeof config, policy_bytes, policy_size);
  if (send_with_fds(fd, message, size, fds, n_fds))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_SETUP, "buntime-net", g_strerror(errno), NULL);
}

gboolean
bt_net_send_stream(int fd, int stream)
{
  const char byte = 0;
  return send_with_fds(fd, &byte, 1, &stream, 1);
}

gboolean
bt_net_send_relays(int fd, const int *fds, guint n_fds)
{
  const BtNetMsgRelays message = {
    .header.kind = BT_NET_MSG_RELAYS,
    .n_listeners = n_fds,
  };

  return n_fds == 0 || send_with_fds(fd, &message, sizeof message, fds, n_fds);
}

gboolean
bt_net_send_published(int fd, const BtNetParts *parts, const int *dialers, guint n_dialers)
{
  BtNetMsgPublish message = {
    .header.kind = BT_NET_MSG_PUBLISH,
    .n_listeners = parts->published->len,
    .n_dialers = n_dialers,
    .tell = (bt_policy_get_audit(parts->policy) & BT_AUDIT_CONNECT) != 0,
  };
  int fds[BT_NET_MSG_MAX_FDS];
  guint n_fds = 0;

  if (parts->published->len == 0)
    return TRUE;
  for (guint i = 0; i < parts->published->len; i++) {
    const BtPublished *published = g_ptr_array_index(parts->published, i);
    message.ports[i] = published->inner;
    fds[n_fds++] = published->fd;
  }
  memcpy(fds + n_fds, dialers, n_dialers * sizeof *fds);
  return send_with_fds(fd, &message, sizeof message, fds, n_fds + n_dialers);
}
