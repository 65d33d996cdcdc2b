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

/* What usually helps when a namespace could not be made with this errno; NULL: nothing known. */
const char *bt_namespace_cure(int error);
/* The same when a mount was refused, or a procfs in particular. */
const char *bt_mount_cure(void);
const char *bt_procfs_cure(void);
const char *bt_landlock_cure(int error);
const char *bt_seccomp_cure(int error);

G_END_DECLS
