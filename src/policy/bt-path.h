/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Paths as rules write them: made absolute, compared by whole components,
 * expanded against the host.
 */

#include <glib.h>

G_BEGIN_DECLS

/*
 * Absolute, without dots, from what a flag or file says: "~" is home, others
 * start at base. The error has no object yet.
 */
char *bt_path_absolute(const char *written, const char *base, const char *home, GError **error);
/* Is path folder itself or below it? "/tmp" never holds "/tmpfile". Both without dots. */
gboolean bt_path_is_below(const char *path, const char *folder);

/* Its real path, or where it would be made: that of what exists of it, and the rest (transfer full). */
char *bt_path_real(const char *path);

/* Never the host's, whatever is granted: /proc, /sys, /dev, /run. (A socket may be.) */
gboolean bt_path_is_never(const char *path);
gboolean bt_path_is_glob(const char *path);
/* "*" is any run of characters, "?" one character. */
gboolean bt_glob_match(const char *pattern, const char *name);
/* The directory above the first component with a wildcard (transfer full). */
char *bt_glob_base(const char *pattern);

#define BT_GLOB_MAX_MATCHES 4096

/*
 * Appends to matches_out (char *) what an absolute pattern finds. "**" stands
 * for any number of directories, entered only where they are no symlinks;
 * hidden says whether "*" and "**" match names that start with a dot. FALSE:
 * more matches than BT_GLOB_MAX_MATCHES, or too many places to look at.  unseen_out: NULL if what
 * cannot be looked at counts for nothing; else this, too, is FALSE, and *unseen_out (transfer full)
 * the place and why.
 */
gboolean bt_glob_expand(const char *pattern, gboolean hidden, GPtrArray *matches_out,
                        char **unseen_out);

G_END_DECLS
