/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-link.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-link-fds.h"
#include "policy/buntime-error.h"
#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"

/* Taken in one dispatch: messages, and bytes of them. */
#define BATCH 64
#define BATCH_BYTES (256u << 10)
#define CONTROL_BATCH 16
/* Of control messages: nobody who works needs more, but for those that tell of code. */
#define CONTROL_PER_SECOND 1000
#define CONTROL_PER_CODE 4
/* What a message that waits takes beside its bytes: an empty one is not for nothing. */
#define WAITING_COST 128

typedef struct {
  BtFrameType type;
  guint32 id;
  GBytes *bytes;
  size_t done; /* of it, what is in the ring */
} Waiting;

struct _BtLink {
  GSource *source;
  BtRingMap map;
  BtChannel channel;
  int wake_fd, control_fd;
  gpointer wake_tag, control_tag; /* NULL: not watched any more */
  GQueue queue;      /* Waiting */
  gsize queued;      /* bytes that it takes */
  guint64 carried[2]; /* bytes, by the side that writes */
  guint32 counted[2]; /* the index up to which they are */
  BtFrameJoin join;
  GByteArray *parts; /* of a message that is not whole yet */
  gint64 second;     /* of the monotonic clock */
  guint in_second;   /* control messages */
  guint64 of_code;   /* more that may come: the host itself said how much code there is */
  guint64 codes;     /* that have no answer yet */
  gboolean gone;     /* the worker's end is closed */
  guint left;        /* frames that may still be in the ring then */
  gboolean paused;
  gboolean control_over; /* nothing comes from there any more */
  const char *broken; /* why; NULL: it is not */
  gboolean closed;   /* and that was told */
  guint dispatching; /* how deep: a host may iterate its main context in what we call */
  gboolean freed;    /* meanwhile */
  BtLinkFuncs funcs;
  gpointer data;
};

typedef struct {
  GSource source;
  BtLink *link;
} Source;

static void
waiting_free(Waiting *waiting)
{
  g_bytes_unref(waiting->bytes);
  g_free(waiting);
}

/* ---- out ---- */

/* FALSE: there is no room; the rest waits. */
static gboolean
put(BtLink *self, Waiting *waiting)
{
  gsize size;
  const void *bytes = g_bytes_get_data(waiting->bytes, &size);
  BtRingResult result = bt_channel_put(&self->channel, waiting->type, waiting->id, bytes, size,
                                       &waiting->done);
  if (result == BT_RING_VIOLATION)
    self->broken = "its end of a ring went astray";
  return result != BT_RING_FULL;
}

static void
put_waiting(BtLink *self)
{
  Waiting *first;

  while (self->broken == NULL && (first = g_queue_peek_head(&self->queue)) != NULL) {
    if (!put(self, first))
      return;
    self->queued -= g_bytes_get_size(first->bytes) + WAITING_COST;
    waiting_free(g_queue_pop_head(&self->queue));
  }
}

/* From here on the ring holds at most what fits into it. */
static void
set_gone(BtLink *self)
{
  if (self->gone)
    return;
  self->gone = TRUE;
  self->left = self->map.capacity / BT_FRAME_HEADER_SIZE;
}

/* The indices count modulo 2^32; far less than that goes by between two looks at them. */
static void
count_bytes(BtLink *self)
{
  const guint32 now[] = {
    [BT_SIDE_SUPERVISOR] = self->channel.out.head,
    [BT_SIDE_WORKER] = self->channel.in.tail,
  };

  for (int side = 0; side < 2; side++) {
    self->carried[side] += now[side] - self->counted[side];
    self->counted[side] = now[side];
  }
}

static void
flush(BtLink *self)
{
  BtRingResult result = bt_channel_flush(&self->channel);
  if (result == BT_RING_CLOSED)
    set_gone(self);
  count_bytes(self);
}

gboolean
bt_link_send(BtLink *self, BtFrameType type, guint32 id, GBytes *bytes)
{
  gsize size = g_bytes_get_size(bytes);

  if (self->closed || self->gone || self->broken != NULL ||
      size + WAITING_COST > BT_LINK_MAX_QUEUE + WAITING_COST - self->queued)
    return FALSE;
  Waiting *waiting = g_new0(Waiting, 1);
  *waiting = (Waiting){ type, id, g_bytes_ref(bytes), 0 };
  self->queued += size + WAITING_COST;
  if (type == BT_FRAME_CODE) {
    self->codes++;
    self->of_code += CONTROL_PER_CODE;
  }
  g_queue_push_tail(&self->queue, waiting);
  put_waiting(self);
  flush(self);
  return TRUE;
}

void
bt_link_answered_code(BtLink *self)
{
  self->codes -= self->codes > 0;
  self->of_code = MIN(self->of_code, self->codes * CONTROL_PER_CODE);
}

