/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory is mounted with what is mounted below it, and that may be the
 * host's kernel again: a chroot's or a container's /proc, /sys and /dev. They
 * are masked wherever a grant would show them.  The table of mounts is read
 * only if there is a grant.
 */
#include "plan/bt-plan-private.h"

#include <string.h>
#include <sys/stat.h>

/* Fields of a line of mountinfo; the type follows a word "-". */
enum { FIELD_DEVICE = 2, FIELD_ROOT = 3, FIELD_POINT = 4, FIELD_OPTIONS = 6 };

typedef struct {
  const char *device;
  const char *root; /* the directory of the filesystem that is mounted */
  const char *point;
  const char *type;
} Mount;

static gboolean
is_kernel_type(const char *type)
{
  static const char *const types[] = {
    "proc",      "sysfs",    "devtmpfs", "devpts",      "cgroup",   "cgroup2", "securityfs",
    "selinuxfs", "debugfs",  "tracefs",  "bpf",         "configfs", "pstore",  "efivarfs",
    "fusectl",   "mqueue",   "nfsd",     "binfmt_misc", "rpc_pipefs", NULL,
  };
  return g_strv_contains(types, type);
}

static const char *
type_of(char **fields, guint count)
{
  for (guint i = FIELD_OPTIONS; i + 1 < count; i++)
    if (strcmp(fields[i], "-") == 0)
      return fields[i + 1];
  return "";
}

static void
for_each_mount(const char *table, gpointer data, void (*visit)(gpointer data, const Mount *mount))
{
  g_auto(GStrv) lines = g_strsplit(table, "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    g_auto(GStrv) fields = g_strsplit(*line, " ", -1);
    guint count = g_strv_length(fields);
    if (count <= FIELD_OPTIONS)
      continue;
    /* Spaces and the like are written in octal. */
    g_autofree char *point = g_strcompress(fields[FIELD_POINT]);
    g_autofree char *root = g_strcompress(fields[FIELD_ROOT]);
    const Mount mount = { fields[FIELD_DEVICE], root, point, type_of(fields, count) };
    visit(data, &mount);
  }
}

typedef struct {
  BtCompile *compile;
  GPtrArray *memory; /* "DEVICE ROOT" of each tmpfs that is never the host's */
} Masks;

/* What bt_path_is_below() compares: the root has no name of its own. */
static char *
name_directory(const Mount *mount)
{
  const char *root = strcmp(mount->root, "/") == 0 ? "" : mount->root;
  return g_strconcat(mount->device, " ", root, NULL);
}

/* Memory that is mounted at /run or /dev/shm is the same thing by any other name. */
static void
note_memory(gpointer data, const Mount *mount)
{
  const Masks *self = data;

  if (strcmp(mount->type, "tmpfs") == 0 && bt_path_is_never(mount->point))
    g_ptr_array_add(self->memory, name_directory(mount));
}

static void
mask(BtCompile *compile, const char *point)
{
  struct stat info;

  /* What cannot be looked at cannot be shown, nor masked. */
  if (!bt_path_is_never(point) && lstat(point, &info) == 0)
    bt_compile_spot(compile, point, BT_SPOT_MASK, 0);
}

/*
 * All of a mount, or the directory in it. bwrap mounts files of the memory that is its root at
 * /run, too (Flatpak): those are not the root.
 */
static void
add_mask(gpointer data, const Mount *mount)
{
  const Masks *self = data;
  g_autofree char *own = name_directory(mount);

  if (is_kernel_type(mount->type)) {
    mask(self->compile, mount->point);
    return;
  }
  if (strcmp(mount->type, "tmpfs") != 0)
    return;
  for (guint i = 0; i < self->memory->len; i++) {
    const char *memory = g_ptr_array_index(self->memory, i);
    if (bt_path_is_below(own, memory)) {
      mask(self->compile, mount->point);
    } else if (bt_path_is_below(memory, own)) {
      g_autofree char *within = g_build_filename(mount->point, memory + strlen(own), NULL);
      mask(self->compile, within);
    }
  }
}

void
bt_compile_submounts(BtCompile *self)
{
  g_autofree char *table = NULL;
  Masks masks = { .compile = self };

  /* Without a /proc of the host's there is none to show, and init would not start. */
  if (!g_file_get_contents("/proc/self/mountinfo", &table, NULL, NULL))
    return;
  masks.memory = g_ptr_array_new_with_free_func(g_free);
  for_each_mount(table, &masks, note_memory);
  for_each_mount(table, &masks, add_mask);
  g_ptr_array_unref(masks.memory);
}
