/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Permissions in the environment: POD_ALLOW_NET, BUNTIME_DENY_READ and the
 * like, and POD_POLICY_JSON, a whole policy in base64. They stand below the
 * command line and above files.
 *
 * Whoever starts buntime often does not see its environment, so nothing here
 * is guessed: a variable that is misspelt, empty or given twice with different
 * values stops the run, everything is granted by the word "all" alone, and what
 * grants something is handed back for the caller to announce.
 */

#include "policy/bt-policy-files.h"

G_BEGIN_DECLS

/*
 * Adds what environment ("NAME=value", NULL-terminated) says. grants (may be
 * NULL) receives what to announce, a text a variable, safe to print.
 */
gboolean bt_policy_add_environment(BtPolicy *policy, BtPolicyFiles *files,
                                   const char *const *environment, const char *cwd,
                                   const char *home, GPtrArray *grants, GError **error);

/* Is a variable of that name, whatever its spelling is worth, addressed to buntime? */
gboolean bt_policy_environ_is_own(const char *name);

G_END_DECLS
