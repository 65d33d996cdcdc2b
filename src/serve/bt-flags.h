/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Flags of `buntime run` that come in a message instead of on a command line.
 */

#include "cli/bt-options.h"

G_BEGIN_DECLS

/*
 * The command line of a run, but for the program. flags: NULL-terminated; NULL: there are none.
 * line_out borrows from them, and is to be cleared after an error, too. Flags that would be the
 * server's own, or nobody's, are refused, and so is whatever is no flag.
 */
gboolean bt_flags_parse(const char *const *flags, BtCommandLine *line_out, GError **error);

G_END_DECLS
