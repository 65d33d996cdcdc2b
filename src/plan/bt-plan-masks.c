/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hides the host's objects, and what keeps it in its place.
 *
 * A mask is a mount over the object that is denied.  Its name can be brought to
 * another object only by moving a directory above it, so where the worker may
 * write, each of those is a mount, too.  Landlock knows nothing of masks: what it
 * gives above one, it gives below, and a grant there has to hold as much.
 *
 * The host is not kept from anything; what is denied is remembered for who watches
 * it (src/lib/bt-guard.h).
 */
#include "plan/bt-plan-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>

/* Not to be listed. Init makes the way in it; for the worker, its owner too, it is read-only. */
#define MASK_MODE 0311

gboolean
bt_compile_is_writable(const BtMount *mount)
{
  return mount->kind == BT_MOUNT_HOST && (mount->attr & BT_PLAN_RDONLY) == 0;
}

gboolean
bt_compile_guard(BtCompile *self, const char *path, GError **error)
{
  const BtMount *above = bt_compile_mount_at(self, path);
  struct stat info;

  if (!bt_compile_is_writable(above) || strcmp(above->path, path) == 0)
    return TRUE;
  guint attr = above->attr;
  BtFsPerms perms = above->perms;
  for (const char *slash = strchr(path + strlen(above->path) + 1, '/'); slash != NULL;
       slash = strchr(slash + 1, '/')) {
    g_autofree char *between = g_strndup(path, slash - path);
    if (lstat(between, &info) != 0)
      return bt_fail(error, BUNTIME_ERROR_POLICY, between, g_strerror(errno),
                     _("the denial below it cannot be guarded: deny the directory itself"));
    if (!bt_compile_bind(self, between, &info, attr, perms, error))
      return FALSE;
  }
  return TRUE;
}

void
bt_compile_tell_of_links(BtCompile *self, const char *path, const struct stat *info)
{
  if (!S_ISREG(info->st_mode) || info->st_nlink < 2)
    return;
  g_autofree char *safe = bt_text_neutralise(path, -1);
  bt_compile_note(self, g_strdup_printf(_("%s: it has other names (hard links), which are not "
                                          "denied with it"), safe));
}

gboolean
bt_compile_is_granted_at(const BtCompile *self, const char *path)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);
  BtFsPerms perms = bt_policy_path_perms(self->request->policy, path, NULL);

  perms &= BT_FS_READ | BT_FS_WRITE;
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY && (rule->perms & perms) != 0 && rule->real != NULL &&
        strcmp(rule->real, path) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
grants_below(const BtCompile *self, const char *path)
{
  for (guint i = 0; i < self->spots->len; i++) {
    const BtSpot *spot = &g_array_index(self->spots, BtSpot, i);
    if (spot->kind == BT_SPOT_POINT && strcmp(spot->path, path) != 0 &&
        bt_path_is_below(spot->path, path) && bt_compile_is_granted_at(self, spot->path))
      return TRUE;
  }
  return FALSE;
}

gboolean
bt_compile_hide(BtCompile *self, const char *path, GError **error)
{
  struct stat info;

  if (!bt_compile_guard(self, path, error))
    return FALSE;
  if (lstat(path, &info) == 0)
    bt_compile_tell_of_links(self, path, &info);
  bt_plan_builder_mount(self->builder, BT_PLAN_HIDE, path, BT_PLAN_RDONLY | BT_PLAN_NOEXEC);
  bt_compile_add_mount(self, path, BT_MOUNT_SHUT, BT_PLAN_RDONLY, 0);
  return TRUE;
}

gboolean
bt_compile_hide_denied(BtCompile *self, const char *path, GError **error)
{
  if (bt_compile_mount_at(self, path)->kind == BT_MOUNT_HOST)
    g_ptr_array_add(self->denied, g_strdup(path));
  if (!grants_below(self, path))
    return bt_compile_hide(self, path, error);
  return bt_compile_guard(self, path, error) && bt_compile_cover(self, path, BT_MOUNT_WAY, MASK_MODE);
}

gboolean
bt_compile_is_widened(const BtCompile *self, const char *path, BtFsPerms perms, gboolean folder)
{
  BtFsPerms held = (perms & BT_FS_WRITE) != 0 ? BT_FS_READ | BT_FS_WRITE : BT_FS_READ;

  if (!folder)
    held &= BT_LANDLOCK_FILE;
  return (bt_compile_perms_at(self, path) & held & ~perms) != 0;
}
