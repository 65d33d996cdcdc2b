/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the plan and the notifier both say of the machine.
 */

#include "policy/bt-policy.h"

G_BEGIN_DECLS

gboolean bt_sys_is_shown(BtPolicy *policy, BtSys kind);
/* What a worker is told in place of total: the policy's limit, or the next power of two. */
guint64 bt_sys_rough_memory(BtPolicy *policy, guint64 total);

G_END_DECLS
