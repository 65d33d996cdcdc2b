/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What may be written, what may run, and what may only be mapped.
 *
 * A place that is both written and run from is a grant for every program: a
 * copy of it runs there.  So one of both is taken away, and said, unless both
 * were meant: by a grant to run everything, or by one rule that names both.
 *
 * A directory of libraries, a virtual environment's say, is mapped from and
 * not run from: there Landlock's EXECUTE is missing.  But Landlock only adds,
 * and a right at a directory reaches all below it; so where such a place lies
 * below one that may run, the right is given beside the way down to it.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Entries beside the way down; each is a rule. */
#define MAX_BESIDE 16384

/* ---- what is granted for everything ---- */

static gboolean
has_denial(GPtrArray *rules, BtFsPerms perms)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action == BT_ACTION_DENY && (rule->perms & perms) == perms)
      return TRUE;
  }
  return FALSE;
}

void
bt_compile_run_init(BtCompile *self)
{
  BtPolicy *policy = self->request->policy;

  self->run_everything = bt_policy_check_run(policy, "/").action != BT_ACTION_DENY;
  self->run_denials = has_denial(bt_policy_get_run_rules(policy), BT_FS_EXECUTE) ||
                      has_denial(bt_policy_get_fs_rules(policy), BT_FS_EXECUTE);
  self->map_everything = bt_policy_check_ffi(policy, "/").action != BT_ACTION_DENY &&
                         !has_denial(bt_policy_get_ffi_rules(policy), 0);
  self->noexec = self->run_everything ? 0 : BT_PLAN_NOEXEC;
  self->map_noexec = bt_policy_check_ffi(policy, "/").action != BT_ACTION_DENY ? 0 : self->noexec;
  self->run_roots = g_ptr_array_new_with_free_func(g_free);
  self->map_only = g_ptr_array_new_with_free_func(g_free);
}

void
bt_compile_run_clear(BtCompile *self)
{
  g_ptr_array_unref(self->run_roots);
  g_ptr_array_unref(self->map_only);
}

/* ---- written or run ---- */

typedef struct {
  gsize run, write; /* length of the narrowest grant's path, plus 1; 0: none */
  gboolean both;    /* one rule grants both */
} Grants;

static void
collect(Grants *grants, GPtrArray *rules, const char *path)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    const char *where = rule->everything ? "/" : rule->real;
    if (rule->rule.action == BT_ACTION_DENY || where == NULL || !bt_path_is_below(path, where))
      continue;
    gsize length = strlen(where) + 1;
    gboolean runs = (rule->perms & BT_FS_EXECUTE) != 0;
    gboolean writes = (rule->perms & BT_FS_WRITE) != 0;
    if (runs)
      grants->run = MAX(grants->run, length);
    if (writes)
      grants->write = MAX(grants->write, length);
    grants->both |= runs && writes;
  }
}

gboolean
bt_compile_run_or_write(BtCompile *self, const char *path, BtFsPerms *perms)
{
  Grants grants = { 0, 0, FALSE };
  g_autofree char *notice = NULL;

  if (self->run_everything)
    return TRUE;
  collect(&grants, bt_policy_get_fs_rules(self->request->policy), path);
  collect(&grants, bt_policy_get_run_rules(self->request->policy), path);
  gboolean runs = grants.both || grants.run >= grants.write;
  if (grants.both) {
    notice = g_strdup_printf(_("%s can be written and run: whatever is written there runs"), path);
  } else if (runs) {
    notice = g_strdup_printf(_("%s is granted to run, so it is read-only"), path);
    *perms &= ~BT_FS_WRITE;
  } else {
    notice = g_strdup_printf(_("%s can be written, so no program in it runs"), path);
  }
  bt_compile_note(self, g_steal_pointer(&notice));
  return runs;
}

/* ---- run, but for what is only mapped ---- */

static gboolean
is_above_map_only(const BtCompile *self, const char *path)
{
  for (guint i = 0; i < self->map_only->len; i++)
    if (bt_path_is_below(g_ptr_array_index(self->map_only, i), path))
      return TRUE;
  return FALSE;
}

/* A link's target has a path of its own; a special file never runs. */
static gboolean
can_run(const char *path)
{
  struct stat info;
  return lstat(path, &info) == 0 &&
         (S_ISDIR(info.st_mode) || (S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0));
}

static gboolean
refuse_without_landlock(const char *path, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                 _("without the layer landlock, which the policy turned off, what runs and what "
                   "is only loaded as code cannot be told apart below it"),
                 _("leave the layer on, or the denial to run out"));
}

static gboolean
allow_below(BtCompile *self, const char *path, guint *budget, GError **error)
{
  const BtMount *mount = bt_compile_mount_at(self, path);

  if (mount->kind != BT_MOUNT_HOST ||
      bt_policy_check_run(self->request->policy, path).action == BT_ACTION_DENY)
    return TRUE;
  if (!is_above_map_only(self, path)) {
    if (self->handled != 0)
      bt_plan_builder_landlock(self->builder, path, BT_FS_EXECUTE);
    return TRUE;
  }
  if (self->handled == 0)
    return refuse_without_landlock(path, error);
  if ((mount->attr & BT_PLAN_RDONLY) == 0)
    bt_compile_note(self, g_strdup_printf(_("programs that are made in %s during the run do not "
                                            "run, since something below it is denied to"), path));
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  const char *name;
  while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *child = g_build_filename(path, name, NULL);
    if ((*budget)-- == 0)
      return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                     _("there is too much beside what is denied to run below it"),
                     _("grant to run single directories instead"));
    if (can_run(child) && !allow_below(self, child, budget, error))
      return FALSE;
  }
  return TRUE;
}

static int
compare_roots(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean
bt_compile_run_roots(BtCompile *self, GError **error)
{
  guint budget = MAX_BESIDE;

  if (self->map_only->len > 0 && self->run_everything)
    for (guint i = 0; i < self->mounts->len; i++) {
      const BtMount *mount = &g_array_index(self->mounts, BtMount, i);
      if (mount->kind == BT_MOUNT_HOST)
        g_ptr_array_add(self->run_roots, g_strdup(mount->path));
    }
  /* The same policy on the same host is the same plan. */
  g_ptr_array_sort(self->run_roots, compare_roots);
  for (guint i = 0; i < self->run_roots->len; i++)
    if (!allow_below(self, g_ptr_array_index(self->run_roots, i), &budget, error))
      return FALSE;
  return TRUE;
}
