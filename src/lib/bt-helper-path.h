/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Absolute path of a helper program, such as "buntime-init" (transfer full). */
char *bt_helper_path(const char *name, GError **error);
/*
 * Absolute path of what is installed in buntime's data folder, such as
 * "policies"; where it should be if it is nowhere (transfer full).
 */
char *bt_data_path(const char *name);
/* Canonical path of the folder of the clients for programs with a channel (transfer full). */
char *bt_clients_path(GError **error);

G_END_DECLS
