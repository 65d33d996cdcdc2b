/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The texts are the user's language's, where a catalogue has them, and UTF-8 in any. */
void bt_language_choose(void);

G_END_DECLS
