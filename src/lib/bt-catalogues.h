/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Before the first text: where the shared library finds its translations. A program that has the
 * same code in itself chooses its language itself, when it starts, and nothing is done here.
 */
void bt_catalogues_find(void);

G_END_DECLS
