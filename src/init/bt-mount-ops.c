/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One function a kind of operation.  Mounts are made detached, given their
 * attributes, and only then moved to their place, so that none is ever seen
 * with too few; every place is a descriptor opened inside the new root.
 */
#include "init/bt-mount-ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "init/bt-paths.h"
#include "init/bt-report.h"
#include "init/bt-system.h"

#define ALWAYS MOUNT_ATTR_NOSUID
/* A device still works on a read-only mount; its mode and times can no longer be changed. */
#define DEVICE (ALWAYS | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY)
#define DEFAULT_TMPFS_SIZE (64u << 20)
#define TMPFS_BYTES_PER_INODE 2048u
#define TMPFS_SPARE_INODES 8192u
#define HIDDEN_DIR ".buntime-hidden-dir"
#define HIDDEN_FILE ".buntime-hidden-file"
#define COVER_FILE ".buntime-cover"

static uint64_t
attributes_of(const BtPlanOp *op)
{
  uint64_t attributes = ALWAYS | MOUNT_ATTR_NODEV;

  if (op->attr & BT_PLAN_RDONLY)
    attributes |= MOUNT_ATTR_RDONLY;
  if (op->attr & BT_PLAN_NOEXEC)
    attributes |= MOUNT_ATTR_NOEXEC;
  return attributes;
}

/* ---- mounts ---- */

int
bt_make_fs(const char *type, const char *const *parameters, uint64_t attributes,
           const char *object)
{
  BT_LEFT_FD context = fsopen(type, FSOPEN_CLOEXEC);

  if (context < 0)
    bt_fail_at(object);
  for (; parameters != NULL && parameters[0] != NULL; parameters += 2)
    if (fsconfig(context, FSCONFIG_SET_STRING, parameters[0], parameters[1], 0) != 0)
      bt_fail_at(object);
  if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
    bt_fail_at(object);
  int mount_fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
  if (mount_fd < 0)
    bt_fail_at(object);
  return mount_fd;
}

int
bt_make_tmpfs(BtInit *init, uint64_t size, uint32_t mode, uint64_t attributes,
              const char *object)
{
  char size_text[24], inodes_text[24], mode_text[12];
  /* 1777 is what the kernel takes by itself. */
  const char *const parameters[] = { "size", size_text, "nr_inodes", inodes_text,
                                     mode == 01777 ? NULL : "mode", mode_text, NULL };
  struct stat info;

  if (size == 0)
    size = DEFAULT_TMPFS_SIZE;
  snprintf(size_text, sizeof size_text, "%llu", (unsigned long long)size);
  /* An empty file takes no block, but a KiB of the kernel's memory. */
  uint64_t inodes = size / TMPFS_BYTES_PER_INODE + TMPFS_SPARE_INODES;
  snprintf(inodes_text, sizeof inodes_text, "%llu", (unsigned long long)inodes);
  snprintf(mode_text, sizeof mode_text, "%o", mode & 07777);
  /* Read-only comes last: later operations may have to make objects in it. */
  int mount_fd = bt_make_fs("tmpfs", parameters, attributes & ~(uint64_t)MOUNT_ATTR_RDONLY, object);
  if (fstat(mount_fd, &info) != 0)
    bt_fail_at(object);
  init->own[init->own_count++] = (BtOwnMount){
    .device = info.st_dev,
    .mount_fd = mount_fd,
    .read_only = (attributes & MOUNT_ATTR_RDONLY) != 0,
  };
  return mount_fd;
}

static void
attach(BtInit *init, int mount_fd, const char *target)
{
  const BtFolder *folder = &init->folder;
  int result;

  if (folder->made != NULL && strcmp(folder->made, target) == 0) {
    /* By its name: it is no link, and nobody else is here to change that. */
    result = move_mount(mount_fd, "", folder->fd, folder->name, MOVE_MOUNT_F_EMPTY_PATH);
  } else {
    BT_LEFT_FD place = bt_open_target(init, target, O_PATH);
    result = place < 0 ? -1
                       : move_mount(mount_fd, "", place, "",
                                    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  }
  if (result != 0)
    bt_fail_at(target);
  bt_folder_covered(init, target);
}

/*
 * Private, or a later mount on the host would appear inside. Attributes are
 * only ever added: what the host's mount forbids stays forbidden.
 */
static void
bind(BtInit *init, int source, const char *target, uint64_t attributes, bool recursive)
{
  struct mount_attr change = { .attr_set = attributes, .propagation = MS_PRIVATE };
  unsigned below = recursive ? AT_RECURSIVE : 0;
  BT_LEFT_FD tree = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | below);

  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | below, &change, sizeof change) != 0)
    bt_fail_at(target);
  attach(init, tree, target);
}

