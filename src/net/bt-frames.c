/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-frames.h"

#include <errno.h>
#include <unistd.h>

#include "net/bt-watch.h"
#include "wire/bt-packet.h"

/* Frames taken in one dispatch, so that answers get their turn. */
#define BATCH 64
#define MAX_QUEUED_FRAMES 512u
#define MAX_QUEUED_BYTES (1u << 20)

struct _BtFrames {
  int fd;
  guint in_source, out_source;
  GQueue queue; /* GBytes */
  gsize queued_bytes;
  BtFramesInputFunc input;
  BtFramesIdleFunc idle;
  gpointer data;
  BtCapture *capture; /* NULL: nothing is recorded */
  guint8 buffer[BT_FRAME_MAX_SIZE + 1]; /* one more shows what was cut off */
};

static gboolean
is_temporary(int error)
{
  return error == EAGAIN || error == ENOBUFS;
}

static void
record(BtFrames *self, const guint8 *frame, gsize size)
{
  if (self->capture != NULL)
    bt_capture_add(self->capture, frame, size, g_get_real_time());
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
  BtFrames *self = data;
  gboolean fresh = FALSE;

  for (int i = 0; i < BATCH; i++) {
    gssize got = read(fd, self->buffer, sizeof self->buffer);
    /* The interface going down is reported once and ends nothing. */
    if (got < 0 && (is_temporary(errno) || errno == EINTR || errno == ENETDOWN)) {
      if (!fresh || !self->idle(self->data))
        return G_SOURCE_CONTINUE;
      fresh = FALSE;
      continue;
    }
    if (got <= 0) {
      self->in_source = 0; /* the sandbox is gone; the control socket will tell */
      return G_SOURCE_REMOVE;
    }
    record(self, self->buffer, got);
    self->input(self->data, self->buffer, got);
    fresh = TRUE;
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
  BtFrames *self = data;
  GBytes *frame;

  while ((frame = g_queue_peek_head(&self->queue)) != NULL) {
    gsize size = g_bytes_get_size(frame);
    if (write(fd, g_bytes_get_data(frame, NULL), size) < 0 && errno == EAGAIN)
      return G_SOURCE_CONTINUE;
    self->queued_bytes -= size;
    g_bytes_unref(g_queue_pop_head(&self->queue));
  }
  self->out_source = 0;
  return G_SOURCE_REMOVE;
}

BtFrames *
bt_frames_new(int fd, BtFramesInputFunc input, BtFramesIdleFunc idle, gpointer data)
{
  BtFrames *self = g_new0(BtFrames, 1);

  self->fd = fd;
  self->input = input;
  self->idle = idle;
  self->data = data;
  g_queue_init(&self->queue);
  g_unix_set_fd_nonblocking(fd, TRUE, NULL);
  self->in_source = bt_watch_fd(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return self;
}

void
bt_frames_set_capture(BtFrames *self, BtCapture *capture)
{
  self->capture = capture;
}

void
bt_frames_free(BtFrames *self)
{
  g_clear_handle_id(&self->in_source, g_source_remove);
  g_clear_handle_id(&self->out_source, g_source_remove);
  g_queue_clear_full(&self->queue, (GDestroyNotify)g_bytes_unref);
  close(self->fd);
  g_free(self);
}

void
bt_frames_write(BtFrames *self, const guint8 *frame, gsize size)
{
  gboolean written = g_queue_is_empty(&self->queue) && write(self->fd, frame, size) >= 0;

  if (written)
    record(self, frame, size);
  if (written || (g_queue_is_empty(&self->queue) && errno != EAGAIN))
    return; /* the interface is down: a wire drops too */
  if (self->queue.length >= MAX_QUEUED_FRAMES || self->queued_bytes + size > MAX_QUEUED_BYTES)
    return;
  record(self, frame, size);
  g_queue_push_tail(&self->queue, g_bytes_new(frame, size));
  self->queued_bytes += size;
  if (self->out_source == 0)
    self->out_source = bt_watch_fd(self->fd, G_IO_OUT | G_IO_ERR, on_writable, self);
}
