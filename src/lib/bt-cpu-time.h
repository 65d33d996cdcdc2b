/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The processor time of a control group against a limit. No controller holds
 * it, so it is looked at; but never before it can have been used up: with n
 * processors what is left lasts for an nth of it at least. So a look is due
 * after that time, or after BT_CPU_TIME_MIN_MS, by as much of which on each
 * processor the limit may be exceeded.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_CPU_TIME_MIN_MS 20

typedef struct _BtCpuTime BtCpuTime;

typedef void (*BtCpuTimeFunc)(gpointer data);

/*
 * fd: the group's cpu.stat, taken; what was used so far does not count. used_up
 * is called once, from the main loop, and may not free it. NULL with errno set.
 */
BtCpuTime *bt_cpu_time_new(int fd, guint64 ms, guint n_processors, BtCpuTimeFunc used_up,
                           gpointer data);
void bt_cpu_time_free(BtCpuTime *cpu_time);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtCpuTime, bt_cpu_time_free)

G_END_DECLS
