/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What changes a file's mode, owner, times or attributes: Landlock has no right for any. */
#define BT_METADATA_CALLS                                                                        \
  "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime",  \
    "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "removexattr",     \
    "lremovexattr", "fremovexattr"
