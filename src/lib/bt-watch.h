/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sources of the supervisor's main context: the thread's own one
 * (g_main_context_get_thread_default()), which is the default one in `buntime run`.
 * A watch is made and cleared in the same thread, with the same context pushed.
 */

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
guint bt_watch_timeout(guint ms, GSourceFunc func, gpointer data);
guint bt_watch_idle(GSourceFunc func, gpointer data);
/* Removes what *watch stands for, unless it is 0, and makes it 0. */
void bt_watch_clear(guint *watch);

G_END_DECLS
