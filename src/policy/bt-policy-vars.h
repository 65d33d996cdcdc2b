/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Replaces ${VAR} of a fixed list in a policy file's path. The error has no object yet. */
char *bt_policy_expand_variables(const char *text, const char *home, GError **error);

G_END_DECLS
