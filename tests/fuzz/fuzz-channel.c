/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's side of a channel against a worker that writes anything anywhere in
 * the shared file, between any two operations, and from a thread beside them.  The input
 * is a program of both: an operation a byte, with its operands behind it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"

#define CAPACITY BT_RING_MIN_CAPACITY
#define MAX_MESSAGE 100000u
#define MAX_OPERATIONS 400

typedef struct {
  const uint8_t *data;
  size_t size;
} Input;

typedef struct {
  BtRingMap map;
  int wake[2];
  BtChannel channel;
  BtFrameJoin join;
  uint8_t *message; /* MAX_MESSAGE bytes, so that ASan sees one more */
  size_t done, put_size;
  pthread_t racer;
  bool racing;
  atomic_bool stop;
} World;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
take(Input *input, int bytes)
{
  uint32_t value = 0;

  for (int i = 0; i < bytes && input->size > 0; i++) {
    value |= (uint32_t)*input->data++ << (8 * i);
    input->size--;
  }
  return value;
}

static World *
get_world(void)
{
  static World *world;

  if (world != NULL)
    return world;
  world = calloc(1, sizeof *world);
  int memory = memfd_create("fuzz", MFD_CLOEXEC);
  if (world == NULL || ftruncate(memory, (off_t)bt_ring_file_size(CAPACITY)) != 0 ||
      bt_ring_map_open(&world->map, memory, CAPACITY) != 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, world->wake) != 0)
    abort();
  return world;
}

