/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The presets, those of the user's own among them.
 */

#include <glib.h>

G_BEGIN_DECLS

/* As an array of Preset. */
void bt_presets_put(GString *text, const char *name);
/* Is it one that is not the user's own? */
gboolean bt_presets_is_common(const char *name);

G_END_DECLS
