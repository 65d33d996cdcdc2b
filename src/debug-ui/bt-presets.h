/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The presets, those of the user's own among them.
 *
 * To read them all takes some tenths of a second, so that what was read is kept for as long as
 * the user's folder is as it was.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtPresets BtPresets;

BtPresets *bt_presets_new(void);
void bt_presets_free(BtPresets *presets);

/* As an array of Preset; text NULL: they are only read. */
void bt_presets_put(BtPresets *presets, GString *text, const char *name);

/* Is it one that is not the user's own? */
gboolean bt_presets_is_common(const char *name);
/* The folder of the user's own (transfer full). */
char *bt_presets_folder(void);

G_END_DECLS
