/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What buntime-init tells the supervisor, one fixed-size message a datagram
 * on the status socket (BT_INIT_STATUS_FD), and the stages it names.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  BT_STATUS_FAILED = 1, /* stage, error, object: the run is over */
  BT_STATUS_NET,        /* value: BtPlanNetMode used; fds: DNS udp, DNS tcp, then the frame fd if any */
  BT_STATUS_RELAYS,     /* fds: listening sockets for the plan's relays; before NET, if at all */
  BT_STATUS_DIALERS,    /* fds: sockets for published ports; before NET, if at all */
  BT_STATUS_LENT,       /* value: number of the LEND operation; fds: its mount; before NET, if at all */
  BT_STATUS_WORKER,     /* fds: a pidfd of the worker */
  BT_STATUS_OPENER,     /* fds: the socket of the opener (bt-open-msg.h); before LISTENER, if at all */
  BT_STATUS_LISTENER,   /* value: number of the seccomp listener in the worker, by its own write() */
  BT_STATUS_STOPPED,    /* the worker stopped (SIGTSTP, SIGSTOP): so should the supervisor */
  BT_STATUS_EXITED,     /* value: the worker's wait status */
} BtStatusKind;

/*
 * The stages in the order they run. The order is the security property; see
 * src/init/main.c. The first two run in the supervisor's vfork child.
 */
typedef enum {
  BT_STAGE_SPAWN = 1, /* clone with the namespaces */
  BT_STAGE_IDS,       /* uid and gid maps */
  BT_STAGE_HELPER,    /* exec of buntime-init */
  BT_STAGE_PLAN,      /* reading the plan */
  BT_STAGE_UTS,       /* host name */
  BT_STAGE_NETWORK,   /* interfaces, frame fd, DNS sockets */
  BT_STAGE_SOURCES,   /* opening what will be mounted */
  BT_STAGE_MOUNTS,    /* building the tree */
  BT_STAGE_ROOT,      /* pivot_root, leaving the host's tree */
  BT_STAGE_NAMESPACES, /* closing nested namespaces */
  BT_STAGE_FLAT,      /* without namespaces: stands for all from UTS on */
  BT_STAGE_WORKER,    /* clone of the worker */
  BT_STAGE_CWD,
  BT_STAGE_LIMITS,
  BT_STAGE_LANDLOCK,
  BT_STAGE_OPENER,   /* clone of the opener, which most runs have not */
  BT_STAGE_PRIVILEGES, /* capabilities, no_new_privs */
  BT_STAGE_SECCOMP,
  BT_STAGE_EXEC, /* execve of the worker's program */
  BT_STAGE_LAST = BT_STAGE_EXEC,
} BtStage;

#define BT_STATUS_OBJECT_SIZE 240

typedef struct {
  uint32_t kind;  /* BtStatusKind */
  uint32_t stage; /* BtStage, FAILED only */
  int32_t error;  /* errno, FAILED only */
  uint32_t value;
  uint32_t cpu_ms; /* EXITED: what the worker and those it waited for have computed */
  char object[BT_STATUS_OBJECT_SIZE]; /* NUL-terminated; path, sysctl, filter ... */
} BtStatus;

/* RELAYS and DIALERS: two for each of BT_PLAN_MAX_RELAYS and BT_PLAN_MAX_DIALERS. */
#define BT_STATUS_MAX_FDS 128

/* Copies a datagram into *status_out; false if it is not a possible message. */
bool bt_status_parse(const void *bytes, size_t size, BtStatus *status_out);
const char *bt_stage_name(uint32_t stage); /* "mounts"; never NULL */
