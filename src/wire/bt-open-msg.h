/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the supervisor and the opener (src/init/bt-opener.c) say to each other,
 * one message a datagram of a SOCK_SEQPACKET socket.
 *
 * To the opener: OPEN, with the directory that a relative path starts at as its
 * one descriptor, and CANCEL.  Back: FILE with the open file, then DONE, when the
 * opener has let go of it; or DONE with an error.  Before that WAITS, if the open
 * takes as long as another program wants.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  BT_OPEN_OPEN = 1,
  BT_OPEN_CANCEL, /* of one that waits: let it be DONE, with EINTR if it was not before */
} BtOpenRequestKind;

typedef struct {
  uint32_t kind; /* BtOpenRequestKind */
  uint32_t serial;
  uint32_t flags; /* as the call had them */
  uint32_t mode;
  uint32_t umask;
  int32_t process; /* the caller's numbers in the sandbox: what /proc/self means to it */
  int32_t thread;
  char path[PATH_MAX]; /* NUL-terminated, and no more is sent; CANCEL: empty */
} BtOpenRequest;

typedef enum {
  BT_OPEN_DONE = 1,
  BT_OPEN_WAITS,
  BT_OPEN_FILE,
} BtOpenReplyKind;

typedef struct {
  uint32_t kind; /* BtOpenReplyKind */
  uint32_t serial;
  int32_t error; /* DONE: errno, 0: it is open */
} BtOpenReply;

/* The bytes of a request that are sent. */
size_t bt_open_request_size(const BtOpenRequest *request);
/* Each copies a datagram into *out; false if it is not a possible message. */
bool bt_open_request_parse(const void *bytes, size_t size, BtOpenRequest *request_out);
bool bt_open_reply_parse(const void *bytes, size_t size, BtOpenReply *reply_out);
