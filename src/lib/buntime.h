/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libbuntime's public interface.
 */

#include "lib/buntime-policy.h"
#include "lib/buntime-sandbox.h"
#include "policy/buntime-error.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * buntime_error_format:
 * @error: an error of any domain
 *
 * Makes the text for stderr: "buntime: OBJECT: REASON", then an indented line
 * with the cure. Control characters are neutralised.
 *
 * Returns: (transfer full): the text, its last newline included
 *
 * Since: 1.0
 */
char *buntime_error_format(const GError *error);

#pragma GCC visibility pop
G_END_DECLS
