/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a run that fails and `buntime doctor` say alike of the machine. Not installed, as
 * buntime-program.h is not.
 */

#include <glib.h>

G_BEGIN_DECLS

/* What usually helps when a namespace could not be made with this errno; NULL: nothing known. */
const char *bt_namespace_cure(int error);

G_END_DECLS
