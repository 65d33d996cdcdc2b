/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The user's own policies: files in $XDG_CONFIG_HOME/buntime/policies, which are presets then.
 *
 * A file is there whole or not at all, and takes the place of whatever has its name: a link is
 * not followed.
 */

#include <glib.h>

G_BEGIN_DECLS

/*
 * Writes one that can be read as a policy, and is no preset that all have. overwrite: in place of
 * one of the name. Its path (transfer full), or NULL with error set.
 */
char *bt_user_policies_save(const char *name, const char *text, gboolean overwrite,
                            GError **error);
/* Its path, where it was (transfer full), or NULL with error set. */
char *bt_user_policies_delete(const char *name, GError **error);

G_END_DECLS
