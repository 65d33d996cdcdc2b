/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What differs without namespaces. See bt-flat.c. */

#include "init/bt-init.h"

/* Most descriptors that bt_flat_hold() opens. */
#define BT_FLAT_MAX_HELD 16

/* No signal of the terminal's may end init. */
void bt_flat_block_signals(void);
/* Of the worker, before all else: it ends with init, and the supervisor may look at it. */
void bt_flat_tie_worker(pid_t init);
/* What the worker may see of /proc, into its ruleset. */
void bt_flat_add_proc(int ruleset, uint64_t handled);
/* Keeps what bt_flat_add_proc() named what it is. Returns how many were opened. */
unsigned bt_flat_hold(const BtPlanView *plan, pid_t worker, int fds_out[BT_FLAT_MAX_HELD]);
/* Out of the session that the worker is in. */
void bt_flat_leave_session(void);
/*
 * Ends every process that the worker has left, and waits for them, though not
 * for ever. signal_fd: of SIGCHLD, or -1. children_fd: BtInit's.
 */
void bt_flat_end_all(int signal_fd, int children_fd);
