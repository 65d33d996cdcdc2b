/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libbuntime-worker: a program in a sandbox talks to the program that started it.
 *
 * The library needs nothing but a C library.  Its functions return 0 or a negative
 * errno value unless they say otherwise.  buntime-ipc(7) describes what is sent.
 *
 * A host program that has buntime.h, too, names the packages in this order, since one of its
 * headers has this one's name: pkg-config buntime-worker-1.0 buntime-1.0.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef BUNTIME_WORKER_API
#define BUNTIME_WORKER_API
#endif

/**
 * BuntimeChannel:
 *
 * The connection to the supervisor.
 *
 * Any thread may send; one at a time may receive.  A child made by fork() must not use it.
 *
 * Since: 1.0
 */
typedef struct _BuntimeChannel BuntimeChannel;

/**
 * BuntimeMessageType:
 * @BUNTIME_STDOUT: output of the code that the worker runs; to the supervisor
 * @BUNTIME_FS_READ: would reading this path be allowed?  To the supervisor
 * @BUNTIME_FS_WRITE: would writing this path be allowed?
 * @BUNTIME_NET_CONNECT: would connecting to this HOST:PORT be allowed?
 * @BUNTIME_EXEC: would running this program be allowed?
 * @BUNTIME_LISTDIR: would listing this directory be allowed?
 * @BUNTIME_ENV: would reading this variable be allowed?
 * @BUNTIME_FFI: would loading this library be allowed?
 * @BUNTIME_SYS: would reading this fact of the system be allowed?
 * @BUNTIME_STDERR: error output of the code that the worker runs; to the supervisor
 * @BUNTIME_ALLOW: answers a question: yes; to the worker, as the next three
 * @BUNTIME_DENY: answers a question: no
 * @BUNTIME_WARN: answers a question: yes, and it would be reported
 * @BUNTIME_CODE: code to be run
 * @BUNTIME_RESULT: what the code came to; to the supervisor
 * @BUNTIME_MESSAGE: anything, without an answer; both ways, as the next three
 * @BUNTIME_REQUEST: anything that wants an answer
 * @BUNTIME_REPLY: answers a request
 * @BUNTIME_REPLY_ERROR: answers a request, or code, that failed
 *
 * What a message is.  An answer has the id of what it answers.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_STDOUT = 0x00,
  BUNTIME_FS_READ = 0x01,
  BUNTIME_FS_WRITE = 0x02,
  BUNTIME_NET_CONNECT = 0x03,
  BUNTIME_EXEC = 0x04,
  BUNTIME_LISTDIR = 0x05,
  BUNTIME_ENV = 0x06,
  BUNTIME_FFI = 0x07,
  BUNTIME_SYS = 0x08,
  BUNTIME_STDERR = 0x09,
  BUNTIME_ALLOW = 0x10,
  BUNTIME_DENY = 0x11,
  BUNTIME_WARN = 0x12,
  BUNTIME_CODE = 0x20,
  BUNTIME_RESULT = 0x21,
  BUNTIME_MESSAGE = 0x30,
  BUNTIME_REQUEST = 0x31,
  BUNTIME_REPLY = 0x32,
  BUNTIME_REPLY_ERROR = 0x33,
} BuntimeMessageType;

/**
 * BuntimeMessage:
 * @bytes: the payload, until the next buntime_channel_recv() or buntime_channel_release()
 * @size: its size in bytes
 * @type: a #BuntimeMessageType
 * @id: of the request; 0: none
 *
 * A message that was received.
 *
 * Since: 1.0
 */
typedef struct {
  const void *bytes;
  size_t size;
  uint32_t type;
  uint32_t id;
} BuntimeMessage;

