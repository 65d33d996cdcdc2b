/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Folder of the running program, or of the shared library that this code is a part of;
 * canonical, NULL if it is not known (transfer full).
 */
char *bt_place_own_folder(gboolean *library_out);

typedef enum {
  BT_PLACE_FOUND,
  BT_PLACE_MISSING,
  BT_PLACE_OTHERS, /* it is there, but others than its owner and ours could have put it there */
} BtPlaceState;

/*
 * What is at RELATIVE, seen from our own FOLDER. Where it was configured to be installed
 * (CONFIGURED, or NULL) it is taken as it is; anywhere else only if nobody but root, ourselves
 * and the owner of FOLDER could have put it there.
 */
BtPlaceState bt_place_find(const char *folder, const char *relative, const char *configured,
                           char **path_out);

G_END_DECLS
