/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The seccomp programs, compiled at build time (gen-seccomp.c), and the
 * notify filter, written by hand (bt-notify-filter.c).
 */

#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

G_BEGIN_DECLS

typedef struct {
  const struct sock_filter *instructions;
  guint count;
} BtFilter;

/* Allowed for good by a part of a program, whatever comes behind; the kernel ignores the data. */
#define BT_SECCOMP_ALLOWED (SECCOMP_RET_ALLOW | 1)

/*
 * The worker's allow-list. memfd_allowed only where exec or ffi is granted for
 * everything; signals_scoped where Landlock keeps the worker's signals inside.
 */
BtFilter bt_seccomp_worker(gboolean memfd_allowed, gboolean signals_scoped);
/* The same without namespaces. */
BtFilter bt_seccomp_flat_worker(gboolean memfd_allowed, gboolean signals_scoped);
/* Is there a system call of this name, refused or not? */
gboolean bt_seccomp_knows_call(const char *name);
/* The number of a call that the allow-list lets through, for some arguments at least; else -1. */
int bt_seccomp_open_call(const char *name);
/*
 * One program of three (element-type struct sock_filter): the numbered calls
 * refused by EPERM, and without file_ioctls all ioctls but those of terminals
 * and sockets, and with a channel (or another socket of the host's) what it must not
 * have, and what must not be done to sockets of the host's network (count 0: there are none); then
 * notify, of which an allowed call goes on; then the allow-list.
 */
GArray *bt_seccomp_join(const GArray *refused, gboolean file_ioctls, gboolean channel,
                        BtFilter sockets, BtFilter notify, BtFilter allow_list);
/*
 * These are put before a joined program: new processes and threads, and calls by their numbers.
 * What is then continued no filter sees again, so none of them may be one that it refuses.
 */
void bt_seccomp_notify_forks(GArray *program);
/* The same of tcsetpgrp(). */
void bt_seccomp_notify_terminal(GArray *program);
/* Put before one as well: opens of bt_open_filter(). */
void bt_seccomp_refuse_opens(GArray *program, gboolean cutting);
void bt_seccomp_notify_calls(GArray *program, const GArray *numbers);
/* What pid 1 still needs after the worker was started. */
BtFilter bt_seccomp_init(void);
BtFilter bt_seccomp_flat_init(gboolean signals_scoped);
/* What the opener needs (src/init/bt-opener.c). */
BtFilter bt_seccomp_opener(void);
/* The calls that the supervisor answers; every_open: opens for reading, too. */
BtFilter bt_notify_filter(gboolean every_open);

/* New processes and threads, where they are counted. */
BtFilter bt_fork_filter(void);
BtFilter bt_terminal_filter(void);
/* Opens that Landlock does not ask about; cutting: and those that cut a file without writing to it. */
BtFilter bt_open_filter(gboolean cutting);
/* What a worker with a channel is refused, and SO_LINGER, which is notified. */
BtFilter bt_channel_filter(void);
/* Executable mappings of files: those calls, too. Part of every joined program. */
BtFilter bt_map_filter(void);

/* Only part of one with a fast path. */
BtFilter bt_inject_filter(void);
/* Part of each without namespaces, where all of a worker's sockets are the host's. */
BtFilter bt_flat_socket_filter(void);

G_END_DECLS
