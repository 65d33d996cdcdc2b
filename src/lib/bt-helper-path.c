/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-helper-path.h"

#include <glib/gi18n-lib.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The folder of the running program, or of the library that we are a part of. */
static char *
own_folder(gboolean *library_out)
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

static char *
try_path(char *path)
{
  if (access(path, R_OK) == 0)
    return path;
  g_free(path);
  return NULL;
}

/*
 * Beside the program or library first, so that a moved or uninstalled buntime
 * finds the helpers of its own build; then where it was configured to be installed.
 * Neither an environment variable nor the current directory has a say.
 */
char *
bt_helper_path(const char *name, GError **error)
{
  gboolean library;
  g_autofree char *folder = own_folder(&library);
  char *path;

  if (folder != NULL) {
    path = try_path(g_strconcat(folder, library ? "/" BT_LIBEXEC_FROM_LIB "/"
                                                : "/" BT_LIBEXEC_FROM_BIN "/",
                                name, NULL));
    if (path != NULL)
      return path;
    for (gsize i = 0; i < G_N_ELEMENTS(build_folders); i++) {
      if (strcmp(name, build_folders[i].name) != 0)
        continue;
      path = try_path(g_strconcat(folder, "/../", build_folders[i].folder, "/", name, NULL));
      if (path != NULL)
        return path;
    }
  }
  path = try_path(g_strconcat(BT_LIBEXECDIR "/", name, NULL));
  if (path == NULL)
    bt_fail(error, BUNTIME_ERROR_SETUP, name, _("a part of buntime is missing"),
            _("install buntime again, or run it from its build directory"));
  return path;
}

/* As helpers are found; in a build below its root or in its folder data. */
char *
bt_data_path(const char *name)
{
  gboolean library;
  g_autofree char *folder = own_folder(&library);
  char *path = NULL;

  if (folder != NULL) {
    path = try_path(g_strconcat(folder, library ? "/" BT_DATA_FROM_LIB "/"
                                                : "/" BT_DATA_FROM_BIN "/",
                                name, NULL));
    /* Only of a build: what is installed is in no such folder. */
    gboolean build = g_str_has_suffix(folder, library ? "/src/lib" : "/src/cli");
    if (path == NULL && build)
      path = try_path(g_strconcat(folder, "/../../", name, NULL));
    if (path == NULL && build)
      path = try_path(g_strconcat(folder, "/../../data/", name, NULL));
  }
  g_autofree char *found = path != NULL ? path : g_strconcat(BT_DATADIR "/", name, NULL);
  /* People read it. */
  return g_canonicalize_filename(found, "/");
}

/* The folder, if the clients are in it. */
static char *
try_clients(const char *folder)
{
  g_autofree char *client = g_build_filename(folder, "python/buntime/__init__.py", NULL);
  char path[4096];

  return access(client, R_OK) == 0 && realpath(folder, path) != NULL ? g_strdup(path) : NULL;
}

/* Beside the library, as it is built and as it is installed; then where it was configured to be. */
char *
bt_clients_path(GError **error)
{
  static const char *const below[] = { "buntime", "../worker" };
  gboolean library;
  g_autofree char *folder = own_folder(&library);
  char *path = NULL;

  for (gsize i = 0; path == NULL && folder != NULL && library && i < G_N_ELEMENTS(below); i++) {
    g_autofree char *clients = g_build_filename(folder, below[i], NULL);
    path = try_clients(clients);
  }
  if (path == NULL)
    path = try_clients(BT_CLIENTSDIR);
  if (path == NULL)
    bt_fail(error, BUNTIME_ERROR_SETUP, "python/buntime", _("a part of buntime is missing"),
            _("install buntime again, or run it from its build directory"));
  return path;
}
