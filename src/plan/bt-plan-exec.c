/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs.  To run, a program needs Landlock's EXECUTE (gates execve) and a
 * mount without noexec (gates mapping); everything else has neither, so that
 * the loader cannot run it as its argument.  A program that starts helpers
 * carries them as a bundle; the shell is never in one.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "plan/bt-program.h"

/* Directories and programs that a known tool starts by itself. */
static const struct {
  const char *program;
  const char *helpers[6];
} bundles[] = {
  { "git", { "/usr/lib/git-core", "/usr/libexec/git-core" } },
  { "gcc", { "/usr/lib/gcc", "/usr/libexec/gcc", "/usr/bin/as", "/usr/bin/ld" } },
  { "cc", { "/usr/lib/gcc", "/usr/libexec/gcc", "/usr/bin/as", "/usr/bin/ld" } },
  { "g++", { "/usr/lib/gcc", "/usr/libexec/gcc", "/usr/bin/as", "/usr/bin/ld" } },
  { "c++", { "/usr/lib/gcc", "/usr/libexec/gcc", "/usr/bin/as", "/usr/bin/ld" } },
  { "ssh", { "/usr/lib/openssh" } },
};

static void
allow_execute(BtCompile *self, const char *path, GBytes *bytes)
{
  bt_plan_builder_landlock(self->builder, path,
                           (BT_FS_EXECUTE | BT_FS_READ_FILE) & self->handled);
  if (bytes != NULL)
    bt_compile_spot_copy(self, path, bytes);
  else
    bt_compile_spot(self, path, BT_SPOT_SHOW, 0);
}

/* Landlock's right comes with the mount, if a denial to read leaves one. */
static void
allow_execute_below(BtCompile *self, const char *path)
{
  bt_compile_spot(self, path, BT_SPOT_POINT, 0);
}

/* An ELF file that needs no loader itself. */
static gboolean
is_loader(const char *path)
{
  g_auto(BtProgram) program = BT_PROGRAM_INIT;
  return bt_program_read(path, &program) && program.is_elf && program.loader == NULL;
}

/*
 * The kernel opens the loader as a program, too. Its name is the word of
 * whoever made the program, and may be that of any file or directory of the
 * user's: what is no loader is not shown.
 */
static void
allow_loader(BtCompile *self, const char *loader)
{
  if (!is_loader(loader))
    return;
  g_autofree char *real = bt_compile_show(self, loader);
  if (is_loader(real))
    allow_execute(self, real, NULL);
}

/* A script's interpreter is a grant of its own, which may be missing. */
static void
note_interpreter(BtCompile *self, const char *path, const BtProgram *program)
{
  g_autofree char *real = bt_compile_show(self, program->interpreter);

  if (bt_policy_check_run(self->request->policy, real).action != BT_ACTION_DENY ||
      (self->executable != NULL && strcmp(self->executable, real) == 0))
    return;
  bt_compile_note(self, g_strdup_printf(_("%s is a script for %s, which is not granted; "
                                          "--allow-run=%s grants it"),
                                        path, program->interpreter, program->interpreter));
}

static void
add_program(BtCompile *self, const char *path, const BtProgram *known, GBytes *bytes)
{
  allow_execute(self, path, bytes);
  if (bt_program_is_python(path))
    bt_compile_python_prefix(self, path);
  if (known == NULL)
    return;
  if (known->loader != NULL && known->loader[0] == '/')
    allow_loader(self, known->loader);
  if (known->interpreter != NULL)
    note_interpreter(self, path, known);
}

void
bt_compile_program(BtCompile *self, const char *path, const BtProgram *known)
{
  g_auto(BtProgram) program = BT_PROGRAM_INIT;

  /* Executable but not readable: the kernel may still run it, but nobody can say how. */
  if (known == NULL && bt_program_read(path, &program))
    known = &program;
  add_program(self, path, known, NULL);
}

/* What has the sum runs, whatever is at the path by now. */
static void
add_summed(BtCompile *self, const BtPathRule *rule)
{
  g_auto(BtProgram) program = BT_PROGRAM_INIT;
  gsize size;
  const guint8 *data = g_bytes_get_data(rule->bytes, &size);

  bt_program_parse(data, size, &program);
  add_program(self, rule->real, &program, rule->bytes);
}

