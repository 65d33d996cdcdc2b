/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stress-channel [MESSAGES [CPUS]]: two threads that send each other messages of all
 * sizes at once, and sleep where there is nothing to do.  Fails if a byte is wrong, or if
 * both sleep.  Built a second time with ThreadSanitizer, which sees what is not ordered;
 * so no GLib, which it does not know, and one mapping for both sides, which it would take
 * for different memory.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"

#define CAPACITY BT_RING_MIN_CAPACITY
#define MAX_SIZE (5 * CAPACITY / 2)
#define LOST_AFTER_MS 20000

typedef struct {
  BtChannel channel;
  BtFrameJoin join;
  int cpu; /* -1: any */
  unsigned int messages;
  unsigned int sent, received, sleeps;
  size_t size, done; /* of the message that is being sent */
  unsigned int seed;
  uint8_t *out, *in;
} Side;

static void
fail(const char *text)
{
  fprintf(stderr, "stress-channel: %s\n", text);
  exit(1);
}

static uint32_t
next_random(Side *side)
{
  return (uint32_t)rand_r(&side->seed);
}

/* Mostly small ones, now and then one for the whole ring, or more. */
static size_t
random_size(Side *side)
{
  switch (next_random(side) % 64) {
  case 0:
    return next_random(side) % MAX_SIZE;
  case 1:
    return next_random(side) % (CAPACITY / 2);
  case 2:
    return 0;
  default:
    return next_random(side) % 256;
  }
}

static uint8_t
expected(uint32_t message, size_t i)
{
  return (uint8_t)(message * 31 + i * 7);
}

static bool
send_some(Side *side)
{
  if (side->sent == side->messages)
    return false;
  if (side->done == 0) {
    side->size = random_size(side);
    for (size_t i = 0; i < side->size; i++)
      side->out[i] = expected(side->sent, i);
  }
  BtRingResult result = bt_channel_put(&side->channel, BT_FRAME_MESSAGE, side->sent, side->out,
                                       side->size, &side->done);
  if (result == BT_RING_FULL)
    return false;
  if (result != BT_RING_OK)
    fail("cannot send");
  side->sent++;
  side->done = 0;
  /* Some of them in batches. */
  if (next_random(side) % 4 != 0 || side->sent == side->messages)
    bt_channel_flush(&side->channel);
  return true;
}

static bool
receive_some(Side *side)
{
  BtFrame frame;
  BtRingResult result = bt_channel_peek(&side->channel, &frame);

  if (result == BT_RING_EMPTY)
    return false;
  if (result != BT_RING_OK)
    fail("cannot receive");
  BtJoinResult joined = bt_frame_join(&side->join, &frame);
  if (joined == BT_JOIN_VIOLATION || frame.id != side->received)
    fail("a message out of order");
  if (frame.size > 0)
    memcpy(side->in + side->join.size - frame.size, frame.bytes, frame.size);
  bt_channel_release(&side->channel);
  if (joined == BT_JOIN_PART)
    return true;
  for (size_t i = 0; i < side->join.size; i++)
    if (side->in[i] != expected(side->received, i))
      fail("a wrong byte");
  side->received++;
  return true;
}

static void
sleep_until(Side *side, uint32_t wants)
{
  struct pollfd fd = { .fd = side->channel.wake_fd, .events = POLLIN };

  bt_channel_flush(&side->channel);
  if (bt_channel_spin(&side->channel, wants) || bt_channel_arm(&side->channel, wants))
    return;
  side->sleeps++;
  if (poll(&fd, 1, LOST_AFTER_MS) != 1)
    fail("a wake-up was lost");
  if (bt_channel_drain(&side->channel) != BT_RING_OK)
    fail("a wake-up that was not asked for");
}

static void *
run(void *data)
{
  Side *side = data;

  if (side->cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(side->cpu, &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
  }
  while (side->sent < side->messages || side->received < side->messages) {
    bool sent = send_some(side);
    bool received = receive_some(side);
    if (sent || received)
      continue;
    sleep_until(side, (side->sent < side->messages ? BT_WANTS_ROOM : 0) |
                        (side->received < side->messages ? BT_WANTS_DATA : 0));
  }
  return NULL;
}

int
main(int argc, char **argv)
{
  unsigned int messages = argc > 1 ? (unsigned int)atoi(argv[1]) : 20000;
  int cpus = argc > 2 ? atoi(argv[2]) : 0;
  int memory = memfd_create("stress", MFD_CLOEXEC), wake[2];
  static Side sides[2];
  pthread_t threads[2];
  BtRingMap map;

  if (memory < 0 || ftruncate(memory, (off_t)bt_ring_file_size(CAPACITY)) != 0 ||
      bt_ring_map_open(&map, memory, CAPACITY) != 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wake) != 0)
    fail("no channel");
  for (int i = 0; i < 2; i++) {
    Side *side = &sides[i];
    *side = (Side){ .messages = messages, .seed = (unsigned int)i + 1,
                    .cpu = cpus > 0 ? i % cpus : -1 };
    side->out = malloc(MAX_SIZE);
    side->in = malloc(MAX_SIZE);
    if (side->out == NULL || side->in == NULL)
      fail("no memory");
    bt_channel_init(&side->channel, &map, i, wake[i]);
    bt_frame_join_init(&side->join, MAX_SIZE);
  }
  for (int i = 0; i < 2; i++)
    if (pthread_create(&threads[i], NULL, run, &sides[i]) != 0)
      fail("no thread");
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  printf("%u messages each way, %u and %u sleeps\n", messages, sides[0].sleeps, sides[1].sleeps);
  for (int i = 0; i < 2; i++) {
    free(sides[i].out);
    free(sides[i].in);
    close(wake[i]);
  }
  bt_ring_map_close(&map);
  close(memory);
  return 0;
}
