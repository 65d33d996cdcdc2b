/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one file of src/wire/ that uses a descriptor: the wake-up socket, which it is lent. */
#include "bt-channel.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#ifdef __SANITIZE_THREAD__
/* It knows no fences; what the indices order, they order without one. */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

#define MIN_SPINS 16u
#define PROBE_EVERY 64u
/* Who has not sent for so many spins listens to a stream, and looks seldom: within a us or so. */
#define STREAM_STREAK 8u
#define STREAM_PAUSES 64u

static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/* As it is written beside an index. */
static inline uint32_t
this_cpu(void)
{
  return (uint32_t)(sched_getcpu() + 1);
}

static BtRingResult
broken(BtChannel *channel)
{
  channel->broken = true;
  return BT_RING_VIOLATION;
}

void
bt_channel_init(BtChannel *channel, const BtRingMap *map, BtSide side, int wake_fd)
{
  *channel = (BtChannel){
    .mine = &map->control->side[side],
    .peers = &map->control->side[!side],
    .side = side,
    .wake_fd = wake_fd,
    .spins = BT_CHANNEL_MAX_SPINS,
  };
  bt_ring_writer_init(&channel->out, map, side);
  bt_ring_reader_init(&channel->in, map, side);
}

void
bt_channel_resume(BtChannel *channel)
{
  BtRingWriter *out = &channel->out;
  BtRingReader *in = &channel->in;

  out->head = out->published =
    atomic_load_explicit(&channel->mine->head, memory_order_relaxed);
  out->tail = atomic_load_explicit(&channel->peers->tail, memory_order_acquire);
  in->head = in->tail = in->published =
    atomic_load_explicit(&channel->mine->tail, memory_order_relaxed);
  /* A byte for each bit may be on its way. */
  atomic_store_explicit(&channel->mine->wants, 0, memory_order_relaxed);
  channel->tokens = 2;
}

uint32_t
bt_channel_max_payload(const BtChannel *channel)
{
  return channel->out.capacity - BT_FRAME_HEADER_SIZE;
}

