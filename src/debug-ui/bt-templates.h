/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Programs to begin with, which are in this program: data/examples/templates.
 */

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is at "/examples" and "/examples/ID": JSON; NULL: there is nothing. */
GBytes *bt_templates_answer(const char *path);

G_END_DECLS
