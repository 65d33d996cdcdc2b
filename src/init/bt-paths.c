/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/bt-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "init/bt-report.h"

static int
open_how(int directory, const char *path, int flags, unsigned long long resolve)
{
  struct open_how how = {
    .flags = (unsigned long long)flags | O_CLOEXEC,
    .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int
bt_open_source(const char *path)
{
  return open_how(AT_FDCWD, path, O_PATH, 0);
}

int
bt_open_target(const BtInit *init, const char *path, int flags)
{
  return open_how(init->root_fd, path, flags, RESOLVE_IN_ROOT);
}

static bool
is_own(const BtInit *init, int directory, const char *object)
{
  struct stat info;

  if (fstat(directory, &info) != 0)
    bt_fail_at(object);
  for (unsigned i = 0; i < init->own_count; i++)
    if (init->own[i].device == info.st_dev)
      return true;
  return false;
}

bool
bt_folder_is_own(BtInit *init, const char *object)
{
  BtFolder *folder = &init->folder;

  if (!folder->checked)
    folder->own = is_own(init, folder->fd, object);
  folder->checked = true;
  return folder->own;
}

/* Whether what is at path[0..length) is at other, or above it. */
static bool
is_above(const char *path, size_t length, const char *other)
{
  return strncmp(path, other, length) == 0 && (other[length] == '/' || other[length] == '\0');
}

void
bt_folder_covered(BtInit *init, const char *target)
{
  size_t length = strlen(target);

  while (length > 0 && target[length - 1] == '/')
    length--;
  init->folder.made = NULL;
  if (init->folder.fd >= 0 && is_above(target, length, init->folder.path)) {
    bt_leave_fd(&init->folder.fd);
    init->folder.fd = -1;
  }
}

/*
 * One directory after the other, from one that is there; rest is without
 * links and dots, so this cannot climb. Below one just made nothing exists.
 */
static int
make_below(const BtInit *init, int directory, char *rest, const char *object)
{
  char *left = NULL;
  bool made = false;

  for (char *name = strtok_r(rest, "/", &left); name != NULL && directory >= 0;
       name = strtok_r(NULL, "/", &left)) {
    BT_LEFT_FD above = directory;
    directory = made ? -1 : open_how(above, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    if (directory >= 0 || (!made && errno != ENOENT))
      continue;
    if (!made && !is_own(init, above, object))
      bt_fail_with(EROFS, object);
    made = true;
    if (mkdirat(above, name, 0755) == 0)
      directory = open_how(above, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
  }
  return directory;
}

/* From the present folder if that is above, else from the root. */
static int
make_folder(const BtInit *init, const char *path, const char *object)
{
  const BtFolder *folder = &init->folder;
  char rest[PATH_MAX];

  if (folder->fd >= 0 && is_above(folder->path, folder->length, path)) {
    memcpy(rest, path + folder->length, strlen(path + folder->length) + 1);
    return make_below(init, fcntl(folder->fd, F_DUPFD_CLOEXEC, 0), rest, object);
  }
  memcpy(rest, path, strlen(path) + 1);
  return make_below(init, bt_open_target(init, "/", O_PATH | O_DIRECTORY), rest, object);
}

int
bt_enter_folder(BtInit *init, const char *target, const char **name_out)
{
  BtFolder *folder = &init->folder;
  char path[PATH_MAX];
  const char *slash = strrchr(target, '/');

  if (slash == NULL || (size_t)(slash - target) >= sizeof path) {
    errno = EINVAL;
    return -1;
  }
  *name_out = slash[1] != '\0' ? slash + 1 : ".";
  size_t length = (size_t)(slash - target);
  folder->made = NULL;
  if (folder->fd >= 0 && folder->length == length && memcmp(folder->path, target, length) == 0)
    return folder->fd;

  memcpy(path, target, length);
  path[length] = '\0';
  int fd = bt_open_target(init, length > 0 ? path : "/", O_PATH | O_DIRECTORY);
  if (fd < 0 && errno == ENOENT)
    fd = make_folder(init, path, target);
  bt_leave_fd(&folder->fd);
  folder->fd = fd;
  folder->checked = false;
  folder->length = length;
  memcpy(folder->path, path, length + 1);
  return fd;
}
