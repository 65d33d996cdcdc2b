/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * An open on behalf of another process of the same sandbox: same user, root
 * and Landlock domain, but not the same /proc/self.
 */
typedef struct {
  int start;        /* where a relative path starts */
  const char *path; /* shorter than PATH_MAX, not empty */
  unsigned flags;   /* as open() takes them */
  mode_t mode;
  pid_t process, thread; /* the caller's */
  bool look; /* O_PATH instead: what is there? */
} BtOpenAs;

/*
 * The open file, close-on-exec, or -errno. What it finds below its own
 * /proc/PID it refuses (EACCES): the kernel would let it, as it is its own.
 */
int bt_open_as(const BtOpenAs *as);
