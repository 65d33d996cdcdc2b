/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-user-policies.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "debug-ui/bt-presets.h"
#include "lib/buntime.h"

#define MAX_NAME 64

static gboolean
check_name(const char *name, GError **error)
{
  gboolean good = name[0] != '\0' && name[0] != '.' && name[0] != '-' && strlen(name) <= MAX_NAME &&
                  !g_str_has_suffix(name, ".json");

  for (const char *at = name; good && *at != '\0'; at++)
    good = g_ascii_isalnum(*at) || strchr("._-", *at) != NULL;
  return good || bt_fail(error, BUNTIME_ERROR_USAGE, name, _("not a name for a policy"),
                         _("letters, digits, '.', '_' and '-' make one, without .json"));
}

static char *
path_of(const char *folder, const char *name)
{
  g_autofree char *file = g_strconcat(name, ".json", NULL);
  return g_build_filename(folder, file, NULL);
}

static gboolean
fail_errno(GError **error, const char *object)
{
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(errno), NULL);
}

/* As strictly as it will be read. */
static gboolean
check_text(const char *name, const char *text, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  return buntime_policy_add_json(policy, text, name, error);
}

static gboolean
write_all(int fd, const char *text)
{
  for (gsize left = strlen(text); left > 0;) {
    gssize written = write(fd, text, left);
    if (written < 0)
      return FALSE;
    text += written;
    left -= (gsize)written;
  }
  return fsync(fd) == 0;
}

/* By a file of another name, which takes its place at once. */
static gboolean
write_file(const char *path, const char *text, gboolean overwrite)
{
  g_autofree char *draft = g_strdup_printf("%s.%d-%08x", path, (int)getpid(), g_random_int());
  int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    return FALSE;
  gboolean ok = write_all(fd, text);
  int number = errno;
  close(fd);
  if (ok) {
    ok = renameat2(AT_FDCWD, draft, AT_FDCWD, path, overwrite ? 0 : RENAME_NOREPLACE) == 0;
    number = errno;
  }
  if (!ok)
    unlink(draft);
  errno = number;
  return ok;
}

char *
bt_user_policies_save(const char *name, const char *text, gboolean overwrite, GError **error)
{
  g_autofree char *folder = bt_presets_folder(), *path = path_of(folder, name);

  if (!check_name(name, error) || !check_text(name, text, error))
    return NULL;
  if (bt_presets_is_common(name)) {
    bt_fail(error, BUNTIME_ERROR_USAGE, name, _("a preset that all have"), _("take another name"));
    return NULL;
  }
  if (g_mkdir_with_parents(folder, 0700) != 0) {
    fail_errno(error, folder);
    return NULL;
  }
  if (write_file(path, text, overwrite))
    return g_steal_pointer(&path);
  if (errno == EEXIST)
    bt_fail(error, BUNTIME_ERROR_USAGE, name, _("there is a policy of this name"),
            _("overwrite it, or take another name"));
  else
    fail_errno(error, path);
  return NULL;
}

char *
bt_user_policies_delete(const char *name, GError **error)
{
  g_autofree char *folder = bt_presets_folder(), *path = path_of(folder, name);

  if (!check_name(name, error))
    return NULL;
  if (unlink(path) == 0)
    return g_steal_pointer(&path);
  if (errno == ENOENT)
    bt_fail(error, BUNTIME_ERROR_USAGE, name, _("no policy of yours"), NULL);
  else
    fail_errno(error, path);
  return NULL;
}
