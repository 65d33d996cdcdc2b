/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One lock guards the channel; it is not held while a thread sleeps.  One thread sleeps
 * on the socket, for all: the others, which sleep on `woken`, are told when it has read
 * the bytes, and look for themselves.  A message that is sent in parts keeps other
 * senders out until it is complete.
 */

#include <pthread.h>
#include <time.h>

#include "wire/bt-ring-map.h"
#include "wire/bt-channel.h"
#include "worker/buntime-worker.h"

/* What is left of a message that was begun, but whose sender would not wait. */
typedef struct {
  uint8_t *bytes; /* NULL: nothing is left */
  size_t size, done;
  uint32_t type, id;
} BtRest;

struct _BuntimeChannel {
  pthread_mutex_t lock;
  pthread_cond_t woken;
  BtChannel channel;
  BtRingMap map;
  int memory_fd, wake_fd, control_fd;
  bool sleeping; /* a thread reads the socket */
  bool sending;  /* a thread is in the middle of a message */
  bool closed;
  bool held;     /* the last message received is in the ring */
  int64_t looked; /* for the peer's end: ms, monotonic */
  uint32_t reserved;
  uint32_t last_id;
  BtRest rest;
  BtFrameJoin join;
  uint8_t *joined; /* joined_size bytes, which the parts of a message come to */
  size_t joined_size;
};

/* When to give up; forever and at once are not looked up on a clock. */
typedef struct {
  int timeout;
  bool known;
  struct timespec end;
} BtTimeout;

/*
 * With the lock held, which it lets go meanwhile: waits for one of wants, or for another
 * thread to have been woken. 0: look again.
 */
int bt_worker_wait(BuntimeChannel *channel, uint32_t wants, BtTimeout *timeout);
/* Likewise, but for another thread alone, which broadcasts `woken`. */
int bt_worker_wait_turn(BuntimeChannel *channel, BtTimeout *timeout);
/* Sends more of the rest, with the lock held: 0, -EAGAIN, or it cannot be sent. */
int bt_worker_push(BuntimeChannel *channel);
int bt_worker_error(BtRingResult result); /* errno, negative; 0 for OK */
