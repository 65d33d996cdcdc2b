/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The private /tmp beside what is granted below it.
 *
 * Landlock only adds rights, and what it gives at /tmp it gives to all below,
 * the host's mounts included.  So /tmp itself can be given no kind of writing (or
 * reading) that a writable place of the host's below it is not to have.  Where one
 * is granted for some kinds alone, /tmp has only these; a directory of the
 * program's own in it has them all, and TMPDIR names that one.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define OWN_PLACE "/tmp/private"

/* What a place would be given by a right for all below /tmp, and is not granted. */
static BtFsPerms
withheld_by(const BtGrant *grant)
{
  BtFsPerms all = grant->folder ? BT_FS_READ | BT_FS_WRITE
                                : BT_FS_ALL & BT_LANDLOCK_FILE & ~BT_FS_EXECUTE;

  if (!bt_path_is_below(grant->path, "/tmp"))
    return 0;
  /* Nothing is written on a mount that is read-only, whatever Landlock says. */
  if ((grant->perms & BT_FS_WRITE) == 0)
    all &= BT_FS_READ;
  return all & ~grant->perms;
}

/* A directory that is new there: nothing of the host's may get its rights. */
static char *
make_own_place(BtCompile *self)
{
  GString *path = g_string_new(OWN_PLACE);

  for (guint i = 1; g_hash_table_contains(self->made, path->str) ||
                    strcmp(bt_compile_mount_at(self, path->str)->path, "/tmp") != 0;
       i++)
    g_string_printf(path, OWN_PLACE "%u", i);
  bt_compile_dir(self, path->str);
  return g_string_free(path, FALSE);
}

void
bt_compile_tmp_rules(BtCompile *self)
{
  const BtGrant *first = NULL;
  BtFsPerms withheld = 0;

  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    BtFsPerms one = withheld_by(grant);
    if (first == NULL && one != 0)
      first = grant;
    withheld |= one;
  }
  guint64 access = bt_compile_private_access(self);
  bt_compile_allow(self, "/tmp", access & ~(guint64)withheld, TRUE);
  if (first == NULL || self->handled == 0)
    return;
  self->own_tmp = make_own_place(self);
  bt_compile_allow(self, self->own_tmp, access, TRUE);
  g_autofree char *safe = bt_text_neutralise(first->path, -1);
  bt_compile_note(self, g_strdup_printf(_("%s is granted for some kinds of access alone: the "
                                          "program's own /tmp has no others either; %s has them "
                                          "all, and TMPDIR says so"),
                                        safe, self->own_tmp));
}