void
bt_compile_bundle(BtCompile *self, const char *path)
{
  g_autofree char *name = g_path_get_basename(path);
  struct stat info;

  for (gsize i = 0; i < G_N_ELEMENTS(bundles); i++) {
    if (strcmp(bundles[i].program, name) != 0)
      continue;
    for (gsize k = 0; k < G_N_ELEMENTS(bundles[i].helpers); k++) {
      const char *helper = bundles[i].helpers[k];
      if (helper == NULL || lstat(helper, &info) != 0)
        continue;
      g_autofree char *real = bt_compile_show(self, helper);
      /* A denial takes a helper out of the bundle. */
      if (bt_policy_check_run(self->request->policy, real).action == BT_ACTION_DENY) {
        BtFsPerms denied;
        bt_policy_path_perms(self->request->policy, real, &denied);
        if ((denied & BT_FS_EXECUTE) != 0)
          continue;
      }
      allow_execute(self, real, NULL);
    }
  }
}

/* Takes the right to run from what is covered by a grant for more. */
static void
deny_program(BtCompile *self, const BtPathRule *rule)
{
  if (bt_policy_check_run(self->request->policy, rule->real).action == BT_ACTION_DENY)
    bt_compile_spot(self, rule->real, BT_SPOT_NORUN, 0);
}

/* Who may write a program runs any. */
static void
tell_of_writing(BtCompile *self, const BtPathRule *rule)
{
  BtFsPerms perms = bt_policy_path_perms(self->request->policy, rule->real, NULL);

  if ((perms & BT_FS_WRITE) != 0 && !self->run_everything)
    bt_compile_note(self, g_strdup_printf(_("%s is granted to run, so it is read-only"), rule->real));
}

static gboolean
grants_writing(const BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_fs_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY && (rule->perms & BT_FS_WRITE_FILE) != 0)
      return TRUE;
  }
  return bt_policy_get_default(self->request->policy, BT_KIND_WRITE) != BT_ACTION_DENY;
}

/* Its read-only mount is of no help where the same file has a name in a write grant. */
static void
tell_of_links(BtCompile *self, const BtPathRule *rule, const struct stat *info)
{
  if (rule->bytes == NULL && info->st_nlink > 1 && access(rule->real, W_OK) == 0 &&
      grants_writing(self))
    bt_compile_note(self, g_strdup_printf(_("%s has other names (hard links): written by one of "
                                            "them, it would run changed"), rule->real));
}

static void
add_rules(BtCompile *self, GPtrArray *rules)
{
  struct stat info;

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if ((rule->perms & BT_FS_EXECUTE) == 0 || rule->real == NULL ||
        strcmp(rule->real, "/") == 0 || stat(rule->real, &info) != 0)
      continue;
    if (bt_policy_check_run(self->request->policy, rule->real).action == BT_ACTION_DENY) {
      if (rule->rule.action == BT_ACTION_DENY)
        deny_program(self, rule);
      continue;
    }
    if (rule->path != NULL)
      g_free(bt_compile_show(self, rule->path));
    if (S_ISDIR(info.st_mode)) {
      allow_execute_below(self, rule->real);
    } else if ((info.st_mode & 0111) == 0) {
      /* Behind a link that someone else made it may be any file; it would not run, but be shown. */
      bt_compile_note(self, g_strdup_printf(_("%s is not granted to run: it is not executable"),
                                            rule->written));
    } else {
      if (rule->bytes != NULL)
        add_summed(self, rule);
      else
        bt_compile_program(self, rule->real, NULL);
      tell_of_writing(self, rule);
      tell_of_links(self, rule, &info);
      bt_compile_bundle(self, rule->path != NULL ? rule->path : rule->real);
    }
  }
}

void
bt_compile_run_rules(BtCompile *self)
{
  add_rules(self, bt_policy_get_run_rules(self->request->policy));
  add_rules(self, bt_policy_get_fs_rules(self->request->policy));
}
