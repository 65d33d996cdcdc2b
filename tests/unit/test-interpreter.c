/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interpreters of made-up installations in a temporary tree; none is ever run. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/bt-interpreter.h"
#include "plan/bt-program.h"

static char *root;

static char *
at(const char *path)
{
  return g_build_filename(root, path, NULL);
}

static void
make_file(const char *path, const char *text, int mode)
{
  g_autofree char *full = at(path);
  g_autofree char *folder = g_path_get_dirname(full);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
  g_assert_true(g_file_set_contents(full, text, -1, NULL));
  g_assert_cmpint(chmod(full, mode), ==, 0);
}

static void
make_link(const char *path, const char *target)
{
  g_autofree char *full = at(path);
  g_autofree char *folder = g_path_get_dirname(full);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
  g_assert_cmpint(symlink(target, full), ==, 0);
}

/* path and the rest of the environment with "@" for the root. */
static char **
environment(const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, "@", -1);
  g_autofree char *whole = g_strjoinv(root, parts);
  return g_strsplit(whole, " ", -1);
}

static BtInterpreter *
find(const char *variables, const char *cwd, BtInterpreter *(*finder)(const BtPlanRequest *))
{
  g_auto(GStrv) env = environment(variables);
  g_autofree char *here = at(cwd);
  BtPlanRequest request = {
    .environment = (const char *const *)env,
    .cwd = here,
    .home = root,
  };
  return finder(&request);
}

static void
make_world(void)
{
  make_file("sys/bin/python3.11", "\177ELF", 0755);
  make_link("sys/bin/python3", "python3.11");
  make_file("other/bin/python3", "\177ELF", 0000);
  make_file("noexec/bin/python3", "text", 0644);
  make_link("venv/bin/python3", "../../sys/bin/python3");
  make_file("venv/pyvenv.cfg", "include-system-site-packages = false\nHome = /opt/base/bin\n", 0644);
  make_file(".pyenv/shims/python3", "#!/bin/sh\n", 0755);
  make_file(".pyenv/shims/python", "#!/bin/sh\n", 0755);
  make_file(".pyenv/version", "3.11\n", 0644);
  make_file(".pyenv/versions/3.11.2/bin/python3", "\177ELF", 0755);
  make_file(".pyenv/versions/3.11.10/bin/python3", "\177ELF", 0755);
  make_file(".pyenv/versions/3.12.0/bin/python3", "\177ELF", 0755);
  make_file("project/.python-version", "# pinned\n3.12.0\n3.11.2\n", 0644);
  make_file("project/deep/x", "", 0644);
  make_file("gone/.python-version", "2.6\n", 0644);
  make_file("outside/.python-version", "system\n", 0644);
  make_file("sly/.python-version", "../../sly\n", 0644);
  make_file("sly/bin/python3", "\177ELF", 0755);
  make_file("nothing/x", "", 0644);
  make_file(".bun/bin/bun", "\177ELF", 0755);
}

static const struct {
  const char *variables, *cwd, *found, *venv, *base;
} pythons[] = {
  { "PATH=@/sys/bin", "nothing", "sys/bin/python3", NULL, NULL },
  /* Neither a file that cannot be run nor a relative entry is a candidate. */
  { "PATH=.:sys/bin:@/noexec/bin:@/sys/bin", "nothing", "sys/bin/python3", NULL, NULL },
  { "PATH=@/noexec/bin", "nothing", NULL, NULL, NULL },
  { "PATH=@/venv/bin:@/sys/bin", "nothing", "venv/bin/python3", "venv", "/opt/base/bin" },
  { "PATH=@/sys/bin VIRTUAL_ENV=@/venv", "nothing", "venv/bin/python3", "venv", "/opt/base/bin" },
  { "PATH=@/sys/bin VIRTUAL_ENV=@/gone", "nothing", "sys/bin/python3", NULL, NULL },
  { "PATH=@/sys/bin VIRTUAL_ENV=venv", "nothing", "sys/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims:@/sys/bin", "nothing", ".pyenv/versions/3.11.10/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims:@/sys/bin", "project", ".pyenv/versions/3.12.0/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims:@/sys/bin", "project/deep", ".pyenv/versions/3.12.0/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims PYENV_VERSION=3.11.2", "project", ".pyenv/versions/3.11.2/bin/python3", NULL, NULL },
  /* A version that is not there, or "system", is the rest of PATH. */
  { "PATH=@/.pyenv/shims:@/sys/bin", "gone", "sys/bin/python3", NULL, NULL },
  /* A version is a name, not a path. */
  { "PATH=@/.pyenv/shims:@/sys/bin", "sly", "sys/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims:@/sys/bin", "outside", "sys/bin/python3", NULL, NULL },
  { "PATH=@/.pyenv/shims", "outside", NULL, NULL, NULL },
};

static void
test_python(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(pythons); i++) {
    BtInterpreter *python = find(pythons[i].variables, pythons[i].cwd, bt_interpreter_find_python);
    g_autofree char *found = pythons[i].found != NULL ? at(pythons[i].found) : NULL;
    g_autofree char *venv = pythons[i].venv != NULL ? at(pythons[i].venv) : NULL;

    g_test_message("%s in %s", pythons[i].variables, pythons[i].cwd);
    g_assert_cmpstr(python != NULL ? python->found : NULL, ==, found);
    if (python == NULL)
      continue;
    g_assert_cmpstr(python->venv, ==, venv);
    g_assert_cmpstr(python->base, ==, pythons[i].base);
    bt_interpreter_free(python);
  }
}

