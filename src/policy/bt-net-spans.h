/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "wire/bt-net-policy.h"

G_BEGIN_DECLS

/*
 * The spans of addresses between which rules begin and end. Both arrays stay
 * empty where looking at every rule is as well, or the spans would be too large.
 */
void bt_net_spans_make(const BtNetRule *rules, guint n_rules, GArray *spans, GArray *ids);

G_END_DECLS
