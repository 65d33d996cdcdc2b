/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mode, owner, times and attributes.
 *
 * Landlock has no right for them: where a mount is writable they can be
 * changed.  They belong to write_file, so a place that is granted for some other
 * kind of writing alone (make_dir, say) would give them unasked.  A filter sees
 * no paths: while there is such a place, these calls are refused everywhere, and
 * this is announced.  With them go the ioctls that are not of terminals and
 * sockets, since file systems have some that set flags or make directories
 * (btrfs) without asking Landlock.
 *
 * Without namespaces they are refused in any case, by the allow-list itself.
 *
 * Before Landlock's third version (Linux 6.2) truncate(2) is one more of them.
 */
#include "plan/bt-plan-private.h"
#include "plan/metadata-calls.h"

#include <glib/gi18n-lib.h>

static const char *const metadata_calls[] = { BT_METADATA_CALLS };

/* A place that may be written, but not in what its files hold; NULL: none. */
static const BtGrant *
find_partial(const BtCompile *self, BtFsPerms without)
{
  for (guint i = 0; i < self->grants->len; i++) {
    const BtGrant *grant = &g_array_index(self->grants, BtGrant, i);
    if ((grant->perms & BT_FS_WRITE) != 0 && (grant->perms & without) == 0)
      return grant;
  }
  return NULL;
}

static void
refuse(GArray *refused, const char *name)
{
  int number = bt_seccomp_open_call(name);
  /* Another architecture may know fewer. */
  if (number >= 0)
    g_array_append_val(refused, number);
}

/* Of mounts of the host's, which takes writes: passed in, or by a peer. /proc has a name for it. */
static gboolean
has_files_to_read(const BtCompile *self)
{
  return self->request->files || bt_policy_get_unix_rules(self->request->policy)->len > 0;
}

gboolean
bt_compile_loses_truncate(const BtCompile *self)
{
  return bt_compile_has_plugin(self, BT_PLUGIN_LANDLOCK) && (self->handled & BT_FS_TRUNCATE) == 0 &&
         (self->flat || has_files_to_read(self) || find_partial(self, BT_FS_TRUNCATE) != NULL);
}

gboolean
bt_compile_refuse_metadata(BtCompile *self, GArray *refused)
{
  const BtGrant *grant = find_partial(self, BT_FS_WRITE_FILE);

  if (grant == NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS(metadata_calls); i++)
    refuse(refused, metadata_calls[i]);
  if ((self->handled & BT_FS_TRUNCATE) == 0 && find_partial(self, BT_FS_TRUNCATE) != NULL)
    refuse(refused, "truncate");
  g_autofree char *safe = bt_text_neutralise(grant->path, -1);
  bt_compile_note(self,
                  g_strdup_printf(_("%s is granted for some kinds of writing without write_file: "
                                    "chmod, chown, utime, setxattr and ioctls of files are refused "
                                    "everywhere"), safe));
  return TRUE;
}

gboolean
bt_compile_check_metadata(const BtCompile *self, GError **error)
{
  const BtGrant *grant = find_partial(self, BT_FS_WRITE_FILE);

  if (grant == NULL || bt_compile_has_plugin(self, BT_PLUGIN_SECCOMP))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_POLICY, grant->path,
                 _("without the layer seccomp, which the policy turned off, a place cannot be "
                   "granted for some kinds of writing without write_file"),
                 _("grant write_file there, too, or leave the layer on"));
}
