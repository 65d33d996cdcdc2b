/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/bt-plan-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40
/* Mount points and nothing else. */
#define COVER_SIZE (1u << 20)
#define COPIES_FOLDER "/run/buntime/programs"

const BtMount *
bt_mounts_find(const GArray *mounts, const char *path)
{
  const BtMount *best = &g_array_index(mounts, BtMount, 0);
  gsize path_length = strlen(path);

  for (guint i = 1; i < mounts->len; i++) {
    const BtMount *mount = &g_array_index(mounts, BtMount, i);
    if (mount->length >= best->length && mount->length <= path_length &&
        (path[mount->length] == '\0' || path[mount->length] == '/') &&
        memcmp(path, mount->path, mount->length) == 0)
      best = mount;
  }
  return best;
}

const BtMount *
bt_compile_mount_at(const BtCompile *self, const char *path)
{
  return bt_mounts_find(self->mounts, path);
}

/* What a new mount covers cannot be reached any more. */
static void
forget_below(BtCompile *self, const char *path)
{
  for (guint i = self->mounts->len; i > 0; i--)
    if (bt_path_is_below(g_array_index(self->mounts, BtMount, i - 1).path, path))
      g_array_remove_index(self->mounts, i - 1);
}

void
bt_compile_add_mount(BtCompile *self, const char *path, BtMountKind kind, guint attr,
                     BtFsPerms perms)
{
  BtMount mount = {
    .path = g_strdup(path),
    .length = strcmp(path, "/") == 0 ? 0 : strlen(path),
    .kind = kind,
    .attr = attr,
    .perms = perms,
  };
  forget_below(self, path);
  g_array_append_val(self->mounts, mount);
}

/* TRUE if path is to be made: it lies on a filesystem of ours, and is new there. */
static gboolean
is_new(BtCompile *self, const char *path, gboolean folder)
{
  BtMountKind kind = bt_compile_mount_at(self, path)->kind;
  return (kind == BT_MOUNT_OWN || kind == BT_MOUNT_WAY) &&
         !g_hash_table_contains(self->made, path) &&
         g_hash_table_insert(self->made, g_strdup(path), GINT_TO_POINTER(folder));
}

static void
make_parent(BtCompile *self, const char *path)
{
  const char *slash = strrchr(path, '/');

  if (slash == path)
    return;
  g_autofree char *parent = g_strndup(path, slash - path);
  bt_compile_dir(self, parent);
}

void
bt_compile_dir(BtCompile *self, const char *path)
{
  if (strcmp(path, "/") == 0 || !is_new(self, path, TRUE))
    return;
  bt_plan_builder_dir(self->builder, path, 0755);
  /* Those above come with it. */
  for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
    g_hash_table_insert(self->made, g_strndup(path, slash - path), GINT_TO_POINTER(TRUE));
}

void
bt_compile_file(BtCompile *self, const char *path, guint mode, const void *data, gsize size)
{
  if (!is_new(self, path, FALSE))
    return;
  make_parent(self, path);
  bt_plan_builder_file(self->builder, path, mode, data, size);
}

void
bt_compile_symlink(BtCompile *self, const char *text, const char *path)
{
  if (!is_new(self, path, FALSE))
    return;
  make_parent(self, path);
  bt_plan_builder_symlink(self->builder, text, path);
}

void
bt_compile_empty_dir(BtCompile *self, const char *path)
{
  const BtMount *mount = bt_compile_mount_at(self, path);

  if (mount->kind != BT_MOUNT_OWN || strcmp(mount->path, path) == 0)
    return;
  gboolean writable = strcmp(mount->path, "/") != 0 && (mount->attr & BT_PLAN_RDONLY) == 0;
  bt_compile_dir(self, path);
  if (!writable)
    return;
  /* Below the private /tmp: what is written here would be lost, so it is refused. */
  bt_compile_cover(self, path, BT_MOUNT_OWN, 0755);
}

static gboolean
is_covered(gpointer made, gpointer value G_GNUC_UNUSED, gpointer path)
{
  return bt_path_is_below(made, path);
}

/* What led to the shown places: links are made when a path is first followed. */
static void
show_again(BtCompile *self)
{
  g_autoptr(GHashTable) before = g_steal_pointer(&self->shown);
  GHashTableIter iter;
  gpointer written;

  self->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init(&iter, before);
  while (g_hash_table_iter_next(&iter, &written, NULL))
    g_free(bt_compile_show(self, written));
}

gboolean
bt_compile_cover(BtCompile *self, const char *path, BtMountKind kind, guint mode)
{
  const guint attr = BT_PLAN_RDONLY | BT_PLAN_NOEXEC;

  bt_plan_builder_tmpfs(self->builder, path, attr, mode, COVER_SIZE);
  bt_compile_add_mount(self, path, kind, attr, 0);
  guint covered = g_hash_table_foreach_remove(self->made, is_covered, (gpointer)path);
  gboolean added = g_hash_table_insert(self->made, g_strdup(path), GINT_TO_POINTER(TRUE));
  /* Below a mask there is nothing; on what is only empty, links lead where they led before. */
  if (covered > 1 && kind == BT_MOUNT_OWN)
    show_again(self);
  return added;
}

