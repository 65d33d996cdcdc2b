/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GType's view of what `buntime run` uses without GObject.
 */
#include "lib/buntime-types.h"

G_DEFINE_BOXED_TYPE(BuntimePolicy, buntime_policy, buntime_policy_ref, buntime_policy_unref)
G_DEFINE_BOXED_TYPE(BuntimeVerdict, buntime_verdict, buntime_verdict_copy, buntime_verdict_free)
G_DEFINE_BOXED_TYPE(BuntimeSandbox, buntime_sandbox, buntime_sandbox_ref, buntime_sandbox_unref)
