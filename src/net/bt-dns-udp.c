/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-dns-udp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-watch.h"

#define BATCH 32

struct _BtDnsUdp {
  int fd;
  guint source;
  BtLookups *lookups;
};

typedef struct {
  int fd; /* the responder lives as long as the process does */
  struct sockaddr_storage address;
  socklen_t length;
} Client;

static void
on_reply(gpointer data, const BtDnsQuery *query, const BtDnsReply *reply)
{
  const Client *client = data;
  guint8 bytes[BT_DNS_MAX_UDP_SIZE];
  gsize size = bt_dns_reply_write(query, reply, bytes, query->udp_size);

  /* A client that does not read loses its answer, as on any network. */
  if (size > 0)
    sendto(client->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL,
           (const struct sockaddr *)&client->address, client->length);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtDnsUdp *self = data;
  guint8 bytes[BT_DNS_MAX_QUERY_SIZE + 1];

  for (int i = 0; i < BATCH; i++) {
    Client client = { .fd = fd, .length = sizeof client.address };
    gssize got = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT,
                          (struct sockaddr *)&client.address, &client.length);
    if (got < 0 && errno == EAGAIN)
      break;
    if (got <= 0) /* an empty datagram, or an earlier answer's client was gone */
      continue;
    bt_lookups_query(self->lookups, bytes, got, on_reply, g_memdup2(&client, sizeof client),
                     g_free, g_get_monotonic_time());
  }
  return G_SOURCE_CONTINUE;
}

BtDnsUdp *
bt_dns_udp_new(int fd, BtLookups *lookups)
{
  BtDnsUdp *self = g_new0(BtDnsUdp, 1);
  self->fd = fd;
  self->lookups = lookups;
  self->source = bt_watch_fd(fd, G_IO_IN, on_readable, self);
  return self;
}

void
bt_dns_udp_free(BtDnsUdp *self)
{
  g_clear_handle_id(&self->source, g_source_remove);
  close(self->fd);
  g_free(self);
}
