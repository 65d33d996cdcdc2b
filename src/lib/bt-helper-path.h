/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Absolute path of a helper program, such as "buntime-init" (transfer full). */
char *bt_helper_path(const char *name, GError **error);

G_END_DECLS
