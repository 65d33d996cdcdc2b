/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Both sides of a channel in one process. */

#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-channel.h"
#include "wire/bt-ring-map.h"

#define CAPACITY BT_RING_MIN_CAPACITY

typedef struct {
  BtRingMap maps[2];
  BtChannel channels[2]; /* by BtSide */
  int wake_fds[2];
  int memory_fd;
} Fixture;

static inline int
make_memory(uint32_t capacity)
{
  int fd = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint(fd, >=, 0);
  g_assert_cmpint(ftruncate(fd, (off_t)bt_ring_file_size(capacity)), ==, 0);
  g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), ==, 0);
  return fd;
}

static inline void
fixture_init_sized(Fixture *fixture, uint32_t capacity)
{
  fixture->memory_fd = make_memory(capacity);
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture->wake_fds), ==, 0);
  for (int side = 0; side < 2; side++) {
    g_assert_cmpint(bt_ring_map_open(&fixture->maps[side], fixture->memory_fd, capacity), ==, 0);
    bt_channel_init(&fixture->channels[side], &fixture->maps[side], side,
                    fixture->wake_fds[side]);
  }
}

static inline void
fixture_init(Fixture *fixture)
{
  fixture_init_sized(fixture, CAPACITY);
}

static inline void
fixture_clear(Fixture *fixture)
{
  for (int side = 0; side < 2; side++) {
    bt_ring_map_close(&fixture->maps[side]);
    close(fixture->wake_fds[side]);
  }
  close(fixture->memory_fd);
}
