/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What `run --debug-ui [FLAGS] ENTRY [ARGS]` was given.
 */

#include "cli/bt-options.h"

G_BEGIN_DECLS

/* As JSON, Start of the protocol (transfer full); NULL: nothing was given. */
gboolean bt_start_read(const BtCommandLine *line, char **json_out, GError **error);

G_END_DECLS
