/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The launcher, for the files that run it and those that only look at it.
 */

#include "lib/buntime.h"
#include "plan/bt-plan-compile.h"
#include "policy/bt-policy-files.h"
#include "policy/bt-policy.h"

G_BEGIN_DECLS

struct _BuntimeSandbox {
  BtPolicy *policy;
  BtPolicyFiles *files; /* NULL: none were added */
  GPtrArray *grants;    /* char *: what the environment grants, safe to print; NULL: nothing */
  char *cwd;
  char *home;
  BtWorkerKind worker;
  BtPlanNetMode net_mode;
  GPtrArray *published; /* BtPublished */
  gboolean quiet;
  char *events; /* FILE, a descriptor's number or "-"; NULL: none */
  char *capture; /* FILE; NULL: frames are not recorded */
  gboolean isolated;
  int status_fd; /* -1: none */
};

/* The user's own buntime folder (transfer full). */
char *bt_sandbox_config_folder(const BuntimeSandbox *self);
/* Where presets are looked for; never in the current directory (transfer full). */
GStrv bt_sandbox_preset_folders(const BuntimeSandbox *self);
/* What finds and reads policies (transfer none). */
BtPolicyFiles *bt_sandbox_files(BuntimeSandbox *self);
/* After the last rule: what the policy then speaks of is fixed. */
gboolean bt_sandbox_settle_policy(BuntimeSandbox *self, GPtrArray *notices, GError **error);

G_END_DECLS
