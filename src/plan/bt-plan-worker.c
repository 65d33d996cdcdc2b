/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is run: the entry, how it is run, and what has to be visible for it.
 *
 * The worker's own interpreter is granted by naming the entry, as is the
 * interpreter of a script's #! line; that line is carried out here (with
 * env's look-up on PATH), so that neither env nor a shell needs a grant.
 */
#include "plan/bt-plan-private.h"

#include <dirent.h>
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "plan/bt-interpreter.h"
#include "plan/bt-program.h"

#define MAX_ENTRY_BYTES (8u << 20)
#define STDIN_FOLDER "/run/buntime"

static void
take_program(BtCompile *self, const char *executable, const char *found)
{
  self->executable = g_strdup(executable);
  self->run_path = g_strdup(found);
  self->program = g_path_get_basename(found);
  self->path_dir = g_path_get_dirname(found);
}

/* ---- interpreters ---- */

/*
 * Does an interpreter really live there? A script's #! line and pyvenv.cfg
 * are the words of whoever wrote the program: "home = ~/.ssh/bin" must not
 * show ~/.ssh, nor a python3 in a project's own directory the one above it.
 */
static gboolean
is_python_prefix(const char *binary, const char *prefix)
{
  g_autofree char *lib = g_build_filename(prefix, "lib", NULL);
  struct stat info;
  gboolean found = FALSE;

  if (stat(binary, &info) != 0 || !S_ISREG(info.st_mode) || access(binary, X_OK) != 0)
    return FALSE;
  DIR *folder = opendir(lib);
  const struct dirent *entry;
  while (folder != NULL && !found && (entry = readdir(folder)) != NULL)
    found = g_str_has_prefix(entry->d_name, "python3");
  if (folder != NULL)
    closedir(folder);
  return found;
}

void
bt_compile_python_prefix(BtCompile *self, const char *binary)
{
  g_autofree char *bin = g_path_get_dirname(binary);
  g_autofree char *prefix = g_path_get_dirname(bin);
  g_autofree char *name = g_path_get_basename(binary);
  g_autofree char *lib = g_build_filename(prefix, "lib", name, NULL);

  if (bt_path_is_below(binary, "/nix/store")) {
    bt_compile_spot(self, "/nix/store", BT_SPOT_LIBRARY, 0);
  } else if (strcmp(prefix, "/usr") == 0 || strcmp(prefix, "/") == 0) {
    bt_compile_spot(self, "/usr/lib/python3", BT_SPOT_LIBRARY, 0);
    g_autofree char *system = g_build_filename("/usr/lib", name, NULL);
    bt_compile_spot(self, system, BT_SPOT_LIBRARY, 0);
  } else if (bt_path_is_below(self->request->home, prefix) || strcmp(prefix, "/usr/local") == 0) {
    /* An interpreter in ~/bin does not make the home visible. */
    bt_compile_spot(self, lib, BT_SPOT_LIBRARY, 0);
  } else if (is_python_prefix(binary, prefix)) {
    bt_compile_spot(self, prefix, BT_SPOT_LIBRARY, 0);
  }
}

static void
use_python(BtCompile *self, const BtInterpreter *python)
{
  if (python->venv != NULL) {
    g_autofree char *venv = bt_compile_show(self, python->venv);
    /* A link to the home, or a pyvenv.cfg in it, makes no environment of all that is there. */
    if (!bt_path_is_below(self->request->home, venv))
      bt_compile_spot(self, venv, BT_SPOT_LIBRARY, 0);
  }
  g_autofree char *real = bt_compile_show(self, python->found);
  bt_compile_python_prefix(self, real);
  if (python->base != NULL) {
    /* The name pyvenv.cfg knows it by has to lead there inside, too. */
    g_autofree char *written = g_build_filename(python->base, "python3", NULL);
    g_autofree char *base = bt_compile_show(self, written);
    bt_compile_python_prefix(self, base);
  }
  take_program(self, real, python->found);
  bt_compile_program(self, real, NULL);
}

static void
use_plain(BtCompile *self, const char *found, const BtProgram *known)
{
  g_autofree char *real = bt_compile_show(self, found);

  if (bt_path_is_below(real, "/nix/store"))
    bt_compile_spot(self, "/nix/store", BT_SPOT_LIBRARY, 0);
  take_program(self, real, found);
  bt_compile_program(self, real, known);
  /* The system's git is of no use without its helpers; a project's file of that name has none. */
  if (bt_path_is_below(real, "/usr/bin"))
    bt_compile_bundle(self, found);
}

