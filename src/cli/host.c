/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --host, inside Flatpak: the host's buntime does it, with all its layers.
 *
 * That is what Flatpak is there to prevent, and it works only where the user has permitted this
 * application to talk to org.freedesktop.Flatpak: whatever runs in it, sandboxed workers excepted,
 * can then start any program as the user. So it is never chosen by itself, and is announced.
 */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/bt-host-paths.h"
#include "cli/bt-run.h"

/* Of the runtime: one on PATH could be anybody's. */
#define SPAWN "/usr/bin/flatpak-spawn"
#define NO_BUNTIME 9

static gboolean
check_inside(GError **error)
{
  return access("/.flatpak-info", F_OK) == 0 ||
         bt_fail(error, BUNTIME_ERROR_USAGE, "--host", _("this is not inside Flatpak"),
                 _("leave it out: what buntime starts is the host's"));
}

/* Finds buntime on the host, and what paths are there. */
static GPtrArray *
list_probe(const GPtrArray *paths)
{
  static const char *const first[] = { SPAWN, "--host", "--directory=/" };
  static const char *const shell[] = {
    "/bin/sh", "-c", "command -v buntime >/dev/null || exit 9; " BT_HOST_PATHS_SCRIPT, "sh",
  };
  GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

  for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
    g_ptr_array_add(argv, g_strdup(first[i]));
  for (guint i = 0; i < paths->len; i++) {
    const BtHostPath *path = g_ptr_array_index(paths, i);
    g_ptr_array_add(argv, g_strdup_printf("--forward-fd=%d", path->fd));
  }
  for (gsize i = 0; i < G_N_ELEMENTS(shell); i++)
    g_ptr_array_add(argv, g_strdup(shell[i]));
  for (guint i = 0; i < paths->len; i++) {
    const BtHostPath *path = g_ptr_array_index(paths, i);
    g_ptr_array_add(argv, g_strdup_printf("%d", path->fd));
    g_ptr_array_add(argv, g_strdup(path->path));
  }
  g_ptr_array_add(argv, NULL);
  return argv;
}

/* Does Flatpak permit it, is there a buntime, and are the paths the same there? */
static gboolean
try_host(const GPtrArray *paths, GError **error)
{
  g_autoptr(GPtrArray) argv = list_probe(paths);
  g_autofree char *printed = NULL;
  g_autofree char *complaint = NULL;
  int status;

  if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL,
                    &printed, &complaint, &status, NULL))
    return bt_fail(error, BUNTIME_ERROR_SETUP, SPAWN, _("it cannot be run"),
                   _("use a runtime that has it, as org.freedesktop.Platform does"));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return TRUE;
  if (WIFEXITED(status) && WEXITSTATUS(status) == NO_BUNTIME)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "--host",
                   _("the host has no buntime on its PATH"),
                   _("install buntime there, or leave --host out"));
  if (WIFEXITED(status) && WEXITSTATUS(status) == BT_HOST_PATHS_OTHER)
    return bt_host_paths_fail(paths, g_strchomp(printed), error);
  complaint[strcspn(complaint, "\n")] = '\0';
  g_autofree char *reason = g_strdup_printf(_("Flatpak does not permit it: %s"), complaint);
  return bt_fail(error, BUNTIME_ERROR_SETUP, "--host", reason,
                 _("'flatpak override --user --talk-name=org.freedesktop.Flatpak "
                   "io.github.buntime.buntime' permits it: whatever runs in this application can "
                   "then start any program of yours outside"));
}

/* Descriptors that flags name have to be there under their numbers. */
static void
forward_descriptors(const BtCommandLine *line, GPtrArray *argv)
{
  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    gboolean names = given->option->id == BT_OPTION_JSON_STATUS_FD ||
                     given->option->id == BT_OPTION_EVENTS || given->option->id == BT_OPTION_AUDIT;
    guint64 fd;
    if (names && given->value != NULL &&
        g_ascii_string_to_unsigned(given->value, 10, 3, G_MAXINT, &fd, NULL))
      g_ptr_array_add(argv, g_strdup_printf("--forward-fd=%d", (int)fd));
  }
}

static GPtrArray *
list_command(const BtCommandLine *line, const char *folder)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) words = bt_list_words(line);

  g_ptr_array_add(argv, g_strdup(SPAWN));
  g_ptr_array_add(argv, g_strdup("--host"));
  /* Flatpak interrupts what it started when this ends, by whatever cause. */
  g_ptr_array_add(argv, g_strdup("--watch-bus"));
  g_ptr_array_add(argv, g_strconcat("--directory=", folder, NULL));
  for (char **entry = environ; *entry != NULL; entry++)
    if (bt_host_takes_variable(*entry))
      g_ptr_array_add(argv, g_strconcat("--env=", *entry, NULL));
  forward_descriptors(line, argv);
  g_ptr_array_add(argv, g_strdup("buntime"));
  g_ptr_array_extend_and_steal(argv, g_steal_pointer(&words));
  g_ptr_array_add(argv, NULL);
  return argv;
}

int
bt_host(const BtCommandLine *line, GError **error)
{
  g_autofree char *folder = g_get_current_dir();

  if (!check_inside(error))
    return -1;
  g_autoptr(GPtrArray) paths = bt_host_paths_collect(line, folder, error);
  if (paths == NULL || !try_host(paths, error))
    return -1;
  g_clear_pointer(&paths, g_ptr_array_unref);
  g_autoptr(GPtrArray) argv = list_command(line, folder);
  fputs(_("buntime: --host: the host's buntime does it, outside of Flatpak's sandbox\n"), stderr);
  execv(SPAWN, (char *const *)argv->pdata);
  bt_fail(error, BUNTIME_ERROR_SETUP, SPAWN, g_strerror(errno), NULL);
  return -1;
}
