/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The presets, those of the user's own among them.
 */

#include "serve/bt-node.h"

G_BEGIN_DECLS

/* As an array of Preset. */
void bt_presets_put(GString *text, const char *name);

G_END_DECLS
