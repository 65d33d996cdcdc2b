/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-output.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-watch.h"
#include "lib/bt-write.h"
#include "policy/buntime-error.h"

#define BUFFER_SIZE (64u << 10)
/* What a descriptor that polls writable takes without blocking (PIPE_BUF). */
#define CHUNK 4096u

typedef enum {
  OUT_POLLED, /* one that may block: asked before each write */
  OUT_NONBLOCKING,
  OUT_SOCKET,
} OutKind;

typedef struct {
  BtOutput *output;
  int in;     /* our end of the pipe; -1: it has ended */
  int worker; /* the worker's end, until it is restored */
  int out;    /* the caller's; -1: the caller has none, or nobody reads it any more */
  OutKind kind;
  guint source; /* of out while something is buffered, else of in */
  gboolean writing; /* the source is of out */
  gsize start, end;
  char buffer[BUFFER_SIZE];
} Stream;

struct _BtOutput {
  Stream streams[2];
  guint64 left;
  gboolean finishing;
  BtOutputFunc over, done;
  gpointer data;
};

static void
close_fd(int *fd)
{
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

BtOutput *
bt_output_new(guint64 limit)
{
  BtOutput *self = g_new0(BtOutput, 1);

  self->left = limit;
  for (int i = 0; i < 2; i++) {
    Stream *stream = &self->streams[i];
    stream->output = self;
    stream->in = stream->worker = stream->out = -1;
  }
  return self;
}

void
bt_output_free(BtOutput *self)
{
  bt_output_close_worker_ends(self);
  for (int i = 0; i < 2; i++) {
    bt_watch_clear(&self->streams[i].source);
    close_fd(&self->streams[i].in);
    close_fd(&self->streams[i].out);
  }
  g_free(self);
}

/* ---- pipes in place of 1 and 2 ---- */

/* Never 0-2, which the caller may have closed. */
static int
lift(int fd)
{
  return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/*
 * A description of our own that does not block; setting the caller's to that
 * would be everybody's who has it. A file is left as it is: it has an offset,
 * and never makes us wait for long.
 */
static void
open_out(Stream *stream, int number)
{
  struct stat info;
  char path[32];

  stream->kind = OUT_POLLED;
  if (fstat(number, &info) != 0)
    info.st_mode = 0;
  if (S_ISSOCK(info.st_mode)) {
    stream->kind = OUT_SOCKET;
  } else if (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode)) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", number);
    stream->out = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (stream->out >= 0)
      stream->kind = OUT_NONBLOCKING;
  }
  if (stream->out < 0)
    stream->out = lift(number);
}

static gboolean
make_pipe(Stream *stream)
{
  int ends[2];

  if (pipe2(ends, O_CLOEXEC) != 0)
    return FALSE;
  stream->in = lift(ends[0]);
  stream->worker = lift(ends[1]);
  close(ends[0]);
  close(ends[1]);
  return stream->in >= 0 && stream->worker >= 0 && fcntl(stream->in, F_SETFL, O_NONBLOCK) == 0;
}

static gboolean
is_one_file(int a, int b)
{
  struct stat info_a, info_b;

  return fstat(a, &info_a) == 0 && fstat(b, &info_b) == 0 && info_a.st_dev == info_b.st_dev &&
         info_a.st_ino == info_b.st_ino;
}

gboolean
bt_output_divert(BtOutput *self, int stdio[3], GError **error)
{
  gboolean shared = is_one_file(stdio[1], stdio[2]);

  for (int i = 0; i < 2; i++) {
    Stream *stream = &self->streams[i];
    int *number = &stdio[i + 1];
    /* The caller may have closed it. */
    if (fcntl(*number, F_GETFD) < 0)
      continue;
    if (!shared || i == 0) {
      open_out(stream, *number);
      if (stream->out < 0 || !make_pipe(stream))
        return bt_fail(error, BUNTIME_ERROR_SETUP, "--max-output", g_strerror(errno),
                       _("raise the number of open files (ulimit -n)"));
    }
    *number = self->streams[shared ? 0 : i].worker;
  }
  return TRUE;
}

