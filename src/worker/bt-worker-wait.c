/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "bt-worker-private.h"

/* Who never waits looks for the peer's end so seldom that it costs nothing. */
#define LOOK_MS 100

int
bt_worker_error(BtRingResult result)
{
  switch (result) {
  case BT_RING_OK:
    return 0;
  case BT_RING_EMPTY:
  case BT_RING_FULL:
    return -EAGAIN;
  case BT_RING_CLOSED:
    return -EPIPE;
  case BT_RING_TOO_LARGE:
    return -EMSGSIZE;
  case BT_RING_VIOLATION:
    break;
  }
  return -EPROTO;
}

static void
start(BtTimeout *timeout)
{
  timeout->known = true;
  clock_gettime(CLOCK_MONOTONIC, &timeout->end);
  timeout->end.tv_sec += timeout->timeout / 1000;
  timeout->end.tv_nsec += timeout->timeout % 1000 * 1000000L;
  if (timeout->end.tv_nsec >= 1000000000L) {
    timeout->end.tv_nsec -= 1000000000L;
    timeout->end.tv_sec++;
  }
}

/* Milliseconds, rounded up, so that nobody looks in vain for the last of them. */
static int
remaining(const BtTimeout *timeout)
{
  struct timespec now;

  if (timeout->timeout < 0)
    return -1;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t left = (timeout->end.tv_sec - now.tv_sec) * INT64_C(1000000000) +
                 (timeout->end.tv_nsec - now.tv_nsec);
  return left <= 0 ? 0 : (int)((left + 999999) / 1000000);
}

static ssize_t
read_socket(int fd, int flags)
{
  char bytes[64];
  ssize_t size = recv(fd, bytes, sizeof bytes, flags);

  return size > 0 ? size : size == 0 ? -EPIPE : -errno;
}

/* The bytes read from the socket, or -errno; -EPIPE: the peer is gone. */
static ssize_t
sleep_on_socket(int fd, int timeout)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
  /* One call instead of two, unless somebody made the descriptor non-blocking. */
  ssize_t size = timeout < 0 ? read_socket(fd, 0) : -EAGAIN;

  if (size != -EAGAIN)
    return size;
  int ready = poll(&poll_fd, 1, timeout);
  if (ready <= 0)
    return ready < 0 ? -errno : -ETIMEDOUT;
  size = read_socket(fd, MSG_DONTWAIT);
  return size == -EAGAIN ? 0 : size;
}

int
bt_worker_wait_turn(BuntimeChannel *channel, BtTimeout *timeout)
{
  if (timeout->timeout == 0)
    return -EAGAIN;
  if (timeout->timeout < 0)
    return -pthread_cond_wait(&channel->woken, &channel->lock);
  if (!timeout->known)
    start(timeout);
  return -pthread_cond_timedwait(&channel->woken, &channel->lock, &timeout->end);
}

/*
 * Is the peer gone? For who does not wait, and so is not told by waiting. What wakes others stays
 * in the socket, and may stand before its end: so the end is asked for, and nothing read.
 */
static bool
look_for_end(BuntimeChannel *channel)
{
  struct pollfd poll_fd = { .fd = channel->wake_fd, .events = POLLRDHUP };
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  int64_t milliseconds = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
  if (milliseconds - channel->looked < LOOK_MS)
    return false;
  channel->looked = milliseconds;
  channel->closed = poll(&poll_fd, 1, 0) == 1;
  return channel->closed;
}

int
bt_worker_wait(BuntimeChannel *channel, uint32_t wants, BtTimeout *timeout)
{
  if (channel->closed)
    return -EPIPE;
  if (timeout->timeout > 0 && !timeout->known)
    start(timeout);
  if (timeout->timeout == 0)
    return bt_channel_is_ready(&channel->channel, wants) || look_for_end(channel) ? 0 : -EAGAIN;
  if (bt_channel_spin(&channel->channel, wants) || bt_channel_arm(&channel->channel, wants))
    return 0;

  if (channel->sleeping)
    return bt_worker_wait_turn(channel, timeout);
  channel->sleeping = true;
  int left = remaining(timeout);
  pthread_mutex_unlock(&channel->lock);
  ssize_t size = sleep_on_socket(channel->wake_fd, left);
  pthread_mutex_lock(&channel->lock);
  channel->sleeping = false;
  pthread_cond_broadcast(&channel->woken);
  if (size >= 0)
    return bt_worker_error(bt_channel_woken(&channel->channel, (size_t)size));
  /* A bit that is left says "asleep", and the peer would not wait a moment for an answer. */
  bt_channel_disarm(&channel->channel, wants);
  if (size == -EPIPE) {
    channel->closed = true;
    return 0; /* what is in the ring is still to be had */
  }
  return (int)size;
}
