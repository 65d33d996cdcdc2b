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

void
bt_check_own(const BtInit *init, int directory, const char *object)
{
  struct stat info;

  if (fstat(directory, &info) != 0)
    bt_fail_at(object);
  for (unsigned i = 0; i < init->own_count; i++)
    if (init->own[i].device == info.st_dev)
      return;
  bt_fail_with(EROFS, object);
}

/* One directory after the other; path is without links and dots, so this cannot climb. */
static int
make_parents(const BtInit *init, char *path, const char *object)
{
  int directory = bt_open_target(init, "/", O_PATH | O_DIRECTORY);
  char *rest = NULL;

  for (char *name = strtok_r(path, "/", &rest); name != NULL && directory >= 0;
       name = strtok_r(NULL, "/", &rest)) {
    int next = open_how(directory, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    if (next < 0 && errno == ENOENT) {
      bt_check_own(init, directory, object);
      if (mkdirat(directory, name, 0755) == 0)
        next = open_how(directory, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    }
    close(directory);
    directory = next;
  }
  return directory;
}

int
bt_open_parent(const BtInit *init, const char *path, const char **name_out)
{
  char parent[PATH_MAX];
  const char *slash = strrchr(path, '/');

  if (slash == NULL || (size_t)(slash - path) >= sizeof parent) {
    errno = EINVAL;
    return -1;
  }
  *name_out = slash[1] != '\0' ? slash + 1 : ".";
  memcpy(parent, path, slash - path);
  parent[slash - path] = '\0';
  int directory =
    bt_open_target(init, parent[0] != '\0' ? parent : "/", O_PATH | O_DIRECTORY);
  if (directory < 0 && errno == ENOENT)
    directory = make_parents(init, parent, path);
  return directory;
}
