/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the control groups say, in a tree made here: it is read, not believed to be complete. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-cgroup.h"

#define UNIT "buntime-7-42.scope"
#define GROUP "user.slice/user-1000.slice/" UNIT
#define MIB (1ull << 20)
#define NONE G_MAXUINT64

typedef struct {
  char *root, *proc, *tree, *group;
  BtCgroupPlace place;
} Fixture;

static void
put(const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  if (text == NULL)
    g_remove(path);
  else
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
set_up(Fixture *f, gconstpointer data)
{
  g_autofree char *process = NULL;

  f->root = g_dir_make_tmp("test-cgroup-XXXXXX", NULL);
  f->proc = g_build_filename(f->root, "proc", NULL);
  f->tree = g_build_filename(f->root, "tree", NULL);
  f->group = g_build_filename(f->tree, GROUP, NULL);
  process = g_build_filename(f->proc, "42", NULL);
  g_assert_cmpint(g_mkdir_with_parents(process, 0755), ==, 0);
  g_assert_cmpint(g_mkdir_with_parents(f->group, 0755), ==, 0);
  put(process, "cgroup", "1:cpu:/else\n0::/" GROUP "\n");
  put(f->group, "cgroup.procs", "9\n42\n");
  f->place = (BtCgroupPlace){ .proc = f->proc, .tree = f->tree };
}

static void
remove_all(const char *path)
{
  g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
    g_autofree char *below = g_build_filename(path, name, NULL);
    remove_all(below);
  }
  g_remove(path);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  remove_all(f->root);
  g_free(f->root);
  g_free(f->proc);
  g_free(f->tree);
  g_free(f->group);
}

static gboolean
opens(Fixture *f, const char *cgroup, const char *procs)
{
  g_autofree char *process = g_build_filename(f->proc, "42", NULL);
  const char *reason;

  put(process, "cgroup", cgroup);
  put(f->group, "cgroup.procs", procs);
  int group = bt_cgroup_open(&f->place, 42, UNIT, &reason);
  g_assert_nonnull(reason);
  if (group >= 0)
    close(group);
  return group >= 0;
}

