/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From spots to mounts.
 *
 * Spots are taken in the order of their paths, so what lies above one is
 * already mounted, and the innermost mount above it says what the worker
 * would find there.  The policy says what it should find; the difference is a
 * mount.  Landlock cannot take away below what it gives above, so a denial is
 * always a mount:
 *
 *   any read denied    a mask: an empty thing without permissions, or where a
 *                      higher layer grants something below, a directory with
 *                      the way to that alone, which cannot be listed
 *   all write denied   the same object again, read-only
 *   some write denied  refused, since no mount can say it
 *
 * A mount point cannot be renamed or removed, but a directory above one can
 * be, and then the worker makes a new one under the old name.  So where the
 * worker may write, every directory between the writable mount and the spot
 * becomes a mount of its own.  (This also keeps the path of a mask the path
 * that was denied.)
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

/*
 * Will a rule show the host's path? One for "/" or "/tmp" does not reach into
 * the private /tmp, although the policy matches.
 */
gboolean
bt_compile_is_granted(const BtCompile *self, const char *path)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);

  if (bt_policy_path_perms(self->request->policy, path, NULL) == 0 || bt_path_is_never(path))
    return FALSE;
  if (!bt_path_is_below(path, "/tmp"))
    return TRUE;
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY && rule->real != NULL &&
        strcmp(rule->real, "/tmp") != 0 && bt_path_is_below(rule->real, "/tmp") &&
        bt_path_is_below(path, rule->real))
      return TRUE;
  }
  return FALSE;
}

/* ---- collecting ---- */

static void
tell_of_devices(BtCompile *self, const BtPathRule *rule)
{
  if (rule->rule.action == BT_ACTION_DENY || (rule->perms & BT_FS_DEVICES) == 0)
    return;
  g_autofree char *safe = bt_text_neutralise(rule->written, -1);
  bt_compile_note(self, g_strdup_printf(_("%s: make_char and make_block grant nothing, no program "
                                          "in a sandbox can make devices"), safe));
}

/* A grant for "/" is one for each entry of it. */
static void
add_top_level(BtCompile *self)
{
  GDir *folder = g_dir_open("/", 0, NULL);
  const char *name;

  if (folder == NULL)
    return;
  while ((name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *path = g_strconcat("/", name, NULL);
    if (bt_path_is_never(path) || strcmp(path, "/tmp") == 0)
      continue;
    /* Repeats the link, if it is one. */
    g_autofree char *real = bt_compile_show(self, path);
    if (strcmp(real, path) == 0)
      bt_compile_spot(self, path, BT_SPOT_POINT, 0);
  }
  g_dir_close(folder);
}

static void
add_rule(BtCompile *self, const BtPathRule *rule)
{
  gboolean grants = rule->rule.action != BT_ACTION_DENY;

  tell_of_devices(self, rule);
  if (strcmp(rule->real, "/") == 0) {
    if (grants)
      add_top_level(self);
    return;
  }
  if (strcmp(rule->real, "/tmp") == 0) {
    bt_compile_note(self, g_strdup(grants ? _("/tmp is the program's own, empty and gone "
                                              "afterwards; a path below it means the host's")
                                          : _("/tmp is not denied: it is the program's own, empty "
                                              "and gone afterwards")));
    return;
  }
  if (bt_path_is_never(rule->real)) {
    g_autofree char *safe = bt_text_neutralise(rule->written, -1);
    bt_compile_note(self, g_strdup_printf(grants ? _("%s is not granted: /proc, /sys, /dev and "
                                                     "/run are never the host's")
                                                 : _("%s is not denied: what the program sees of "
                                                     "/proc, /sys, /dev and /run is its own"),
                                          safe));
    return;
  }
  if (grants && rule->path != NULL)
    g_free(bt_compile_show(self, rule->path));
  bt_compile_spot(self, rule->real, BT_SPOT_POINT, 0);
}

/* A socket that may be connected to is there, whether its directory is seen or not. */
static void
add_sockets(BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_unix_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    struct stat info;
    if (rule->rule.action == BT_ACTION_DENY || rule->real == NULL ||
        stat(rule->real, &info) != 0 || !S_ISSOCK(info.st_mode))
      continue;
    g_autofree char *path = bt_compile_show(self, rule->path != NULL ? rule->path : rule->real);
    bt_compile_spot(self, path, BT_SPOT_UNSEEN, BT_PLAN_NOEXEC);
  }
}

void
bt_compile_rules(BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);
  gboolean everything =
    bt_policy_get_default(self->request->policy, BT_KIND_READ) != BT_ACTION_DENY ||
    bt_policy_get_default(self->request->policy, BT_KIND_WRITE) != BT_ACTION_DENY;

  if (everything)
    add_top_level(self);
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->real != NULL)
      add_rule(self, rule);
  }
  add_sockets(self);
  if (self->spots->len > 0)
    bt_compile_submounts(self);
}

/* ---- mounting ---- */

static gboolean
mount_host(BtCompile *self, const char *path, const struct stat *info, guint attr, BtFsPerms perms,
           GError **error)
{
  return bt_compile_guard(self, path, error) && bt_compile_bind(self, path, info, attr, perms, error);
}

