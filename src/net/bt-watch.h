/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-unix.h>

G_BEGIN_DECLS

/*
 * g_unix_fd_add() for a loop that is never run from its own callbacks. GLib
 * takes an ordinary source's descriptor out of the poll set while it is
 * dispatched, and wakes itself up through an eventfd for each such change:
 * three system calls for every frame.
 */
guint bt_watch_fd(int fd, GIOCondition condition, GUnixFDSourceFunc func, gpointer data);

G_END_DECLS
