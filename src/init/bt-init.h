/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the stages hand on to each other. Each says which members it sets. */

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include "wire/bt-plan.h"

/* A file system made here: the only places where anything may be created. */
typedef struct {
  dev_t device;
  int mount_fd;
  bool read_only; /* once every operation is done */
} BtOwnMount;

/* The folder of the last operation, kept open since the next is often in it, too. */
typedef struct {
  int fd;              /* -1: none */
  bool checked, own;   /* own: in a file system made here */
  const char *made;    /* the target just made here, so what it is needs no look; or NULL */
  const char *name;    /* the last name of made */
  size_t length;       /* of path */
  char path[PATH_MAX]; /* "" is the root */
} BtFolder;

/* Made by a thread of its own, from PLAN to NETWORK; and the ipc namespace with it. */
typedef struct {
  pthread_t thread;
  int ipc_fd, fd; /* -1: error and object say why; valid once the thread has ended */
  int error;
  const char *object;
} BtNetNamespace;

typedef struct {
  bool flat;               /* from the start: no namespaces (bt-flat.c) */
  BtNetNamespace net_namespace;
  BtPlanView plan;         /* PLAN */
  mode_t caller_umask;     /* PLAN; for the worker */
  struct rlimit caller_files; /* SOURCES or FLAT; for the worker */
  pid_t guard;             /* FLAT; 0: it is init's parent, or there is none */
  int life_fd;             /* FLAT; the guard's: of a pipe whose other end it has */
  int children_fd;         /* FLAT; lists init's children; -1: Landlock keeps signals inside */
  int signal_fd;           /* PLAN; SIGCHLD, for the reaper */
  int *sources;            /* SOURCES; an O_PATH descriptor for each operation, or -1 */
  int proc_fd;             /* MOUNTS; a procfs, writable until NAMESPACES */
  int root_fd;             /* MOUNTS; the new root */
  BtOwnMount *own;         /* MOUNTS; [0] is the root */
  unsigned own_count;
  BtFolder folder;         /* within MOUNTS */
  bool hidden;             /* within MOUNTS; the root holds what HIDE mounts */
} BtInit;

static inline void
bt_close_fd(int *fd)
{
  if (*fd >= 0)
    close(*fd);
}
#define BT_AUTO_FD __attribute__((cleanup(bt_close_fd))) int

/*
 * For what is close-on-exec and holds up nothing: one call closes them all
 * before the worker's program starts, and another for pid 1. Only a plan with
 * a great many operations would run out of numbers, so from here on they go
 * at once.
 */
#define BT_LEAVE_BELOW 128

static inline void
bt_leave_fd(int *fd)
{
  if (*fd >= BT_LEAVE_BELOW)
    close(*fd);
}
#define BT_LEFT_FD __attribute__((cleanup(bt_leave_fd))) int

void bt_net_namespace_begin(BtInit *init); /* bt-net-namespace.c */
void bt_net_namespace_enter(BtInit *init); /* bt-net-namespace.c */

/* Sets caller_files. There will be so many open besides the usual ones. (bt-mounts.c) */
void bt_raise_descriptor_limit(BtInit *init, uint32_t count);

/* Each either does its whole work or does not return (bt-report.h). */
void bt_stage_network(BtInit *init);    /* bt-net-setup.c */
void bt_stage_sources(BtInit *init);    /* bt-mounts.c */
void bt_stage_mounts(BtInit *init);     /* bt-mounts.c */
void bt_stage_root(BtInit *init);       /* bt-mounts.c */
void bt_leave_old_root(void);           /* bt-mounts.c; ROOT's second half */
void bt_stage_namespaces(const BtInit *init); /* bt-mounts.c */
void bt_stage_flat(BtInit *init);       /* bt-flat.c, instead of all the above */
_Noreturn void bt_stage_worker(BtInit *init); /* bt-worker.c */
