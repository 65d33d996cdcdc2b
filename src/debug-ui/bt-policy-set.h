/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A set of policies as the page has it on, read: presets and texts, which merge as files do, and
 * flags, the command line's layer above them.
 *
 * What the environment grants is between them, as in any run.
 *
 * All that is wrong is found, not only the first: each part is read by itself before it is added.
 */

#include "debug-ui/bt-problem.h"
#include "lib/buntime.h"
#include "serve/bt-node.h"

G_BEGIN_DECLS

#define BT_POLICY_SET_MAX_PARTS 64
#define BT_POLICY_SET_MAX_FLAGS 256
#define BT_POLICY_SET_MAX_NAME 100

typedef struct {
  BuntimePolicy *policy;
  BuntimeSandbox *sandbox; /* of that policy */
  GPtrArray *problems;     /* BtProblem */
} BtPolicySet;

void bt_policy_set_free(BtPolicySet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPolicySet, bt_policy_set_free)

/*
 * policies: an array of PolicyPart; flags: an array of strings. NULL with error set: they are no
 * such thing, which the page would not send.
 */
BtPolicySet *bt_policy_set_new(const BtNode *policies, const BtNode *flags, GError **error);

/* One part alone, as if the set were of nothing else. */
BtPolicySet *bt_policy_set_new_for_part(const BtNode *part, GError **error);

/*
 * The members rules, summary and problems; with merged also policy, and what keeps the whole from
 * being enforced is among the problems. That the page is out of reach, which a run adds, is not
 * among the rules.
 */
void bt_policy_set_put(GString *text, BtPolicySet *set, gboolean merged);

G_END_DECLS
