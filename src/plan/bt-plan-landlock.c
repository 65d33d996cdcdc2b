/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Landlock only adds rights: a rule for a directory reaches all below it,
 * across mounts.  So reading is allowed at "/" as long as everything that is
 * visible may be read, which mounts see to; where some grant is for writing
 * alone, each readable part gets a rule of its own.
 */
#include "plan/bt-plan-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define CREATE_RULESET_VERSION (1u << 0)

/* The rights that each ABI brought. */
static guint64
rights_of_abi(long abi)
{
  guint64 rights = (1u << 13) - 1;

  if (abi >= 2)
    rights |= BT_FS_REFER;
  if (abi >= 3)
    rights |= BT_FS_TRUNCATE;
  if (abi >= 5)
    rights |= BT_LANDLOCK_IOCTL_DEV;
  return rights;
}

const char *
bt_plan_landlock_cure(int error)
{
  if (error == EOPNOTSUPP)
    return _("boot with 'landlock' in the kernel's lsm= list");
  if (error == ENOSYS)
    return _("use a Linux of 5.13 or later with CONFIG_SECURITY_LANDLOCK; in a container, one whose "
             "seccomp profile allows it");
  return _("whatever started this refuses it by seccomp: allow the calls landlock_*");
}

gboolean
bt_compile_landlock(BtCompile *self, GError **error)
{
  BtPlanHeader *header = bt_plan_builder_header(self->builder);

  if (!bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK))
    return TRUE;
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

  if (abi < 1)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "Landlock", abi < 0 ? g_strerror(errno) : _("no ABI"),
                   bt_plan_landlock_cure(abi < 0 ? errno : EOPNOTSUPP));
  if (abi < 6 && self->flat) {
    g_autofree char *reason = g_strdup_printf(
      _("its version here, %ld, keeps neither signals nor abstract sockets inside, which only "
        "namespaces would do then"), abi);
    return bt_fail(error, BUNTIME_ERROR_SETUP, "Landlock", reason,
                   _("use Linux 6.12 or newer, or leave the layer namespaces on"));
  }
  self->landlock_abi = (int)abi;
  self->handled = rights_of_abi(abi);
  header->landlock_fs = self->handled;
  /* Without the scopes namespaces hold alone: abstract sockets by net, signals by pid. */
  header->landlock_scoped = abi >= 6 ? BT_PLAN_SCOPE_ALL : 0;
  header->landlock_stdio =
    (BT_FS_READ_FILE | BT_FS_WRITE_FILE | BT_FS_TRUNCATE | BT_LANDLOCK_IOCTL_DEV) & self->handled;
  return TRUE;
}

/* Is something of the host's visible that may not be read? */
static gboolean
has_unreadable(const BtCompile *self, const char *below)
{
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    if ((grant->perms & BT_FS_READ) != BT_FS_READ && bt_path_is_below(grant->path, below))
      return TRUE;
  }
  return FALSE;
}

BtFsPerms
bt_compile_perms_at(const BtCompile *self, const char *path)
{
  BtFsPerms perms = has_unreadable(self, "/") ? 0 : BT_FS_READ;

  for (guint i = 0; perms == 0 && i < self->readable->len; i++) {
    const char *readable = g_ptr_array_index(self->readable, i);
    if (bt_path_is_below(path, readable) && !has_unreadable(self, readable))
      perms |= BT_FS_READ;
  }
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    if (bt_path_is_below(path, grant->path))
      perms |= grant->perms;
  }
  return perms;
}

void
bt_compile_allow(BtCompile *self, const char *path, guint64 access, gboolean folder)
{
  access &= self->handled;
  if (!folder)
    access &= BT_LANDLOCK_FILE;
  if (access != 0)
    bt_plan_builder_landlock(self->builder, path, access);
}

static gboolean
is_folder(const char *path)
{
  struct stat info;
  return lstat(path, &info) != 0 || S_ISDIR(info.st_mode);
}

void
bt_compile_landlock_rules(BtCompile *self)
{
  /* Else it is cut into what runs and what does not (bt-plan-run.c). */
  guint64 run = self->run_everything && self->map_only->len == 0 ? BT_FS_EXECUTE : 0;

  if (!has_unreadable(self, "/")) {
    bt_compile_allow(self, "/", BT_FS_READ | run, TRUE);
  } else {
    for (guint i = 0; i < self->readable->len; i++) {
      const char *path = g_ptr_array_index(self->readable, i);
      /* What is above a place that only may be written cannot be listed. */
      if (!has_unreadable(self, path))
        bt_compile_allow(self, path, BT_FS_READ | run, is_folder(path));
    }
  }
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    bt_compile_allow(self, grant->path, grant->perms, grant->folder);
  }
}
