/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "policy/buntime-error.h"

#define CHUNK (64u << 10)

struct _BtPipe {
  int fd;
  GSource *source; /* NULL while paused, and after the end */
  gboolean paused, ended;
  gboolean finishing, freed;
  int left; /* bytes that are still to come then */
  guint reading; /* how deep: a host may iterate its main context in what we call */
  BtPipeFunc func;
  gpointer data;
};

static void
stop(BtPipe *self)
{
  if (self->source == NULL)
    return;
  g_source_destroy(self->source);
  g_source_unref(g_steal_pointer(&self->source));
}

/* FALSE: there is no more. */
static gboolean
read_some(BtPipe *self)
{
  if (self->finishing && self->left <= 0)
    return FALSE;
  g_autofree guint8 *buffer = g_malloc(CHUNK);
  gssize got = read(self->fd, buffer, CHUNK);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return !self->finishing;
  if (got <= 0)
    return FALSE;
  if (self->finishing)
    self->left -= (int)got;
  g_autoptr(GBytes) bytes = g_bytes_new(buffer, (gsize)got);
  self->func(self->data, self, bytes);
  return TRUE;
}

static void
end(BtPipe *self)
{
  stop(self);
  self->ended = TRUE;
  self->func(self->data, self, NULL);
}

/* Nothing of it is to be touched after this. */
static void
done(BtPipe *self)
{
  if (--self->reading == 0 && self->freed)
    bt_pipe_free(self);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtPipe *self = data;

  self->reading++;
  gboolean more = read_some(self);
  if (!more && !self->freed && !self->ended)
    end(self);
  done(self);
  return more;
}

static void
start(BtPipe *self)
{
  self->source = g_unix_fd_source_new(self->fd, G_IO_IN | G_IO_HUP);
  g_source_set_callback(self->source, G_SOURCE_FUNC(on_readable), self, NULL);
  /* What others who have the other end may still hold is not waited for. */
  if (self->finishing)
    g_source_set_ready_time(self->source, 0);
  g_source_attach(self->source, g_main_context_get_thread_default());
}

BtPipe *
bt_pipe_new(BtPipeFunc func, gpointer data, int *fd_out, GError **error)
{
  int ends[2];

  if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    bt_fail(error, BUNTIME_ERROR_SETUP, "pipe", g_strerror(errno), NULL);
    return NULL;
  }
  BtPipe *self = g_new0(BtPipe, 1);
  self->fd = ends[0];
  self->func = func;
  self->data = data;
  start(self);
  *fd_out = ends[1];
  return self;
}

void
bt_pipe_set_paused(BtPipe *self, gboolean paused)
{
  if (self->ended || self->paused == paused)
    return;
  self->paused = paused;
  if (paused)
    stop(self);
  else if (self->source == NULL)
    start(self);
}

void
bt_pipe_finish(BtPipe *self)
{
  gboolean more = TRUE;

  self->finishing = TRUE;
  /* What comes after this is of others, to whom it gave its end: they could write for ever. */
  if (ioctl(self->fd, FIONREAD, &self->left) != 0)
    self->left = 0;
  if (self->paused || self->ended)
    return;
  stop(self);
  self->reading++;
  while (more && !self->freed && !self->paused)
    more = read_some(self);
  if (!more && !self->freed && !self->ended)
    end(self);
  done(self);
}

void
bt_pipe_free(BtPipe *self)
{
  stop(self);
  if (self->reading > 0) {
    self->freed = TRUE;
    return;
  }
  close(self->fd);
  g_free(self);
}
