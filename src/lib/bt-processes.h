/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/*
 * What runs in the sandbox of this init, but for init: the array of
 * buntime_worker_processes_to_json() (transfer full).  pidfd is of init; once that has ended,
 * the array is empty.  flat: without namespaces.  Waits for no process.
 */
char *bt_processes_to_json(pid_t init, int pidfd, gboolean flat);

G_END_DECLS
