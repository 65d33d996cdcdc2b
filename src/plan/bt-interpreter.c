/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where interpreters are: a virtual environment keeps a link to its base and a
 * file pyvenv.cfg naming it; uv and nix are told by the link alone; pyenv puts
 * scripts on PATH, and the version that such a script would choose is looked
 * up here by the same rules.  A candidate that cannot be read is another
 * user's, and passed over.
 */
#include "plan/bt-interpreter.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/bt-plan-private.h"

void
bt_interpreter_free(BtInterpreter *interpreter)
{
  g_free(interpreter->found);
  g_free(interpreter->venv);
  g_free(interpreter->base);
  g_free(interpreter);
}

static gboolean
is_program(const char *path)
{
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, R_OK | X_OK) == 0;
}

static char *
read_small(const char *path)
{
  g_autofree char *text = NULL;
  struct stat info;

  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > 65536 ||
      !g_file_get_contents(path, &text, NULL, NULL))
    return NULL;
  return g_steal_pointer(&text);
}

/* ---- virtual environments ---- */

/* "home = /usr/bin" */
static char *
config_home(const char *config)
{
  g_auto(GStrv) lines = g_strsplit(config, "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    char *equals = strchr(*line, '=');
    if (equals == NULL)
      continue;
    *equals = '\0';
    if (g_ascii_strcasecmp(g_strstrip(*line), "home") == 0) {
      const char *value = g_strstrip(equals + 1);
      return value[0] == '/' ? g_strdup(value) : NULL;
    }
  }
  return NULL;
}

BtInterpreter *
bt_interpreter_at(const char *path)
{
  BtInterpreter *self = g_new0(BtInterpreter, 1);
  g_autofree char *bin = g_path_get_dirname(path);
  g_autofree char *folder = g_path_get_dirname(bin);
  g_autofree char *config_path = g_build_filename(folder, "pyvenv.cfg", NULL);
  g_autofree char *config = read_small(config_path);

  self->found = g_strdup(path);
  if (config != NULL) {
    self->venv = g_steal_pointer(&folder);
    self->base = config_home(config);
  }
  return self;
}

/* ---- pyenv ---- */

/* The first version that is named, as pyenv's files and variable list them. */
static char *
first_version(const char *text)
{
  g_auto(GStrv) lines = g_strsplit_set(text, "\n:", -1);

  for (char **line = lines; *line != NULL; line++) {
    const char *version = g_strstrip(*line);
    if (version[0] != '\0' && version[0] != '#')
      return g_strdup(version);
  }
  return NULL;
}

static char *
version_of_file(const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);
  g_autofree char *text = read_small(path);
  return text != NULL ? first_version(text) : NULL;
}

/* $PYENV_VERSION, .python-version here or above, the global choice. */
static char *
pyenv_version(const BtPlanRequest *request, const char *root)
{
  const char *variable = bt_request_getenv(request, "PYENV_VERSION");
  g_autofree char *folder = g_strdup(request->cwd);

  if (variable != NULL && variable[0] != '\0')
    return first_version(variable);
  for (;;) {
    char *version = version_of_file(folder, ".python-version");
    if (version != NULL)
      return version;
    if (strcmp(folder, "/") == 0)
      break;
    char *above = g_path_get_dirname(folder);
    g_free(folder);
    folder = above;
  }
  return version_of_file(root, "version");
}

/* Of "3.11.2" and "3.11.10" the second is newer. */
static gboolean
is_newer(const char *version, const char *than)
{
  guint64 a[4] = { 0 }, b[4] = { 0 };

  for (guint i = 0; i < 4 && *version != '\0'; i++) {
    a[i] = g_ascii_strtoull(version, (char **)&version, 10);
    version += *version == '.';
  }
  for (guint i = 0; i < 4 && *than != '\0'; i++) {
    b[i] = g_ascii_strtoull(than, (char **)&than, 10);
    than += *than == '.';
  }
  for (guint i = 0; i < 4; i++)
    if (a[i] != b[i])
      return a[i] > b[i];
  return FALSE;
}

/* "3.11" means the newest 3.11 that is installed. */
static char *
newest_below(const char *versions, const char *prefix)
{
  GDir *folder = g_dir_open(versions, 0, NULL);
  const char *name;
  char *best = NULL;
  gsize length = strlen(prefix);

  if (folder == NULL)
    return NULL;
  while ((name = g_dir_read_name(folder)) != NULL) {
    if (strncmp(name, prefix, length) != 0 || name[length] != '.' ||
        (best != NULL && !is_newer(name, best)))
      continue;
    g_free(best);
    best = g_strdup(name);
  }
  g_dir_close(folder);
  return best;
}

/* What a pyenv shim would run. NULL: nothing; "system" means the rest of PATH. */
static char *
pyenv_program(const BtPlanRequest *request, const char *root, const char *name)
{
  g_autofree char *version = pyenv_version(request, root);
  g_autofree char *versions = g_build_filename(root, "versions", NULL);

  /* The word of whoever made the working directory: a name, not a way to another place. */
  if (version == NULL || strcmp(version, "system") == 0 || version[0] == '.' ||
      strchr(version, '/') != NULL)
    return NULL;
  g_autofree char *path = g_build_filename(versions, version, "bin", name, NULL);
  if (is_program(path))
    return g_steal_pointer(&path);
  g_autofree char *newest = newest_below(versions, version);
  if (newest == NULL)
    return NULL;
  g_autofree char *newer = g_build_filename(versions, newest, "bin", name, NULL);
  return is_program(newer) ? g_steal_pointer(&newer) : NULL;
}

/* The directory above PATH's "shims", if it is pyenv's. */
static char *
shims_root(const char *folder)
{
  if (!g_str_has_suffix(folder, "/shims"))
    return NULL;
  g_autofree char *root = g_path_get_dirname(folder);
  g_autofree char *versions = g_build_filename(root, "versions", NULL);
  return g_file_test(versions, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&root) : NULL;
}

/* ---- PATH ---- */

char *
bt_interpreter_search(const BtPlanRequest *request, const char *name)
{
  const char *path = bt_request_getenv(request, "PATH");
  g_auto(GStrv) folders = g_strsplit(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);

  for (char **folder = folders; *folder != NULL; folder++) {
    /* An empty or relative entry means wherever the caller happens to be. */
    if ((*folder)[0] != '/')
      continue;
    g_autofree char *root = shims_root(*folder);
    g_autofree char *candidate = root != NULL ? pyenv_program(request, root, name)
                                              : g_build_filename(*folder, name, NULL);
    if (candidate != NULL && is_program(candidate))
      return g_steal_pointer(&candidate);
  }
  return NULL;
}

BtInterpreter *
bt_interpreter_find_python(const BtPlanRequest *request)
{
  static const char *const names[] = { "python3", "python" };
  const char *venv = bt_request_getenv(request, "VIRTUAL_ENV");

  if (venv != NULL && venv[0] == '/') {
    g_autofree char *path = g_build_filename(venv, "bin", "python3", NULL);
    if (is_program(path))
      return bt_interpreter_at(path);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = bt_interpreter_search(request, names[i]);
    if (path != NULL)
      return bt_interpreter_at(path);
  }
  return NULL;
}

BtInterpreter *
bt_interpreter_find_bun(const BtPlanRequest *request)
{
  g_autofree char *path = bt_interpreter_search(request, "bun");

  if (path == NULL) {
    path = g_build_filename(request->home, ".bun", "bin", "bun", NULL);
    if (!is_program(path))
      return NULL;
  }
  BtInterpreter *self = g_new0(BtInterpreter, 1);
  self->found = g_steal_pointer(&path);
  return self;
}
