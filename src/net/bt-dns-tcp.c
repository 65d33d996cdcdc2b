/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-dns-tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-watch.h"

#define MAX_CLIENTS 16u
/* Where every question comes by a stream of its own. */
#define MAX_HANDED_CLIENTS 256u
#define MAX_IN_FLIGHT 8u
#define MAX_QUEUED 65536u
#define MAX_REPLY 4096u
#define SILENCE (10 * G_USEC_PER_SEC)

/* Referenced by its place in the list and by each query in flight. */
typedef struct {
  BtDnsTcp *tcp;
  int fd; /* -1: closed, kept for the queries in flight */
  guint in_flight;
  gboolean eof; /* nothing more will come */
  guint in_source, out_source;
  gint64 last_active;
  gsize have; /* bytes in buffer */
  guint8 buffer[2 + BT_DNS_MAX_QUERY_SIZE];
  GByteArray *out;
} Client;

struct _BtDnsTcp {
  int fd;
  guint max_clients;
  guint source;
  GQueue clients; /* Client, oldest activity not kept in order: there are few */
  BtLookups *lookups;
  void (*accepted)(gpointer data);
  gpointer data;
};

static void client_read(Client *client);

static void
client_clear(gpointer data)
{
  g_byte_array_unref(((Client *)data)->out);
}

static void
client_unref(gpointer data)
{
  g_rc_box_release_full(data, client_clear);
}

static void
client_close(Client *client)
{
  if (client->fd < 0)
    return;
  g_clear_handle_id(&client->in_source, g_source_remove);
  g_clear_handle_id(&client->out_source, g_source_remove);
  close(client->fd);
  client->fd = -1;
  g_queue_remove(&client->tcp->clients, client);
  client_unref(client);
}

/* Sends what is queued; FALSE if the client is gone. */
static gboolean
client_flush(Client *client)
{
  while (client->out->len > 0) {
    gssize sent = send(client->fd, client->out->data, client->out->len,
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
      return errno == EAGAIN || errno == EINTR;
    client->last_active = g_get_monotonic_time();
    g_byte_array_remove_range(client->out, 0, (guint)sent);
  }
  return TRUE;
}

static gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
  Client *client = data;

  if (!client_flush(client)) {
    client->out_source = 0;
    client_close(client);
    return G_SOURCE_REMOVE;
  }
  if (client->out->len > 0)
    return G_SOURCE_CONTINUE;
  client->out_source = 0;
  if (client->eof && client->in_flight == 0)
    client_close(client);
  return G_SOURCE_REMOVE;
}

static void
on_reply(gpointer data, const BtDnsQuery *query, const BtDnsReply *reply)
{
  Client *client = data;
  guint8 bytes[MAX_REPLY];

  client->in_flight--;
  if (client->fd < 0)
    return;
  gsize size = bt_dns_reply_write(query, reply, bytes + 2, sizeof bytes - 2);
  bytes[0] = (guint8)(size >> 8);
  bytes[1] = (guint8)size;
  if (client->out->len + size + 2 > MAX_QUEUED) {
    client_close(client);
    return;
  }
  g_byte_array_append(client->out, bytes, (guint)size + 2);
  if (client->out_source == 0)
    client->out_source = bt_watch_fd(client->fd, G_IO_OUT, on_writable, client);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  Client *client = data;

  g_rc_box_acquire(client);
  client_read(client);
  /* Closed: the source is gone already. */
  gboolean on = client->fd >= 0 && client->in_source != 0;
  client_unref(client);
  return on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean
on_resume(gpointer data)
{
  Client *client = data;

  client->in_source = bt_watch_fd(client->fd, G_IO_IN, on_readable, client);
  g_rc_box_acquire(client);
  client_read(client); /* what was left in the buffer makes no descriptor readable */
  client_unref(client);
  return G_SOURCE_REMOVE;
}

/* The reply to a query makes room for another. */
static void
on_query_done(gpointer data)
{
  Client *client = data;

  if (client->fd >= 0 && client->in_source == 0 && !client->eof)
    client->in_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_resume, client, NULL);
  client_unref(client);
}

/* Gives away the messages in the buffer. FALSE: nonsense. */
static gboolean
client_parse(Client *client)
{
  const guint8 *message;
  gsize size, used;

  while (client->in_flight < MAX_IN_FLIGHT &&
         bt_dns_frame_next(client->buffer, client->have, &message, &size, &used)) {
    if (size == 0)
      return FALSE;
    client->in_flight++;
    g_rc_box_acquire(client);
    if (!bt_lookups_query(client->tcp->lookups, message, size, on_reply, client, on_query_done,
                          g_get_monotonic_time())) {
      client->in_flight--;
      return FALSE;
    }
    memmove(client->buffer, client->buffer + used, client->have - used);
    client->have -= used;
  }
  return TRUE;
}

