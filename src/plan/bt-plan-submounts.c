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
enum { FIELD_DEVICE = 2, FIELD_POINT = 4, FIELD_OPTIONS = 6 };

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

/* Calls visit with each mount's point, type and device. */
static void
for_each_mount(const char *table, gpointer data,
               void (*visit)(gpointer data, const char *point, const char *type,
                             const char *device))
{
  g_auto(GStrv) lines = g_strsplit(table, "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    g_auto(GStrv) fields = g_strsplit(*line, " ", -1);
    guint count = g_strv_length(fields);
    if (count <= FIELD_OPTIONS)
      continue;
    /* Spaces and the like are written in octal. */
    g_autofree char *point = g_strcompress(fields[FIELD_POINT]);
    visit(data, point, type_of(fields, count), fields[FIELD_DEVICE]);
  }
}

/* Memory that is mounted at /run or /dev/shm is the same thing by any other name. */
static void
note_memory(gpointer data, const char *point, const char *type, const char *device)
{
  if (strcmp(type, "tmpfs") == 0 && bt_path_is_never(point))
    g_hash_table_add(data, g_strdup(device));
}

typedef struct {
  BtCompile *compile;
  GHashTable *memory; /* devices of tmpfs that are never the host's */
} Masks;

static void
add_mask(gpointer data, const char *point, const char *type, const char *device)
{
  const Masks *self = data;
  gboolean memory = strcmp(type, "tmpfs") == 0 && g_hash_table_contains(self->memory, device);
  struct stat info;

  /* What cannot be looked at cannot be shown, nor masked. */
  if ((is_kernel_type(type) || memory) && !bt_path_is_never(point) && lstat(point, &info) == 0)
    bt_compile_spot(self->compile, point, BT_SPOT_MASK, 0);
}

void
bt_compile_submounts(BtCompile *self)
{
  g_autofree char *table = NULL;
  Masks masks = { .compile = self };

  /* Without a /proc of the host's there is none to show, and init would not start. */
  if (!g_file_get_contents("/proc/self/mountinfo", &table, NULL, NULL))
    return;
  masks.memory = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  for_each_mount(table, masks.memory, note_memory);
  for_each_mount(table, &masks, add_mask);
  g_hash_table_unref(masks.memory);
}
