/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-unix.h>

G_BEGIN_DECLS

/*
 * As g_unix_fd_add(), but the descriptor stays in the main context's set while
 * func runs. GLib takes it out and puts it back otherwise, and each change
 * writes to its wake-up eventfd, which ends the next poll() at once: four
 * system calls a dispatch, for protection against nested loops, of which there
 * are none.
 */
guint bt_watch_fd(int fd, GIOCondition condition, GUnixFDSourceFunc func, gpointer data);

G_END_DECLS