/* Takes what has come. FALSE: nonsense or an error. */
static gboolean
client_receive(Client *client)
{
  gssize got = recv(client->fd, client->buffer + client->have,
                    sizeof client->buffer - client->have, MSG_DONTWAIT);

  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0) {
    /* It may have shut down only its own end, and wait for its replies. */
    client->eof = TRUE;
    return client->in_flight > 0 || client->out->len > 0;
  }
  client->last_active = g_get_monotonic_time();
  client->have += got;
  return client_parse(client);
}

static void
client_read(Client *client)
{
  gboolean open = client_parse(client);

  if (open && client->fd >= 0 && client->in_flight < MAX_IN_FLIGHT)
    open = client_receive(client);
  if (client->fd < 0)
    return;
  if (!open)
    client_close(client);
  else if (client->eof || client->in_flight >= MAX_IN_FLIGHT)
    g_clear_handle_id(&client->in_source, g_source_remove); /* until on_query_done() */
}

/* The client that was silent longest. */
static Client *
find_idle(BtDnsTcp *self)
{
  Client *idle = NULL;

  for (GList *link = self->clients.head; link != NULL; link = link->next) {
    Client *client = link->data;
    if (idle == NULL || client->last_active < idle->last_active)
      idle = client;
  }
  return idle;
}

/* Takes fd. */
static void
add_client(BtDnsTcp *self, int fd)
{
  if (self->clients.length >= self->max_clients)
    client_close(find_idle(self));
  Client *client = g_rc_box_new0(Client);
  client->tcp = self;
  client->fd = fd;
  client->last_active = g_get_monotonic_time();
  client->out = g_byte_array_new();
  client->in_source = bt_watch_fd(fd, G_IO_IN, on_readable, client);
  g_queue_push_tail(&self->clients, client);
  self->accepted(self->data);
}

static gboolean
on_accept(int listener, GIOCondition condition, gpointer data)
{
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (fd >= 0)
    add_client(data, fd);
  return G_SOURCE_CONTINUE;
}

/* The supervisor has accepted it, and sends one at a time. When it hangs up, all ends. */
static gboolean
on_handed(int socket, GIOCondition condition, gpointer data)
{
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  char byte;
  struct iovec iovec = { .iov_base = &byte, .iov_len = 1 };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = CMSG_LEN(sizeof(int)), /* its padding would hold another */
  };
  int fd;

  gssize got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  struct cmsghdr *part = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
  if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
    return got > 0;
  memcpy(&fd, CMSG_DATA(part), sizeof fd);
  add_client(data, fd);
  return G_SOURCE_CONTINUE;
}

static BtDnsTcp *
dns_tcp_new(int fd, GUnixFDSourceFunc func, guint max_clients, BtLookups *lookups,
            void (*accepted)(gpointer data), gpointer data)
{
  BtDnsTcp *self = g_new0(BtDnsTcp, 1);
  self->fd = fd;
  self->max_clients = max_clients;
  self->lookups = lookups;
  self->accepted = accepted;
  self->data = data;
  g_queue_init(&self->clients);
  g_unix_set_fd_nonblocking(fd, TRUE, NULL);
  self->source = bt_watch_fd(fd, G_IO_IN, func, self);
  return self;
}

BtDnsTcp *
bt_dns_tcp_new(int fd, BtLookups *lookups, void (*accepted)(gpointer data), gpointer data)
{
  return dns_tcp_new(fd, on_accept, MAX_CLIENTS, lookups, accepted, data);
}

BtDnsTcp *
bt_dns_tcp_new_handed(int fd, BtLookups *lookups, void (*accepted)(gpointer data), gpointer data)
{
  return dns_tcp_new(fd, on_handed, MAX_HANDED_CLIENTS, lookups, accepted, data);
}

void
bt_dns_tcp_free(BtDnsTcp *self)
{
  while (self->clients.head != NULL)
    client_close(self->clients.head->data);
  g_clear_handle_id(&self->source, g_source_remove);
  close(self->fd);
  g_free(self);
}

gboolean
bt_dns_tcp_sweep(BtDnsTcp *self, gint64 now)
{
  GList *next;

  for (GList *link = self->clients.head; link != NULL; link = next) {
    Client *client = link->data;
    next = link->next;
    if (client->last_active + SILENCE <= now && client->in_flight == 0)
      client_close(client);
  }
  return self->clients.length > 0;
}