static void
test_open(Fixture *f, gconstpointer data)
{
  static const struct {
    const char *cgroup, *procs;
    gboolean opens;
  } cases[] = {
    { "0::/" GROUP "\n", "42\n", TRUE },
    { "0::/" GROUP, "42", TRUE },
    { "12:memory:/" GROUP "\n0::/" GROUP "\n", "1\n42\n43\n", TRUE },
    /* systemd did not move it, or moved another. */
    { "0::/user.slice/session-1.scope\n", "42\n", FALSE },
    { "0::/\n", "42\n", FALSE },
    { "0::/" GROUP "\n", "", FALSE },
    { "0::/" GROUP "\n", "4242\n", FALSE },
    { "0::/" GROUP "\n", NULL, FALSE },
    /* Only version 1 has it. */
    { "12:memory:/" GROUP "\n0::/\n", "42\n", FALSE },
    { "12:memory:/" GROUP "\n", "42\n", FALSE },
    { "", "42\n", FALSE },
    { NULL, "42\n", FALSE },
    /* Beyond our namespace, and what is removed. */
    { "0::/../" GROUP "\n", "42\n", FALSE },
    { "0::/" GROUP "/x/../" UNIT "\n", "42\n", FALSE },
    { "0::/elsewhere/" UNIT "\n", "42\n", FALSE },
    { "0::/" GROUP " (deleted)\n", "42\n", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("case %zu", i);
    g_assert_true(opens(f, cases[i].cgroup, cases[i].procs) == cases[i].opens);
  }
  /* A folder is no control group. */
  f->place.magic = bt_cgroup_host.magic;
  g_assert_false(opens(f, cases[0].cgroup, cases[0].procs));
}

static guint
check(Fixture *f, const BtCgroupLimits *limits)
{
  int group = open(f->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  guint held = bt_cgroup_check(&f->place, group, limits);
  close(group);
  return held;
}

static void
test_memory(Fixture *f, gconstpointer data)
{
  static const struct {
    const char *memory, *swap, *swaps;
    gboolean held;
  } cases[] = {
    { "1048576\n", "0\n", "", TRUE },
    { "1044480\n", "0\n", "", TRUE }, /* whole pages */
    { "1048577\n", "0\n", "", FALSE },
    { "max\n", "0\n", "", FALSE },
    { NULL, "0\n", "", FALSE },
    { "", "0\n", "", FALSE },
    { "-1\n", "0\n", "", FALSE },
    { "18446744073709551616\n", "0\n", "", FALSE },
    { "1048576\n", "max\n", "", FALSE },
    { "1048576\n", "4096\n", "", FALSE },
    /* Not accounted for: as good only where there is none. */
    { "1048576\n", NULL, "Filename Type Size\n", TRUE },
    { "1048576\n", NULL, "Filename Type Size\n/dev/sda2 partition 8\n", FALSE },
    { "1048576\n", NULL, NULL, TRUE },
    /* Nothing in it, not even the heading: nothing was said. */
    { "1048576\n", NULL, "", FALSE },
    { "1048576\n", NULL, "Filename Type Size", FALSE },
  };
  const BtCgroupLimits limits = { MIB, NONE, NONE, NONE }, none = { NONE, NONE, NONE, NONE };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("case %zu", i);
    put(f->group, "memory.max", cases[i].memory);
    put(f->group, "memory.swap.max", cases[i].swap);
    put(f->proc, "swaps", cases[i].swaps);
    g_assert_cmpuint(check(f, &limits), ==, cases[i].held ? 1u << BT_LIMIT_MEMORY : 0);
    g_assert_cmpuint(check(f, &none), ==, 0);
  }
}

/* What is there and cannot be read may hold a swap. */
static void
test_unreadable_swaps(Fixture *f, gconstpointer data)
{
  const BtCgroupLimits limits = { MIB, NONE, NONE, NONE };
  g_autofree char *swaps = g_build_filename(f->proc, "swaps", NULL);

  put(f->group, "memory.max", "1048576\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_MEMORY);
  /* EISDIR for everybody, root too; then ELOOP. */
  g_assert_cmpint(g_mkdir(swaps, 0755), ==, 0);
  g_assert_cmpuint(check(f, &limits), ==, 0);
  g_assert_cmpint(g_rmdir(swaps), ==, 0);
  g_assert_cmpint(symlink("/proc/swaps", swaps), ==, 0);
  g_assert_cmpuint(check(f, &limits), ==, 0);
  put(f->proc, "swaps", NULL);
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_MEMORY);
}

static void
test_cpu(Fixture *f, gconstpointer data)
{
  static const struct {
    guint64 thousandths;
    const char *text;
    gboolean held;
  } cases[] = {
    { 500, "50000 100000\n", TRUE },
    { 500, "50500 100000\n", TRUE }, /* rounded by systemd */
    { 500, "51000 100000\n", FALSE },
    { 500, "max 100000\n", FALSE },
    { 500, NULL, FALSE },
    { 500, "50000\n", FALSE },
    { 500, "50000 100000 1\n", FALSE },
    { 500, "50000 0\n", FALSE },
    { 500, "0 100000\n", FALSE },
    { 500, "50000 18446744073709551614\n", FALSE },
    { 500, "18446744073709551614 100000\n", FALSE },
    { 1, "1000 1000000\n", TRUE },
    { 3, "1000 333333\n", TRUE }, /* as small a share as systemd makes of it */
    { 8192000, "819200000 100000\n", TRUE },
    { 2000, "200000 100000\n", TRUE },
    { 2000, "300000 100000\n", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const BtCgroupLimits limits = { NONE, cases[i].thousandths, NONE, NONE };
    g_test_message("case %zu", i);
    put(f->group, "cpu.max", cases[i].text);
    g_assert_cmpuint(check(f, &limits), ==, cases[i].held ? 1u << BT_LIMIT_CPU : 0);
  }
}

/* Each limit stands for itself. */
static void
test_pids(Fixture *f, gconstpointer data)
{
  const BtCgroupLimits limits = { MIB, 500, 11, NONE };

  put(f->group, "pids.max", "11\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_PIDS);
  put(f->group, "cpu.max", "50000 100000\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_PIDS | 1u << BT_LIMIT_CPU);
  put(f->group, "pids.max", "12\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_CPU);
  put(f->group, "pids.max", "max\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_CPU);
}

/* Any group counts it; what is not there is not held. */
static void
test_cpu_time(Fixture *f, gconstpointer data)
{
  const BtCgroupLimits limits = { NONE, NONE, NONE, 1000 };

  g_assert_cmpuint(check(f, &limits), ==, 0);
  put(f->group, "cpu.stat", "user_usec 1\n");
  g_assert_cmpuint(check(f, &limits), ==, 0);
  put(f->group, "cpu.stat", "usage_usec 1\nuser_usec 1\n");
  g_assert_cmpuint(check(f, &limits), ==, 1u << BT_LIMIT_CPU_TIME);
}

static void
test_count(Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename(f->group, "memory.events", NULL);
  guint64 count = 99;

  put(f->group, "memory.events", "low 0\noom 5\noom_kill 3\noom_group_kill 1\n");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  g_assert_true(bt_cgroup_read_count(fd, "oom_kill", &count));
  g_assert_cmpuint(count, ==, 3);
  g_assert_true(bt_cgroup_read_count(fd, "oom", &count)); /* from the start each time */
  g_assert_cmpuint(count, ==, 5);
  g_assert_false(bt_cgroup_read_count(fd, "max", &count));
  g_assert_false(bt_cgroup_read_count(fd, "oom_", &count));
  close(fd);
  fd = open(f->group, O_RDONLY | O_CLOEXEC);
  g_assert_false(bt_cgroup_read_count(fd, "oom", &count));
  close(fd);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/cgroup/" name, Fixture, NULL, set_up, function, tear_down)
  ADD("open", test_open);
  ADD("memory", test_memory);
  ADD("unreadable-swaps", test_unreadable_swaps);
  ADD("cpu", test_cpu);
  ADD("pids", test_pids);
  ADD("cpu-time", test_cpu_time);
  ADD("count", test_count);
  return g_test_run();
}