static void
add_grant(BtCompile *self, const char *path, BtFsPerms perms, const struct stat *info)
{
  BtGrant grant = { .path = g_strdup(path), .perms = perms, .folder = S_ISDIR(info->st_mode) };
  g_array_append_val(self->grants, grant);
}

static gboolean
refuse_below_denied(const char *path, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                 _("it is granted, but lies below something that is denied"),
                 _("deny what is in the directory above instead of the directory"));
}

static gboolean
refuse_subset(const char *path, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                 _("some kinds of writing are denied below a place where they are allowed"),
                 _("deny all writing there, or none"));
}

/* Something is visible here already; seen is the mount that shows it. */
static gboolean
change_point(BtCompile *self, const char *path, const struct stat *info, const BtMount *seen,
             BtFsPerms perms, BtFsPerms denied, guint noexec, GError **error)
{
  BtFsPerms lost = denied & BT_FS_WRITE;
  guint old = seen->attr & (BT_PLAN_RDONLY | BT_PLAN_NOEXEC);
  /* A right to map code is not taken back by another rule, but for one to write. */
  guint attr = (perms & BT_FS_WRITE) != 0 ? noexec : noexec & old;

  if (lost != 0)
    lost &= seen->perms | bt_compile_perms_at(self, path);
  if (bt_compile_is_writable(seen) && lost != 0 && (perms & BT_FS_WRITE) != 0)
    return refuse_subset(path, error);
  if (lost != 0) {
    bt_compile_tell_of_links(self, path, info);
    g_ptr_array_add(self->denied, g_strdup(path));
  }
  if (lost != 0 || ((perms & BT_FS_WRITE) == 0 && (old & BT_PLAN_RDONLY) != 0))
    attr |= BT_PLAN_RDONLY;
  if (perms != 0)
    add_grant(self, path, perms, info);
  return attr == old || mount_host(self, path, info, attr, perms, error);
}

/* Below "/" everything runs already. */
static void
add_run_root(BtCompile *self, const char *path, gboolean runs)
{
  if (runs && !self->run_everything)
    g_ptr_array_add(self->run_roots, g_strdup(path));
}

/* Nothing is shown, but where it could come again nothing would keep it as it is. */
static gboolean
check_gone(const char *path, const BtMount *above, BtFsPerms denied, GError **error)
{
  if ((denied & BT_FS_WRITE) == 0 || !bt_compile_is_writable(above))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_POLICY, path, _("it went while buntime started"),
                 _("run it again"));
}

static gboolean
mount_point(BtCompile *self, const BtSpot *spot, GError **error)
{
  BtFsPerms denied;
  BtFsPerms granted = bt_policy_path_perms(self->request->policy, spot->path, &denied);
  BtFsPerms perms = granted & ~(BT_FS_EXECUTE | BT_FS_DEVICES);
  const BtMount *above = bt_compile_mount_at(self, spot->path);
  gboolean seen = above->kind == BT_MOUNT_HOST;
  struct stat info;

  if (above->kind == BT_MOUNT_SHUT)
    return perms == 0 || !bt_compile_is_granted_at(self, spot->path) ||
           refuse_below_denied(spot->path, error);
  if (above->kind == BT_MOUNT_WAY && !bt_compile_is_granted_at(self, spot->path))
    return TRUE;
  if ((denied & BT_FS_READ) != 0) {
    gboolean made = bt_path_is_below(spot->path, "/etc") &&
                    g_hash_table_contains(self->made, spot->path);
    BtFsPerms readable = above->perms | bt_compile_perms_at(self, spot->path);
    if (made || (seen && (readable & denied & BT_FS_READ) != 0))
      return bt_compile_hide_denied(self, spot->path, error);
    /* What nothing lets be read may still be granted for writing. */
    perms &= BT_FS_WRITE;
    if (perms == 0 && !seen)
      return TRUE;
  }
  if (lstat(spot->path, &info) != 0)
    return check_gone(spot->path, above, denied, error); /* since it was resolved */
  /* What is about names in a directory makes no file writable. */
  if (!S_ISDIR(info.st_mode))
    perms &= BT_LANDLOCK_FILE | BT_FS_READ;
  /* A file that may be run has a read-only spot of its own (bt-plan-exec.c). */
  gboolean runs = (granted & BT_FS_EXECUTE) != 0 && S_ISDIR(info.st_mode);
  if (runs && (perms & BT_FS_WRITE) != 0) {
    BtFsPerms wanted = perms;
    runs = bt_compile_run_or_write(self, spot->path, &perms);
    denied |= wanted & ~perms;
  }
  guint noexec = runs                              ? 0
                 : (denied & BT_FS_EXECUTE) != 0   ? BT_PLAN_NOEXEC
                 : (perms & BT_FS_WRITE) != 0      ? self->noexec
                                                   : self->map_noexec;
  if (seen) {
    perms |= above->perms & BT_FS_READ;
    add_run_root(self, spot->path, runs);
    return change_point(self, spot->path, &info, above, perms, denied, noexec, error);
  }
  if (runs && (denied & BT_FS_READ) == 0)
    perms |= BT_FS_READ;
  if (perms == 0 || strcmp(spot->path, "/etc") == 0)
    return TRUE;
  if (above->kind == BT_MOUNT_WAY &&
      bt_compile_is_widened(self, spot->path, perms, S_ISDIR(info.st_mode)))
    return refuse_below_denied(spot->path, error);
  add_run_root(self, spot->path, runs);
  guint attr = noexec | ((perms & BT_FS_WRITE) != 0 ? 0 : BT_PLAN_RDONLY);
  add_grant(self, spot->path, perms, &info);
  return bt_compile_bind(self, spot->path, &info, attr, perms, error);
}