/*
 * It is nowhere in the tree, so nothing inside leads to it. What is opened by it has its
 * attributes, and is not on a mount of the caller's that might let programs be run. What is
 * mounted below comes along, since the kernel lets nobody look under it; nothing there is opened.
 */
static void
lend(uint32_t number, int source, const char *target)
{
  struct mount_attr change = {
    .attr_set = ALWAYS | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
    .propagation = MS_PRIVATE,
  };
  BT_AUTO_FD tree =
    open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);

  if (tree < 0 ||
      mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change) != 0)
    bt_fail_at(target);
  bt_report_fds(BT_STATUS_LENT, number, &tree, 1);
}

/* ---- objects in our own file systems ---- */

/* An existing object will do if it is of the same kind. */
static void
check_existing(int parent, const char *name, mode_t kind, const char *target)
{
  struct stat info;
  int error = errno;

  if (error != EEXIST)
    bt_fail_with(error, target);
  if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
    bt_fail_at(target);
  /* As a mount point, any file is like another. */
  bool fits = kind == S_IFREG ? !S_ISDIR(info.st_mode) && !S_ISLNK(info.st_mode)
                              : (info.st_mode & S_IFMT) == kind;
  if (!fits)
    bt_fail_with(S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR, target);
}

/*
 * The folder of a new object, or -1 if there is already one, which is checked
 * before the folder is: on a bound tree nothing is made, but it may be there.
 */
static int
enter_place(BtInit *init, const char *target, mode_t kind, const char **name_out)
{
  struct stat info;
  int folder = bt_enter_folder(init, target, name_out);

  if (folder < 0)
    bt_fail_at(target);
  if (bt_folder_is_own(init, target))
    return folder;
  if (fstatat(folder, *name_out, &info, AT_SYMLINK_NOFOLLOW) != 0)
    bt_fail_with(errno == ENOENT ? EROFS : errno, target);
  errno = EEXIST;
  check_existing(folder, *name_out, kind, target);
  return -1;
}

static void
remember_made(BtInit *init, const char *target, const char *name)
{
  init->folder.made = target;
  init->folder.name = name;
}

static void
make_dir(BtInit *init, const BtPlanOp *op, const char *target)
{
  const char *name;
  int folder = enter_place(init, target, S_IFDIR, &name);

  if (folder < 0)
    return;
  if (mkdirat(folder, name, op->mode & 07777) == 0)
    remember_made(init, target, name);
  else
    check_existing(folder, name, S_IFDIR, target);
}

static void
make_symlink(BtInit *init, const char *text, const char *target)
{
  const char *name;
  int folder = enter_place(init, target, S_IFLNK, &name);

  if (folder >= 0 && symlinkat(text, folder, name) != 0)
    check_existing(folder, name, S_IFLNK, target);
}

static void
write_data(const BtInit *init, const BtPlanOp *op, int file, const char *target)
{
  const uint8_t *data = init->plan.bytes + op->data_offset;

  for (uint32_t done = 0; done < op->data_size;) {
    ssize_t written = write(file, data + done, op->data_size - done);
    if (written <= 0)
      bt_fail_at(target);
    done += (uint32_t)written;
  }
}

/* Only a mount point: whatever is mounted there hides it. */
static void
make_empty_file(BtInit *init, const BtPlanOp *op, const char *target)
{
  const char *name;
  int folder = enter_place(init, target, S_IFREG, &name);

  if (folder < 0)
    return;
  if (mknodat(folder, name, S_IFREG | (op->mode & 07777), 0) == 0)
    remember_made(init, target, name);
  else
    check_existing(folder, name, S_IFREG, target);
}

static void
make_file(BtInit *init, const BtPlanOp *op, const char *target)
{
  const char *name;
  int folder = enter_place(init, target, S_IFREG, &name);

  if (folder < 0)
    return;
  /* Closed at once: while it is open for writing, its mount cannot become read-only. */
  BT_AUTO_FD file =
    openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, op->mode & 07777);
  if (file < 0) {
    check_existing(folder, name, S_IFREG, target);
    return;
  }
  write_data(init, op, file, target);
}

/* ---- the other kinds ---- */

static void
mount_devpts(BtInit *init, const char *target)
{
  static const char *const parameters[] = { "ptmxmode", "0666", "mode", "0620", NULL };
  BT_LEFT_FD mount_fd =
    bt_make_fs("devpts", parameters, ALWAYS | MOUNT_ATTR_NOEXEC, "devpts");

  attach(init, mount_fd, target);
}

