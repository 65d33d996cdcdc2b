/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Starting the helpers without forking the supervisor: fork copies the page
 * tables of a parent of any size (3.4 ms with 256 MiB touched), vfork does not.
 */

#include <glib.h>
#include <sys/types.h>

#include "wire/bt-plan.h"

G_BEGIN_DECLS

typedef struct {
  pid_t pid;
  int pidfd; /* owned; -1 when cleared */
} BtHelper;

#define BT_HELPER_INIT ((BtHelper){ .pid = 0, .pidfd = -1 })

void bt_helper_kill(const BtHelper *helper);
/* What the worker's program is started with. */
typedef struct {
  int stdio[3];                     /* a closed one stays closed */
  int channel[BT_INIT_CHANNEL_FDS]; /* -1: there is none, as the plan must say */
} BtWorkerFds;

/* What is -1 is passed over. */
void bt_worker_fds_close(BtWorkerFds *fds);

/* Kills the helper if it still runs, reaps it and closes the pidfd. */
void bt_helper_clear(BtHelper *helper);
/* Reaps a helper that has ended or is sure to end; its wait status, or -1. */
int bt_helper_reap(BtHelper *helper);
/* Waits at most so long for its end, without reaping it; FALSE: it still runs. */
gboolean bt_helper_await(const BtHelper *helper, int milliseconds);

/* A helper that is on its way to be executed. */
typedef struct _BtSpawn BtSpawn;

/*
 * Starts buntime-init in new namespaces, as pid 1 of its own, and does not wait
 * until it is executed: bt_spawn_finish() says whether it was.
 * plan_fd is the memfd that the plan is or will be in, status_fd init's end of the status socket;
 * both stay the caller's, and so do the worker's. The error's cure knows the usual causes.
 */
BtSpawn *bt_spawn_init(int plan_fd, int status_fd, const BtWorkerFds *fds, uid_t uid, gid_t gid,
                       BtHelper *helper_out, GError **error);
/* The same without any namespace, for a plan that says so: BT_PLAN_NO_NAMESPACES. */
BtSpawn *bt_spawn_flat_init(int plan_fd, int status_fd, const BtWorkerFds *fds, BtHelper *helper_out,
                            GError **error);
/* Takes spawn. FALSE: the helper was not executed, and is reaped. */
gboolean bt_spawn_finish(BtSpawn *spawn, BtHelper *helper, GError **error);
/* Only once the helper has ended: until it is executed, it runs in spawn. */
void bt_spawn_free(BtSpawn *spawn);

/*
 * Starts a helper in the supervisor's own namespaces with control_fd as
 * descriptor 3, /dev/null as 0-2, the given environment (NULL: an empty one)
 * and a constant argv. control_fd stays the caller's.
 */
gboolean bt_spawn_helper(const char *name, int control_fd, const char *const *environment,
                         BtHelper *helper_out, GError **error);

G_END_DECLS
