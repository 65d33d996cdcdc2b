/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/bt-capture.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "net/bt-watch.h"
#include "wire/bt-pcap.h"

/* Some frames of the largest size. */
#define BUFFER_SIZE (1u << 20)
/* Written at once when so much waits, else after a moment: not each frame costs a write. */
#define ENOUGH (256u << 10)
#define DELAY_MS 50
#define LAST_MS 500

struct _BtCapture {
  int fd; /* -1: nobody reads any more, or the disk is full */
  guint64 left;
  guint timer, source;
  BtCaptureLostFunc lost;
  gpointer data;
  gsize used;
  guint8 buffer[BUFFER_SIZE];
};

BtCapture *
bt_capture_new(int fd, guint64 max, BtCaptureLostFunc lost, gpointer data)
{
  BtCapture *self = g_new(BtCapture, 1);

  /* Not the buffer: its pages are touched as it fills. */
  memset(self, 0, offsetof(BtCapture, buffer));
  self->fd = fd;
  self->left = max;
  self->lost = lost;
  self->data = data;
  return self;
}

static void
give_up(BtCapture *self)
{
  g_clear_handle_id(&self->source, g_source_remove);
  close(self->fd);
  self->fd = -1;
  self->used = 0;
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data);

static void
flush(BtCapture *self)
{
  gsize done = 0;

  while (self->fd >= 0 && done < self->used) {
    gssize written = write(self->fd, self->buffer + done, self->used - done);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN) {
      if (self->source == 0)
        self->source = bt_watch_fd(self->fd, G_IO_OUT | G_IO_ERR, on_writable, self);
      break;
    }
    if (written <= 0) {
      give_up(self);
      return;
    }
    done += written;
  }
  self->used -= done;
  memmove(self->buffer, self->buffer + done, self->used);
}

static gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
  BtCapture *self = data;

  self->source = 0;
  flush(self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_timer(gpointer data)
{
  BtCapture *self = data;

  self->timer = 0;
  flush(self);
  return G_SOURCE_REMOVE;
}

void
bt_capture_add(BtCapture *self, const guint8 *frame, gsize size, gint64 time)
{
  const BtPcapRecord record = {
    .seconds = (guint32)(time / G_USEC_PER_SEC),
    .microseconds = (guint32)(time % G_USEC_PER_SEC),
    .size = (guint32)size,
    .full_size = (guint32)size,
  };
  gsize whole = sizeof record + size;

  if (self->left < whole)
    self->left = 0; /* the file ends here, and not with a smaller frame behind a gap */
  if (self->fd < 0 || self->left == 0 || whole > BUFFER_SIZE - self->used) {
    self->lost(self->data);
    return;
  }
  memcpy(self->buffer + self->used, &record, sizeof record);
  memcpy(self->buffer + self->used + sizeof record, frame, size);
  self->used += whole;
  self->left -= whole;
  if (self->used >= ENOUGH && self->source == 0)
    flush(self);
  else if (self->timer == 0)
    self->timer = g_timeout_add(DELAY_MS, on_timer, self);
}

void
bt_capture_free(BtCapture *self)
{
  gint64 end = g_get_monotonic_time() + LAST_MS * G_TIME_SPAN_MILLISECOND;

  flush(self);
  while (self->fd >= 0 && self->used > 0 && g_get_monotonic_time() < end) {
    struct pollfd pollfd = { .fd = self->fd, .events = POLLOUT };
    poll(&pollfd, 1, 50);
    flush(self);
  }
  g_clear_handle_id(&self->source, g_source_remove);
  g_clear_handle_id(&self->timer, g_source_remove);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self);
}
