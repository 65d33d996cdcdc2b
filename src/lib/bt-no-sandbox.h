/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

/*
 * --no-sandbox: says so on stderr, whatever is quiet, and becomes the program
 * (execve). Returns only on failure, and then FALSE.
 */
gboolean bt_run_without_sandbox(const BtPlanRequest *request, GError **error);

G_END_DECLS