/* Python called by its own name may be a virtual environment's, too. */
static void
use_program(BtCompile *self, const char *found, const BtProgram *known)
{
  if (bt_program_is_python(found)) {
    g_autoptr(BtInterpreter) python = bt_interpreter_at(found);
    use_python(self, python);
  } else {
    use_plain(self, found, known);
  }
}

/* ---- the entry's file ---- */

static gboolean
is_stdin(const BtPlanRequest *request)
{
  return strcmp(request->entry, "-") == 0;
}

static char *
absolute_entry(const BtPlanRequest *request)
{
  return request->entry[0] == '/' ? g_strdup(request->entry)
                                  : g_build_filename(request->cwd, request->entry, NULL);
}

/* What uid cannot read is put there as bytes. */
static gboolean
make_entry(BtCompile *self, const char *path, GError **error)
{
  gsize size;
  const void *bytes = g_bytes_get_data(self->request->entry_bytes, &size);

  if (size > MAX_ENTRY_BYTES)
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, self->request->entry,
                   _("a program that has to be copied is at most 8 MiB"),
                   _("put it into a file that the user who runs it may read"));
  bt_compile_file(self, path, 0555, bytes, size);
  bt_compile_readable(self, path);
  self->entry_path = g_strdup(path);
  return TRUE;
}

/* Below the private /tmp the entry's directory is as read-only as elsewhere. */
static void
show_entry_folder(BtCompile *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);

  if (!bt_compile_is_granted(self, folder) &&
      strcmp(bt_compile_mount_at(self, folder)->path, "/") != 0)
    bt_compile_empty_dir(self, folder);
}

static gboolean
check_entry(const BtPlanRequest *request, const char *path, GError **error)
{
  struct stat info;

  if (stat(path, &info) != 0)
    return bt_fail(error, errno == EACCES ? BUNTIME_ERROR_NOT_RUNNABLE : BUNTIME_ERROR_NOT_FOUND,
                   request->entry, g_strerror(errno), _("check the spelling"));
  if (!S_ISREG(info.st_mode))
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, request->entry, _("it is not a file"),
                   _("name the program in it"));
  if (access(path, R_OK) != 0)
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, request->entry, g_strerror(errno),
                   _("make it readable (chmod +r)"));
  return TRUE;
}

/* An entry that is not there is the nearer mistake than an interpreter that is not. */
static gboolean
fail_without_interpreter(const BtPlanRequest *request, const char *name, const char *reason,
                         const char *cure, GError **error)
{
  g_autofree char *path = absolute_entry(request);
  gboolean file = !is_stdin(request) && request->entry[0] != '-' &&
                  request->entry_bytes == NULL && !request->harness;

  return (!file || check_entry(request, path, error)) &&
         bt_fail(error, BUNTIME_ERROR_NOT_FOUND, name, reason, cure);
}

static gboolean
show_entry(BtCompile *self, GError **error)
{
  g_autofree char *written = absolute_entry(self->request);
  g_autofree char *path = bt_compile_show(self, written);

  show_entry_folder(self, path);
  if (self->request->entry_bytes != NULL)
    return make_entry(self, path, error);
  if (!check_entry(self->request, path, error))
    return FALSE;
  bt_compile_spot(self, path, BT_SPOT_UNSEEN, BT_PLAN_NOEXEC);
  self->entry_path = g_steal_pointer(&path);
  return TRUE;
}

/* The program on standard input, under a name that the interpreter understands. */
static gboolean
show_stdin(BtCompile *self, const char *suffix, GError **error)
{
  g_autofree char *path = g_strconcat(STDIN_FOLDER "/stdin", suffix, NULL);

  if (self->request->entry_bytes == NULL)
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, "-", _("standard input was not read"), NULL);
  return make_entry(self, path, error);
}

/* As given, but never where the interpreter would take it for an option of its own. */
static void
add_entry_arg(BtCompile *self)
{
  const char *entry = self->request->entry;

  if (is_stdin(self->request)) {
    bt_plan_builder_arg(self->builder, self->entry_path);
  } else if (entry[0] == '-') {
    g_autofree char *safe = g_strconcat("./", entry, NULL);
    bt_plan_builder_arg(self->builder, safe);
  } else {
    bt_plan_builder_arg(self->builder, entry);
  }
}

static void
add_args(BtCompile *self)
{
  for (const char *const *arg = self->request->args; *arg != NULL; arg++)
    bt_plan_builder_arg(self->builder, *arg);
}

/* It is seen with the other clients. */
static void
add_harness_arg(BtCompile *self, const char *name)
{
  g_autofree char *path = g_build_filename(self->request->clients, name, NULL);
  bt_plan_builder_arg(self->builder, path);
}