void
bt_link_send_control(BtLink *self, const char *json)
{
  (void)!send(self->control_fd, json, strlen(json), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- in: control messages ---- */

static gboolean
within_rate(BtLink *self)
{
  gint64 second = g_get_monotonic_time() / G_USEC_PER_SEC;

  if (second != self->second) {
    self->second = second;
    self->in_second = 0;
  }
  if (self->in_second < CONTROL_PER_SECOND) {
    self->in_second++;
    return TRUE;
  }
  if (self->of_code == 0)
    return FALSE;
  self->of_code--;
  return TRUE;
}

static void
stop_watching(BtLink *self, gpointer *tag)
{
  if (*tag != NULL)
    g_source_remove_unix_fd(self->source, g_steal_pointer(tag));
}

/* recv() says the same of an empty message. */
static gboolean
has_hung_up(int fd)
{
  struct pollfd one = { .fd = fd, .events = POLLRDHUP };
  return poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP)) != 0;
}

/* What the socket has next. FALSE: nothing now. */
static gboolean
take_one_control(BtLink *self)
{
  char bytes[BT_CONTROL_MAX_SIZE + 1];
  BtControl message;
  /* recv(), not recvmsg(): descriptors that come along are dropped by the kernel. */
  gssize got = recv(self->control_fd, bytes, sizeof bytes, MSG_DONTWAIT);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return FALSE;
  if (got < 0 || (got == 0 && has_hung_up(self->control_fd))) {
    self->control_over = TRUE;
    stop_watching(self, &self->control_tag);
    return FALSE;
  }
  if (!within_rate(self))
    self->broken = "it floods the control socket";
  else if (!bt_control_parse(bytes, got, &message))
    self->broken = "it sent a control message that is none";
  else
    self->funcs.control(self->data, &message);
  return TRUE;
}

/* FALSE: there is nothing more. */
static gboolean
take_control(BtLink *self)
{
  gboolean more = TRUE;

  for (guint i = 0;
       more && i < CONTROL_BATCH && self->broken == NULL && !self->freed && !self->paused; i++)
    more = take_one_control(self);
  return more;
}

/* ---- in: frames ---- */

static void
deliver(BtLink *self, const BtFrame *frame, GBytes *bytes)
{
  /* What was said of code before its answer was given is told before. */
  if ((frame->type == BT_FRAME_RESULT || frame->type == BT_FRAME_ERROR) &&
      self->control_tag != NULL)
    take_control(self);
  if (!self->freed && self->broken == NULL)
    self->funcs.message(self->data, frame->type, frame->id, bytes);
  g_bytes_unref(bytes);
}

/* FALSE: there is none, or no more will come. *bytes counts its size. */
static gboolean
take_frame(BtLink *self, gsize *bytes)
{
  BtFrame frame;
  BtRingResult result = bt_channel_peek(&self->channel, &frame);

  if (result == BT_RING_VIOLATION)
    self->broken = "it wrote a frame that is none";
  if (result != BT_RING_OK)
    return FALSE;
  BtJoinResult joined = bt_frame_join(&self->join, &frame);
  if (joined == BT_JOIN_VIOLATION) {
    self->broken = "parts of a message do not belong together, or it is too large";
    return FALSE;
  }
  /* Copied here, and released before anybody looks at it. */
  GBytes *whole = joined == BT_JOIN_WHOLE ? g_bytes_new(frame.bytes, frame.size) : NULL;
  if (joined != BT_JOIN_WHOLE) {
    if (self->parts == NULL)
      self->parts = g_byte_array_new();
    g_byte_array_append(self->parts, frame.bytes, frame.size);
  }
  frame.bytes = NULL;
  *bytes += frame.size;
  bt_channel_release(&self->channel);
  if (joined == BT_JOIN_LAST)
    whole = g_byte_array_free_to_bytes(g_steal_pointer(&self->parts));
  if (whole != NULL)
    deliver(self, &frame, whole);
  return TRUE;
}

/* ---- the source ---- */

static guint32
wants(const BtLink *self)
{
  return (self->paused ? 0u : BT_WANTS_DATA) |
         (g_queue_is_empty((GQueue *)&self->queue) ? 0u : BT_WANTS_ROOM);
}

/* Is there something to be done that no index tells of? */
static gboolean
must_end(const BtLink *self)
{
  return self->broken != NULL || (self->gone && !self->paused);
}

static gboolean
prepare(GSource *source, int *timeout)
{
  BtLink *self = ((Source *)source)->link;

  *timeout = -1;
  if (self->closed)
    return FALSE;
  /* Whoever is gone reads nothing more: room for him is not waited for. */
  return must_end(self) || (!self->gone && bt_channel_arm(&self->channel, wants(self)));
}

static gboolean
check(GSource *source)
{
  BtLink *self = ((Source *)source)->link;

  if (self->closed)
    return FALSE;
  if (self->wake_tag != NULL && g_source_query_unix_fd(source, self->wake_tag) != 0) {
    BtRingResult result = bt_channel_drain(&self->channel);
    if (result == BT_RING_VIOLATION)
      self->broken = "it wakes us for nothing";
    else if (result == BT_RING_CLOSED)
      set_gone(self);
    /* Its end stays readable, also while paused. */
    if (self->gone)
      stop_watching(self, &self->wake_tag);
  }
  return must_end(self) ||
         (self->control_tag != NULL && g_source_query_unix_fd(source, self->control_tag) != 0) ||
         (!self->gone && bt_channel_is_ready(&self->channel, wants(self)));
}

