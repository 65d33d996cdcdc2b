/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What makes, removes, renames and changes files by their names: notified
 * (lib/bt-notify-change.c). The allow-list looks at none of them, but at the modes of some
 * (bt-seccomp.c): what is notified and continued it does not see.
 */
#define BT_CHANGE_CALLS                                                                           \
  "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "rmdir",      \
    "unlink", "unlinkat", "rename", "renameat", "renameat2", "truncate", "chmod", "fchmodat",     \
    "fchmodat2", "chown", "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",      \
    "setxattr", "lsetxattr", "removexattr", "lremovexattr"