/* ---- kinds ---- */

static gboolean
compile_python(BtCompile *self, GError **error)
{
  const BtPlanRequest *request = self->request;
  g_autoptr(BtInterpreter) python = bt_interpreter_find_python(request);
  /* --worker=python -- -m MOD: the interpreter's own options, but for a file called like one. */
  g_autofree char *file = absolute_entry(request);
  gboolean option = request->worker == BT_WORKER_PYTHON && request->entry[0] == '-' &&
                    !is_stdin(request) && access(file, F_OK) != 0;

  if (python == NULL)
    return fail_without_interpreter(
      request, "python3", _("no Python interpreter was found"),
      _("install one (Debian, Ubuntu: sudo apt install python3), or activate an environment that "
        "has one"),
      error);
  use_python(self, python);
  bt_plan_builder_arg(self->builder, python->found);
  if (request->harness) {
    add_harness_arg(self, "python/buntime/harness.py");
  } else if (option) {
    bt_plan_builder_arg(self->builder, request->entry);
  } else {
    if (!(is_stdin(request) ? show_stdin(self, ".py", error) : show_entry(self, error)))
      return FALSE;
    add_entry_arg(self);
  }
  add_args(self);
  return TRUE;
}

static gboolean
compile_bun(BtCompile *self, GError **error)
{
  g_autoptr(BtInterpreter) bun = bt_interpreter_find_bun(self->request);

  if (bun == NULL)
    return fail_without_interpreter(self->request, "bun", _("Bun was not found"),
                                    _("install it: npm install -g bun, or see https://bun.sh"),
                                    error);
  use_plain(self, bun->found, NULL);
  bt_plan_builder_arg(self->builder, bun->found);
  if (self->request->harness) {
    add_harness_arg(self, "bun/buntime/harness.js");
  } else {
    if (!(is_stdin(self->request) ? show_stdin(self, ".ts", error) : show_entry(self, error)))
      return FALSE;
    add_entry_arg(self);
  }
  add_args(self);
  return TRUE;
}

/* "/usr/bin/env -S python3 -I" → "python3", "-I"; the first word of anything else is dropped. */
static char **
split_shebang(const BtProgram *script)
{
  g_autofree char *base = g_path_get_basename(script->interpreter);
  gboolean env = strcmp(base, "env") == 0 && script->argument != NULL;

  if (!env) {
    char *plain[] = { script->interpreter, script->argument, NULL };
    return g_strdupv(plain);
  }
  const char *words = script->argument;
  if (g_str_has_prefix(words, "-S"))
    words += 2 + strspn(words + 2, " \t");
  else {
    /* Without -S all of it is one name. */
    const char *one[] = { words, NULL };
    return g_strdupv((char **)one);
  }
  return g_strsplit_set(words, " \t", -1);
}

/* The kernel starts at the working directory, too. */
static char *
find_interpreter(const BtPlanRequest *request, const char *name)
{
  if (name == NULL)
    return NULL;
  if (strchr(name, '/') == NULL)
    return bt_interpreter_search(request, name);
  return name[0] == '/' ? g_strdup(name) : g_build_filename(request->cwd, name, NULL);
}

static gboolean
use_shebang(BtCompile *self, const char *path, const BtProgram *script, GError **error)
{
  g_auto(GStrv) words = split_shebang(script);
  g_autofree char *found = find_interpreter(self->request, words[0]);
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  if (found == NULL || !bt_program_read(found, &program)) {
    g_autofree char *reason =
      g_strdup_printf(_("its interpreter %s was not found"),
                      words[0] != NULL ? words[0] : script->interpreter);
    return bt_fail(error, BUNTIME_ERROR_NOT_FOUND, path, reason,
                   _("install the interpreter, or correct the script's first line"));
  }
  use_program(self, found, &program);
  bt_plan_builder_arg(self->builder, found);
  for (char **word = words + 1; *word != NULL; word++)
    if ((*word)[0] != '\0')
      bt_plan_builder_arg(self->builder, *word);
  return TRUE;
}

static gboolean
run_file(BtCompile *self, const char *found, const char *shown_name, GError **error)
{
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  if (self->request->entry_bytes != NULL) {
    gsize size;
    const guint8 *bytes = g_bytes_get_data(self->request->entry_bytes, &size);
    bt_program_parse(bytes, size, &program);
    /* Its bytes would lie where nothing is executed. */
    if (program.is_elf)
      return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, shown_name,
                     _("the user it would run as cannot read it"),
                     _("chmod a+rx makes it so, or put it where that user may read it"));
  } else if (!bt_program_read(found, &program)) {
    return bt_fail(error, errno == ENOENT ? BUNTIME_ERROR_NOT_FOUND : BUNTIME_ERROR_NOT_RUNNABLE,
                   shown_name, g_strerror(errno), _("check the spelling and its permissions"));
  } else if (access(found, X_OK) != 0) {
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, shown_name, _("it is not executable"),
                   _("chmod +x makes it so; for a Python or Bun program, give it the ending .py or "
                     ".ts, or use --worker=python or --worker=bun"));
  }
  if (program.interpreter != NULL)
    return use_shebang(self, shown_name, &program, error);
  use_program(self, found, &program);
  return TRUE;
}

