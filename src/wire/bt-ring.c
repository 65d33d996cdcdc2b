/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bt-ring.h"

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "two processes cannot share these atomics");

bool
bt_ring_capacity_is_valid(uint64_t capacity)
{
  return capacity >= BT_RING_MIN_CAPACITY && capacity <= BT_RING_MAX_CAPACITY &&
         (capacity & (capacity - 1)) == 0;
}

uint64_t
bt_ring_file_size(uint32_t capacity)
{
  return 2 * (uint64_t)capacity + BT_RING_CONTROL_SIZE;
}

uint32_t
bt_ring_capacity_for(uint64_t size)
{
  uint32_t capacity = BT_RING_MIN_CAPACITY;

  if (size < 2 * (uint64_t)capacity)
    return 0;
  while (capacity < BT_RING_MAX_CAPACITY && 4 * (uint64_t)capacity <= size)
    capacity *= 2;
  return capacity;
}

void
bt_ring_writer_init(BtRingWriter *writer, const BtRingMap *map, BtSide side)
{
  *writer = (BtRingWriter){
    .data = map->data[side],
    .mine = &map->control->side[side],
    .peers = &map->control->side[!side],
    .capacity = map->capacity,
  };
}

static bool
tail_can_be(const BtRingWriter *writer, uint32_t tail)
{
  return tail - writer->tail <= writer->published - writer->tail;
}

BtRingResult
bt_ring_writer_reserve(BtRingWriter *writer, uint32_t size, uint8_t **bytes_out)
{
  if (size > writer->capacity)
    return BT_RING_TOO_LARGE;
  /* The peer's line is looked at only when what is known of it is not enough. */
  if (writer->capacity - (writer->head - writer->tail) < size) {
    uint32_t tail = atomic_load_explicit(&writer->peers->tail, memory_order_acquire);
    if (!tail_can_be(writer, tail))
      return BT_RING_VIOLATION;
    writer->tail = tail;
    if (writer->capacity - (writer->head - tail) < size)
      return BT_RING_FULL;
  }
  *bytes_out = writer->data + (writer->head & (writer->capacity - 1));
  return BT_RING_OK;
}

void
bt_ring_writer_commit(BtRingWriter *writer, uint32_t size)
{
  writer->head += size;
}

void
bt_ring_writer_publish(BtRingWriter *writer, uint32_t cpu)
{
  writer->published = writer->head;
  atomic_store_explicit(&writer->mine->head_cpu, cpu, memory_order_relaxed);
  atomic_store_explicit(&writer->mine->head, writer->head, memory_order_release);
}

uint32_t
bt_ring_writer_get_used(const BtRingWriter *writer)
{
  uint32_t tail = atomic_load_explicit(&writer->peers->tail, memory_order_relaxed);
  return writer->head - (tail_can_be(writer, tail) ? tail : writer->tail);
}

void
bt_ring_reader_init(BtRingReader *reader, const BtRingMap *map, BtSide side)
{
  *reader = (BtRingReader){
    .data = map->data[!side],
    .mine = &map->control->side[side],
    .peers = &map->control->side[!side],
    .capacity = map->capacity,
  };
}

/* The peer may fill what it was told to be free, and no more. */
static bool
head_can_be(const BtRingReader *reader, uint32_t head)
{
  return head - reader->head <= reader->capacity - (reader->head - reader->published);
}

BtRingResult
bt_ring_reader_peek(BtRingReader *reader, const uint8_t **bytes_out, uint32_t *size_out)
{
  if (reader->head == reader->tail) {
    uint32_t head = atomic_load_explicit(&reader->peers->head, memory_order_acquire);
    if (!head_can_be(reader, head))
      return BT_RING_VIOLATION;
    reader->head = head;
    if (head == reader->tail)
      return BT_RING_EMPTY;
  }
  *bytes_out = reader->data + (reader->tail & (reader->capacity - 1));
  *size_out = reader->head - reader->tail;
  return BT_RING_OK;
}

void
bt_ring_reader_release(BtRingReader *reader, uint32_t size)
{
  reader->tail += size;
}

void
bt_ring_reader_publish(BtRingReader *reader, uint32_t cpu)
{
  reader->published = reader->tail;
  atomic_store_explicit(&reader->mine->tail_cpu, cpu, memory_order_relaxed);
  atomic_store_explicit(&reader->mine->tail, reader->tail, memory_order_release);
}

uint32_t
bt_ring_reader_get_used(const BtRingReader *reader)
{
  uint32_t head = atomic_load_explicit(&reader->peers->head, memory_order_relaxed);
  return (head_can_be(reader, head) ? head : reader->head) - reader->tail;
}
