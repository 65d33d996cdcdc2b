/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/bt-watch.h"

#define BUFFER_SIZE (32u << 10)
/* Buffers passed on in one dispatch and direction. */
#define BATCH 4

/* What is read from one socket, on its way to the other. */
typedef struct {
  gsize start, end;
  gboolean eof;  /* nothing more will come */
  gboolean done; /* and the other side has been told */
  guint64 bytes;
  guint8 buffer[BUFFER_SIZE];
} Half;

typedef struct {
  BtRelay *relay;
  int fd;
  guint source;
  GIOCondition watched; /* 0: not */
} End;

struct _BtRelay {
  End ends[2];
  Half halves[2]; /* by where they are read from */
  gboolean connecting;
  int finishing; /* the end that nobody is at any more; -1: neither */
  const BtRelayFuncs *funcs;
  gpointer data;
};

/* FALSE: an error. *more_out: the buffer is full. */
static gboolean
fill(BtRelay *self, int from, gboolean *more_out)
{
  Half *half = &self->halves[from];
  int fd = self->ends[from].fd;
  gssize got = recv(fd, half->buffer, sizeof half->buffer, MSG_DONTWAIT);

  *more_out = got > 0;
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  if (got == 0) {
    half->eof = TRUE;
    return TRUE;
  }
  half->start = 0;
  half->end = (gsize)got;
  if (!self->funcs->passing(self->data, (BtRelayEnd)from, (gsize)got))
    return FALSE;
  half->bytes += (guint64)got;
  return TRUE;
}

/* FALSE: an error. *more_out: the buffer is empty. */
static gboolean
drain(Half *half, int fd, gboolean *more_out)
{
  *more_out = TRUE;
  while (half->start < half->end) {
    gssize sent = send(fd, half->buffer + half->start, half->end - half->start,
                       MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      *more_out = FALSE;
      return errno == EAGAIN || errno == EINTR;
    }
    half->start += (gsize)sent;
  }
  return TRUE;
}

/* Passes on what one socket has for the other. FALSE: an error. */
static gboolean
pump(BtRelay *self, int from)
{
  Half *half = &self->halves[from];
  int out = self->ends[!from].fd;
  gboolean more = TRUE;

  for (int i = 0; more && i < BATCH; i++) {
    if (!drain(half, out, &more))
      return FALSE;
    if (more && !half->eof && !fill(self, from, &more))
      return FALSE;
    more &= !half->eof;
  }
  if (!half->eof || half->done || half->start < half->end)
    return TRUE;
  half->done = TRUE;
  return shutdown(out, SHUT_WR) == 0;
}

static gboolean
finish_connect(BtRelay *self)
{
  int error = 0;
  socklen_t size = sizeof error;

  self->connecting = FALSE;
  if (getsockopt(self->ends[BT_RELAY_FAR].fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
      error != 0)
    return FALSE;
  if (self->funcs->connected != NULL)
    self->funcs->connected(self->data);
  return TRUE;
}

static gboolean on_ready(int fd, GIOCondition condition, gpointer data);

static GIOCondition
wanted(const BtRelay *self, int end)
{
  const Half *in = &self->halves[end], *out = &self->halves[!end];
  GIOCondition condition = 0;

  if (self->connecting)
    return end == BT_RELAY_FAR ? G_IO_OUT : 0;
  if (!in->eof && in->start == in->end)
    condition |= G_IO_IN;
  if (out->start < out->end)
    condition |= G_IO_OUT;
  return condition;
}

static void
watch(BtRelay *self, int end)
{
  End *one = &self->ends[end];
  GIOCondition condition = wanted(self, end);

  if (condition == one->watched)
    return;
  g_clear_handle_id(&one->source, g_source_remove);
  one->watched = condition;
  if (condition != 0)
    one->source = bt_watch_fd(one->fd, condition, on_ready, one);
}

static gboolean
is_done(const BtRelay *self)
{
  if (self->finishing >= 0)
    return self->halves[self->finishing].done;
  return self->halves[BT_RELAY_NEAR].done && self->halves[BT_RELAY_FAR].done;
}

static gboolean
on_ready(int fd, GIOCondition condition, gpointer data)
{
  BtRelay *self = ((End *)data)->relay;
  gboolean ok = !self->connecting || finish_connect(self);

  ok = ok && pump(self, BT_RELAY_NEAR) && pump(self, BT_RELAY_FAR);
  if (!ok || is_done(self)) {
    self->funcs->ended(self->data, self, !ok);
    return G_SOURCE_CONTINUE; /* the source is gone already */
  }
  watch(self, BT_RELAY_NEAR);
  watch(self, BT_RELAY_FAR);
  return G_SOURCE_CONTINUE;
}

BtRelay *
bt_relay_new(int near, int far, const BtRelayFuncs *funcs, gpointer data)
{
  BtRelay *self = g_malloc(sizeof *self);

  /* All but the buffers, which are large. */
  for (int i = 0; i < 2; i++) {
    self->ends[i] = (End){ .relay = self, .fd = i == BT_RELAY_NEAR ? near : far };
    self->halves[i].start = self->halves[i].end = 0;
    self->halves[i].eof = self->halves[i].done = FALSE;
    self->halves[i].bytes = 0;
  }
  self->finishing = -1;
  self->connecting = TRUE; /* one that is connected is writable at once */
  self->funcs = funcs;
  self->data = data;
  watch(self, BT_RELAY_FAR);
  return self;
}

void
bt_relay_finish(BtRelay *self, BtRelayEnd end)
{
  self->finishing = (int)end;
  if (is_done(self))
    self->funcs->ended(self->data, self, FALSE);
}

void
bt_relay_free(BtRelay *self)
{
  for (int i = 0; i < 2; i++)
    g_clear_handle_id(&self->ends[i].source, g_source_remove);
  g_free(self);
}

guint64
bt_relay_get_bytes(const BtRelay *self, BtRelayEnd end)
{
  return self->halves[end].bytes;
}

int
bt_relay_connect(int fd, const struct sockaddr *address, socklen_t length)
{
  struct pollfd ready = { .fd = fd, .events = POLLOUT };
  int error = 0;
  socklen_t size = sizeof error;

  if (connect(fd, address, length) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  if (poll(&ready, 1, 0) > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    return errno;
  return error;
}

void
bt_relay_close(int fd, gboolean reset)
{
  const struct linger none = { .l_onoff = 1, .l_linger = 0 };

  if (reset)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(fd);
}
