/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opening and making objects without being led astray by a link. */

#include "init/bt-init.h"

/* The host's object at an absolute path without any link in it; -1 and errno. */
int bt_open_source(const char *path);

/* What is at an absolute path of the new tree, topmost mount first; -1 and errno. */
int bt_open_target(const BtInit *init, const char *path, int flags);

/*
 * The directory that holds the target, made with what is missing above it,
 * and the target's last name. For "/" the name is "."; fails like the others.
 */
int bt_open_parent(const BtInit *init, const char *path, const char **name_out);

/* Nothing is ever created on the host: EROFS unless the directory's file system is ours. */
void bt_check_own(const BtInit *init, int directory, const char *object);
