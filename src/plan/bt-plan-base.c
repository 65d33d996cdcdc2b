/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every worker sees: the system's programs and libraries, /etc reduced,
 * devices, its own /proc, and private places to write.
 */
#include "plan/bt-plan-private.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static void
bind_existing(BtCompile *self, const char *path, guint attr)
{
  struct stat info;

  if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode))
    return;
  bt_compile_bind(self, path, &info, attr, BT_FS_READ, NULL);
  bt_compile_readable(self, path);
}

/* /usr, and the names beside it: links into it, or directories on a system without the merge. */
static void
add_system(BtCompile *self)
{
  static const char *const beside[] = { "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32" };
  char text[PATH_MAX];

  bind_existing(self, "/usr", BT_PLAN_RDONLY | self->map_noexec);
  for (gsize i = 0; i < G_N_ELEMENTS(beside); i++) {
    ssize_t length = readlink(beside[i], text, sizeof text - 1);
    if (length > 0) {
      text[length] = '\0';
      bt_compile_symlink(self, text, beside[i]);
      continue;
    }
    bind_existing(self, beside[i], BT_PLAN_RDONLY | (i < 2 ? self->map_noexec : 0));
  }
}

/*
 * Where a library may be mapped from. Not all of /usr/lib: programs live there
 * too, and the loader would run them ungranted.
 */
void
bt_compile_libraries(BtCompile *self)
{
  static const char *const multiarch =
#if defined(__x86_64__)
    "/usr/lib/x86_64-linux-gnu";
#elif defined(__aarch64__)
    "/usr/lib/aarch64-linux-gnu";
#endif
  struct stat info;

  if (self->run_everything && !self->run_denials)
    return;
  gboolean has_multiarch = lstat(multiarch, &info) == 0;
  if (has_multiarch)
    bt_compile_spot(self, multiarch, BT_SPOT_LIBRARY, 0);
  if (lstat("/usr/lib64", &info) == 0 && S_ISDIR(info.st_mode))
    bt_compile_spot(self, "/usr/lib64", BT_SPOT_LIBRARY, 0);
  else if (!has_multiarch)
    bt_compile_spot(self, "/usr/lib", BT_SPOT_LIBRARY, 0); /* one directory for everything */
  bt_compile_spot(self, "/usr/local/lib", BT_SPOT_LIBRARY, 0);
}

static void
add_devices(BtCompile *self)
{
  static const char *const devices[] = { "/dev/null",   "/dev/zero",    "/dev/full",
                                         "/dev/random", "/dev/urandom", "/dev/tty" };
  static const char *const links[][2] = {
    { "/proc/self/fd", "/dev/fd" },        { "/proc/self/fd/0", "/dev/stdin" },
    { "/proc/self/fd/1", "/dev/stdout" },  { "/proc/self/fd/2", "/dev/stderr" },
    { "pts/ptmx", "/dev/ptmx" },
  };
  guint64 access = BT_FS_READ_FILE | BT_FS_WRITE_FILE | BT_FS_TRUNCATE | BT_LANDLOCK_IOCTL_DEV;

  bt_compile_dir(self, "/dev");
  for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
    bt_compile_file(self, devices[i], 0666, NULL, 0);
    bt_plan_builder_device(self->builder, devices[i]);
    bt_plan_builder_landlock(self->builder, devices[i], access & self->handled);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(links); i++)
    bt_compile_symlink(self, links[i][0], links[i][1]);
  bt_compile_dir(self, "/dev/pts");
  bt_plan_builder_mount(self->builder, BT_PLAN_DEVPTS, "/dev/pts", BT_PLAN_NOEXEC);
  bt_plan_builder_landlock(self->builder, "/dev/pts", (access | BT_FS_READ_DIR) & self->handled);
  if (self->request->terminal_fd >= 0) {
    /* ttyname() looks for the caller's terminal here, since its own name is not in /dev/pts. */
    bt_compile_file(self, "/dev/console", 0600, NULL, 0);
    bt_plan_builder_console(self->builder, "/dev/console", self->request->terminal_fd);
    bt_plan_builder_landlock(self->builder, "/dev/console", access & self->handled);
  }
  bt_compile_add_mount(self, "/dev/pts", BT_MOUNT_SHUT, 0, 0);
  bt_compile_readable(self, "/dev");
}

guint64
bt_compile_private_access(const BtCompile *self)
{
  guint64 access = BT_FS_ALL & ~BT_FS_DEVICES;

  return self->run_everything ? access : access & ~BT_FS_EXECUTE;
}

static void
add_private(BtCompile *self, const char *path, guint64 size)
{
  bt_compile_dir(self, path);
  bt_plan_builder_tmpfs(self->builder, path, self->noexec, 01777, size);
  bt_compile_add_mount(self, path, BT_MOUNT_OWN, self->noexec, 0);
}

void
bt_compile_base(BtCompile *self)
{
  add_system(self);
  bt_compile_etc(self);
  add_devices(self);
  bt_compile_dir(self, "/proc");
  bt_plan_builder_mount(self->builder, BT_PLAN_PROC, "/proc", BT_PLAN_RDONLY | BT_PLAN_NOEXEC);
  bt_compile_add_mount(self, "/proc", BT_MOUNT_SHUT, BT_PLAN_RDONLY, 0);
  bt_compile_readable(self, "/proc");
  add_private(self, "/tmp", bt_compile_scratch_size(self, BT_LIMIT_TMP_SIZE));
  add_private(self, "/dev/shm", bt_compile_scratch_size(self, BT_LIMIT_SHM_SIZE));
  bt_compile_allow(self, "/dev/shm", bt_compile_private_access(self), TRUE);
  bt_compile_dir(self, "/run");
  bt_compile_dir(self, "/var");
}
