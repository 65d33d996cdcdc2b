/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole lines wait in a bounded buffer until the descriptor takes them.  What
 * finds no room there, or comes faster than the bucket fills, is counted, and
 * told by one line "dropped" as soon as there is room.
 *
 * The descriptor may be shared with others, so it is not made non-blocking:
 * a pipe or terminal is opened a second time for that, a socket is told at
 * each write.  Where opening it again is refused, only what poll() promises is
 * written.  Files are written to as they are: their offset is the caller's.
 *
 * What was refused is written at once.  Audit's long list of what was allowed
 * waits a moment, so that not each open costs a write; and it leaves half of the
 * bucket and of the buffer to the rest, so that nobody hides a refusal among what
 * is allowed.  What became of the run itself has as much room again, and no rate:
 * no flood of a worker's hides its end.
 */
#include "lib/bt-event-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-watch.h"
#include "lib/bt-write.h"

#define MAX_BUFFER (1u << 20)
#define MAX_STATES (2 * MAX_BUFFER)
/* Kept free for the line that tells what was dropped. */
#define RESERVE 1024
#define BURST 8192
#define PER_SECOND 256
#define DELAY_MS 50
/* At the end, for a reader who does not read, and for one who does. */
#define LAST_MS 1000
#define LAST_READING_MS 10000
/* A pipe that polls writable takes this much (PIPE_BUF). */
#define PIPE_PART 4096

struct _BtEventStream {
  int fd; /* -1: nobody reads any more */
  gboolean socket;
  gboolean shared; /* could not be opened again: poll before each part */
  char *worker;
  GString *buffer;
  guint writable_source, timer;
  gint64 refilled; /* µs, monotonic */
  guint tokens;
  guint dropped;
};

static int
open_again(int fd)
{
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return open(link, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

BtEventStream *
bt_event_stream_new(int fd, const char *worker)
{
  BtEventStream *self = g_new0(BtEventStream, 1);
  struct stat info = { 0 };

  self->fd = fd;
  self->worker = g_strdup(worker);
  self->buffer = g_string_new(NULL);
  self->tokens = BURST;
  self->refilled = g_get_monotonic_time();
  fstat(fd, &info);
  self->socket = S_ISSOCK(info.st_mode);
  if (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode))
    return self;
  int again = open_again(fd);
  self->shared = again < 0;
  if (again >= 0) {
    close(fd);
    self->fd = again;
  }
  return self;
}

static gssize
write_part(BtEventStream *self)
{
  struct pollfd pollfd = { .fd = self->fd, .events = POLLOUT };

  if (self->socket)
    return send(self->fd, self->buffer->str, self->buffer->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (!self->shared)
    return bt_write_quietly(self->fd, self->buffer->str, self->buffer->len);
  if (poll(&pollfd, 1, 0) != 1) {
    errno = EAGAIN;
    return -1;
  }
  return bt_write_quietly(self->fd, self->buffer->str, MIN(self->buffer->len, PIPE_PART));
}

static gboolean on_writable(int fd, GIOCondition condition, gpointer data);

/* A reader that is gone, or a full disk, changes nothing for the worker. */
static void
give_up(BtEventStream *self)
{
  bt_watch_clear(&self->writable_source);
  g_string_truncate(self->buffer, 0);
  close(self->fd);
  self->fd = -1;
}

static void
flush(BtEventStream *self)
{
  while (self->fd >= 0 && self->buffer->len > 0) {
    gssize written = write_part(self);
    if (written > 0) {
      g_string_erase(self->buffer, 0, written);
    } else if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (self->writable_source == 0)
        self->writable_source = bt_watch_fd(self->fd, G_IO_OUT | G_IO_ERR, on_writable, self);
      return;
    } else {
      give_up(self);
    }
  }
}

/* spare: so many are left for others. */
static gboolean
take_token(BtEventStream *self, guint spare)
{
  gint64 passed = (g_get_monotonic_time() - self->refilled) / (G_USEC_PER_SEC / PER_SECOND);
  if (passed > 0) {
    self->tokens = (guint)MIN(BURST, self->tokens + passed);
    self->refilled += passed * (G_USEC_PER_SEC / PER_SECOND);
  }
  if (self->tokens <= spare)
    return FALSE;
  self->tokens--;
  return TRUE;
}

/* With much room, or a line for each would take what there is. */
static void
tell_dropped(BtEventStream *self, gsize most)
{
  if (self->dropped == 0 || self->fd < 0 || self->buffer->len > most)
    return;
  g_autoptr(BtEvent) event = bt_event_new_state("dropped");
  event->count = self->dropped;
  self->dropped = 0;
  bt_event_append_json(event, self->worker, self->buffer);
}

static gboolean
on_writable(int fd, GIOCondition condition, gpointer data)
{
  BtEventStream *self = data;

  self->writable_source = 0;
  flush(self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_timer(gpointer data)
{
  BtEventStream *self = data;

  self->timer = 0;
  flush(self);
  return G_SOURCE_REMOVE;
}

static gsize
room_for(const BtEvent *event)
{
  if (event->kind == BT_EVENT_STATE)
    return MAX_STATES - RESERVE;
  return event->action == BT_ACTION_ALLOW ? MAX_BUFFER / 2 : MAX_BUFFER - RESERVE;
}

void
bt_event_stream_add(BtEventStream *self, const BtEvent *event)
{
  gboolean allowed = event->action == BT_ACTION_ALLOW, state = event->kind == BT_EVENT_STATE;
  gsize room = room_for(event);

  if (self->fd < 0)
    return;
  if (!state && !take_token(self, allowed ? BURST / 2 : 0)) {
    self->dropped += event->count;
    return;
  }
  /* Of what came before it a state is the last word. */
  tell_dropped(self, state ? MAX_STATES - 2 * RESERVE : MAX_BUFFER / 4);
  gsize before = self->buffer->len;
  bt_event_append_json(event, self->worker, self->buffer);
  if (self->buffer->len > room) {
    g_string_truncate(self->buffer, before);
    self->dropped += event->count;
  }
  if (!allowed || self->buffer->len > MAX_BUFFER / 4)
    flush(self);
  else if (self->timer == 0 && self->writable_source == 0)
    self->timer = bt_watch_timeout(DELAY_MS, on_timer, self);
}

static gint64
now_ms(void)
{
  return g_get_monotonic_time() / G_TIME_SPAN_MILLISECOND;
}

/* Who reads gets it all, within bounds; who does not holds nobody up. */
static void
flush_last(BtEventStream *self)
{
  gint64 end = now_ms() + LAST_READING_MS, stalled = now_ms() + LAST_MS;

  flush(self);
  while (self->fd >= 0 && self->buffer->len > 0 && now_ms() < MIN(end, stalled)) {
    struct pollfd pollfd = { .fd = self->fd, .events = POLLOUT };
    gsize before = self->buffer->len;
    poll(&pollfd, 1, 100);
    flush(self);
    if (self->buffer->len < before)
      stalled = now_ms() + LAST_MS;
  }
}

void
bt_event_stream_free(BtEventStream *self)
{
  flush(self);
  tell_dropped(self, MAX_STATES);
  flush_last(self);
  bt_watch_clear(&self->writable_source);
  bt_watch_clear(&self->timer);
  if (self->fd >= 0)
    close(self->fd);
  g_string_free(self->buffer, TRUE);
  g_free(self->worker);
  g_free(self);
}
