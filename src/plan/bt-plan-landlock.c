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

/*
 * From this ABI on it does, with seccomp, what namespaces do otherwise. The first (Linux 5.13) cannot
 * let a file be moved to another directory, and its kernels cannot be told to end a notified call by
 * nothing but its answer (5.19).
 */
#define FLAT_ABI 2
/* From this one on it keeps signals and abstract sockets inside. */
#define SCOPES_ABI 6

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
  /* Sixteen of its domains go into one another. */
  if (error == E2BIG)
    return _("too many sandboxes lie around what is started here already: start buntime outside "
             "them");
  if (error == ENOMEM || error == EMFILE)
    return NULL;
  return _("whatever started this refuses it by seccomp: allow the calls landlock_*");
}

/* -1 with errno set: the kernel has it not, or refuses it. */
static long
find_abi(void)
{
  return syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
}

gboolean
bt_plan_landlock_suffices(void)
{
  return find_abi() >= FLAT_ABI;
}

static gboolean
check_flat(BtCompile *self, long abi, GError **error)
{
  if (abi < FLAT_ABI) {
    g_autofree char *reason =
      g_strdup_printf(_("its version here, %ld, is older than what holds without namespaces"), abi);
    return bt_fail(error, BUNTIME_ERROR_SETUP, "Landlock", reason,
                   _("use Linux 6.1 or newer, or leave the layer namespaces on"));
  }
  if (abi >= SCOPES_ABI)
    return TRUE;
  /* A signal that was sent must not be sent again because its sender got one. */
  bt_plan_builder_header(self->builder)->flags |= BT_PLAN_KILLABLE;
  bt_compile_note(self, g_strdup_printf(_("before Linux 6.12 (Landlock here has version %ld) signals are sent by "
                                          "buntime, and only to single processes or groups of the program's own"),
                                        abi));
  return TRUE;
}

gboolean
bt_compile_landlock(BtCompile *self, GError **error)
{
  BtPlanHeader *header = bt_plan_builder_header(self->builder);

  if (!bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK))
    return TRUE;
  long abi = find_abi();

  if (abi < 1)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "Landlock", abi < 0 ? g_strerror(errno) : _("no ABI"),
                   bt_plan_landlock_cure(abi < 0 ? errno : EOPNOTSUPP));
  if (self->flat && !check_flat(self, abi, error))
    return FALSE;
  self->landlock_abi = (int)abi;
  self->handled = rights_of_abi(abi);
  header->landlock_fs = self->handled;
  /*
   * Without the scopes namespaces hold alone: abstract sockets by net, signals by pid.  Without
   * namespaces either, there are no abstract sockets by the filter, and signals are notified.
   */
  header->landlock_scoped = abi >= SCOPES_ABI ? BT_PLAN_SCOPE_ALL : 0;
  header->landlock_net = self->flat && abi >= 4 ? BT_PLAN_TCP : 0;
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

/* What is made and not the host's is a folder, but for an entry that came by standard input. */
static gboolean
is_folder(const BtCompile *self, const char *path)
{
  struct stat info;

  if (g_strcmp0(path, self->entry_path) == 0)
    return FALSE;
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
        bt_compile_allow(self, path, BT_FS_READ | run, is_folder(self, path));
    }
  }
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    bt_compile_allow(self, grant->path, grant->perms, grant->folder);
  }
}
