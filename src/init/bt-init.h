/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the stages hand on to each other. Each says which members it sets. */

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

typedef struct {
  BtPlanView plan;         /* PLAN */
  mode_t caller_umask;     /* PLAN; for the worker */
  struct rlimit caller_files; /* PLAN; for the worker */
  int signal_fd;           /* PLAN; SIGCHLD, for the reaper */
  int *sources;            /* SOURCES; an O_PATH descriptor for each operation, or -1 */
  int proc_fd;             /* MOUNTS; a procfs, writable until NAMESPACES */
  int root_fd;             /* MOUNTS; the new root */
  BtOwnMount *own;         /* MOUNTS; [0] is the root */
  unsigned own_count;
} BtInit;

static inline void
bt_close_fd(int *fd)
{
  if (*fd >= 0)
    close(*fd);
}
#define BT_AUTO_FD __attribute__((cleanup(bt_close_fd))) int

/* Each either does its whole work or does not return (bt-report.h). */
void bt_stage_network(BtInit *init);    /* bt-net-setup.c */
void bt_stage_sources(BtInit *init);    /* bt-mounts.c */
void bt_stage_mounts(BtInit *init);     /* bt-mounts.c */
void bt_stage_root(BtInit *init);       /* bt-mounts.c */
void bt_stage_namespaces(BtInit *init); /* bt-mounts.c */
_Noreturn void bt_stage_worker(BtInit *init); /* bt-worker.c */
