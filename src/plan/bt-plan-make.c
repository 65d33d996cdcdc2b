/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are granted and not there yet.
 *
 * A mount needs something to be mounted, and Landlock grants making any name in a
 * directory or none.  So the worker is given nothing at all: the supervisor gets a
 * mount of the directory (init/bt-mount-ops.c), and opens this one name in it for
 * whoever opens it inside (lib/bt-notify-make.c).
 *
 * That is only what was granted as long as no process of the sandbox can bring
 * another file under this name, by renaming or linking it.  Hence the directory
 * must be one that the worker cannot change; where it may do some of that, this
 * is refused, and where it may make and write files anyway, it is not needed.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define NEEDED ((BtFsPerms)(BT_FS_WRITE_FILE | BT_FS_MAKE_REG))

static gboolean
refuse(const BtPathRule *rule, const char *reason, GError **error)
{
  g_autofree char *object = bt_origin_format(&rule->rule.origin);
  g_autofree char *safe = bt_text_neutralise(object, -1);
  return bt_fail(error, BUNTIME_ERROR_POLICY, safe, reason,
                 _("create it first, or grant the directory it will be made in"));
}

/* Why a file in this directory cannot be granted by itself; NULL: it can. */
static const char *
obstacle(const BtCompile *self, const char *folder)
{
  const BtMount *above = bt_compile_mount_at(self, folder);

  if (above->kind == BT_MOUNT_SHUT)
    return _("it is granted, but lies below something that is denied");
  if (bt_compile_is_writable(above))
    return _("other files can be brought there, so this one cannot be granted alone");
  /* A directory of the program's own /tmp, which it can do with what it likes. */
  if (above->kind == BT_MOUNT_OWN && (above->attr & BT_PLAN_RDONLY) == 0 &&
      strcmp(above->path, "/") != 0)
    return _("it lies in /tmp, which is the program's own");
  /* It would be root's, and made with root's rights. */
  if (self->request->uid != geteuid() || self->request->gid != getegid())
    return _("it is not there yet, and the program runs as another user than buntime");
  return NULL;
}

/* Files may be made and written there in any case. */
static gboolean
is_given(const BtCompile *self, const char *folder)
{
  const BtMount *above = bt_compile_mount_at(self, folder);
  BtFsPerms given = above->perms | bt_compile_perms_at(self, folder);

  return bt_compile_is_writable(above) && (given & NEEDED) == NEEDED;
}

gboolean
bt_compile_can_make(const BtCompile *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);
  return !self->flat && obstacle(self, folder) == NULL;
}

gboolean
bt_compile_is_lent(const BtCompile *self, const char *path)
{
  return g_ptr_array_find_with_equal_func(self->lent, path, g_str_equal, NULL);
}

static gboolean
add_make(BtCompile *self, const BtPathRule *rule, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(rule->real);
  BtFsPerms perms = bt_policy_path_perms(self->request->policy, rule->real, NULL);
  struct stat info;

  /* Denied by another rule, or told already that nothing there is granted. */
  if ((perms & NEEDED) != NEEDED || bt_path_is_never(rule->real) || is_given(self, folder))
    return TRUE;
  const char *reason = obstacle(self, folder);
  if (reason != NULL)
    return refuse(rule, reason, error);
  if (lstat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
    return refuse(rule, _("its directory was changed while buntime started"), error);
  bt_compile_dir(self, folder);
  bt_plan_builder_lend(self->builder, folder, rule->real, info.st_dev, info.st_ino);
  bt_plan_builder_header(self->builder)->flags |= BT_PLAN_KILLABLE;
  g_ptr_array_add(self->lent, g_strdup(rule->real));
  return TRUE;
}

gboolean
bt_compile_makes(BtCompile *self, GError **error)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->to_make && !bt_compile_is_lent(self, rule->real) && !add_make(self, rule, error))
      return FALSE;
  }
  return TRUE;
}
