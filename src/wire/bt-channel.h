/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A channel: frames both ways over a pair of rings, and waiting for the peer.
 * What the supervisor and the worker's library have in common.
 *
 * Waking
 * ------
 * A side that finds nothing to do sets bits of its word `wants` in shared memory,
 * looks once more, and sleeps.  A side that has published an index looks at the
 * peer's word; it takes the bit away and, if it was the one who did, sends one byte
 * over the wake-up socket.  Between the two steps of either side stands a full
 * fence, so that one of them sees what the other did (tests/unit/test-wake-model.c
 * tries every execution of a model).  While both sides are busy no bit is set, and
 * no system call is made.
 *
 * The reader tells of what it read when there is nothing left or a quarter of the
 * ring is free again, so a writer that waits for room is not woken for each frame.
 *
 * The socket is a pair of stream sockets, not an eventfd: an eventfd's O_NONBLOCK
 * belongs to both who share it, so a worker could clear it, fill the counter, and
 * have the supervisor sleep in write() for ever.  MSG_DONTWAIT is the caller's own.
 * A socket also tells when the peer is gone.
 *
 * At most one byte comes for each bit that was set.  The tokens count them, so a
 * peer that sends more, to keep the supervisor from sleeping, breaks the protocol.
 *
 * Spinning
 * --------
 * To wake another processor takes tens of microseconds; an answer often comes
 * within one.  So before it sleeps a side may look for a while, if the peer last ran
 * on another processor and does not sleep itself.  Each writes where it runs beside
 * its index.  A peer that lies about it costs a bounded time, and ever less of it:
 * the bound follows what spinning was good for lately.  Who only listens looks less
 * often: each look takes the index's cache line from who writes it.
 *
 * A channel belongs to one thread at a time.
 */

#include "wire/bt-frame.h"

/*
 * How a worker finds its channel: the variable holds three numbers of descriptors,
 * "MEMORY,WAKE,CONTROL": the file, and ends of a SOCK_STREAM and a SOCK_SEQPACKET pair.
 * The worker takes the capacity from the size of the file, which is sealed.
 */
#define BT_CHANNEL_VARIABLE "BUNTIME_CHANNEL"
#define BT_CHANNEL_MAX_CONTROL (16u << 10) /* bytes of a message on the control socket */

/* Looks of 10 to 60 ns, by processor: the longest that a side looks before it sleeps. */
#define BT_CHANNEL_MAX_SPINS 4096u

/* Bits of `wants`. */
enum {
  BT_WANTS_DATA = 1 << 0, /* something to read */
  BT_WANTS_ROOM = 1 << 1, /* room for what was FULL */
};

typedef struct {
  BtRingWriter out;
  BtRingReader in;
  BtRingWords *mine, *peers;
  BtSide side;
  int wake_fd;     /* borrowed; its O_NONBLOCK does not matter */
  bool broken;     /* after a violation nothing is read or written any more */
  uint32_t room;   /* what was FULL last wanted */
  uint32_t peeked; /* size of the frame in hand */
  uint32_t tokens; /* wake-up bytes that may still come */
  uint32_t spins;  /* how often to look before sleeping */
  uint32_t probes; /* counts the spins: some are tried longer than that */
  uint32_t streak; /* of spins since this side last sent something */
} BtChannel;

void bt_channel_init(BtChannel *channel, const BtRingMap *map, BtSide side, int wake_fd);
/*
 * Goes on where an earlier program of this side stopped; after init, for who trusts the
 * peer: a worker that was replaced by exec.
 */
void bt_channel_resume(BtChannel *channel);
/* The largest payload of one frame. */
uint32_t bt_channel_max_payload(const BtChannel *channel);

/*
 * Sending.  reserve gives room for a payload, commit makes it a frame (size may be
 * less than what was reserved), flush shows all frames to the peer.  FULL has flushed:
 * wait for BT_WANTS_ROOM and try again.
 */
BtRingResult bt_channel_reserve(BtChannel *channel, uint32_t size, uint8_t **payload_out);
void bt_channel_commit(BtChannel *channel, uint32_t type, bool more, uint32_t id, uint32_t size);
BtRingResult bt_channel_flush(BtChannel *channel);
/*
 * A whole message of any size, in parts where it is a large one; not flushed.  After
 * FULL, *done bytes of it are on their way: call again with the same *done, which is 0
 * at first, and send nothing else in between.
 */
BtRingResult bt_channel_put(BtChannel *channel, uint32_t type, uint32_t id, const void *bytes,
                            size_t size, size_t *done);

/*
 * Receiving.  The frame's payload is in shared memory until it is released: copy it
 * before you parse it.  One frame at a time.  VIOLATION also where the peer may not
 * send that type.
 */
BtRingResult bt_channel_peek(BtChannel *channel, BtFrame *frame_out);
void bt_channel_release(BtChannel *channel);

/*
 * Waiting: `if (!bt_channel_arm (...)) poll (wake_fd)`.
 *
 * arm says that this side is going to sleep until one of wants; true: there is
 * something already, or it is broken, and nothing is armed.  When the descriptor is
 * readable, drain takes the bytes; OK and CLOSED say nothing of what is to be had: look.
 * disarm is for who gives up waiting; it may be left out.
 */
bool bt_channel_is_ready(BtChannel *channel, uint32_t wants);
bool bt_channel_arm(BtChannel *channel, uint32_t wants);
void bt_channel_disarm(BtChannel *channel, uint32_t wants);
BtRingResult bt_channel_drain(BtChannel *channel);
/* As drain, for who has read them by other means. */
BtRingResult bt_channel_woken(BtChannel *channel, size_t bytes);
/* Looks for a while, where that may help; true: ready. */
bool bt_channel_spin(BtChannel *channel, uint32_t wants);
