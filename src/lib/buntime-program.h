/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * For the command buntime alone, and not installed: what links GIO is a program of its own.
 */

#include <glib.h>

G_BEGIN_DECLS

/*
 * Executes a program of buntime's, found as its helpers are, in place of this one. args are what
 * follows its name, NULL-terminated. Returns only with error set, and FALSE.
 */
gboolean bt_program_exec(const char *name, const char *const *args, GError **error);

G_END_DECLS