/* What is seen there stays as it is, but runs no program. */
static gboolean
mount_denial(BtCompile *self, const BtSpot *spot, const BtMount *above, GError **error)
{
  guint attr = (above->attr & BT_PLAN_RDONLY) | BT_PLAN_NOEXEC;
  BtFsPerms perms = above->perms;
  struct stat info;

  if (above->kind != BT_MOUNT_HOST || (above->attr & BT_PLAN_NOEXEC) != 0 ||
      lstat(spot->path, &info) != 0)
    return TRUE;
  return mount_host(self, spot->path, &info, attr, perms, error);
}

/* By name, that is: a denial of everything takes back what rules grant, not the interpreter. */
static gboolean
is_read_denied(const BtCompile *self, const char *path)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);
  gboolean named = FALSE;
  BtFsPerms denied;

  for (guint i = 0; i < rules->len && !named; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    named = rule->rule.action == BT_ACTION_DENY && (rule->perms & BT_FS_READ) != 0 &&
            rule->real != NULL && strcmp(rule->real, "/") != 0 &&
            bt_path_is_below(path, rule->real);
  }
  if (!named)
    return FALSE;
  bt_policy_path_perms(self->request->policy, path, &denied);
  return (denied & BT_FS_READ) != 0;
}

static gboolean
mount_spot(BtCompile *self, const BtSpot *spot, GError **error)
{
  struct stat info;

  if (spot->kind == BT_SPOT_POINT)
    return mount_point(self, spot, error);
  const BtMount *above = bt_compile_mount_at(self, spot->path);
  gboolean seen = above->kind == BT_MOUNT_HOST;
  if (spot->kind == BT_SPOT_MASK)
    return !seen || bt_compile_hide(self, spot->path, error);
  if (spot->kind == BT_SPOT_NORUN ||
      (spot->kind == BT_SPOT_SHOW && (spot->attr & BT_PLAN_NOEXEC) != 0))
    return mount_denial(self, spot, above, error);
  guint attr = spot->attr | BT_PLAN_RDONLY;
  if (spot->kind == BT_SPOT_LIBRARY &&
      (above->kind == BT_MOUNT_SHUT || is_read_denied(self, spot->path)))
    return TRUE;
  if (spot->kind == BT_SPOT_LIBRARY &&
      bt_policy_check_run(self->request->policy, spot->path).action == BT_ACTION_DENY)
    g_ptr_array_add(self->map_only, g_strdup(spot->path));
  if (spot->bytes != NULL) {
    bt_compile_readable(self, spot->path);
    return bt_compile_guard(self, spot->path, error) &&
           bt_compile_copy(self, spot->path, spot->bytes, error);
  }
  /* Below a grant for writing alone, too: an entry that cannot be read does not run. */
  bt_compile_readable(self, spot->path);
  if (spot->kind == BT_SPOT_UNSEEN && seen)
    return TRUE;
  /* Already so: a library's directory below another one. */
  if (seen && (above->attr & (BT_PLAN_RDONLY | BT_PLAN_NOEXEC)) == attr)
    return TRUE;
  if (lstat(spot->path, &info) != 0)
    return TRUE;
  BtFsPerms perms = BT_FS_READ;
  return mount_host(self, spot->path, &info, attr, perms, error);
}

static int
compare_spots(gconstpointer a, gconstpointer b)
{
  const BtSpot *left = a, *right = b;
  int order = strcmp(left->path, right->path);
  if (order == 0)
    order = (int)left->kind - (int)right->kind;
  /* A program that is granted runs, whatever else is denied of it; what is known of it runs last. */
  if (order == 0)
    order = (int)right->attr - (int)left->attr;
  return order != 0 ? order : (left->bytes != NULL) - (right->bytes != NULL);
}

void
bt_compile_sort_spots(BtCompile *self)
{
  g_array_sort(self->spots, compare_spots);
  for (guint i = self->spots->len; i > 1; i--)
    if (compare_spots(&g_array_index(self->spots, BtSpot, i - 2),
                      &g_array_index(self->spots, BtSpot, i - 1)) == 0)
      g_array_remove_index(self->spots, i - 1);
}

gboolean
bt_compile_spots(BtCompile *self, GError **error)
{
  bt_compile_sort_spots(self);
  for (guint i = 0; i < self->spots->len; i++)
    if (!mount_spot(self, &g_array_index(self->spots, BtSpot, i), error))
      return FALSE;
  return TRUE;
}