/**
 * BuntimeWants:
 * @BUNTIME_WANTS_DATA: something to receive
 * @BUNTIME_WANTS_ROOM: room for what could not be sent
 *
 * What to wait for; to be combined.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_WANTS_DATA = 1,
  BUNTIME_WANTS_ROOM = 2,
} BuntimeWants;

/**
 * buntime_channel_open:
 * @channel_out: (out) (transfer full): the channel
 *
 * Finds the channel that this program was started with.  There is one for each process.
 *
 * Returns: 0; -ENOENT if the program was started without one, -EBUSY if it is open already,
 *   -EPROTO if what was handed over is not a channel, or another negative errno value
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_open(BuntimeChannel **channel_out);

/**
 * buntime_channel_open_supervisor:
 * @memory_fd: descriptor of the rings' file
 * @wake_fd: descriptor of the socket for waking
 * @control_fd: descriptor of the control socket
 * @channel_out: (out) (transfer full): the channel
 *
 * Opens the other side, for a program that started a worker and was given its channel: by
 * `buntime serve`, whose spawn has a parameter for it, or by libbuntime's
 * buntime_sandbox_spawn_with_channel().  There may be any number of them.  The descriptors
 * become the channel's, if it returns 0.
 *
 * The worker is not trusted: what it breaks is -EPROTO for all that comes after, and a message
 * that was received is a copy.  What it says is its word all the same.  This side sends
 * %BUNTIME_CODE, the answers to questions, and what goes both ways.
 *
 * Returns: 0; -EPROTO if these are not a channel, or another negative errno value
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_open_supervisor(int memory_fd, int wake_fd, int control_fd,
                                                       BuntimeChannel **channel_out);

/**
 * buntime_channel_close:
 * @channel: (transfer full) (nullable): a channel
 *
 * Closes the channel and its descriptors.  What was queued is shown to the peer before.
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API void buntime_channel_close(BuntimeChannel *channel);

/**
 * buntime_channel_send:
 * @channel: a channel
 * @type: a #BuntimeMessageType that a worker may send
 * @id: of the request or what is answered; 0: none
 * @bytes: (nullable): the payload
 * @size: its size in bytes
 * @timeout: milliseconds to wait for room; 0: do not wait, -1: for ever
 *
 * Sends a message of any size up to 64 MiB.  It is sent whole or not at all; where it is
 * larger than the ring, the rest of it may be kept, and goes out with the next call.
 *
 * Returns: 0; -EAGAIN or -ETIMEDOUT if there was no room, -EPIPE if the supervisor is gone,
 *   -EMSGSIZE, -EINVAL, -EINTR if a signal came while it waited and nothing was sent
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_send(BuntimeChannel *channel, uint32_t type, uint32_t id,
                                            const void *bytes, size_t size, int timeout);

/**
 * buntime_channel_queue:
 * @channel: a channel
 * @type: as for buntime_channel_send()
 * @id: as for buntime_channel_send()
 * @bytes: (nullable): as for buntime_channel_send()
 * @size: as for buntime_channel_send()
 * @timeout: as for buntime_channel_send()
 *
 * As buntime_channel_send(), but the supervisor sees it after buntime_channel_flush(), or
 * when it must make room.  For many small messages at once.
 *
 * Returns: as buntime_channel_send()
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_queue(BuntimeChannel *channel, uint32_t type, uint32_t id,
                                             const void *bytes, size_t size, int timeout);

/**
 * buntime_channel_flush:
 * @channel: a channel
 *
 * Shows the supervisor what was queued.  Never waits.
 *
 * Returns: 0; -EAGAIN if the rest of a message is kept for which there is no room yet, see
 *   buntime_channel_send(): wait for #BUNTIME_WANTS_ROOM; -EPIPE if the supervisor is gone
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_flush(BuntimeChannel *channel);

/**
 * buntime_channel_reserve:
 * @channel: a channel
 * @size: bytes that are wanted, at most what the ring holds
 * @bytes_out: (out): where to write them
 * @timeout: as for buntime_channel_send()
 *
 * Room for a payload in the ring itself, so that it need not be copied.  Until
 * buntime_channel_commit() other threads that send wait.
 *
 * Returns: as buntime_channel_send()
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_reserve(BuntimeChannel *channel, size_t size,
                                               void **bytes_out, int timeout);

/**
 * buntime_channel_commit:
 * @channel: a channel
 * @type: as for buntime_channel_send()
 * @id: as for buntime_channel_send()
 * @size: how many of the reserved bytes are the payload
 *
 * Queues what was written where buntime_channel_reserve() said.
 *
 * Returns: 0, -EINVAL if that was not reserved
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_commit(BuntimeChannel *channel, uint32_t type, uint32_t id,
                                              size_t size);

/**
 * buntime_channel_recv:
 * @channel: a channel
 * @message_out: (out): the message
 * @timeout: milliseconds to wait for one; 0: do not wait, -1: for ever
 *
 * Receives the next message.  The one before it is released.
 *
 * That the supervisor is gone is noticed at once by who waits, and within a tenth of a second by
 * who only calls this again and again without waiting.
 *
 * Returns: 0; -EAGAIN or -ETIMEDOUT if there was none, -EPIPE if the supervisor is gone and all
 *   was received, -EMSGSIZE if one is larger than the bound, -EINTR if a signal came
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_recv(BuntimeChannel *channel, BuntimeMessage *message_out,
                                            int timeout);

/**
 * buntime_channel_release:
 * @channel: a channel
 *
 * Gives back the memory of the message that was received last: room in the ring.  For who has
 * done with it, but will not receive soon.
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API void buntime_channel_release(BuntimeChannel *channel);

/**
 * buntime_channel_set_max_message:
 * @channel: a channel
 * @size: bytes; 64 MiB unless set
 *
 * The largest message that is received.
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API void buntime_channel_set_max_message(BuntimeChannel *channel, size_t size);

/**
 * buntime_channel_next_id:
 * @channel: a channel
 *
 * Returns: an id for a request of this side, never 0, and not used before the others are
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API uint32_t buntime_channel_next_id(BuntimeChannel *channel);

/**
 * buntime_channel_get_fd:
 * @channel: a channel
 *
 * The descriptor to be watched by an event loop, for being readable.  Call
 * buntime_channel_prepare() each time before the loop waits.  Do not read it.
 *
 * Returns: a descriptor that belongs to the channel
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_get_fd(BuntimeChannel *channel);

/**
 * buntime_channel_prepare:
 * @channel: a channel
 * @wants: a combination of #BuntimeWants, for all that the program waits for
 *
 * Says that this program will wait for its descriptor.  Queued messages are flushed.
 *
 * Returns: 1 if there is no need to wait, 0 if the descriptor will be readable when there is
 *   something, or a negative errno value
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_prepare(BuntimeChannel *channel, uint32_t wants);

/**
 * buntime_channel_woken:
 * @channel: a channel
 * @size: how many bytes were read
 *
 * For an event loop that reads what it watches: says that it did.
 *
 * Returns: 0, -EPROTO if so many were not to come
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_woken(BuntimeChannel *channel, size_t size);

/**
 * buntime_channel_get_control_fd:
 * @channel: a channel
 *
 * Returns: the descriptor of the control socket, which belongs to the channel
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_get_control_fd(BuntimeChannel *channel);

/**
 * buntime_channel_send_control:
 * @channel: a channel
 * @text: a JSON object in UTF-8
 * @size: its size in bytes, at most 16 KiB
 *
 * Sends a message over the control socket.
 *
 * Returns: 0, -EAGAIN if the supervisor does not keep up, -EPIPE, -EMSGSIZE
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_send_control(BuntimeChannel *channel, const char *text,
                                                    size_t size);

/**
 * buntime_channel_recv_control:
 * @channel: a channel
 * @text: where to put a JSON object in UTF-8
 * @size: bytes that there are, 16 KiB being enough
 * @timeout: milliseconds to wait for one; 0: do not wait, -1: for ever
 *
 * Receives a message from the control socket.
 *
 * Returns: its size in bytes, or a negative errno value as for buntime_channel_recv()
 *
 * Since: 1.0
 */
BUNTIME_WORKER_API int buntime_channel_recv_control(BuntimeChannel *channel, char *text,
                                                    size_t size, int timeout);

#ifdef __cplusplus
}
#endif