static gboolean
compile_found(BtCompile *self, const char *found, GError **error)
{
  if (!run_file(self, found, self->request->entry, error))
    return FALSE;
  g_autofree char *real = bt_compile_show(self, found);
  if (strcmp(real, self->executable) != 0)
    bt_compile_spot(self, real, BT_SPOT_UNSEEN, BT_PLAN_NOEXEC);
  bt_plan_builder_arg(self->builder, found);
  add_args(self);
  return TRUE;
}

static gboolean
compile_exec(BtCompile *self, GError **error)
{
  const BtPlanRequest *request = self->request;
  g_autofree char *path = absolute_entry(request);

  if (is_stdin(request))
    return bt_fail(error, BUNTIME_ERROR_NOT_RUNNABLE, "-",
                   _("only a Python or Bun program can come from standard input"),
                   _("use --worker=python or --worker=bun"));
  if (strchr(request->entry, '/') == NULL && access(path, F_OK) != 0 &&
      request->entry_bytes == NULL) {
    g_autofree char *found = bt_interpreter_search(request, request->entry);
    if (found == NULL)
      return bt_fail(error, BUNTIME_ERROR_NOT_FOUND, request->entry,
                     _("no such file here and no such program on PATH"), _("check the spelling"));
    return compile_found(self, found, error);
  }
  if (!run_file(self, path, request->entry, error) || !show_entry(self, error))
    return FALSE;
  add_entry_arg(self);
  add_args(self);
  return TRUE;
}

static gboolean
has_suffix(const char *entry, const char *const *suffixes)
{
  for (; *suffixes != NULL; suffixes++)
    if (g_str_has_suffix(entry, *suffixes))
      return TRUE;
  return FALSE;
}

BtWorkerKind
bt_request_kind(const BtPlanRequest *request)
{
  static const char *const python[] = { ".py", ".pyw", NULL };
  static const char *const bun[] = { ".ts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", ".mts", ".cts",
                                     NULL };

  if (request->worker != BT_WORKER_AUTO)
    return request->worker;
  if (request->harness || is_stdin(request) || has_suffix(request->entry, python))
    return BT_WORKER_PYTHON;
  return has_suffix(request->entry, bun) ? BT_WORKER_BUN : BT_WORKER_EXEC;
}

static gboolean
compile_kind(BtCompile *self, GError **error)
{
  if (self->request->harness && bt_request_kind(self->request) == BT_WORKER_EXEC)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "exec", _("only Python and Bun take code"),
                   _("name a program, or choose one of them"));
  switch (bt_request_kind(self->request)) {
  case BT_WORKER_PYTHON:
    return compile_python(self, error);
  case BT_WORKER_BUN:
    return compile_bun(self, error);
  case BT_WORKER_AUTO:
  case BT_WORKER_EXEC:
    break;
  }
  return compile_exec(self, error);
}

/*
 * The entry's program stays executable, also below a directory that is denied.
 * Who denies that very program means its children, which the kernel cannot
 * tell from it.
 */
static gboolean
check_denials(const BtCompile *self, GPtrArray *rules, GError **error)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY || (rule->perms & BT_FS_EXECUTE) == 0 ||
        rule->real == NULL || strcmp(rule->real, self->executable) != 0 ||
        bt_policy_check_run(self->request->policy, rule->real).action != BT_ACTION_DENY)
      continue;
    g_autofree char *origin = bt_origin_format(&rule->rule.origin);
    g_autofree char *safe = bt_text_neutralise(origin, -1);
    return bt_fail(error, BUNTIME_ERROR_POLICY, safe,
                   _("it denies the program that runs the entry, which has to run"),
                   _("leave it out; or write the entry for another program"));
  }
  return TRUE;
}

gboolean
bt_compile_worker(BtCompile *self, GError **error)
{
  BtPolicy *policy = self->request->policy;

  return compile_kind(self, error) &&
         check_denials(self, bt_policy_get_run_rules(policy), error) &&
         check_denials(self, bt_policy_get_fs_rules(policy), error);
}
