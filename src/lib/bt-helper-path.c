/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-helper-path.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime-place.h"
#include "policy/buntime-error.h"

/* The folder of the build tree that holds a file which is not yet installed. */
static const struct {
  const char *name;
  const char *folder;
} build_folders[] = {
  { "buntime-init", "init" },
  { "buntime-net", "net" },
  { "buntime-json", "policy" },
  { "buntime-resolver", "lib" },
  { "buntime-scope", "lib" },
  { "buntime-serve", "serve" },
  { "buntime-repl", "repl" },
  { "buntime-debug-ui", "debug-ui" },
};

/* Is FOLDER one of a build tree? What is installed is in no folder of these names. */
static gboolean
is_build(const char *folder, gboolean library)
{
  return g_str_has_suffix(folder, library ? "/src/lib" : "/src/cli");
}

static const char *
build_folder_of(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(build_folders); i++)
    if (strcmp(name, build_folders[i].name) == 0)
      return build_folders[i].folder;
  return NULL;
}

/*
 * Beside the program or library first, so that a moved or uninstalled buntime
 * finds the helpers of its own build; then where it was configured to be installed.
 */
char *
bt_helper_path(const char *name, GError **error)
{
  static const char *const from[] = { BT_LIBEXEC_FROM_BIN "/", BT_LIBEXEC_FROM_LIB "/" };
  gboolean library;
  g_autofree char *folder = bt_place_own_folder(&library);
  int unknown = folder == NULL ? errno : 0;
  g_autofree char *configured = g_strconcat(BT_LIBEXECDIR "/", name, NULL);
  char *path = NULL;

  if (folder != NULL) {
    const char *below = build_folder_of(name);
    g_autofree char *installed = g_strconcat(from[library ? 1 : 0], name, NULL);
    BtPlaceState state = bt_place_find(folder, installed, configured, &path);
    if (state == BT_PLACE_MISSING && below != NULL && is_build(folder, library)) {
      g_autofree char *built = g_strconcat("../", below, "/", name, NULL);
      state = bt_place_find(folder, built, NULL, &path);
    }
    /* Another build's helpers would not be what was meant, and might not fit. */
    if (state == BT_PLACE_OTHERS) {
      bt_fail(error, BUNTIME_ERROR_SETUP, name, _("others could have put it beside this buntime"),
              _("have only its owner write to the folders that buntime is in"));
      return NULL;
    }
  }
  if (path == NULL && access(configured, R_OK) == 0)
    path = g_steal_pointer(&configured);
  if (path == NULL)
    bt_fail(error, BUNTIME_ERROR_SETUP, unknown != 0 ? "/proc/self/exe" : name,
            unknown != 0 ? g_strerror(unknown) : _("a part of buntime is missing"),
            _("install buntime again, or run it from its build directory"));
  return path;
}

/* As helpers are found; in a build below its root or in its folder data. */
char *
bt_data_path(const char *name)
{
  static const char *const from[] = { BT_DATA_FROM_BIN "/", BT_DATA_FROM_LIB "/" };
  static const char *const built[] = { "../../", "../../data/" };
  gboolean library;
  g_autofree char *folder = bt_place_own_folder(&library);
  g_autofree char *configured = g_strconcat(BT_DATADIR "/", name, NULL);
  char *path = NULL;

  if (folder != NULL) {
    g_autofree char *installed = g_strconcat(from[library ? 1 : 0], name, NULL);
    BtPlaceState state = bt_place_find(folder, installed, configured, &path);
    for (gsize i = 0;
         state == BT_PLACE_MISSING && i < G_N_ELEMENTS(built) && is_build(folder, library); i++) {
      g_autofree char *relative = g_strconcat(built[i], name, NULL);
      state = bt_place_find(folder, relative, NULL, &path);
    }
  }
  /* People read it. */
  return path != NULL ? path : g_canonicalize_filename(configured, "/");
}

/* What the clients are known by, below where they are. */
#define CLIENT "/python/buntime/__init__.py"

/* Beside the library, as it is installed and as it is built; then where it was configured to be. */
char *
bt_clients_path(GError **error)
{
  gboolean library;
  g_autofree char *folder = bt_place_own_folder(&library);
  g_autofree char *found = NULL;
  char path[4096];

  if (folder != NULL && library) {
    BtPlaceState state = bt_place_find(folder, "buntime" CLIENT, BT_CLIENTSDIR CLIENT, &found);
    if (state == BT_PLACE_MISSING && is_build(folder, library))
      bt_place_find(folder, "../worker" CLIENT, NULL, &found);
  }
  if (found == NULL && access(BT_CLIENTSDIR CLIENT, R_OK) == 0)
    found = g_strdup(BT_CLIENTSDIR CLIENT);
  if (found != NULL) {
    found[strlen(found) - strlen(CLIENT)] = '\0';
    if (realpath(found, path) != NULL)
      return g_strdup(path);
  }
  bt_fail(error, BUNTIME_ERROR_SETUP, "python/buntime", _("a part of buntime is missing"),
          _("install buntime again, or run it from its build directory"));
  return NULL;
}
