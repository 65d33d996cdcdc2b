/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Are the host's objects still there that a mount denies to the program?
 *
 * A mount lies over an object, not over a name.  Where somebody on the host removes
 * the object, moves it away or puts another in its place, as many editors save a
 * file and git its config, the mount goes with it, and the name is open.  No mount
 * can hold a name, so this is watched, and the run ended: some moment later, which
 * is what the kernel leaves us.  What is put into a directory that is denied is
 * under its mount, whatever it is.
 *
 * What the caller may not read itself cannot be watched, nor changes that another
 * machine makes to a shared file system.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtGuard BtGuard;

/* path is gone from its place, or another. */
typedef void (*BtGuardFunc)(gpointer data, const char *path);

/*
 * From now on; paths (element-type char *) are canonical. NULL if there is nothing
 * to watch. What cannot be watched is told in notices.
 */
BtGuard *bt_guard_new(GPtrArray *paths, GPtrArray *notices);
/* Calls lost from the main loop, once, be it for something that went before. */
void bt_guard_start(BtGuard *guard, BtGuardFunc lost, gpointer data);
void bt_guard_free(BtGuard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtGuard, bt_guard_free)

G_END_DECLS
