/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What lies where in a plan.  It is kept for as long as a worker may ask, of paths that are the
 * worker's to choose: so nothing here looks at the host.
 */
#include <string.h>

#include "plan/bt-plan-private.h"

typedef struct {
  char *path;
  guint64 access;
} Right;

struct _BtPlanPlaces {
  gboolean flat;
  guint64 handled;
  GArray *mounts;   /* BtMount */
  GHashTable *made; /* as of BtCompile */
  GPtrArray *lent;  /* char * */
  GArray *rights;   /* Right: Landlock's rules */
  BtPlanNet net;
  gboolean fast_path;
};

static void
clear_right(gpointer data)
{
  g_free(((Right *)data)->path);
}

static void
add_right(gpointer data, const char *path, guint64 access)
{
  const Right right = { g_strdup(path), access };
  g_array_append_val((GArray *)data, right);
}

BtPlanPlaces *
bt_compile_places(BtCompile *compile)
{
  const BtPlanHeader *header = bt_plan_builder_header(compile->builder);
  BtPlanPlaces *self = g_new0(BtPlanPlaces, 1);

  self->flat = compile->flat;
  self->handled = compile->handled;
  self->mounts = g_array_ref(compile->mounts);
  self->made = g_hash_table_ref(compile->made);
  self->lent = g_ptr_array_ref(compile->lent);
  self->rights = g_array_new(FALSE, FALSE, sizeof(Right));
  g_array_set_clear_func(self->rights, clear_right);
  bt_plan_builder_each_right(compile->builder, add_right, self->rights);
  self->net = header->net;
  self->fast_path = (header->flags & BT_PLAN_FAST_PATH) != 0;
  return self;
}

void
bt_plan_places_free(BtPlanPlaces *self)
{
  g_array_unref(self->mounts);
  g_hash_table_unref(self->made);
  g_ptr_array_unref(self->lent);
  g_array_unref(self->rights);
  g_free(self);
}

static guint64
rights_at(const BtPlanPlaces *self, const char *path)
{
  guint64 rights = 0;

  for (guint i = 0; i < self->rights->len; i++) {
    const Right *right = &g_array_index(self->rights, Right, i);
    if (bt_path_is_below(path, right->path))
      rights |= right->access;
  }
  return rights;
}

/* The private places; "/" is read-only when the worker runs. */
static gboolean
is_scratch(const BtMount *mount)
{
  return mount->kind == BT_MOUNT_OWN && (mount->attr & BT_PLAN_RDONLY) == 0 &&
         strcmp(mount->path, "/") != 0;
}

/* A directory of the sandbox's has not what the host's has. */
static gboolean
is_made_file(const BtPlanPlaces *self, const char *path)
{
  gpointer folder;
  return g_hash_table_lookup_extended(self->made, path, NULL, &folder) && folder == NULL;
}

/* Where a grant below the private /tmp is for some kinds alone, it has less itself. */
static gboolean
makes_files(const BtPlanPlaces *self, guint64 rights)
{
  return ((rights | ~self->handled) & (BT_FS_WRITE_FILE | BT_FS_MAKE_REG)) ==
         (BT_FS_WRITE_FILE | BT_FS_MAKE_REG);
}

/* Without namespaces Landlock's rules are all there is. */
static void
look_at_flat(const BtPlanPlaces *self, const char *path, gboolean folder, BtPlanLook *look_out)
{
  guint64 rights = rights_at(self, path);

  look_out->host = (rights & (BT_FS_READ | BT_FS_WRITE)) != 0;
  look_out->readable = (rights & (folder ? BT_FS_READ_DIR : BT_FS_READ_FILE)) != 0;
  look_out->writable = (rights & BT_FS_WRITE) != 0;
  look_out->made = look_out->readable && bt_path_is_below(path, "/dev");
  look_out->maps = look_out->readable;
  look_out->runs = (rights & BT_FS_EXECUTE) != 0;
}

static void
look_at(const BtPlanPlaces *self, const char *path, gboolean folder, BtPlanLook *look_out)
{
  const BtMount *mount = bt_mounts_find(self->mounts, path);
  guint64 rights = rights_at(self, path);

  look_out->host = mount->kind == BT_MOUNT_HOST;
  look_out->readable =
    look_out->host && (mount->perms & (folder ? BT_FS_READ_DIR : BT_FS_READ_FILE));
  look_out->writable = look_out->host && (mount->attr & BT_PLAN_RDONLY) == 0;
  look_out->lent = g_ptr_array_find_with_equal_func(self->lent, path, g_str_equal, NULL);
  look_out->made = mount->kind == BT_MOUNT_OWN && is_made_file(self, path);
  look_out->scratch = is_scratch(mount);
  look_out->withheld = look_out->scratch && !makes_files(self, rights);
  look_out->maps = look_out->host && (mount->attr & BT_PLAN_NOEXEC) == 0;
  look_out->runs = look_out->maps && ((rights | ~self->handled) & BT_FS_EXECUTE) != 0;
}

void
bt_plan_places_look(const BtPlanPlaces *self, const char *path, gboolean folder,
                    BtPlanLook *look_out)
{
  *look_out = (BtPlanLook){ .net = self->net, .fast_path = self->fast_path };
  if (path != NULL)
    (self->flat ? look_at_flat : look_at)(self, path, folder, look_out);
}