static void
test_unreadable(void)
{
  if (geteuid() == 0) {
    g_test_skip("root reads everything");
    return;
  }
  g_autoptr(BtInterpreter) python =
    find("PATH=@/other/bin:@/sys/bin", "nothing", bt_interpreter_find_python);
  g_autofree char *found = at("sys/bin/python3");
  g_assert_cmpstr(python->found, ==, found);
}

static void
test_bun(void)
{
  g_autoptr(BtInterpreter) bun = find("PATH=@/sys/bin", "nothing", bt_interpreter_find_bun);
  g_autofree char *found = at(".bun/bin/bun");
  g_assert_nonnull(bun);
  g_assert_cmpstr(bun->found, ==, found);
}

static const struct {
  const char *line, *interpreter, *argument;
} scripts[] = {
  { "#!/bin/sh\n", "/bin/sh", NULL },
  { "#!/bin/sh", "/bin/sh", NULL },
  { "#! /usr/bin/env  python3 -I \nrest", "/usr/bin/env", "python3 -I" },
  { "#!\t/bin/x\ty z\n", "/bin/x", "y z" },
  { "#!\n/bin/sh", NULL, NULL },
  { "#!", NULL, NULL },
  { "#", NULL, NULL },
  { "", NULL, NULL },
  { "#!   \t", NULL, NULL },
  { "#! \n/bin/sh\n", NULL, NULL },
  { "#!/bin/sh\r\n", "/bin/sh\r", NULL },
  { "#!/bin/sh -e\r\n", "/bin/sh", "-e\r" },
  { "#!/bin/sh \t \n", "/bin/sh", NULL },
  { "#!/bin/sh -e  ", "/bin/sh", "-e  " },
  { "#!sh\v-e\n", "sh\v-e", NULL },
  { "\177ELF", NULL, NULL },
  { "plain", NULL, NULL },
};

static void
test_shebang(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(scripts); i++) {
    g_auto(BtProgram) program = BT_PROGRAM_INIT;
    bt_program_parse((const guint8 *)scripts[i].line, strlen(scripts[i].line), &program);
    /* Meson writes it into XML, which has no place for control characters. */
    g_autofree char *shown = g_strescape(scripts[i].line, NULL);
    g_test_message("%s", shown);
    g_assert_cmpstr(program.interpreter, ==, scripts[i].interpreter);
    g_assert_cmpstr(program.argument, ==, scripts[i].argument);
    g_assert_null(program.loader);
  }
}

/* The kernel looks at 256 bytes: a name that goes on after them is none, an argument is cut. */
static void
test_long_shebang(void)
{
  g_autofree char *name = g_strnfill(300, 'x');
  g_autofree char *long_name = g_strconcat("#!/", name, "\n", NULL);
  g_autofree char *long_argument = g_strconcat("#!/bin/sh ", name, "\n", NULL);
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  g_assert_false(bt_program_parse((const guint8 *)long_name, strlen(long_name), &program));
  g_assert_true(bt_program_parse((const guint8 *)long_argument, strlen(long_argument), &program));
  g_assert_cmpstr(program.interpreter, ==, "/bin/sh");
  g_assert_cmpuint(strlen(program.argument), ==, 255 - strlen("#!/bin/sh "));
}

/* A byte that ends a C string ends the line for the kernel, too. */
static void
test_shebang_with_nul(void)
{
  static const guint8 name[] = "#!/bin/sh\0 -e\n", argument[] = "#!/bin/sh -e\0x\n";
  g_auto(BtProgram) first = BT_PROGRAM_INIT;
  g_auto(BtProgram) second = BT_PROGRAM_INIT;

  g_assert_true(bt_program_parse(name, sizeof name - 1, &first));
  g_assert_cmpstr(first.interpreter, ==, "/bin/sh");
  g_assert_null(first.argument);
  g_assert_true(bt_program_parse(argument, sizeof argument - 1, &second));
  g_assert_cmpstr(second.argument, ==, "-e");
}

/* Cut anywhere, or with any byte changed, a head is read within its bounds. */
static void
test_elf(void)
{
  g_autofree char *bytes = NULL;
  gsize size;
  g_auto(BtProgram) whole = BT_PROGRAM_INIT;

  g_assert_true(g_file_get_contents("/proc/self/exe", &bytes, &size, NULL));
  size = MIN(size, 4096);
  g_assert_true(bt_program_parse((const guint8 *)bytes, size, &whole));
  g_assert_cmpstr(whole.loader, !=, NULL);
  g_assert_cmpint(access(whole.loader, X_OK), ==, 0);
  for (gsize length = 0; length < 1024; length++) {
    g_auto(BtProgram) program = BT_PROGRAM_INIT;
    g_autofree guint8 *cut = g_memdup2(bytes, MAX(length, 1));
    bt_program_parse(cut, length, &program);
    g_assert_true(program.loader == NULL || strcmp(program.loader, whole.loader) == 0);
  }
  for (gsize i = 4; i < 256; i++) {
    g_auto(BtProgram) program = BT_PROGRAM_INIT;
    g_autofree guint8 *changed = g_memdup2(bytes, size);
    changed[i] ^= 0xff;
    bt_program_parse(changed, size, &program);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  root = g_dir_make_tmp("buntime-interpreter-XXXXXX", NULL);
  g_assert_nonnull(root);
  make_world();
  g_test_add_func("/interpreter/python", test_python);
  g_test_add_func("/interpreter/unreadable", test_unreadable);
  g_test_add_func("/interpreter/bun", test_bun);
  g_test_add_func("/interpreter/shebang", test_shebang);
  g_test_add_func("/interpreter/shebang-long", test_long_shebang);
  g_test_add_func("/interpreter/shebang-nul", test_shebang_with_nul);
  g_test_add_func("/interpreter/elf", test_elf);
  int status = g_test_run();
  const char *const remove[] = { "rm", "-rf", root, NULL };
  g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free(root);
  return status;
}
