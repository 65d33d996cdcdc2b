/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Two rings of bytes in one shared file, one each way, each with one writer and
 * one reader: where things are, and the indices.  Frames are bt-frame.h's, and
 * waiting is bt-channel.h's; users of a channel need only the latter two.
 *
 * The file, for a capacity C:
 *
 *   0             C bytes that the supervisor writes and the worker reads
 *   C             C bytes that the worker writes and the supervisor reads
 *   2C            BtRingControl, padded to BT_RING_CONTROL_SIZE
 *
 * A new file is all zero, which is a pair of empty rings.  It is sealed against
 * shrinking and growing before anybody shares it: no access can then fail.
 *
 * Each side maps a data area twice in a row, so that what wraps around the end of
 * the area is still one range of addresses, and nothing is ever split.
 *
 * An index counts the bytes that ever went by, modulo 2^32; the place of a byte is
 * its index modulo C.  The writer's index (head) is stored with release order after
 * the bytes, the reader's (tail) after the last read of them.
 *
 * The peer may be hostile.  What it writes is read once, into a local variable, and
 * checked against private copies before it is used: a head may not run past the
 * room that there is, a tail not past what was written, neither goes back.  Where
 * the areas are and how large is private to each side and never read from the file.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_RING_MIN_CAPACITY (64u << 10) /* a page on any machine */
#define BT_RING_MAX_CAPACITY (1u << 30)
#define BT_RING_CONTROL_SIZE (64u << 10) /* likewise; one small page of it is ever touched */

typedef enum {
  BT_SIDE_SUPERVISOR,
  BT_SIDE_WORKER,
} BtSide;

typedef enum {
  BT_RING_OK = 0,
  BT_RING_EMPTY = 1,      /* nothing to read */
  BT_RING_FULL = 2,       /* no room */
  BT_RING_CLOSED = 3,     /* the peer is gone */
  BT_RING_VIOLATION = -1, /* the peer broke the protocol: nothing more is to be believed */
  BT_RING_TOO_LARGE = -2, /* asked for more than the ring holds */
} BtRingResult;

/*
 * What one side tells the other.  Each group has its own pair of cache lines: they
 * are written by one processor while the other looks at another group.
 */
typedef struct {
  _Alignas(128) _Atomic uint32_t head; /* of the ring that this side writes */
  _Atomic uint32_t head_cpu;           /* where it ran then, plus one; 0: not known */
  _Alignas(128) _Atomic uint32_t tail; /* of the ring that this side reads */
  _Atomic uint32_t tail_cpu;
  _Alignas(128) _Atomic uint32_t wants; /* bt-channel.h; the one word that both write */
  _Alignas(128) uint8_t reserved[128];
} BtRingWords;

typedef struct {
  BtRingWords side[2]; /* by BtSide */
} BtRingControl;

_Static_assert(offsetof(BtRingWords, tail) == 128 && offsetof(BtRingWords, wants) == 256 &&
                 sizeof(BtRingWords) == 512 && sizeof(BtRingControl) == 1024,
               "the control area is not as buntime-ipc(7) says");

/* Where a side has mapped the file. */
typedef struct {
  uint8_t *data[2]; /* by the side that writes: 2 * capacity bytes of addresses each */
  BtRingControl *control;
  uint32_t capacity;
} BtRingMap;

typedef struct {
  uint8_t *data;
  BtRingWords *mine, *peers;
  uint32_t capacity;
  uint32_t head;      /* what was committed */
  uint32_t published; /* of it, what the peer may see */
  uint32_t tail;      /* how far the peer was seen to have read */
} BtRingWriter;

typedef struct {
  const uint8_t *data;
  BtRingWords *mine, *peers;
  uint32_t capacity;
  uint32_t tail;      /* what was released */
  uint32_t published; /* of it, what the peer may see */
  uint32_t head;      /* how far the peer was seen to have written */
} BtRingReader;

bool bt_ring_capacity_is_valid(uint64_t capacity); /* a power of two within the bounds */
uint64_t bt_ring_file_size(uint32_t capacity);
/* The largest valid capacity for a pair of rings of size bytes in all; 0: there is none. */
uint32_t bt_ring_capacity_for(uint64_t size);

void bt_ring_writer_init(BtRingWriter *writer, const BtRingMap *map, BtSide side);
/* OK: size bytes at *bytes_out may be written.  FULL, TOO_LARGE, VIOLATION: nothing was done. */
BtRingResult bt_ring_writer_reserve(BtRingWriter *writer, uint32_t size, uint8_t **bytes_out);
/* The first size bytes of what was reserved are done; the peer does not see them yet. */
void bt_ring_writer_commit(BtRingWriter *writer, uint32_t size);
void bt_ring_writer_publish(BtRingWriter *writer, uint32_t cpu);
/*
 * Bytes that wait in the ring, for who only looks: the peer's index is read once, one that cannot
 * be is not believed, and nothing is remembered.  At most the capacity.
 */
uint32_t bt_ring_writer_get_used(const BtRingWriter *writer);

void bt_ring_reader_init(BtRingReader *reader, const BtRingMap *map, BtSide side);
/* OK: *size_out bytes, at least one, are at *bytes_out until they are released. */
BtRingResult bt_ring_reader_peek(BtRingReader *reader, const uint8_t **bytes_out,
                                 uint32_t *size_out);
/* The first size bytes of what was peeked at are done; the peer does not know yet. */
void bt_ring_reader_release(BtRingReader *reader, uint32_t size);
void bt_ring_reader_publish(BtRingReader *reader, uint32_t cpu);
uint32_t bt_ring_reader_get_used(const BtRingReader *reader);
