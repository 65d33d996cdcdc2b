/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the programs that the page has run are files: a folder of this server's alone,
 * $XDG_RUNTIME_DIR/buntime/ui-PID-RANDOM, or one in /tmp, with a folder for each run.
 *
 * It goes with the server. One that was killed leaves its folder: the lock on it is gone then, by
 * which the next server knows. Nothing here follows a link, since a worker may be allowed to
 * write there, and no more is removed than was made: files in folders of runs.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtFolder BtFolder;

BtFolder *bt_folder_new(GError **error);
/* Removes it. */
void bt_folder_free(BtFolder *folder);

/* Writes a run's program; name: no path. Its path (transfer full), or NULL with error set. */
char *bt_folder_write(BtFolder *folder, guint number, const char *name, const char *text,
                      GError **error);
void bt_folder_remove(BtFolder *folder, guint number);

G_END_DECLS
