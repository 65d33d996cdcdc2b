/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Options of a TCP socket that another is to take the place of (bt-inject.c). Both are of one
 * family, so what the kernel does not know it knows of neither.
 */

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/* Of that size, zeroed before. */
gboolean bt_socket_get_option(int fd, int level, int name, void *value_out, socklen_t size);

/*
 * Is it a socket of the supervisor's network, which was handed in (bt-inject.c) or passed on by
 * somebody outside?  Kernels before 5.14 do not tell: then none is.
 */
gboolean bt_socket_is_outside(int fd);

/*
 * Has it nothing but options that bt_socket_copy_options() knows, and what a fresh one has?
 * tried: it tried to connect, and found something out by that.
 */
gboolean bt_socket_is_ordinary(int fd, int fresh, gboolean tried);
/* FALSE: one could not be set. */
gboolean bt_socket_copy_options(int from, int to);

G_END_DECLS
