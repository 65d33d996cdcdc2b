/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A policy as text again.
 */

#include "policy/bt-policy.h"

G_BEGIN_DECLS

/*
 * A policy file, version 1, with the rules of every layer (transfer full).
 * NULL with error set where a file cannot say what a rule does. Of a policy
 * that is not resolved, patterns and program names stay what they are.
 */
char *bt_policy_format_json(BtPolicy *policy, GError **error);

/*
 * One line a rule, default and setting, sorted and each once, without origins (transfer full).
 * (bt-policy-lines.c)
 */
GStrv bt_policy_format_lines(BtPolicy *policy);
/* The same in the policy's own order, each with its origin, as JSON (transfer full). */
char *bt_policy_format_rules_json(BtPolicy *policy);

/* "/" of a bare flag, a program's name, or an absolute path (transfer none). */
const char *bt_path_rule_get_path(const BtPathRule *rule);

/* The words of a policy file for perms, the fewest (element-type utf8, not owned). */
GPtrArray *bt_fs_perms_words(BtFsPerms perms);
/* "10.0.0.0/8" of an address item (transfer full) */
char *bt_net_item_format_cidr(const BtNetItem *item);
/* "80,8000-9000"; NULL: every port (transfer full) */
char *bt_net_item_format_ports(const BtNetItem *item);
const char *bt_net_item_proto_word(const BtNetItem *item);
const char *bt_action_word(BtAction action);

G_END_DECLS
