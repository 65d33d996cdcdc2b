/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The policy, for the files that run it and those that only look at it.
 */

#include "lib/buntime-policy.h"
#include "policy/bt-policy-files.h"
#include "policy/bt-policy.h"

G_BEGIN_DECLS

struct _BuntimePolicy {
  gatomicrefcount refs;
  BtPolicy *rules;
  BtPolicyFiles *files; /* NULL: none were added */
  gboolean tier_chosen; /* somebody said what holds programs to it */
  GPtrArray *grants;    /* char *: what the environment grants, safe to print; NULL: nothing */
  char *cwd;
  char *home;
};

/* The user's own buntime folder (transfer full). */
char *bt_policy_object_config_folder(const BuntimePolicy *self);
/* Where presets are looked for; never in the current directory (transfer full). */
GStrv bt_policy_object_preset_folders(const BuntimePolicy *self);
/* What finds and reads policies (transfer none). */
BtPolicyFiles *bt_policy_object_files(BuntimePolicy *self);
/*
 * A copy in which is fixed what it speaks of, for one run or question
 * (transfer full); NULL with error set.
 */
BtPolicy *bt_policy_object_settle(BuntimePolicy *self, GPtrArray *notices, GError **error);

G_END_DECLS