/*
 * An empty object without permissions, of the kind that is hidden. Its owner
 * is the worker, whom the read-only mount keeps from chmod.
 */
static void
hide(BtInit *init, const char *target)
{
  struct stat info;
  BT_LEFT_FD place = bt_open_target(init, target, O_PATH);

  if (place < 0 || fstat(place, &info) != 0)
    bt_fail_at(target);
  bool is_dir = S_ISDIR(info.st_mode);
  const char *name = is_dir ? HIDDEN_DIR : HIDDEN_FILE;
  int made = is_dir ? mkdirat(init->root_fd, name, 0)
                    : mknodat(init->root_fd, name, S_IFREG, 0);
  if (made != 0 && errno != EEXIST)
    bt_fail_at(target);
  init->hidden = true;
  BT_LEFT_FD empty = openat(init->root_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (empty < 0)
    bt_fail_at(target);
  bind(init, empty, target,
       ALWAYS | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, false);
}

/* Without a name once it is mounted: nothing but the mount leads to it. */
static void
cover(BtInit *init, const BtPlanOp *op, const char *target)
{
  BT_AUTO_FD file = openat(init->root_fd, COVER_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                           op->mode & 07777);

  if (file < 0)
    bt_fail_at(target);
  write_data(init, op, file, target);
  bind(init, file, target, ALWAYS | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY,
       false);
  if (unlinkat(init->root_fd, COVER_FILE, 0) != 0)
    bt_fail_at(target);
}

/*
 * It lies on the root, where nothing is executed; its mount alone is without
 * noexec, which the kernel lets us take from a clone of our own.
 */
static void
place_program(BtInit *init, const char *source, const char *target)
{
  struct mount_attr change = {
    .attr_set = ALWAYS | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY,
    .attr_clr = MOUNT_ATTR_NOEXEC,
    .propagation = MS_PRIVATE,
  };
  BT_LEFT_FD file = bt_open_target(init, source, O_PATH);

  if (file < 0)
    bt_fail_at(source);
  BT_LEFT_FD tree = open_tree(file, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &change, sizeof change) != 0)
    bt_fail_at(target);
  attach(init, tree, target);
}

void
bt_mount_ops_finish(const BtInit *init)
{
  if (!init->hidden)
    return;
  if ((unlinkat(init->root_fd, HIDDEN_DIR, AT_REMOVEDIR) != 0 && errno != ENOENT) ||
      (unlinkat(init->root_fd, HIDDEN_FILE, 0) != 0 && errno != ENOENT))
    bt_fail_at("hidden objects");
}

void
bt_mount_op(BtInit *init, uint32_t i)
{
  const BtPlanOp *op = &init->plan.ops[i];
  const char *target = bt_plan_string(&init->plan, op->target);

  switch ((BtPlanOpKind)op->kind) {
  case BT_PLAN_DIR:
    make_dir(init, op, target);
    return;
  case BT_PLAN_SYMLINK:
    make_symlink(init, bt_plan_string(&init->plan, op->source), target);
    return;
  case BT_PLAN_FILE:
    if (op->data_size == 0)
      make_empty_file(init, op, target);
    else
      make_file(init, op, target);
    return;
  case BT_PLAN_BIND:
    bind(init, init->sources[i], target, attributes_of(op), (op->attr & BT_PLAN_RECURSIVE) != 0);
    return;
  case BT_PLAN_DEVICE:
    bind(init, init->sources[i], target, DEVICE, false);
    return;
  case BT_PLAN_CONSOLE:
    if (init->sources[i] >= 0)
      bind(init, init->sources[i], target, DEVICE, false);
    return;
  case BT_PLAN_TMPFS:
    attach(init, bt_make_tmpfs(init, op->size, op->mode, attributes_of(op), target), target);
    return;
  case BT_PLAN_PROC:
    /* Its descriptor stays the mount's: NAMESPACES still writes by it. */
    attach(init, init->proc_fd, target);
    return;
  case BT_PLAN_DEVPTS:
    mount_devpts(init, target);
    return;
  case BT_PLAN_HIDE:
    hide(init, target);
    return;
  case BT_PLAN_COVER:
    cover(init, op, target);
    return;
  case BT_PLAN_PROGRAM:
    place_program(init, bt_plan_string(&init->plan, op->source), target);
    return;
  case BT_PLAN_LEND:
    lend(i, init->sources[i], target);
    return;
  }
  bt_fail_with(EINVAL, target);
}
