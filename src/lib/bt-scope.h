/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A control group for one run, made by the user's systemd. See bt-scope.c.
 */

#include "lib/bt-cgroup.h"
#include "lib/bt-cpu-time.h"
#include "lib/bt-explain.h"

G_BEGIN_DECLS

typedef struct _BtScope BtScope;

/* Is something limited that a control group could hold? */
gboolean bt_scope_is_wanted(BtPolicy *policy);
/* NULL: it is not wanted. Borrows both. */
BtScope *bt_scope_start(BtPolicy *policy, pid_t init, const BtCgroupPlace *place);
/* What settle() would wait for, to be readable, and how long at most; -1: it would not wait. */
int bt_scope_get_wait(const BtScope *scope, guint *ms_out);
/*
 * Waits for the answer, not longer than place's time-out. *held_out is the set
 * of 1 << BtLimit that the group holds; the rest is left to whoever can. Which
 * is said in notices. FALSE: a limit that nothing else can hold is not held.
 */
gboolean bt_scope_settle(BtScope *scope, GPtrArray *notices, guint *held_out, GError **error);
/* What settle() found. */
guint bt_scope_get_held(const BtScope *scope);
/*
 * Tells from the main loop when a limit strikes, and calls out_of_time once
 * when the processor time is used up, if the group holds that; borrows all.
 * FALSE with errno set: that cannot be watched.
 */
gboolean bt_scope_watch(BtScope *scope, BtExplainer *explainer, BtCpuTimeFunc out_of_time,
                        gpointer data);
/*
 * After a run that was watched: tells what was not told yet. Was a process killed because the
 * group's memory ran out?
 */
gboolean bt_scope_ran_out_of_memory(BtScope *scope);
/* The group itself ends with the last process in it. */
void bt_scope_free(BtScope *scope);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtScope, bt_scope_free)

G_END_DECLS
