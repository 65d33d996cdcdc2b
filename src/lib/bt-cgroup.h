/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the control groups (version 2) themselves say: whoever was asked to
 * limit something, only what stands there is believed.
 */

#include "policy/bt-policy.h"

G_BEGIN_DECLS

/* Where to look. Tests make a place of their own; nothing else can name one. */
typedef struct {
  const char *proc;
  const char *tree;
  guint32 magic;    /* of the tree's file system; 0: any */
  guint timeout_ms; /* for whoever was asked (bt-scope.h) */
} BtCgroupPlace;

extern const BtCgroupPlace bt_cgroup_host;

/*
 * What a group is to hold; G_MAXUINT64: nothing. Units as of the limits
 * (bt-policy.h), but that pids counts all that are in the group, init too.
 */
typedef struct {
  guint64 memory, cpu, pids, cpu_time;
} BtCgroupLimits;

/*
 * The folder of the group that pid is in, if that is called unit; else -1 and
 * why not (transfer none).
 */
int bt_cgroup_open(const BtCgroupPlace *place, pid_t pid, const char *unit,
                   const char **reason_out);
/* The set of 1 << BtLimit that the group holds, of those in limits. */
guint bt_cgroup_check(const BtCgroupPlace *place, int group, const BtCgroupLimits *limits);
/* One line's number in an open file such as memory.events; FALSE: the group is gone. */
gboolean bt_cgroup_read_count(int fd, const char *key, guint64 *count_out);

G_END_DECLS
