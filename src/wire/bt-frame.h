/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What goes through a ring: frames, one behind the other without a gap.
 *
 *   0   u32   length of what follows it, little-endian: 5 + size of the payload
 *   4   u8    type; bit 7 (BT_FRAME_MORE): the message goes on in the next frame
 *   5   u32   request id, little-endian; 0: none
 *   9         payload
 *
 * A message that is too large for one frame comes as several of the same type and
 * id, which follow each other directly; all but the last have BT_FRAME_MORE and a
 * payload.  A frame is published whole, so a reader never waits for the rest of one.
 */

#include "wire/bt-ring.h"

#define BT_FRAME_HEADER_SIZE 9u
#define BT_FRAME_MORE 0x80u
/* What a reader puts together at most, unless it says otherwise. */
#define BT_FRAME_MAX_MESSAGE (64u << 20)

/* buntime-ipc(7) says who sends which, and what the payload is. */
typedef enum {
  BT_FRAME_STDOUT = 0x00,
  BT_FRAME_FS_READ = 0x01, /* this to SYS: "would this be allowed?" */
  BT_FRAME_FS_WRITE = 0x02,
  BT_FRAME_NET_CONNECT = 0x03,
  BT_FRAME_EXEC = 0x04,
  BT_FRAME_LISTDIR = 0x05,
  BT_FRAME_ENV = 0x06,
  BT_FRAME_FFI = 0x07,
  BT_FRAME_SYS = 0x08,
  BT_FRAME_STDERR = 0x09,
  BT_FRAME_ALLOW = 0x10, /* the answers */
  BT_FRAME_DENY = 0x11,
  BT_FRAME_WARN = 0x12,
  BT_FRAME_CODE = 0x20,
  BT_FRAME_RESULT = 0x21, /* of CODE */
  BT_FRAME_MESSAGE = 0x30,
  BT_FRAME_REQUEST = 0x31,
  BT_FRAME_REPLY = 0x32,
  BT_FRAME_ERROR = 0x33, /* instead of REPLY or RESULT */
} BtFrameType;

typedef struct {
  uint8_t type; /* BtFrameType */
  bool more;
  uint32_t id;
  uint32_t size; /* of the payload */
  const uint8_t *bytes;
} BtFrame;

/* May side send frames of this type? An unknown type: no. */
bool bt_frame_type_is_from(uint32_t type, BtSide side);
const char *bt_frame_type_name(uint32_t type); /* "STDOUT"; NULL: there is no such type */

/* size is at most UINT32_MAX - BT_FRAME_HEADER_SIZE. */
void bt_frame_write_header(uint8_t bytes[BT_FRAME_HEADER_SIZE], uint32_t type, bool more,
                           uint32_t id, uint32_t size);
/*
 * The first frame of size bytes, which the peer may be changing meanwhile: the header
 * is copied before it is checked.  VIOLATION: a length that is too small, or ends
 * behind size; a bit of the type that has no meaning; a part without a payload.
 */
BtRingResult bt_frame_parse(const uint8_t *bytes, uint32_t size, BtFrame *frame_out);

/* Puts the parts of a message together; the caller owns the memory. */
typedef struct {
  size_t max;  /* of a message */
  size_t size; /* of the message so far, the frame in hand included */
  uint32_t id;
  uint8_t type;
  bool open;
} BtFrameJoin;

typedef enum {
  BT_JOIN_WHOLE = 0,      /* the frame is a message by itself */
  BT_JOIN_PART = 1,       /* append the payload: it ends at join->size; more is to come */
  BT_JOIN_LAST = 2,       /* append it: the message has join->size bytes */
  BT_JOIN_VIOLATION = -1, /* of another message, or over the bound */
} BtJoinResult;

void bt_frame_join_init(BtFrameJoin *join, size_t max);
BtJoinResult bt_frame_join(BtFrameJoin *join, const BtFrame *frame);
