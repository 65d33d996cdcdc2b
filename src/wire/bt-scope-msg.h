/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the supervisor asks of buntime-scope and what it answers: one datagram
 * each, on a SOCK_SEQPACKET socketpair (BT_SCOPE_FD of buntime-scope).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BT_SCOPE_FD 3
#define BT_SCOPE_VERSION 1u
#define BT_SCOPE_NOT_LIMITED UINT64_MAX
#define BT_SCOPE_UNIT_SIZE 64
#define BT_SCOPE_REASON_SIZE 256

typedef struct {
  uint32_t version;
  uint32_t pid;    /* what goes into the scope, in the supervisor's own pid namespace */
  uint64_t memory; /* bytes */
  uint64_t cpu;    /* microseconds of processor time a second */
  uint64_t pids;   /* processes and threads */
  char unit[BT_SCOPE_UNIT_SIZE]; /* "buntime-71-72.scope", NUL-terminated */
} BtScopeRequest;

typedef enum {
  BT_SCOPE_DONE = 1, /* says systemd; what is true the control groups tell */
  BT_SCOPE_NO_BUS,   /* nobody to be reached at the bus's address */
  BT_SCOPE_FOREIGN,  /* the bus knows our processes by other numbers */
  BT_SCOPE_REFUSED,  /* systemd is not there, or did not do it */
  BT_SCOPE_LAST = BT_SCOPE_REFUSED,
} BtScopeResult;

typedef struct {
  uint32_t version;
  uint32_t result; /* BtScopeResult */
  char reason[BT_SCOPE_REASON_SIZE]; /* in words of others, NUL-terminated; "" for DONE */
} BtScopeAnswer;

/* Each copies a datagram; false if it is not a possible message. */
bool bt_scope_request_parse(const void *bytes, size_t size, BtScopeRequest *request_out);
bool bt_scope_answer_parse(const void *bytes, size_t size, BtScopeAnswer *answer_out);
