/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire/bt-ring-map.h"

#include <errno.h>
#include <sys/mman.h>

/* One range of addresses: both areas twice, then the control area. */
static size_t
mapped_size(uint32_t capacity)
{
  return 4 * (size_t)capacity + BT_RING_CONTROL_SIZE;
}

static int
map_part(uint8_t *at, size_t size, int fd, off_t offset)
{
  return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED
           ? -errno
           : 0;
}

int
bt_ring_map_open(BtRingMap *map, int fd, uint32_t capacity)
{
  uint8_t *base = mmap(NULL, mapped_size(capacity), PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  int error = 0;

  if (base == MAP_FAILED)
    return -errno;
  *map = (BtRingMap){
    .data = { base, base + 2 * (size_t)capacity },
    .control = (BtRingControl *)(base + 4 * (size_t)capacity),
    .capacity = capacity,
  };
  for (int side = 0; side < 2 && error == 0; side++) {
    off_t offset = side * (off_t)capacity;
    error = map_part(map->data[side], capacity, fd, offset);
    if (error == 0)
      error = map_part(map->data[side] + capacity, capacity, fd, offset);
  }
  if (error == 0)
    error = map_part((uint8_t *)map->control, BT_RING_CONTROL_SIZE, fd, 2 * (off_t)capacity);
  if (error != 0)
    bt_ring_map_close(map);
  return error;
}

void
bt_ring_map_close(BtRingMap *map)
{
  if (map->data[0] != NULL)
    munmap(map->data[0], mapped_size(map->capacity));
  *map = (BtRingMap){ 0 };
}
