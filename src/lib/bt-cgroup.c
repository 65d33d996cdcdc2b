/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What these files hold is a few lines; cgroup.procs of a group just made, too. */
#define MAX_TEXT 4096

const BtCgroupPlace bt_cgroup_host = {
  .proc = "/proc",
  .tree = "/sys/fs/cgroup",
  .magic = CGROUP2_SUPER_MAGIC,
  .timeout_ms = 2000,
};

/* From the start, as far as MAX_TEXT goes (transfer full); NULL with errno: not to be read. */
static char *
read_fd(int fd)
{
  char text[MAX_TEXT];
  gssize got;

  do
    got = pread(fd, text, sizeof text - 1, 0);
  while (got < 0 && errno == EINTR);
  return got >= 0 ? g_strndup(text, (gsize)got) : NULL;
}

static char *
read_file(int folder, const char *path)
{
  int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return NULL;
  char *text = read_fd(fd);
  int error = errno;
  close(fd);
  errno = error;
  return text;
}

/* "0::/user.slice/x.scope": the path without its first slash, NULL if it is in no such group. */
static char *
find_path(const char *text)
{
  static const char prefix[] = "0::/";
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix(lines[i], prefix))
      return g_strdup(lines[i] + strlen(prefix));
  return NULL;
}

/* Outside our own cgroup namespace a path begins with "/..": that part of the tree is not ours to read. */
static gboolean
is_inside(const char *path)
{
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  return !g_strv_contains((const char *const *)parts, "..");
}

/* The tree may be mounted from another root than the one that paths are told from. */
static gboolean
has_member(int group, pid_t pid)
{
  g_autofree char *text = read_file(group, "cgroup.procs");
  g_autofree char *number = g_strdup_printf("%d", (int)pid);
  g_auto(GStrv) lines = text != NULL ? g_strsplit(text, "\n", -1) : NULL;
  return lines != NULL && g_strv_contains((const char *const *)lines, number);
}

int
bt_cgroup_open(const BtCgroupPlace *place, pid_t pid, const char *unit, const char **reason_out)
{
  g_autofree char *file = g_strdup_printf("%s/%d/cgroup", place->proc, (int)pid);
  g_autofree char *text = read_file(AT_FDCWD, file);
  g_autofree char *path = text != NULL ? find_path(text) : NULL;
  g_autofree char *name = path != NULL ? g_path_get_basename(path) : NULL;
  struct statfs info;

  *reason_out = _("control groups of version 2 are not at /sys/fs/cgroup");
  int tree = open(place->tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (tree < 0)
    return -1;
  if (place->magic != 0 && (fstatfs(tree, &info) != 0 || (guint32)info.f_type != place->magic)) {
    close(tree);
    return -1;
  }
  *reason_out = _("the control groups do not show what systemd says it did");
  int group = -1;
  if (name != NULL && strcmp(name, unit) == 0 && is_inside(path))
    group = openat(tree, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  close(tree);
  if (group >= 0 && !has_member(group, pid)) {
    close(group);
    return -1;
  }
  return group;
}

static gboolean
parse_number(const char *text, guint64 *value_out)
{
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64 - 1, value_out, NULL);
}

/* A file with one number, not above bound; "max" is none. */
static gboolean
is_at_most(int group, const char *name, guint64 bound)
{
  g_autofree char *text = read_file(group, name);
  guint64 value;

  return text != NULL && parse_number(g_strchomp(text), &value) && value <= bound;
}

/* What a group may take of swap comes on top of its memory. What cannot be read says nothing good. */
static gboolean
has_no_swap(const BtCgroupPlace *place, int group)
{
  if (faccessat(group, "memory.swap.max", F_OK, 0) == 0)
    return is_at_most(group, "memory.swap.max", 0);
  if (errno != ENOENT)
    return FALSE;
  /* Not accounted for: good where there is none. A kernel that knows no swap has no such file. */
  g_autofree char *file = g_strconcat(place->proc, "/swaps", NULL);
  g_autofree char *text = read_file(AT_FDCWD, file);
  if (text == NULL)
    return errno == ENOENT;
  /* The first line is a heading. */
  const char *end = strchr(text, '\n');
  return end != NULL && end[1] == '\0';
}

/* "50000 100000": microseconds of each period. systemd rounds both, so up to a hundredth more. */
static gboolean
holds_cpu(int group, guint64 thousandths)
{
  g_autofree char *text = read_file(group, "cpu.max");
  g_auto(GStrv) parts = text != NULL ? g_strsplit(g_strchomp(text), " ", -1) : NULL;
  guint64 quota, period;

  if (parts == NULL || g_strv_length(parts) != 2 || !parse_number(parts[0], &quota) ||
      !parse_number(parts[1], &period) || quota == 0 || period == 0 ||
      quota > G_MAXUINT64 / 1000 / 100 || period > G_MAXUINT64 / 101 / (thousandths + 1))
    return FALSE;
  return quota * 1000 * 100 <= period * 101 * thousandths;
}

/* No controller limits it; whoever does by what is counted here needs the count. */
static gboolean
counts_cpu_time(int group)
{
  guint64 used;
  int fd = openat(group, "cpu.stat", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0)
    return FALSE;
  gboolean counts = bt_cgroup_read_count(fd, "usage_usec", &used);
  close(fd);
  return counts;
}

guint
bt_cgroup_check(const BtCgroupPlace *place, int group, const BtCgroupLimits *limits)
{
  guint held = 0;

  if (limits->memory != G_MAXUINT64 && is_at_most(group, "memory.max", limits->memory) &&
      has_no_swap(place, group))
    held |= 1u << BT_LIMIT_MEMORY;
  if (limits->cpu != G_MAXUINT64 && holds_cpu(group, limits->cpu))
    held |= 1u << BT_LIMIT_CPU;
  if (limits->pids != G_MAXUINT64 && is_at_most(group, "pids.max", limits->pids))
    held |= 1u << BT_LIMIT_PIDS;
  if (limits->cpu_time != G_MAXUINT64 && counts_cpu_time(group))
    held |= 1u << BT_LIMIT_CPU_TIME;
  return held;
}

gboolean
bt_cgroup_read_count(int fd, const char *key, guint64 *count_out)
{
  g_autofree char *text = read_fd(fd);
  g_auto(GStrv) lines = text != NULL ? g_strsplit(text, "\n", -1) : NULL;
  gsize length = strlen(key);

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++)
    if (g_str_has_prefix(lines[i], key) && lines[i][length] == ' ')
      return parse_number(lines[i] + length + 1, count_out);
  return FALSE;
}
