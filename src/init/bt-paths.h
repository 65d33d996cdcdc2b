/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opening and making objects without being led astray by a link. */

#include "init/bt-init.h"

/* The host's object at an absolute path without any link in it; -1 and errno. */
int bt_open_source(const char *path);

/* What is at an absolute path of the new tree, topmost mount first; -1 and errno. */
int bt_open_target(const BtInit *init, const char *path, int flags);

/*
 * Makes init->folder the directory that holds the target, made with what is
 * missing above it. Returns its descriptor, which stays the folder's, and the
 * target's last name. For "/" the name is "."; fails like the others.
 */
int bt_enter_folder(BtInit *init, const char *target, const char **name_out);

/* Whether the folder's file system is ours. Nothing is ever created on the host. */
bool bt_folder_is_own(BtInit *init, const char *object);

/* After a mount at the target: what was opened below it is no longer what is found there. */
void bt_folder_covered(BtInit *init, const char *target);
