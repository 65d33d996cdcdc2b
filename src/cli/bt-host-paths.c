/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A path is a word to the host's buntime, which looks it up there. What Flatpak shares with the
 * application is the same file on both sides; /tmp, /var, /etc, /usr and all that is mounted for
 * the application alone are others, which somebody else may have put there. Which is which cannot
 * be read off a path: links lead from one to the other. So each is opened here, and the host is
 * asked whether it has the same file by that name.
 *
 * What is not there yet counts by the folder that it would be in. Where not even the first folder
 * is there, nothing here can be meant, and the path is the host's alone.
 *
 * Which words are paths is not asked either: a preset, a program on PATH, a descriptor or "-" is a
 * file of the working directory that is not there, and so no other than the host's.
 */
#include "cli/bt-host-paths.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime-sandbox.h"

#define ENTRY_VARIABLE "BUNTIME_ENTRY"

void
bt_host_path_free(BtHostPath *self)
{
  g_free(self->object);
  g_free(self->path);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self);
}

gboolean
bt_host_takes_variable(const char *entry)
{
  return g_str_has_prefix(entry, "BUNTIME_") || g_str_has_prefix(entry, "POD_") ||
         g_str_has_prefix(entry, "TERM=");
}

/*
 * Inherited, and of no use but to be compared. A link that leads nowhere stands for itself: the
 * host's, which leads somewhere, is another file then.
 */
static int
open_place(const char *path)
{
  int fd = open(path, O_PATH);

  if (fd < 0 && errno == ENOENT)
    fd = open(path, O_PATH | O_NOFOLLOW);
  return fd;
}

/* Shortens path to what is there of it, and opens that; -1: errno. */
static int
open_what_is_there(char *path)
{
  for (;;) {
    int fd = open_place(path);
    if (fd >= 0 || (errno != ENOENT && errno != ENOTDIR))
      return fd;
    char *end = strrchr(path, '/');
    end[end == path ? 1 : 0] = '\0';
  }
}

static gboolean
add_path(GPtrArray *paths, const char *object, const char *written, const char *folder,
         GError **error)
{
  const char *home = g_getenv("HOME");
  gboolean of_home = written[0] == '~' && home != NULL && home[0] == '/';
  g_autofree char *joined = of_home ? g_strconcat(home, written + 1, NULL) : NULL;
  g_autofree char *path = g_canonicalize_filename(of_home ? joined : written, folder);
  g_autofree char *whole = g_strdup(path);
  int fd = open_what_is_there(path);

  if (fd < 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, object, g_strerror(errno), NULL);
  if (strcmp(path, "/") == 0 && strcmp(whole, "/") != 0) {
    close(fd);
    return TRUE;
  }
  /* The host may have another home. */
  if (of_home && g_str_has_prefix(path, home)) {
    char *rest = g_strconcat("~", path + strlen(home), NULL);
    g_free(path);
    path = rest;
  }
  BtHostPath *place = g_new0(BtHostPath, 1);
  place->object = g_strdup(object);
  place->path = g_steal_pointer(&path);
  place->fd = fd;
  g_ptr_array_add(paths, place);
  return TRUE;
}

static gboolean
add_value(GPtrArray *paths, const BtOption *option, const char *name, const char *value,
          const char *folder, GError **error)
{
  g_autoptr(GPtrArray) items = NULL;

  if (bt_option_takes_list(option)) {
    items = bt_split_paths(value);
  } else {
    items = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(items, g_strdup(value));
  }
  for (guint i = 0; i < items->len; i++) {
    const char *item = g_ptr_array_index(items, i);
    g_autofree char *object = g_strconcat(name, "=", item, NULL);
    /* What is empty is refused by who understands it. */
    if (item[0] != '\0' && !add_path(paths, object, item, folder, error))
      return FALSE;
  }
  return TRUE;
}

/* The flag that a variable stands for: --allow-read for BUNTIME_ALLOW_READ. NULL: none of paths. */
static const BtOption *
find_option(const char *name)
{
  g_autofree char *flag = g_ascii_strdown(strchr(name, '_') + 1, -1);

  g_strdelimit(flag, "_", '-');
  for (guint i = 0; i < bt_n_options; i++)
    if (bt_option_takes_paths(&bt_options[i]) && strcmp(bt_options[i].name, flag) == 0)
      return &bt_options[i];
  return NULL;
}

static gboolean
add_variable(GPtrArray *paths, const char *entry, const char *folder, GError **error)
{
  const char *value = strchr(entry, '=');

  if (value == NULL || !bt_host_takes_variable(entry) || g_str_has_prefix(entry, "TERM="))
    return TRUE;
  g_autofree char *name = g_strndup(entry, (gsize)(value++ - entry));
  if (strcmp(name, ENTRY_VARIABLE) == 0 && value[0] != '\0')
    return add_path(paths, entry, value, folder, error);
  const BtOption *option = find_option(name);
  return option == NULL || add_value(paths, option, name, value, folder, error);
}

GPtrArray *
bt_host_paths_collect(const BtCommandLine *line, const char *folder, GError **error)
{
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func((GDestroyNotify)bt_host_path_free);
  gboolean ok = add_path(paths, folder, folder, folder, error);

  for (guint i = 0; ok && i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    g_autofree char *name = g_strconcat("--", given->option->name, NULL);
    if (given->value != NULL && bt_option_takes_paths(given->option))
      ok = add_value(paths, given->option, name, given->value, folder, error);
  }
  for (char **entry = environ; ok && *entry != NULL; entry++)
    ok = add_variable(paths, *entry, folder, error);
  if (ok && line->entry != NULL)
    ok = add_path(paths, line->entry, line->entry, folder, error);
  return ok ? g_steal_pointer(&paths) : NULL;
}

gboolean
bt_host_paths_fail(const GPtrArray *paths, const char *printed, GError **error)
{
  guint64 left = 0;
  const char *object = "--host";

  g_ascii_string_to_unsigned(printed, 10, 2, 2 * (guint64)paths->len, &left, NULL);
  if (left > 0)
    object = ((BtHostPath *)g_ptr_array_index(paths, paths->len - left / 2))->object;
  return bt_fail(error, BUNTIME_ERROR_USAGE, object,
                 _("outside of Flatpak's sandbox this is another file than inside"),
                 _("put it below your home directory, or share its folder by "
                   "'flatpak override --user --filesystem=FOLDER io.github.buntime.buntime'"));
}
