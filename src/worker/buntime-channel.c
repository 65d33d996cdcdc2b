/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bt-worker-private.h"

#define HELLO "{\"type\":\"hello\",\"version\":1,\"client\":\"libbuntime-worker " BT_VERSION "\"}"

_Static_assert((int)BUNTIME_WANTS_DATA == BT_WANTS_DATA && (int)BUNTIME_WANTS_ROOM == BT_WANTS_ROOM &&
                 (int)BUNTIME_STDERR == BT_FRAME_STDERR && (int)BUNTIME_WARN == BT_FRAME_WARN &&
                 (int)BUNTIME_RESULT == BT_FRAME_RESULT && (int)BUNTIME_REPLY_ERROR == BT_FRAME_ERROR,
               "the public names are not the wire's");

/* There is one channel in a process: a second reader of a ring would take the first one's. */
static atomic_flag is_open = ATOMIC_FLAG_INIT;

static bool
parse_fds(const char *text, int fds[3])
{
  for (int i = 0; i < 3; i++) {
    char *end;
    errno = 0;
    long fd = strtol(text, &end, 10);
    if (errno != 0 || end == text || fd < 0 || fd > INT32_MAX || *end != (i < 2 ? ',' : '\0'))
      return false;
    fds[i] = (int)fd;
    text = end + 1;
  }
  return true;
}

/* The numbers may belong to other files by now, in a program that inherited the variable. */
static uint32_t
channel_capacity(const int fds[3])
{
  static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET };
  struct stat status;

  for (int i = 0; i < 2; i++) {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fds[i + 1], SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != types[i])
      return 0;
  }
  int seals = fcntl(fds[0], F_GET_SEALS);
  if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
      fstat(fds[0], &status) != 0 || status.st_size < 0)
    return 0;
  uint32_t capacity = bt_ring_capacity_for((uint64_t)status.st_size);
  return capacity != 0 && bt_ring_file_size(capacity) == (uint64_t)status.st_size ? capacity : 0;
}

static void
init_locks(BuntimeChannel *channel)
{
  pthread_condattr_t attributes;

  pthread_mutex_init(&channel->lock, NULL);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&channel->woken, &attributes);
  pthread_condattr_destroy(&attributes);
}

static int
open_fds(const int fds[3], BtSide side, BuntimeChannel **channel_out)
{
  uint32_t capacity = channel_capacity(fds);

  if (capacity == 0)
    return -EPROTO;
  BuntimeChannel *channel = calloc(1, sizeof *channel);
  if (channel == NULL)
    return -ENOMEM;
  int error = bt_ring_map_open(&channel->map, fds[0], capacity);
  if (error != 0) {
    free(channel);
    return error;
  }
  for (int i = 0; i < 3; i++)
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
  channel->memory_fd = fds[0];
  channel->wake_fd = fds[1];
  channel->control_fd = fds[2];
  init_locks(channel);
  bt_channel_init(&channel->channel, &channel->map, side, channel->wake_fd);
  bt_frame_join_init(&channel->join, BT_FRAME_MAX_MESSAGE);
  if (side == BT_SIDE_WORKER) {
    /* The supervisor trusts no index; it begins at the beginning. */
    bt_channel_resume(&channel->channel);
    buntime_channel_send_control(channel, HELLO, strlen(HELLO));
  }
  *channel_out = channel;
  return 0;
}

BUNTIME_WORKER_API int
buntime_channel_open(BuntimeChannel **channel_out)
{
  const char *text = getenv(BT_CHANNEL_VARIABLE);
  int fds[3];

  *channel_out = NULL;
  if (text == NULL)
    return -ENOENT;
  if (!parse_fds(text, fds))
    return -EPROTO;
  if (atomic_flag_test_and_set(&is_open))
    return -EBUSY;
  int error = open_fds(fds, BT_SIDE_WORKER, channel_out);
  if (error != 0)
    atomic_flag_clear(&is_open);
  return error;
}

