/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* System calls of the mount API: glibc wraps them, other C libraries do not yet. */

#include <features.h>
#ifdef __GLIBC__
#include <sys/mount.h>
#else
#include <linux/mount.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline int
fsopen(const char *type, unsigned flags)
{
  return (int)syscall(SYS_fsopen, type, flags);
}

static inline int
fsconfig(int fd, unsigned command, const char *key, const void *value, int aux)
{
  return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int
fsmount(int fd, unsigned flags, unsigned attributes)
{
  return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int
move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
  return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int
open_tree(int fd, const char *path, unsigned flags)
{
  return (int)syscall(SYS_open_tree, fd, path, flags);
}

static inline int
mount_setattr(int fd, const char *path, unsigned flags, struct mount_attr *change, size_t size)
{
  return (int)syscall(SYS_mount_setattr, fd, path, flags, change, size);
}

/* musl's <sys/mount.h> and the kernel's <linux/mount.h> exclude each other. */
#define MNT_DETACH 2

static inline int
umount2(const char *path, int flags)
{
  return (int)syscall(SYS_umount2, path, flags);
}

static inline int
close_range(unsigned first, unsigned last, int flags)
{
  return (int)syscall(SYS_close_range, first, last, flags);
}
#endif