static gboolean
fail_below_shut(const char *path, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_POLICY, path,
                 _("it lies below something that is denied or never the host's"),
                 _("deny less, or move it"));
}

gboolean
bt_compile_bind(BtCompile *self, const char *path, const struct stat *info, guint attr,
                BtFsPerms perms, GError **error)
{
  const BtMount *above = bt_compile_mount_at(self, path);
  gboolean folder = S_ISDIR(info->st_mode);

  if (above->kind == BT_MOUNT_SHUT)
    return fail_below_shut(path, error);
  if (folder)
    bt_compile_dir(self, path);
  else
    bt_compile_file(self, path, 0444, NULL, 0);
  attr |= folder ? BT_PLAN_RECURSIVE : 0;
  bt_plan_builder_bind(self->builder, path, path, attr, info->st_dev, info->st_ino);
  bt_compile_add_mount(self, path, BT_MOUNT_HOST, attr, perms);
  return TRUE;
}

gboolean
bt_compile_copy(BtCompile *self, const char *path, GBytes *bytes, GError **error)
{
  g_autofree char *made = g_strdup_printf(COPIES_FOLDER "/%u", self->copies++);
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);

  if (bt_compile_mount_at(self, path)->kind == BT_MOUNT_SHUT)
    return fail_below_shut(path, error);
  bt_compile_file(self, made, 0555, data, size);
  bt_plan_builder_header(self->builder)->root_size += size;
  bt_compile_file(self, path, 0444, NULL, 0);
  bt_plan_builder_program(self->builder, made, path);
  bt_compile_add_mount(self, path, BT_MOUNT_HOST, BT_PLAN_RDONLY, BT_FS_READ);
  return TRUE;
}

/* Drops the last component of a path that ends without a slash; "" is the root. */
static void
drop_last(GString *path)
{
  const char *slash = strrchr(path->str, '/');
  if (slash != NULL)
    g_string_truncate(path, slash - path->str);
}

/* Appends the component and returns the link's text if it is a symbolic link, else NULL. */
static char *
enter(BtCompile *self, GString *done, const char *name, gsize length)
{
  char text[PATH_MAX];

  g_string_append_c(done, '/');
  g_string_append_len(done, name, length);
  if (g_hash_table_contains(self->plain, done->str))
    return NULL;
  ssize_t got = readlink(done->str, text, sizeof text - 1);
  if (got <= 0) {
    g_hash_table_add(self->plain, g_strdup(done->str));
    return NULL;
  }
  text[got] = '\0';
  bt_compile_symlink(self, text, done->str);
  return g_strdup(text);
}

char *
bt_compile_show(BtCompile *self, const char *path)
{
  g_autoptr(GString) done = g_string_sized_new(256);
  g_autofree char *rest = g_strdup(path);
  const char *known = g_hash_table_lookup(self->shown, path);
  guint links = 0;

  if (known != NULL)
    return g_strdup(known);
  for (char *cursor = rest;;) {
    cursor += strspn(cursor, "/");
    gsize length = strcspn(cursor, "/");
    if (length == 0)
      break;
    if (length == 2 && strncmp(cursor, "..", 2) == 0) {
      drop_last(done);
    } else if (length != 1 || cursor[0] != '.') {
      g_autofree char *text = enter(self, done, cursor, length);
      if (text != NULL && links++ < MAX_LINKS) {
        if (text[0] == '/')
          g_string_truncate(done, 0);
        else
          drop_last(done);
        char *longer = g_strconcat(text, cursor + length, NULL);
        g_free(rest);
        rest = cursor = longer;
        continue;
      }
    }
    cursor += length;
  }
  if (done->len == 0)
    g_string_append_c(done, '/');
  g_hash_table_insert(self->shown, g_strdup(path), g_strdup(done->str));
  return g_string_free(g_steal_pointer(&done), FALSE);
}

void
bt_compile_spot(BtCompile *self, const char *path, BtSpotKind kind, guint attr)
{
  BtSpot spot = { .path = g_strdup(path), .kind = kind, .attr = attr };
  g_array_append_val(self->spots, spot);
}

void
bt_compile_spot_copy(BtCompile *self, const char *path, GBytes *bytes)
{
  BtSpot spot = { .path = g_strdup(path), .kind = BT_SPOT_SHOW, .bytes = bytes };
  g_array_append_val(self->spots, spot);
}

void
bt_compile_note(BtCompile *self, char *notice)
{
  for (guint i = 0; i < self->notices->len; i++)
    if (strcmp(g_ptr_array_index(self->notices, i), notice) == 0) {
      g_free(notice);
      return;
    }
  g_ptr_array_add(self->notices, notice);
}

void
bt_compile_readable(BtCompile *self, const char *path)
{
  g_ptr_array_add(self->readable, g_strdup(path));
}

const char *
bt_request_getenv(const BtPlanRequest *request, const char *name)
{
  gsize length = strlen(name);

  for (const char *const *entry = request->environment; *entry != NULL; entry++)
    if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
      return *entry + length + 1;
  return NULL;
}
