/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * For --host: paths that go out of Flatpak's sandbox as they are, and have to lead to the same
 * file there as here.
 */

#include "cli/bt-options.h"

G_BEGIN_DECLS

typedef struct {
  char *object; /* as it was given: "--allow-read=/tmp/x" */
  char *path;   /* of the host: absolute, or "~…" for the home there */
  int fd;       /* what it is here; it is inherited */
} BtHostPath;

void bt_host_path_free(BtHostPath *self);

/* Does it say to buntime how it is done? (NAME=VALUE; others stay inside.) */
gboolean bt_host_takes_variable(const char *entry);

/*
 * All that a command names: the working directory, the flags' files, the variables', the entry;
 * each by what is there of it (BtHostPath *, transfer full). NULL with error set.
 */
GPtrArray *bt_host_paths_collect(const BtCommandLine *line, const char *folder, GError **error);

/* For the host's shell, whose arguments are pairs of FD and PATH: it prints how many are left at
 * the first that is another file, and ends with status 8. */
#define BT_HOST_PATHS_SCRIPT                                                                       \
  "while [ $# -gt 0 ]; do "                                                                        \
  "case $2 in '~'*) path=$HOME${2#'~'} ;; *) path=$2 ;; esac; "                                    \
  "[ \"$path\" -ef \"/proc/self/fd/$1\" ] || { echo $#; exit 8; }; "                               \
  "shift 2; done"
#define BT_HOST_PATHS_OTHER 8

/* What it printed, as an error. Always FALSE. */
gboolean bt_host_paths_fail(const GPtrArray *paths, const char *printed, GError **error);

G_END_DECLS
