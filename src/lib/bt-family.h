/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <signal.h>
#include <sys/types.h>

#include "lib/bt-spawn.h"

G_BEGIN_DECLS

/*
 * What a worker without namespaces has made, among the user's other processes.  guard is what was
 * started as init: its only child is init, and below that are the worker's (init/bt-flat.c).
 */

/* Sends a signal to one of them. 0, or an errno: ESRCH, EPERM for another's. info: or NULL. */
int bt_family_signal(const BtHelper *guard, pid_t pid, int number, siginfo_t *info);
/* To those of them that are in the process group: the same. */
int bt_family_signal_group(const BtHelper *guard, pid_t group, int number);

G_END_DECLS
