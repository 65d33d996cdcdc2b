/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/bt-options.h"

G_BEGIN_DECLS

/* `buntime run`: the exit status, or -1 with error set. */
int bt_run(const BtCommandLine *line, GError **error);

G_END_DECLS