/* After an index was published: wakes a peer that waits for that. */
static BtRingResult
notify(BtChannel *channel, uint32_t what)
{
  _Atomic uint32_t *wants = &channel->peers->wants;

  atomic_thread_fence(memory_order_seq_cst);
  if ((atomic_load_explicit(wants, memory_order_relaxed) & what) == 0 ||
      (atomic_fetch_and_explicit(wants, ~what, memory_order_relaxed) & what) == 0)
    return BT_RING_OK;
  if (send(channel->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 || errno == EAGAIN)
    return BT_RING_OK; /* a full socket has bytes that wake the peer */
  if (errno == EPIPE || errno == ECONNRESET)
    return BT_RING_CLOSED;
  /* No memory: the next index tries again. */
  atomic_fetch_or_explicit(wants, what, memory_order_relaxed);
  return BT_RING_OK;
}

/* Tells the writer what was read. */
static void
settle(BtChannel *channel)
{
  if (channel->broken || channel->in.tail == channel->in.published)
    return;
  bt_ring_reader_publish(&channel->in, this_cpu());
  notify(channel, BT_WANTS_ROOM);
}

BtRingResult
bt_channel_flush(BtChannel *channel)
{
  if (channel->broken)
    return BT_RING_VIOLATION;
  if (channel->out.head == channel->out.published)
    return BT_RING_OK;
  channel->streak = 0;
  bt_ring_writer_publish(&channel->out, this_cpu());
  return notify(channel, BT_WANTS_DATA);
}

BtRingResult
bt_channel_reserve(BtChannel *channel, uint32_t size, uint8_t **payload_out)
{
  uint8_t *bytes = NULL;

  if (channel->broken)
    return BT_RING_VIOLATION;
  if (size > bt_channel_max_payload(channel))
    return BT_RING_TOO_LARGE;
  BtRingResult result =
    bt_ring_writer_reserve(&channel->out, size + BT_FRAME_HEADER_SIZE, &bytes);
  if (result == BT_RING_VIOLATION)
    return broken(channel);
  if (result == BT_RING_FULL) {
    channel->room = size + BT_FRAME_HEADER_SIZE;
    /* Room comes only of what the peer has seen. */
    return bt_channel_flush(channel) == BT_RING_CLOSED ? BT_RING_CLOSED : BT_RING_FULL;
  }
  *payload_out = bytes + BT_FRAME_HEADER_SIZE;
  return BT_RING_OK;
}

void
bt_channel_commit(BtChannel *channel, uint32_t type, bool more, uint32_t id, uint32_t size)
{
  BtRingWriter *out = &channel->out;

  bt_frame_write_header(out->data + (out->head & (out->capacity - 1)), type, more, id, size);
  bt_ring_writer_commit(out, size + BT_FRAME_HEADER_SIZE);
}

BtRingResult
bt_channel_put(BtChannel *channel, uint32_t type, uint32_t id, const void *bytes, size_t size,
               size_t *done)
{
  /* Parts of a quarter: the peer copies one out while the next is copied in. */
  const uint32_t part = channel->out.capacity / 4 - BT_FRAME_HEADER_SIZE;
  const uint32_t whole = channel->out.capacity / 2;

  for (;;) {
    size_t left = size - *done;
    bool more = left > (*done == 0 ? whole : part);
    uint32_t now = more ? part : (uint32_t)left;
    uint8_t *payload;
    BtRingResult result = bt_channel_reserve(channel, now, &payload);
    if (result != BT_RING_OK)
      return result;
    if (now > 0)
      memcpy(payload, (const uint8_t *)bytes + *done, now);
    bt_channel_commit(channel, type, more, id, now);
    *done += now;
    if (!more)
      return BT_RING_OK;
    result = bt_channel_flush(channel);
    if (result != BT_RING_OK)
      return result;
  }
}

BtRingResult
bt_channel_peek(BtChannel *channel, BtFrame *frame_out)
{
  const uint8_t *bytes = NULL;
  uint32_t size = 0;
  BtFrame frame;

  if (channel->broken)
    return BT_RING_VIOLATION;
  BtRingResult result = bt_ring_reader_peek(&channel->in, &bytes, &size);
  if (result == BT_RING_EMPTY) {
    settle(channel);
    return BT_RING_EMPTY;
  }
  if (result != BT_RING_OK || bt_frame_parse(bytes, size, &frame) != BT_RING_OK ||
      !bt_frame_type_is_from(frame.type, !channel->side))
    return broken(channel);
  channel->peeked = frame.size + BT_FRAME_HEADER_SIZE;
  *frame_out = frame;
  return BT_RING_OK;
}

void
bt_channel_release(BtChannel *channel)
{
  bt_ring_reader_release(&channel->in, channel->peeked);
  channel->peeked = 0;
  if (channel->in.tail - channel->in.published >= channel->in.capacity / 4)
    settle(channel);
}

bool
bt_channel_is_ready(BtChannel *channel, uint32_t wants)
{
  const BtRingReader *in = &channel->in;
  const BtRingWriter *out = &channel->out;

  if (channel->broken)
    return true;
  if ((wants & BT_WANTS_DATA) != 0 &&
      (in->head != in->tail ||
       atomic_load_explicit(&channel->peers->head, memory_order_relaxed) != in->tail))
    return true;
  return (wants & BT_WANTS_ROOM) != 0 &&
         out->capacity -
             (out->head - atomic_load_explicit(&channel->peers->tail, memory_order_relaxed)) >=
           channel->room;
}

static uint32_t
count_bits(uint32_t wants)
{
  return ((wants & BT_WANTS_DATA) != 0) + ((wants & BT_WANTS_ROOM) != 0);
}

bool
bt_channel_arm(BtChannel *channel, uint32_t wants)
{
  if (channel->broken)
    return true;
  settle(channel);
  uint32_t old = atomic_fetch_or_explicit(&channel->mine->wants, wants, memory_order_relaxed);
  channel->tokens += count_bits(wants & ~old);
  atomic_thread_fence(memory_order_seq_cst);
  if (!bt_channel_is_ready(channel, wants))
    return false;
  bt_channel_disarm(channel, wants);
  return true;
}

void
bt_channel_disarm(BtChannel *channel, uint32_t wants)
{
  uint32_t old = atomic_fetch_and_explicit(&channel->mine->wants, ~wants, memory_order_relaxed);
  uint32_t taken_back = count_bits(old & wants);

  /* A hostile peer can set bits that were not armed. */
  channel->tokens -= taken_back < channel->tokens ? taken_back : channel->tokens;
}

BtRingResult
bt_channel_woken(BtChannel *channel, size_t bytes)
{
  if (channel->broken || bytes > channel->tokens)
    return broken(channel);
  channel->tokens -= (uint32_t)bytes;
  return BT_RING_OK;
}

BtRingResult
bt_channel_drain(BtChannel *channel)
{
  char bytes[64];
  ssize_t size = recv(channel->wake_fd, bytes, sizeof bytes, MSG_DONTWAIT);

  if (size > 0)
    return bt_channel_woken(channel, (size_t)size);
  if (size == 0 || (errno != EAGAIN && errno != EINTR))
    return BT_RING_CLOSED;
  return channel->broken ? BT_RING_VIOLATION : BT_RING_OK;
}

/* Would the peer, if it had something for us, be doing it now and elsewhere? */
static bool
peer_runs_elsewhere(const BtChannel *channel, uint32_t wants)
{
  const BtRingWords *peers = channel->peers;
  uint32_t cpu = (wants & BT_WANTS_DATA) != 0
                   ? atomic_load_explicit(&peers->head_cpu, memory_order_relaxed)
                   : atomic_load_explicit(&peers->tail_cpu, memory_order_relaxed);

  return cpu != 0 && cpu != this_cpu() &&
         atomic_load_explicit(&peers->wants, memory_order_relaxed) == 0;
}

bool
bt_channel_spin(BtChannel *channel, uint32_t wants)
{
  bool probe = ++channel->probes % PROBE_EVERY == 0;
  uint32_t limit = probe ? BT_CHANNEL_MAX_SPINS : channel->spins;
  uint32_t pauses = ++channel->streak > STREAM_STREAK ? STREAM_PAUSES : 1;

  if (channel->broken)
    return true;
  settle(channel);
  for (uint32_t i = 0; i < limit; i += pauses) {
    if (i % 16 == 0 && !peer_runs_elsewhere(channel, wants))
      return false;
    /* Before it looks: whoever comes here has just done so. */
    for (uint32_t j = 0; j < pauses; j++)
      relax();
    if (bt_channel_is_ready(channel, wants)) {
      channel->spins = limit < BT_CHANNEL_MAX_SPINS / 2 ? 2 * limit : BT_CHANNEL_MAX_SPINS;
      return true;
    }
  }
  if (!probe)
    channel->spins = limit / 2 > MIN_SPINS ? limit / 2 : MIN_SPINS;
  return false;
}
