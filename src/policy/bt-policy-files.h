/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finding policy files and putting them together.
 *
 * A value with a slash or ending in .json is a path, "-" is standard input,
 * anything else the name of a preset, which is looked for in the given folders
 * and never in the current directory. A file of the user's own does not stand in
 * for a preset that all have: such a name is refused, since either might be meant
 * by who writes it, and one of them may permit more. What a file extends is added with it,
 * each file once; a cycle is an error.
 */

#include "policy/bt-policy.h"

G_BEGIN_DECLS

typedef struct _BtPolicyFiles BtPolicyFiles;

/*
 * folders: absolute, NULL-terminated, where presets are looked for. The first is the user's own;
 * of the others the first that has a name counts.
 */
BtPolicyFiles *bt_policy_files_new(const char *const *folders, const char *cwd, const char *home);
BtPolicyFiles *bt_policy_files_copy(const BtPolicyFiles *self);
void bt_policy_files_free(BtPolicyFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPolicyFiles, bt_policy_files_free)

/*
 * Adds what value names and all that it extends. On an error, which tells
 * every mistake in any of them, one a line, policy is of no use any more.
 */
gboolean bt_policy_files_add(BtPolicyFiles *self, BtPolicy *policy, const char *value,
                             GError **error);
/*
 * Adds a policy that is no file, and what it extends, to a layer. Its paths
 * are relative to the current directory; name stands for its path in errors.
 */
gboolean bt_policy_files_add_bytes(BtPolicyFiles *self, BtPolicy *policy, BtLayer layer,
                                   GBytes *bytes, const char *name, GError **error);
/* Has standard input been read? */
gboolean bt_policy_files_used_stdin(BtPolicyFiles *self);

/*
 * Where the policy grants writing at all: denies it for every file that was
 * added, so that no worker rewrites its next run's policy, and for protect
 * (may be NULL) if it exists. Call before bt_policy_resolve().
 */
void bt_policy_files_guard(BtPolicyFiles *self, BtPolicy *policy, const char *protect);

/*
 * After bt_policy_resolve(). A mount guards what a name leads to, not a link on
 * the way to it: FALSE for a link to a policy that the worker could replace; for
 * protect it is only told.
 */
gboolean bt_policy_files_check_links(BtPolicyFiles *self, BtPolicy *policy, const char *protect,
                                     GPtrArray *notices, GError **error);

/* One preset that can be named. */
typedef struct {
  char *name;
  char *path;
  gboolean own; /* the user's */
} BtPreset;

void bt_preset_free(BtPreset *preset);

/*
 * BtPreset sorted by name (transfer full). folders as of bt_policy_files_new(); the user's file of
 * another's name, which cannot be named, is left out.
 */
GPtrArray *bt_presets_list(const char *const *folders);
/* The path of what value names, without opening it; "-" stays (transfer full). */
char *bt_policy_files_find(BtPolicyFiles *self, const char *value, GError **error);
/* The bytes of a policy file, at most one more than it may have (transfer full). */
GBytes *bt_policy_file_read(const char *path, GError **error);

G_END_DECLS