static void
begin(World *world)
{
  char bytes[4096];

  memset(world->map.data[0], 0, CAPACITY);
  memset(world->map.data[1], 0, CAPACITY);
  memset(world->map.control, 0, sizeof *world->map.control);
  for (int side = 0; side < 2; side++)
    while (recv(world->wake[side], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
      ;
  bt_channel_init(&world->channel, &world->map, BT_SIDE_SUPERVISOR, world->wake[0]);
  bt_frame_join_init(&world->join, MAX_MESSAGE);
  world->message = calloc(1, MAX_MESSAGE);
  if (world->message == NULL)
    abort();
  world->done = 0;
}

/* The worker beside: what is written is somewhere near what would be right. */
static void *
race(void *data)
{
  World *world = data;
  BtRingWords *words = &world->map.control->side[BT_SIDE_WORKER];
  uint32_t random = 88172645;

  while (!atomic_load_explicit(&world->stop, memory_order_relaxed)) {
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    uint32_t head = atomic_load_explicit(&words->head, memory_order_relaxed);
    uint8_t *at = world->map.data[1] + (head & (CAPACITY - 1));
    switch (random >> 29) {
    case 0:
      atomic_store_explicit(&words->head, head + (random & 63), memory_order_relaxed);
      break;
    case 1:
      atomic_store_explicit(&words->tail, random & 1023, memory_order_relaxed);
      break;
    case 2:
      atomic_store_explicit(&words->wants, random & 3, memory_order_relaxed);
      break;
    case 3:
      atomic_store_explicit(&world->map.control->side[0].wants, random & 7, memory_order_relaxed);
      break;
    case 4:
      atomic_store_explicit(&words->head_cpu, random & 3, memory_order_relaxed);
      break;
    case 5:
      bt_frame_write_header(at, random & 0xff, false, random, random >> 8 & 63);
      break;
    default:
      memcpy(world->map.data[1] + (random & (CAPACITY - 1)), &random, sizeof random);
      break;
    }
  }
  return NULL;
}

static void
receive(World *world)
{
  BtFrame frame;

  if (bt_channel_peek(&world->channel, &frame) != BT_RING_OK)
    return;
  const uint8_t *start = world->map.data[1];
  if (frame.bytes < start || frame.size > CAPACITY - BT_FRAME_HEADER_SIZE ||
      frame.bytes + frame.size > start + 2 * CAPACITY)
    abort();
  BtJoinResult joined = bt_frame_join(&world->join, &frame);
  if (joined == BT_JOIN_VIOLATION)
    return;
  if (world->join.size > MAX_MESSAGE || frame.size > world->join.size)
    abort();
  if (frame.size > 0)
    memcpy(world->message + world->join.size - frame.size, frame.bytes, frame.size);
  bt_channel_release(&world->channel);
}

static void
send_in_place(World *world, uint32_t size, uint32_t used)
{
  uint8_t *payload;

  if (world->done > 0 || bt_channel_reserve(&world->channel, size, &payload) != BT_RING_OK)
    return;
  if (payload < world->map.data[0] || payload + size > world->map.data[0] + 2 * CAPACITY)
    abort();
  memset(payload, 'x', size);
  bt_channel_commit(&world->channel, BT_FRAME_MESSAGE, false, 1, used < size ? used : size);
}

static void
send_whole(World *world, uint32_t size)
{
  if (world->done == 0)
    world->put_size = size % MAX_MESSAGE;
  if (bt_channel_put(&world->channel, BT_FRAME_CODE, 1, world->message, world->put_size,
                     &world->done) == BT_RING_OK)
    world->done = 0;
}

/* What the worker may do; false: it is not one of its operations. */
static bool
attack(World *world, uint32_t operation, Input *input)
{
  static const char bytes[256];
  BtRingWords *words = &world->map.control->side[BT_SIDE_WORKER];
  uint8_t *next = world->map.data[1] + (world->channel.in.head & (CAPACITY - 1));

  switch (operation) {
  case 0: {
    uint32_t offset = take(input, 2) % (sizeof(BtRingControl) - 3), value = take(input, 4);
    memcpy((uint8_t *)world->map.control + offset, &value, sizeof value);
    return true;
  }
  case 1:
    words->head += take(input, 2);
    return true;
  case 2:
    words->tail += take(input, 2);
    return true;
  case 3: {
    uint32_t type = take(input, 1), size = take(input, 2);
    bt_frame_write_header(next, type & 0x7f, (type & 0x80) != 0, take(input, 1), size);
    words->head = world->channel.in.head + BT_FRAME_HEADER_SIZE + size;
    return true;
  }
  case 4:
    for (uint32_t i = 0, count = take(input, 1) % 16; i < count; i++)
      next[i] = (uint8_t)take(input, 1);
    return true;
  case 5:
    words->wants = take(input, 1);
    return true;
  case 6:
    words->head_cpu = words->tail_cpu = take(input, 1);
    return true;
  case 7:
    send(world->wake[1], bytes, take(input, 1), MSG_DONTWAIT);
    return true;
  case 8:
    memset(world->map.data[1], (int)take(input, 1), CAPACITY);
    return true;
  case 9:
    if (!world->racing && pthread_create(&world->racer, NULL, race, world) == 0)
      world->racing = true;
    return true;
  default:
    return false;
  }
}

static void
defend(World *world, uint32_t operation, Input *input)
{
  switch (operation % 8) {
  case 0:
  case 1:
    receive(world);
    break;
  case 2: {
    uint32_t size = take(input, 3), used = take(input, 2);
    send_in_place(world, size, used);
    break;
  }
  case 3:
    send_whole(world, take(input, 3));
    break;
  case 4:
    if (world->done == 0)
      bt_channel_flush(&world->channel);
    break;
  case 5:
    bt_channel_arm(&world->channel, take(input, 1) & 3);
    break;
  case 6:
    bt_channel_drain(&world->channel);
    break;
  default:
    bt_channel_spin(&world->channel, take(input, 1) & 3);
    bt_channel_disarm(&world->channel, take(input, 1) & 3);
    break;
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Input input = { data, size };
  World *world = get_world();

  begin(world);
  for (int i = 0; i < MAX_OPERATIONS && input.size > 0; i++) {
    uint32_t operation = take(&input, 1) % 20;
    bool was_broken = world->channel.broken;
    if (!attack(world, operation, &input))
      defend(world, operation, &input);
    /* It does not heal, and what it holds fits. */
    const BtChannel *channel = &world->channel;
    if ((was_broken && !channel->broken) || channel->out.head - channel->out.tail > CAPACITY ||
        channel->in.head - channel->in.tail > CAPACITY || channel->spins > BT_CHANNEL_MAX_SPINS)
      abort();
  }
  if (world->racing) {
    atomic_store(&world->stop, true);
    pthread_join(world->racer, NULL);
    atomic_store(&world->stop, false);
    world->racing = false;
  }
  free(world->message);
  return 0;
}
