/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the host's tree to the sandbox's, in four stages (main.c):
 *
 *   SOURCES     open what will be mounted and compare it with what the
 *               supervisor decided about;
 *   MOUNTS      the new root, mounted over the old one's "/" because only a
 *               mounted tree can be added to before kernel 6.15; absolute
 *               paths still mean the old tree, since no one's root moved;
 *   ROOT        swap the two, and detach the old (pid 1, while the worker does
 *               its first stages: that waits until no processor uses it);
 *   NAMESPACES  write the sysctls by the procfs's own descriptor (pid 1, too): no
 *               namespace below, and half of what inotify gives the user.
 *
 * This mount namespace belongs to a new user namespace, so the kernel has
 * made all it copied slaves: nothing we mount can reach the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "init/bt-init.h"
#include "init/bt-mount-ops.h"
#include "init/bt-paths.h"
#include "init/bt-report.h"
#include "init/bt-system.h"

/* Descriptors needed besides one for each operation. */
#define SPARE_DESCRIPTORS (BT_LEAVE_BELOW + 64)

/* ---- SOURCES ---- */

static int
open_source(const BtInit *init, const BtPlanOp *op)
{
  const char *source = bt_plan_string(&init->plan, op->source);
  struct stat info;
  int fd = bt_open_source(source);

  if (fd < 0)
    bt_fail_at(source);
  if (op->ino != 0) {
    if (fstat(fd, &info) != 0)
      bt_fail_at(source);
    if (info.st_ino != op->ino || info.st_dev != op->dev)
      bt_fail_with(ESTALE, source);
  }
  return fd;
}

/*
 * By its name: the descriptor's own mount belongs to the caller's namespace
 * and cannot be cloned. A terminal without a name here has none outside
 * either, so ttyname() is no worse off than without a sandbox.
 */
static int
open_console(const BtPlanOp *op)
{
  char link[32], path[PATH_MAX];
  struct stat terminal, found;

  snprintf(link, sizeof link, "/proc/self/fd/%u", op->mode);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0 || fstat((int)op->mode, &terminal) != 0)
    bt_fail_at(link);
  path[length] = '\0';
  int fd = bt_open_source(path);
  if (fd >= 0 && fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) &&
      found.st_dev == terminal.st_dev && found.st_ino == terminal.st_ino &&
      found.st_rdev == terminal.st_rdev)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

/* A plan with a large glob has more sources than the usual 1,024. */
void
bt_raise_descriptor_limit(BtInit *init, uint32_t count)
{
  if (getrlimit(RLIMIT_NOFILE, &init->caller_files) != 0)
    bt_fail_at("RLIMIT_NOFILE");
  struct rlimit raised = init->caller_files;
  if (raised.rlim_cur >= count + SPARE_DESCRIPTORS)
    return;
  raised.rlim_cur = raised.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0)
    bt_fail_at("RLIMIT_NOFILE");
}

void
bt_stage_sources(BtInit *init)
{
  uint32_t count = init->plan.header->ops.count;

  bt_raise_descriptor_limit(init, count);
  init->sources = calloc(count + 1, sizeof *init->sources);
  init->own = calloc(count + 1, sizeof *init->own);
  if (init->sources == NULL || init->own == NULL)
    bt_fail_at("memory");
  for (uint32_t i = 0; i < count; i++) {
    const BtPlanOp *op = &init->plan.ops[i];
    init->sources[i] = op->kind == BT_PLAN_BIND || op->kind == BT_PLAN_DEVICE ||
                           op->kind == BT_PLAN_LEND
                         ? open_source(init, op)
                       : op->kind == BT_PLAN_CONSOLE ? open_console(op)
                                                     : -1;
  }
}

/* ---- MOUNTS ---- */

static void
make_read_only(int mount_fd, const char *object)
{
  struct mount_attr change = { .attr_set = MOUNT_ATTR_RDONLY };

  if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    bt_fail_at(object);
}

void
bt_stage_mounts(BtInit *init)
{
  const uint64_t strict = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

  /* Made in any case, for NAMESPACES; the kernel insists that a whole one is visible. */
  init->proc_fd = bt_make_fs("proc", NULL, strict, "procfs");
  init->root_fd = bt_make_tmpfs(init, init->plan.header->root_size, 0755,
                                strict | MOUNT_ATTR_RDONLY, "root tmpfs");
  if (move_mount(init->root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    bt_fail_at("root tmpfs");
  for (uint32_t i = 0; i < init->plan.header->ops.count; i++)
    bt_mount_op(init, i);
  bt_mount_ops_finish(init);
  for (unsigned i = 0; i < init->own_count; i++)
    if (init->own[i].read_only)
      make_read_only(init->own[i].mount_fd, "tmpfs");
}

/* ---- ROOT ---- */

void
bt_stage_root(BtInit *init)
{
  if (fchdir(init->root_fd) != 0)
    bt_fail_at("new root");
  /* The old root ends up on top of the new one, where "." then finds it. */
  if (syscall(SYS_pivot_root, ".", ".") != 0)
    bt_fail_at("pivot_root");
}

void
bt_leave_old_root(void)
{
  if (umount2(".", MNT_DETACH) != 0)
    bt_fail_at("old root");
  if (chdir("/") != 0)
    bt_fail_at("/");
}

/* ---- NAMESPACES ---- */

static void
write_setting(int proc, const char *name, const char *text)
{
  BT_AUTO_FD file = openat(proc, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t length = (ssize_t)strlen(text);

  /* Time namespaces came last; every kernel we run on has the others. */
  if (file < 0 || write(file, text, (size_t)length) != length)
    bt_fail_at(name);
}

/*
 * Of what the user may have in all, whose other programs would have none left. Without
 * the setting there is nothing to be had.
 */
static void
leave_half(int proc, const char *all, const char *own)
{
  char text[24] = "";
  BT_AUTO_FD file = openat(proc, all, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  if (file < 0 && errno == ENOENT)
    return;
  if (file < 0 || read(file, text, sizeof text - 1) < 0)
    bt_fail_at(all);
  snprintf(text, sizeof text, "%ld", strtol(text, NULL, 10) / 2);
  write_setting(proc, own, text);
}

void
bt_stage_namespaces(const BtInit *init)
{
  static const char *const kinds[] = {
    "sys/user/max_user_namespaces", "sys/user/max_mnt_namespaces",
    "sys/user/max_pid_namespaces",  "sys/user/max_net_namespaces",
    "sys/user/max_ipc_namespaces",  "sys/user/max_uts_namespaces",
    "sys/user/max_cgroup_namespaces", "sys/user/max_time_namespaces",
  };

  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    write_setting(init->proc_fd, kinds[i], "0");
  leave_half(init->proc_fd, "sys/fs/inotify/max_user_instances", "sys/user/max_inotify_instances");
  leave_half(init->proc_fd, "sys/fs/inotify/max_user_watches", "sys/user/max_inotify_watches");
  make_read_only(init->proc_fd, "procfs");
}
