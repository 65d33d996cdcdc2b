/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bt-worker-private.h"

int
bt_worker_push(BuntimeChannel *channel)
{
  BtRest *rest = &channel->rest;

  if (rest->bytes == NULL)
    return 0;
  BtRingResult result = bt_channel_put(&channel->channel, rest->type, rest->id, rest->bytes,
                                       rest->size, &rest->done);
  if (result == BT_RING_FULL && channel->closed)
    return -EPIPE; /* room is not waited for: there will be none */
  if (result != BT_RING_OK)
    return bt_worker_error(result);
  bt_channel_flush(&channel->channel);
  free(rest->bytes);
  *rest = (BtRest){ 0 };
  return 0;
}

/* Keeps what could not be sent of a message whose beginning was. */
static int
keep_rest(BuntimeChannel *channel, uint32_t type, uint32_t id, const uint8_t *bytes, size_t size,
          size_t done)
{
  uint8_t *copy = malloc(size);

  if (copy == NULL)
    return -ENOMEM;
  memcpy(copy + done, bytes + done, size - done);
  channel->rest =
    (BtRest){ .bytes = copy, .size = size, .done = done, .type = type, .id = id };
  return 0;
}

/* Waits until this thread may begin a message; the lock is held. */
static int
begin(BuntimeChannel *channel, BtTimeout *timeout)
{
  int error = 0;

  while (error == 0) {
    if (channel->sending)
      error = bt_worker_wait_turn(channel, timeout);
    else if ((error = bt_worker_push(channel)) == -EAGAIN)
      error = bt_worker_wait(channel, BT_WANTS_ROOM, timeout);
    else
      return error;
  }
  return error;
}

/* In the middle of a message: no other thread may begin one. */
static int
wait_for_room(BuntimeChannel *channel, BtTimeout *timeout)
{
  channel->sending = true;
  int error = bt_worker_wait(channel, BT_WANTS_ROOM, timeout);
  channel->sending = false;
  pthread_cond_broadcast(&channel->woken);
  return error;
}

static int
put(BuntimeChannel *channel, uint32_t type, uint32_t id, const void *bytes, size_t size,
    BtTimeout *timeout)
{
  size_t done = 0;

  for (;;) {
    int error =
      bt_worker_error(bt_channel_put(&channel->channel, type, id, bytes, size, &done));
    if (error != -EAGAIN)
      return error;
    error = wait_for_room(channel, timeout);
    if (error == -EINTR && done > 0)
      continue;
    if (done > 0 && (error == -EAGAIN || error == -ETIMEDOUT))
      return keep_rest(channel, type, id, bytes, size, done);
    if (error != 0)
      return error;
  }
}

static int
send_message(BuntimeChannel *channel, uint32_t type, uint32_t id, const void *bytes, size_t size,
             int milliseconds, bool flush)
{
  BtTimeout timeout = { .timeout = milliseconds };

  if (!bt_frame_type_is_from(type, channel->channel.side))
    return -EINVAL;
  if (size > BT_FRAME_MAX_MESSAGE)
    return -EMSGSIZE;
  pthread_mutex_lock(&channel->lock);
  int error = channel->closed ? -EPIPE : 0;
  if (error == 0 && (channel->sending || channel->rest.bytes != NULL))
    error = begin(channel, &timeout);
  if (error == 0)
    error = put(channel, type, id, bytes, size, &timeout);
  if (error == 0 && flush)
    error = bt_worker_error(bt_channel_flush(&channel->channel));
  pthread_mutex_unlock(&channel->lock);
  return error;
}

BUNTIME_WORKER_API int
buntime_channel_send(BuntimeChannel *channel, uint32_t type, uint32_t id, const void *bytes,
                     size_t size, int timeout)
{
  return send_message(channel, type, id, bytes, size, timeout, true);
}

BUNTIME_WORKER_API int
buntime_channel_queue(BuntimeChannel *channel, uint32_t type, uint32_t id, const void *bytes,
                      size_t size, int timeout)
{
  return send_message(channel, type, id, bytes, size, timeout, false);
}

BUNTIME_WORKER_API int
buntime_channel_flush(BuntimeChannel *channel)
{
  pthread_mutex_lock(&channel->lock);
  int kept = bt_worker_push(channel);
  int error = kept;
  if (kept == 0 || kept == -EAGAIN)
    error = bt_worker_error(bt_channel_flush(&channel->channel));
  pthread_mutex_unlock(&channel->lock);
  return error != 0 ? error : kept;
}

BUNTIME_WORKER_API int
buntime_channel_reserve(BuntimeChannel *channel, size_t size, void **bytes_out, int milliseconds)
{
  BtTimeout timeout = { .timeout = milliseconds };
  uint8_t *payload = NULL;

  if (size > bt_channel_max_payload(&channel->channel))
    return -EMSGSIZE;
  pthread_mutex_lock(&channel->lock);
  int error = channel->closed ? -EPIPE : begin(channel, &timeout);
  while (error == 0) {
    error = bt_worker_error(
      bt_channel_reserve(&channel->channel, (uint32_t)size, &payload));
    if (error != -EAGAIN)
      break;
    error = wait_for_room(channel, &timeout);
  }
  if (error == 0) {
    channel->sending = true;
    channel->reserved = (uint32_t)size + 1;
    *bytes_out = payload;
  }
  pthread_mutex_unlock(&channel->lock);
  return error;
}

BUNTIME_WORKER_API int
buntime_channel_commit(BuntimeChannel *channel, uint32_t type, uint32_t id, size_t size)
{
  if (!bt_frame_type_is_from(type, channel->channel.side))
    return -EINVAL;
  pthread_mutex_lock(&channel->lock);
  bool fits = size < channel->reserved;
  if (fits) {
    bt_channel_commit(&channel->channel, type, false, id, (uint32_t)size);
    channel->reserved = 0;
    channel->sending = false;
    pthread_cond_broadcast(&channel->woken);
  }
  pthread_mutex_unlock(&channel->lock);
  return fits ? 0 : -EINVAL;
}
