/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a run that fails and `buntime doctor` say alike of the machine. Not installed, as
 * buntime-program.h is not.
 */

#include <glib.h>

G_BEGIN_DECLS

/* "Docker" or the like; NULL: this is no container that is known. */
const char *bt_container_name(void);

gboolean bt_is_in_flatpak(void);

/* What usually helps when a namespace could not be made with this errno; NULL: nothing known. */
const char *bt_namespace_cure(int error);
/* The same of a mount, or of a procfs in particular. */
const char *bt_mount_cure(int error);
const char *bt_procfs_cure(int error);
const char *bt_landlock_cure(int error);
const char *bt_seccomp_cure(int error);
/* Of no layer in particular: a descriptor or memory is wanting, or the call is refused; NULL: neither. */
const char *bt_call_cure(int error);
/* The seccomp listener is taken as a debugger would take it. tier: without namespaces. */
const char *bt_listener_cure(int error, gboolean tier);

G_END_DECLS
