/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bt-frame.h"

#include <string.h>

enum {
  FROM_SUPERVISOR = 1 << BT_SIDE_SUPERVISOR,
  FROM_WORKER = 1 << BT_SIDE_WORKER,
  FROM_BOTH = FROM_SUPERVISOR | FROM_WORKER,
};

static const struct {
  const char *name;
  uint8_t from;
} types[] = {
  [BT_FRAME_STDOUT] = { "STDOUT", FROM_WORKER },
  [BT_FRAME_FS_READ] = { "FS_READ", FROM_WORKER },
  [BT_FRAME_FS_WRITE] = { "FS_WRITE", FROM_WORKER },
  [BT_FRAME_NET_CONNECT] = { "NET_CONNECT", FROM_WORKER },
  [BT_FRAME_EXEC] = { "EXEC", FROM_WORKER },
  [BT_FRAME_LISTDIR] = { "LISTDIR", FROM_WORKER },
  [BT_FRAME_ENV] = { "ENV", FROM_WORKER },
  [BT_FRAME_FFI] = { "FFI", FROM_WORKER },
  [BT_FRAME_SYS] = { "SYS", FROM_WORKER },
  [BT_FRAME_STDERR] = { "STDERR", FROM_WORKER },
  [BT_FRAME_ALLOW] = { "ALLOW", FROM_SUPERVISOR },
  [BT_FRAME_DENY] = { "DENY", FROM_SUPERVISOR },
  [BT_FRAME_WARN] = { "WARN", FROM_SUPERVISOR },
  [BT_FRAME_CODE] = { "CODE", FROM_SUPERVISOR },
  [BT_FRAME_RESULT] = { "RESULT", FROM_WORKER },
  [BT_FRAME_MESSAGE] = { "MESSAGE", FROM_BOTH },
  [BT_FRAME_REQUEST] = { "REQUEST", FROM_BOTH },
  [BT_FRAME_REPLY] = { "REPLY", FROM_BOTH },
  [BT_FRAME_ERROR] = { "ERROR", FROM_BOTH },
};

bool
bt_frame_type_is_from(uint32_t type, BtSide side)
{
  return type < sizeof types / sizeof types[0] && (types[type].from & (1u << side)) != 0;
}

const char *
bt_frame_type_name(uint32_t type)
{
  return type < sizeof types / sizeof types[0] ? types[type].name : NULL;
}

static void
put_u32(uint8_t *bytes, uint32_t value)
{
  for (int i = 0; i < 4; i++)
    bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t
get_u32(const uint8_t *bytes)
{
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void
bt_frame_write_header(uint8_t bytes[BT_FRAME_HEADER_SIZE], uint32_t type, bool more, uint32_t id,
                      uint32_t size)
{
  put_u32(bytes, BT_FRAME_HEADER_SIZE - 4 + size);
  bytes[4] = (uint8_t)(type | (more ? BT_FRAME_MORE : 0));
  put_u32(bytes + 5, id);
}

BtRingResult
bt_frame_parse(const uint8_t *bytes, uint32_t size, BtFrame *frame_out)
{
  uint8_t header[BT_FRAME_HEADER_SIZE];

  if (size < sizeof header)
    return BT_RING_VIOLATION;
  memcpy(header, bytes, sizeof header);
  /* Without this the compiler may read a byte again where it is used, after the check. */
  atomic_signal_fence(memory_order_seq_cst);
  uint32_t length = get_u32(header);
  if (length < sizeof header - 4 || length > size - 4)
    return BT_RING_VIOLATION;
  BtFrame frame = {
    .type = header[4] & (uint8_t)~BT_FRAME_MORE,
    .more = (header[4] & BT_FRAME_MORE) != 0,
    .id = get_u32(header + 5),
    .size = length - (BT_FRAME_HEADER_SIZE - 4),
    .bytes = bytes + BT_FRAME_HEADER_SIZE,
  };
  if (bt_frame_type_name(frame.type) == NULL || (frame.more && frame.size == 0))
    return BT_RING_VIOLATION;
  *frame_out = frame;
  return BT_RING_OK;
}

void
bt_frame_join_init(BtFrameJoin *join, size_t max)
{
  *join = (BtFrameJoin){ .max = max };
}

BtJoinResult
bt_frame_join(BtFrameJoin *join, const BtFrame *frame)
{
  if (!join->open) {
    join->size = 0;
    join->type = frame->type;
    join->id = frame->id;
  }
  /* Who sets the bound may bring it down meanwhile. */
  if (join->type != frame->type || join->id != frame->id || join->size > join->max ||
      frame->size > join->max - join->size)
    return BT_JOIN_VIOLATION;
  bool whole = !join->open && !frame->more;
  join->size += frame->size;
  join->open = frame->more;
  if (whole)
    return BT_JOIN_WHOLE;
  return frame->more ? BT_JOIN_PART : BT_JOIN_LAST;
}
