/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-path.h"

#include <dirent.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/buntime-error.h"

/* A pattern over a huge tree ends with an error, not with a start that takes minutes. */
#define MAX_ENTRIES 262144

char *
bt_path_absolute(const char *written, const char *base, const char *home, GError **error)
{
  g_autofree char *joined = NULL;

  if (written[0] == '\0') {
    bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("an empty path"), _("write \".\" for here"));
    return NULL;
  }
  if (written[0] == '~') {
    if (written[1] != '\0' && written[1] != '/') {
      bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("another user's home is not looked up"),
              _("write the whole path, or \"./~…\" for a file of that name"));
      return NULL;
    }
    if (home == NULL || home[0] != '/') {
      bt_fail(error, BUNTIME_ERROR_USAGE, NULL, _("\"~\" stands for no directory here"),
              _("set HOME, or write the whole path"));
      return NULL;
    }
    joined = g_strconcat(home, written + 1, NULL);
  } else if (written[0] == '/') {
    joined = g_strdup(written);
  } else {
    joined = g_strconcat(base, "/", written, NULL);
  }
  /* Two leading slashes may mean something else to GLib, though not to Linux. */
  return g_canonicalize_filename(joined + strspn(joined, "/") - 1, "/");
}

gboolean
bt_path_is_below(const char *path, const char *folder)
{
  gsize length = strlen(folder);
  if (length == 1 && folder[0] == '/')
    return path[0] == '/';
  return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

char *
bt_path_real(const char *path)
{
  char real[PATH_MAX];
  g_autofree char *folder = g_strdup(path);

  if (realpath(path, real) != NULL)
    return g_strdup(real);
  while (strlen(folder) > 1) {
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    if (realpath(folder, real) != NULL) {
      const char *rest = path + strlen(folder);
      rest += strspn(rest, "/");
      return g_strconcat(real, strcmp(real, "/") == 0 ? "" : "/", rest, NULL);
    }
  }
  return g_strdup(path);
}

gboolean
bt_path_is_never(const char *path)
{
  static const char *const never[] = { "/proc", "/sys", "/dev", "/run" };

  for (gsize i = 0; i < G_N_ELEMENTS(never); i++)
    if (bt_path_is_below(path, never[i]))
      return TRUE;
  return FALSE;
}

gboolean
bt_path_is_glob(const char *path)
{
  return strpbrk(path, "*?") != NULL;
}

/* The next character's start; a byte that is no UTF-8 is a character of its own. */
static const char *
next_char(const char *text)
{
  if (g_utf8_get_char_validated(text, -1) >= (gunichar)-2)
    return text + 1;
  return g_utf8_next_char(text);
}

gboolean
bt_glob_match(const char *pattern, const char *name)
{
  const char *star = NULL, *resume = NULL;

  while (*name != '\0') {
    if (*pattern == '*') {
      star = pattern++;
      resume = name;
    } else if (*pattern == '?') {
      pattern++;
      name = next_char(name);
    } else if (*pattern == *name) {
      pattern++;
      name++;
    } else if (star != NULL) {
      /* Only the last star needs to take more: earlier ones already found their shortest. */
      pattern = star + 1;
      name = ++resume;
    } else {
      return FALSE;
    }
  }
  while (*pattern == '*')
    pattern++;
  return *pattern == '\0';
}

char *
bt_glob_base(const char *pattern)
{
  gsize length = strcspn(pattern, "*?");
  while (length > 1 && pattern[length] != '/')
    length--;
  return g_strndup(pattern, length);
}

typedef struct {
  gboolean hidden;
  guint entries;
  GPtrArray *matches;
  GHashTable *seen; /* "**" can find a path in more than one way */
  char **unseen;    /* NULL: nobody asks */
} Expansion;

static gboolean expand(Expansion *self, const char *folder, char **components);

static char *
join(const char *folder, const char *name)
{
  return g_strconcat(folder, strcmp(folder, "/") == 0 ? "" : "/", name, NULL);
}

static gboolean
add_match(Expansion *self, const char *path)
{
  if (!g_hash_table_add(self->seen, g_strdup(path)))
    return TRUE;
  if (self->matches->len >= BT_GLOB_MAX_MATCHES)
    return FALSE;
  g_ptr_array_add(self->matches, g_strdup(path));
  return TRUE;
}

/*
 * A place cannot be looked at because of error. FALSE: something that matches may be there, and
 * someone else may get at it.  A folder that is another user's and may not be searched is as closed
 * to whoever runs as this user.
 */
static gboolean
pass_by(Expansion *self, const char *path, int error)
{
  struct stat info;

  if (self->unseen == NULL || error == ENOENT || error == ENOTDIR)
    return TRUE;
  if (error == EACCES && access(path, X_OK) != 0 &&
      (lstat(path, &info) != 0 || info.st_uid != geteuid()))
    return TRUE;
  *self->unseen = g_strdup_printf("%s: %s", path, g_strerror(error));
  return FALSE;
}

/* Calls expand() for each entry that matches; deep also enters directories for "**". */
static gboolean
expand_entries(Expansion *self, const char *folder, char **components, gboolean deep)
{
  const char *pattern = deep ? "*" : components[0];
  gboolean ok = TRUE;
  DIR *dir = opendir(folder);

  if (dir == NULL)
    return pass_by(self, folder, errno);
  for (;;) {
    struct stat info;
    errno = 0;
    const struct dirent *entry = ok ? readdir(dir) : NULL;
    if (entry == NULL)
      break;
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
      continue;
    if (++self->entries > MAX_ENTRIES)
      ok = FALSE;
    if (!ok || (name[0] == '.' && !self->hidden && pattern[0] != '.') ||
        !bt_glob_match(pattern, name))
      continue;
    g_autofree char *path = join(folder, name);
    if (!deep)
      ok = expand(self, path, components + 1);
    else if (lstat(path, &info) != 0)
      ok = pass_by(self, path, errno);
    else if (S_ISDIR(info.st_mode))
      ok = expand(self, path, components);
    errno = 0;
  }
  if (ok && errno != 0)
    ok = pass_by(self, folder, errno);
  closedir(dir);
  return ok;
}

/* folder exists; components is what is left of the pattern. */
static gboolean
expand(Expansion *self, const char *folder, char **components)
{
  struct stat info;

  if (components[0] == NULL)
    return add_match(self, folder);
  if (strcmp(components[0], "**") == 0) {
    /* A directory covers what is below it, so a last "**" need not go deeper than "*". */
    if (components[1] == NULL)
      return expand_entries(self, folder, components, FALSE);
    return expand(self, folder, components + 1) && expand_entries(self, folder, components, TRUE);
  }
  if (bt_path_is_glob(components[0]))
    return expand_entries(self, folder, components, FALSE);
  g_autofree char *path = join(folder, components[0]);
  if (lstat(path, &info) != 0)
    return pass_by(self, path, errno);
  return expand(self, path, components + 1);
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean
bt_glob_expand(const char *pattern, gboolean hidden, GPtrArray *matches_out, char **unseen_out)
{
  g_auto(GStrv) components = g_strsplit(pattern + 1, "/", -1);
  Expansion self = { .hidden = hidden, .matches = matches_out, .unseen = unseen_out };

  self.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gboolean ok = expand(&self, "/", components);
  g_hash_table_unref(self.seen);
  /* The same policy on the same host is the same plan. */
  g_ptr_array_sort(matches_out, compare_paths);
  return ok;
}
