/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Maps the file of a pair of rings: each data area twice in a row. */

#include "wire/bt-ring.h"

/* 0 or -errno. The file is bt_ring_file_size(capacity) large, and sealed. */
int bt_ring_map_open(BtRingMap *map, int fd, uint32_t capacity);
void bt_ring_map_close(BtRingMap *map);
