/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the stream of events goes, and the capture of packets.
 *
 * A worker must not be able to write there, or it could make them up.  So a
 * file that a grant lets it write to is refused, also by a second name, and a
 * pipe, socket or file that is its stdin, stdout or stderr, too.  A link as the
 * last part is not followed: an earlier run may have left it.
 */
#include "lib/bt-event-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-path.h"

/* A rule for "/" or "/tmp" means the private /tmp; only one below it the host's. */
static gboolean
is_granted_in_tmp(BtPolicy *policy, const char *path)
{
  GPtrArray *rules = bt_policy_get_fs_rules(policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY && (rule->perms & BT_FS_WRITE) != 0 &&
        rule->real != NULL && strcmp(rule->real, "/tmp") != 0 &&
        bt_path_is_below(rule->real, "/tmp") && bt_path_is_below(path, rule->real))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_writable(BtPolicy *policy, const char *path)
{
  if ((bt_policy_path_perms(policy, path, NULL) & BT_FS_WRITE) == 0)
    return FALSE;
  return !bt_path_is_below(path, "/tmp") || is_granted_in_tmp(policy, path);
}

/* What the worker gets as 0, 1 and 2, once stdout was moved. */
static gboolean
is_workers_own(const struct stat *info)
{
  for (int fd = 0; fd < 3; fd++) {
    struct stat other;
    if (fstat(fd, &other) == 0 && other.st_dev == info->st_dev && other.st_ino == info->st_ino)
      return TRUE;
  }
  return FALSE;
}

static gboolean
refuse(const char *flag, const char *reason, const char *cure, GError **error)
{
  return bt_fail(error, BUNTIME_ERROR_USAGE, flag, reason, cure);
}

/* A terminal is both people's and the program's: nobody parses it. */
static gboolean
check(int fd, const char *flag, BtPolicy *policy, GError **error)
{
  char link[64], path[PATH_MAX];
  struct stat info;

  if (fstat(fd, &info) != 0)
    return refuse(flag, g_strerror(errno), NULL, error);
  if (S_ISDIR(info.st_mode) || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
    return refuse(flag, _("not open for writing"), _("write 3>events.jsonl in the shell"), error);
  if (!S_ISCHR(info.st_mode) && is_workers_own(&info))
    return refuse(flag, _("the program's own input or output goes there, too"),
                  _("send one of them elsewhere"), error);
  if (!S_ISREG(info.st_mode))
    return TRUE;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  gssize length = readlink(link, path, sizeof path - 1);
  path[MAX(length, 0)] = '\0';
  if (is_writable(policy, path))
    return refuse(flag, _("the program may write there"),
                  _("choose a place that is not below a grant to write"), error);
  if (info.st_nlink > 1)
    return refuse(flag, _("the file has other names, which the program might write to"),
                  _("choose a file of its own"), error);
  return TRUE;
}

/* Never 0-2, and never the worker's. */
static int
lift(int fd)
{
  return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int
open_file(const char *where, int flags)
{
  int fd = open(where,
                O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags, 0600);
  if (fd < 0 || fd > 2)
    return fd;
  int lifted = lift(fd);
  close(fd);
  return lifted;
}

/* The parent's real path, so that nothing is made where it would be refused. */
static gboolean
check_folder(const char *flag, const char *where, BtPolicy *policy, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(where);
  g_autofree char *name = g_path_get_basename(where);
  char real[PATH_MAX];

  if (realpath(folder, real) == NULL)
    return refuse(flag, g_strerror(errno), _("choose a folder that is there"), error);
  g_autofree char *path = g_build_filename(real, name, NULL);
  if (is_writable(policy, path))
    return refuse(flag, _("the program may write there"),
                  _("choose a place that is not below a grant to write"), error);
  return TRUE;
}

int
bt_place_open_file(const char *flag, const char *where, int flags, BtPolicy *policy,
                   GError **error)
{
  if (!check_folder(flag, where, policy, error))
    return -1;
  int fd = open_file(where, flags);
  if (fd < 0)
    refuse(flag, errno == ELOOP ? _("a symbolic link") : g_strerror(errno),
           errno == ELOOP ? _("give the path that it leads to") : _("give a file of its own"),
           error);
  else if (check(fd, flag, policy, error))
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

int
bt_event_place_open(const char *where, BtPolicy *policy, GError **error)
{
  g_autofree char *flag = g_strconcat("--events=", where, NULL);
  guint64 number;
  int fd;

  if (strcmp(where, "-") == 0) {
    fd = lift(STDOUT_FILENO);
    if (fd >= 0)
      dup2(STDERR_FILENO, STDOUT_FILENO);
  } else if (g_ascii_string_to_unsigned(where, 10, 0, G_MAXINT, &number, NULL)) {
    if (number < 3) {
      refuse(flag, _("0, 1 and 2 are the program's"),
             _("use --events=- for stdout, or 3 with 3>events.jsonl"), error);
      return -1;
    }
    fd = lift((int)number);
    if (fd >= 0)
      fcntl((int)number, F_SETFD, FD_CLOEXEC);
  } else {
    return bt_place_open_file(flag, where, O_APPEND, policy, error);
  }
  if (fd < 0) {
    refuse(flag, g_strerror(errno), _("give a file, a descriptor's number, or '-' for stdout"),
           error);
    return -1;
  }
  if (check(fd, flag, policy, error))
    return fd;
  close(fd);
  return -1;
}