static void
close_link(BtLink *self)
{
  self->closed = TRUE;
  stop_watching(self, &self->wake_tag);
  stop_watching(self, &self->control_tag);
  self->funcs.closed(self->data, self->broken);
}

/* A bounded number of them; FALSE: there are no more. */
static gboolean
take_frames(BtLink *self)
{
  gboolean more = self->broken == NULL;
  gsize bytes = 0;
  guint count = 0;

  while (more && count++ < BATCH && bytes < BATCH_BYTES && self->broken == NULL && !self->freed &&
         !self->paused)
    more = take_frame(self, &bytes);
  /* Who has the file still, and writes on, is no part of the worker. */
  if (self->gone && more && !self->freed) {
    more = self->left > count;
    self->left -= MIN(self->left, count);
  }
  return more;
}

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
  BtLink *self = ((Source *)source)->link;
  gboolean more = FALSE;

  self->dispatching++;
  /* What he said last may have come after that socket was looked at. */
  if (self->control_tag != NULL &&
      (self->gone || g_source_query_unix_fd(source, self->control_tag) != 0))
    more = take_control(self);
  more = take_frames(self) || more;
  if (!self->freed) {
    put_waiting(self);
    flush(self);
  }
  if (!self->freed && !self->closed &&
      (self->broken != NULL || (self->gone && !more && !self->paused)))
    close_link(self);
  if (--self->dispatching == 0 && self->freed)
    bt_link_free(self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };

/* ---- */

static void
attach(BtLink *self)
{
  self->source = g_source_new(&source_funcs, sizeof(Source));
  ((Source *)self->source)->link = self;
  g_source_set_static_name(self->source, "buntime channel");
  g_source_set_can_recurse(self->source, TRUE);
  self->wake_tag = g_source_add_unix_fd(self->source, self->wake_fd, G_IO_IN | G_IO_HUP);
  self->control_tag = g_source_add_unix_fd(self->source, self->control_fd, G_IO_IN | G_IO_HUP);
  g_source_attach(self->source, g_main_context_get_thread_default());
}

BtLink *
bt_link_new(guint64 size, const BtLinkFuncs *funcs, gpointer data,
            int fds_out[BT_INIT_CHANNEL_FDS], GError **error)
{
  g_autoptr(BtLink) self = g_new0(BtLink, 1);
  int host[BT_INIT_CHANNEL_FDS];

  self->wake_fd = self->control_fd = -1;
  self->funcs = *funcs;
  self->data = data;
  g_queue_init(&self->queue);
  if (!bt_link_fds_open(size, host, fds_out, error))
    return NULL;
  self->wake_fd = host[1];
  self->control_fd = host[2];
  int result = bt_ring_map_open(&self->map, host[0], bt_ring_capacity_for(size));
  close(host[0]);
  if (result != 0) {
    bt_link_fds_close(fds_out);
    bt_fail(error, BUNTIME_ERROR_SETUP, "channel", g_strerror(-result), NULL);
    return NULL;
  }
  bt_channel_init(&self->channel, &self->map, BT_SIDE_SUPERVISOR, self->wake_fd);
  bt_frame_join_init(&self->join, BT_FRAME_MAX_MESSAGE);
  attach(self);
  return g_steal_pointer(&self);
}

void
bt_link_set_paused(BtLink *self, gboolean paused)
{
  if (self->closed || self->freed || self->paused == paused)
    return;
  self->paused = paused;
  /* Even unwatched for input it would tell of its end, again and again. */
  if (paused)
    stop_watching(self, &self->control_tag);
  else if (!self->control_over)
    self->control_tag = g_source_add_unix_fd(self->source, self->control_fd, G_IO_IN | G_IO_HUP);
}

void
bt_link_get_usage(BtLink *self, BtSide side, BtRingUsage *usage_out)
{
  count_bytes(self);
  *usage_out = (BtRingUsage){
    .capacity = self->map.capacity,
    .used = side == BT_SIDE_SUPERVISOR ? bt_ring_writer_get_used(&self->channel.out)
                                       : bt_ring_reader_get_used(&self->channel.in),
    .bytes = self->carried[side],
  };
}

void
bt_link_finish(BtLink *self)
{
  set_gone(self);
}

void
bt_link_break(BtLink *self, const char *reason)
{
  if (self->broken == NULL)
    self->broken = reason;
}

void
bt_link_free(BtLink *self)
{
  if (self->dispatching > 0) {
    self->freed = self->closed = TRUE;
    return;
  }
  if (self->source != NULL) {
    g_source_destroy(self->source);
    g_source_unref(self->source);
  }
  g_queue_clear_full(&self->queue, (GDestroyNotify)waiting_free);
  g_clear_pointer(&self->parts, g_byte_array_unref);
  bt_ring_map_close(&self->map);
  if (self->wake_fd >= 0)
    close(self->wake_fd);
  if (self->control_fd >= 0)
    close(self->control_fd);
  g_free(self);
}
