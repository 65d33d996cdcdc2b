/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the user is shown. It waits for whoever reads it: so long the worker's output waits, too.
 */

#include <glib.h>

G_BEGIN_DECLS

/* FALSE: nobody takes it any more. */
gboolean bt_show(int fd, const char *bytes, gsize size);
gboolean bt_show_line(int fd, const char *text);
/* On stderr, as words of buntime's. */
void bt_tell(const char *text);
void bt_tell_error(const GError *error);

G_END_DECLS