void
bt_output_close_worker_ends(BtOutput *self)
{
  for (int i = 0; i < 2; i++)
    close_fd(&self->streams[i].worker);
}

/* ---- passing on ---- */

static gboolean
is_empty(const Stream *stream)
{
  return stream->start == stream->end;
}

static gboolean
has_ended(const Stream *stream)
{
  return stream->in < 0 && is_empty(stream);
}

gboolean
bt_output_is_done(const BtOutput *self)
{
  return has_ended(&self->streams[0]) && has_ended(&self->streams[1]);
}

/* At most a chunk; -1 with errno EAGAIN: there is no room. */
static gssize
write_some(const Stream *stream)
{
  const char *bytes = stream->buffer + stream->start;
  gsize length = MIN(stream->end - stream->start, CHUNK);
  struct pollfd room = { .fd = stream->out, .events = POLLOUT };

  if (stream->kind == OUT_SOCKET)
    return send(stream->out, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (stream->kind == OUT_POLLED && poll(&room, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return bt_write_quietly(stream->out, bytes, length);
}

/* Nobody takes any more: without our end the worker's writes fail, as they would have. */
static void
give_up(Stream *stream)
{
  close_fd(&stream->in);
  close_fd(&stream->out);
  stream->start = stream->end = 0;
}

static void
pass_on(Stream *stream)
{
  while (!is_empty(stream)) {
    gssize written = write_some(stream);
    if (written >= 0) {
      stream->start += (gsize)written;
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN)
      give_up(stream);
    return;
  }
  stream->start = stream->end = 0;
}

/* Into the empty buffer. FALSE: there was more than the limit. */
static gboolean
take(Stream *stream)
{
  BtOutput *self = stream->output;
  gssize got = read(stream->in, stream->buffer, BUFFER_SIZE);

  if (got < 0 && (errno == EAGAIN || errno == EINTR) && !self->finishing)
    return TRUE;
  if (got <= 0) {
    close_fd(&stream->in);
    return TRUE;
  }
  stream->end = MIN((guint64)got, self->left);
  self->left -= stream->end;
  return stream->end == (gsize)got;
}

static gboolean on_ready(int fd, GIOCondition condition, gpointer data);

/* For what the stream needs next. */
static void
watch(Stream *stream)
{
  gboolean writing = !is_empty(stream);

  if (stream->source != 0 && stream->writing == writing && (writing || stream->in >= 0))
    return;
  bt_watch_clear(&stream->source);
  stream->writing = writing;
  if (writing)
    stream->source = bt_watch_fd(stream->out, G_IO_OUT, on_ready, stream);
  else if (stream->in >= 0)
    stream->source = bt_watch_fd(stream->in, G_IO_IN, on_ready, stream);
}

static void
end_input(BtOutput *self)
{
  for (int i = 0; i < 2; i++) {
    close_fd(&self->streams[i].in);
    watch(&self->streams[i]);
  }
}

static void
step(Stream *stream)
{
  BtOutput *self = stream->output;
  gboolean within = TRUE;

  do {
    if (is_empty(stream) && stream->in >= 0)
      within = take(stream);
    pass_on(stream);
  } while (within && self->finishing && stream->in >= 0 && is_empty(stream));
  watch(stream);
  if (!within) {
    end_input(self);
    self->over(self->data);
  }
  if (bt_output_is_done(self))
    self->done(self->data);
}

static gboolean
on_ready(int fd, GIOCondition condition, gpointer data)
{
  step(data);
  return G_SOURCE_CONTINUE;
}

void
bt_output_finish(BtOutput *self)
{
  self->finishing = TRUE;
  for (int i = 0; i < 2; i++)
    step(&self->streams[i]);
}

void
bt_output_start(BtOutput *self, BtOutputFunc over, BtOutputFunc done, gpointer data)
{
  self->over = over;
  self->done = done;
  self->data = data;
  for (int i = 0; i < 2; i++)
    watch(&self->streams[i]);
}
