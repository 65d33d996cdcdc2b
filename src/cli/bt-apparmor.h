/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* AppArmor's profile for the program at this path (transfer full); NULL: it cannot name that. */
char *bt_apparmor_profile_of(const char *program);

G_END_DECLS
