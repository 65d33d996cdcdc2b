/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

#include "buntime-policy.h"
#include "buntime-sandbox.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

#define BUNTIME_TYPE_POLICY (buntime_policy_get_type())
GType buntime_policy_get_type(void);

#define BUNTIME_TYPE_VERDICT (buntime_verdict_get_type())
GType buntime_verdict_get_type(void);

#define BUNTIME_TYPE_SANDBOX (buntime_sandbox_get_type())
GType buntime_sandbox_get_type(void);

#pragma GCC visibility pop
G_END_DECLS
