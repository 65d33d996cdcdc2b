/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bt-worker-private.h"

static void
release(BuntimeChannel *channel)
{
  if (channel->held)
    bt_channel_release(&channel->channel);
  channel->held = false;
}

/* Appends a part; its place is the end of what the join counts. */
static int
append(BuntimeChannel *channel, const BtFrame *frame)
{
  size_t size = channel->join.size;

  if (size > channel->joined_size) {
    size_t larger = size > channel->join.max / 2 ? channel->join.max : 2 * size;
    uint8_t *bytes = realloc(channel->joined, larger);
    if (bytes == NULL)
      return -ENOMEM;
    channel->joined = bytes;
    channel->joined_size = larger;
  }
  if (frame->size > 0)
    memcpy(channel->joined + size - frame->size, frame->bytes, frame->size);
  return 0;
}

/* 0: a message; -EAGAIN: none, or not all of it. */
static int
take(BuntimeChannel *channel, BuntimeMessage *message_out)
{
  for (;;) {
    BtFrame frame;
    int error = bt_worker_error(bt_channel_peek(&channel->channel, &frame));
    if (error != 0)
      return error;
    BtJoinResult joined = bt_frame_join(&channel->join, &frame);
    if (joined == BT_JOIN_VIOLATION)
      return -EMSGSIZE;
    *message_out = (BuntimeMessage){ .type = frame.type, .id = frame.id };
    /* A worker could change it after it was looked at: the supervisor has a copy. */
    if (joined == BT_JOIN_WHOLE && channel->channel.side == BT_SIDE_WORKER) {
      channel->held = true;
      message_out->bytes = frame.bytes;
      message_out->size = frame.size;
      return 0;
    }
    error = append(channel, &frame);
    if (error != 0)
      return error;
    bt_channel_release(&channel->channel);
    message_out->bytes = channel->joined;
    message_out->size = channel->join.size;
    if (joined != BT_JOIN_PART)
      return 0;
  }
}

BUNTIME_WORKER_API int
buntime_channel_recv(BuntimeChannel *channel, BuntimeMessage *message_out, int milliseconds)
{
  BtTimeout timeout = { .timeout = milliseconds };

  pthread_mutex_lock(&channel->lock);
  release(channel);
  int error = take(channel, message_out);
  while (error == -EAGAIN) {
    if (channel->rest.bytes != NULL)
      bt_worker_push(channel);
    error = bt_worker_wait(channel,
                           BT_WANTS_DATA | (channel->rest.bytes != NULL ? BT_WANTS_ROOM : 0),
                           &timeout);
    if (error == 0)
      error = take(channel, message_out);
    if (error == -EAGAIN && milliseconds == 0 && !channel->closed)
      break;
  }
  pthread_mutex_unlock(&channel->lock);
  return error;
}

BUNTIME_WORKER_API void
buntime_channel_release(BuntimeChannel *channel)
{
  pthread_mutex_lock(&channel->lock);
  release(channel);
  pthread_mutex_unlock(&channel->lock);
}

BUNTIME_WORKER_API void
buntime_channel_set_max_message(BuntimeChannel *channel, size_t size)
{
  pthread_mutex_lock(&channel->lock);
  channel->join.max = size;
  pthread_mutex_unlock(&channel->lock);
}
