/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the parts of an installed buntime are, wherever the whole was moved to.
 *
 * They are looked for from the running program or library: an environment variable or the
 * current directory has no say. But a copy of the program alone, as /tmp/me/buntime, would look
 * for /tmp/libexec/buntime/buntime-init, which anybody can make. So each folder on the way from
 * what both have in common must be one that only root, the caller or the owner of the program's
 * own folder can change. Who may write as a member of a group is the owner's choice.
 */
#include "lib/buntime-place.h"

#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is it the object that this code is in? Then *data becomes its name, "" for the program. */
static int
look_for_self(struct dl_phdr_info *info, size_t size, void *data)
{
  const char **name_out = data;

  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    ElfW(Addr) start = info->dlpi_addr + segment->p_vaddr;
    ElfW(Addr) here = (ElfW(Addr))(gpointer)look_for_self;
    if (segment->p_type == PT_LOAD && here >= start && here - start < segment->p_memsz) {
      *name_out = info->dlpi_name;
      return 1;
    }
  }
  return 0;
}

char *
bt_place_own_folder(gboolean *library_out)
{
  const char *name = NULL;
  char path[4096];

  dl_iterate_phdr(look_for_self, &name);
  *library_out = name != NULL && name[0] == '/';
  if (*library_out)
    return realpath(name, path) != NULL ? g_path_get_dirname(path) : NULL;
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length <= 0)
    return NULL;
  path[length] = '\0';
  return g_path_get_dirname(path);
}

static gboolean
is_held(const struct stat *info, uid_t owner)
{
  if (info->st_uid != 0 && info->st_uid != geteuid() && info->st_uid != owner)
    return FALSE;
  /* In a sticky folder others can make names, but not replace those whose owner was looked at. */
  return S_ISLNK(info->st_mode) || (info->st_mode & S_IWOTH) == 0 ||
         (S_ISDIR(info->st_mode) && (info->st_mode & S_ISVTX) != 0);
}

/* The length of what both paths begin with, in whole names. */
static gsize
common_length(const char *a, const char *b)
{
  gsize length = 0, i = 0;

  for (; a[i] != '\0' && a[i] == b[i]; i++)
    if (a[i] == '/')
      length = i;
  if ((a[i] == '\0' && b[i] == '/') || (b[i] == '\0' && a[i] == '/'))
    length = i;
  return length;
}

/* Each name on the way from what both have in common; a link is looked at as such. */
static gboolean
is_way_held(const char *path, const char *folder, uid_t owner)
{
  g_autofree char *part = g_strdup(path);
  struct stat info;

  for (char *end = part + common_length(path, folder); end != NULL; end = strchr(end + 1, '/')) {
    char saved = *end;
    *end = '\0';
    gboolean good = lstat(end == part ? "/" : part, &info) == 0 && is_held(&info, owner);
    *end = saved;
    if (!good)
      return FALSE;
  }
  return lstat(path, &info) == 0 && is_held(&info, owner);
}

/* As it is written, and where links lead. */
static gboolean
nobody_else_made(const char *path, const char *folder)
{
  char real[PATH_MAX];
  struct stat info;

  return lstat(folder, &info) == 0 && is_way_held(path, folder, info.st_uid) &&
         realpath(path, real) != NULL &&
         (strcmp(path, real) == 0 || is_way_held(real, folder, info.st_uid));
}

BtPlaceState
bt_place_find(const char *folder, const char *relative, const char *configured, char **path_out)
{
  /* The folder has no links in it, so that each ".." is the name before. */
  g_autofree char *path = g_canonicalize_filename(relative, folder);

  if (access(path, R_OK) != 0)
    return BT_PLACE_MISSING;
  if (g_strcmp0(path, configured) != 0 && !nobody_else_made(path, folder))
    return BT_PLACE_OTHERS;
  *path_out = g_steal_pointer(&path);
  return BT_PLACE_FOUND;
}