BUNTIME_WORKER_API int
buntime_channel_open_supervisor(int memory_fd, int wake_fd, int control_fd,
                                BuntimeChannel **channel_out)
{
  const int fds[] = { memory_fd, wake_fd, control_fd };

  *channel_out = NULL;
  return open_fds(fds, BT_SIDE_SUPERVISOR, channel_out);
}

BUNTIME_WORKER_API void
buntime_channel_close(BuntimeChannel *channel)
{
  if (channel == NULL)
    return;
  bool worker = channel->channel.side == BT_SIDE_WORKER;
  buntime_channel_flush(channel);
  bt_ring_map_close(&channel->map);
  close(channel->memory_fd);
  close(channel->wake_fd);
  close(channel->control_fd);
  pthread_cond_destroy(&channel->woken);
  pthread_mutex_destroy(&channel->lock);
  free(channel->rest.bytes);
  free(channel->joined);
  free(channel);
  if (worker)
    atomic_flag_clear(&is_open);
}

BUNTIME_WORKER_API uint32_t
buntime_channel_next_id(BuntimeChannel *channel)
{
  pthread_mutex_lock(&channel->lock);
  if (++channel->last_id == 0)
    channel->last_id = 1;
  uint32_t id = channel->last_id;
  pthread_mutex_unlock(&channel->lock);
  return id;
}

BUNTIME_WORKER_API int
buntime_channel_get_fd(BuntimeChannel *channel)
{
  return channel->wake_fd;
}

/*
 * Something was armed before: bytes may be there, or the end, or bytes that nobody asked for, for
 * which the descriptor would stay readable.
 */
static bool
may_be_readable(const BtChannel *channel)
{
  return channel->tokens != 0 ||
         atomic_load_explicit(&channel->mine->wants, memory_order_relaxed) != 0;
}

BUNTIME_WORKER_API int
buntime_channel_prepare(BuntimeChannel *channel, uint32_t wants)
{
  BtRingResult result = BT_RING_OK;

  pthread_mutex_lock(&channel->lock);
  bt_worker_push(channel);
  if (channel->rest.bytes != NULL)
    wants |= BT_WANTS_ROOM;
  bt_channel_flush(&channel->channel);
  if (may_be_readable(&channel->channel) && !channel->sleeping)
    result = bt_channel_drain(&channel->channel);
  channel->closed |= result == BT_RING_CLOSED;
  bool ready = bt_channel_arm(&channel->channel, wants) || channel->closed;
  pthread_mutex_unlock(&channel->lock);
  return result == BT_RING_VIOLATION ? -EPROTO : ready;
}

BUNTIME_WORKER_API int
buntime_channel_woken(BuntimeChannel *channel, size_t size)
{
  pthread_mutex_lock(&channel->lock);
  channel->closed |= size == 0;
  BtRingResult result = bt_channel_woken(&channel->channel, size);
  pthread_mutex_unlock(&channel->lock);
  return bt_worker_error(result);
}

BUNTIME_WORKER_API int
buntime_channel_get_control_fd(BuntimeChannel *channel)
{
  return channel->control_fd;
}

BUNTIME_WORKER_API int
buntime_channel_send_control(BuntimeChannel *channel, const char *text, size_t size)
{
  if (size == 0 || size > BT_CHANNEL_MAX_CONTROL)
    return -EMSGSIZE;
  return send(channel->control_fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

BUNTIME_WORKER_API int
buntime_channel_recv_control(BuntimeChannel *channel, char *text, size_t size, int timeout)
{
  struct pollfd fd = { .fd = channel->control_fd, .events = POLLIN };
  int ready = poll(&fd, 1, timeout);

  if (ready <= 0)
    return ready < 0 ? -errno : timeout == 0 ? -EAGAIN : -ETIMEDOUT;
  ssize_t received = recv(fd.fd, text, size, MSG_DONTWAIT | MSG_TRUNC);
  if (received < 0)
    return -errno;
  if (received == 0)
    return -EPIPE;
  return (size_t)received > size ? -EMSGSIZE : (int)received;
}
