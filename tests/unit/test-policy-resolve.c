/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

/* Made in a temporary directory, which is the current one of every flag. A "/" ends a directory. */
static const char *const tree[] = {
  "dir/",          "dir/a.txt",     "dir/b.txt",          "dir/.hidden", "dir/sub/",
  "dir/sub/c.txt", "dir/sub/deep/", "dir/sub/deep/d.txt", "out/",        "bin/",
  "bin2/",         "bin/prog!",     "bin2/prog!",         "bin2/other!", "bin/data",
};
static const char *const links[][2] = {
  { "link", "dir/sub" },       { "dir/loop", ".." },           { "dangling", "nowhere" },
  { "bin2/alias!", "other!" }, { "bin/away", "../dir/a.txt" },
};

static char *root;

static void
make_tree(void)
{
  g_autofree char *made = g_dir_make_tmp("buntime-resolve-XXXXXX", NULL);
  char real[4096];
  g_assert_nonnull(realpath(made, real));
  root = g_strdup(real);
  for (gsize i = 0; i < G_N_ELEMENTS(tree); i++) {
    g_autofree char *path = g_build_filename(root, tree[i], NULL);
    if (g_str_has_suffix(tree[i], "/"))
      g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    else
      g_assert_true(g_file_set_contents(path, "", 0, NULL));
    if (g_str_has_suffix(tree[i], "!"))
      g_assert_cmpint(g_chmod(path, 0700), ==, 0);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
    g_autofree char *path = g_build_filename(root, links[i][0], NULL);
    g_assert_cmpint(symlink(links[i][1], path), ==, 0);
  }
}

static void
remove_tree(void)
{
  for (gsize i = G_N_ELEMENTS(links); i-- > 0;) {
    g_autofree char *path = g_build_filename(root, links[i][0], NULL);
    g_unlink(path);
  }
  for (gsize i = G_N_ELEMENTS(tree); i-- > 0;) {
    g_autofree char *path = g_build_filename(root, tree[i], NULL);
    g_remove(path);
  }
  g_assert_cmpint(g_rmdir(root), ==, 0);
  g_free(root);
}

typedef struct {
  BtKind kind;
  BtAction action;
  const char *items;
} Flag;

#define READ BT_KIND_READ
#define WRITE BT_KIND_WRITE
#define RUN BT_KIND_RUN
#define UNIX BT_KIND_UNIX
#define ALLOW BT_ACTION_ALLOW
#define DENY BT_ACTION_DENY

static const struct {
  Flag flags[3];
  BtKind kind;
  const char *reals; /* below the root, joined by "|"; "-" for none */
  guint n_notices;
  const char *error; /* a part of the message */
  BuntimeError code;
} cases[] = {
  { { { READ, ALLOW, "dir" } }, READ, "dir", 0, NULL, 0 },
  { { { READ, ALLOW, "link" } }, READ, "dir/sub", 0, NULL, 0 },
  { { { READ, ALLOW, "link/c.txt" } }, READ, "dir/sub/c.txt", 0, NULL, 0 },
  /* A star finds no hidden file for a grant, every one for a denial. */
  { { { READ, ALLOW, "dir/*.txt" } }, READ, "dir/a.txt|dir/b.txt", 0, NULL, 0 },
  { { { READ, ALLOW, "dir/*d*" } }, READ, NULL, 0, "matches nothing", BUNTIME_ERROR_USAGE },
  { { { READ, ALLOW, "dir/.h*" } }, READ, "dir/.hidden", 0, NULL, 0 },
  { { { READ, DENY, "dir/*d*" } }, READ, "dir/.hidden", 0, NULL, 0 },
  { { { READ, ALLOW, "dir/?.txt" } }, READ, "dir/a.txt|dir/b.txt", 0, NULL, 0 },
  /* dir/loop is a symbolic link to the root: "**" must not go round. */
  { { { READ, ALLOW, "**/?.txt" } },
    READ,
    "dir/a.txt|dir/b.txt|dir/sub/c.txt|dir/sub/deep/d.txt",
    0,
    NULL,
    0 },
  { { { READ, ALLOW, "dir/**/c.txt" } }, READ, "dir/sub/c.txt", 0, NULL, 0 },
  { { { READ, ALLOW, "dir/sub/**" } }, READ, "dir/sub/c.txt|dir/sub/deep", 0, NULL, 0 },
  /* A link that a pattern finds grants nothing elsewhere; it is followed where it denies. */
  { { { READ, ALLOW, "bin/*" } }, READ, "bin/data|bin/prog!", 1, NULL, 0 },
  { { { READ, ALLOW, "bin/a*" } }, READ, NULL, 0, "matches nothing", BUNTIME_ERROR_USAGE },
  { { { READ, DENY, "bin/a*" } }, READ, "dir/a.txt", 0, NULL, 0 },
  { { { READ, ALLOW, "bin/away" } }, READ, "dir/a.txt", 0, NULL, 0 },
  /* What is written by renaming over it needs the directory. */
  { { { WRITE, ALLOW, "dir/a.txt" } }, READ, "dir/a.txt", 1, NULL, 0 },
  { { { WRITE, DENY, "dir/a.txt" } }, READ, "dir/a.txt", 0, NULL, 0 },
  { { { READ, DENY, "nothing*" } }, READ, "", 1, NULL, 0 },
  { { { READ, ALLOW, "missing" } },
    READ,
    NULL,
    0,
    "--f=missing: No such file or directory\ncheck",
    BUNTIME_ERROR_USAGE },
  /* One file that is not there can be made, but no link that leads nowhere, and no directory. */
  { { { WRITE, ALLOW, "missing" } }, READ, "missing", 1, NULL, 0 },
  { { { WRITE, ALLOW, "link/missing" } }, READ, "dir/sub/missing", 1, NULL, 0 },
  { { { WRITE, ALLOW, "missing/" } }, READ, NULL, 0, "or grant the directory", BUNTIME_ERROR_USAGE },
  { { { WRITE, ALLOW, "no/missing" } }, READ, NULL, 0, "or grant the directory", BUNTIME_ERROR_USAGE },
  { { { WRITE, ALLOW, "dangling" } }, READ, NULL, 0, "or grant the directory", BUNTIME_ERROR_USAGE },
  { { { UNIX, ALLOW, "missing" } }, READ, NULL, 0, "No such file", BUNTIME_ERROR_USAGE },
  { { { READ, ALLOW, "dangling" } }, READ, NULL, 0, "No such file", BUNTIME_ERROR_USAGE },
  { { { READ, ALLOW, "dir/a.txt/x" } }, READ, NULL, 0, "Not a directory", BUNTIME_ERROR_USAGE },
  /* Denials of what is not there. */
  { { { READ, DENY, "missing" } }, READ, "-", 0, NULL, 0 },
  { { { READ, DENY, "dir/missing" }, { READ, ALLOW, "dir" } }, READ, "-|dir", 1, NULL, 0 },
  { { { READ, DENY, "out/missing" }, { WRITE, ALLOW, "out" } },
    READ,
    NULL,
    0,
    "does not exist, and --f=out would let the program make it",
    BUNTIME_ERROR_POLICY },
  { { { READ, DENY, "link/missing" }, { WRITE, ALLOW, "dir" } },
    READ,
    NULL,
    0,
    "--f=dir would",
    BUNTIME_ERROR_POLICY },
  { { { READ, DENY, "missing" }, { WRITE, ALLOW, "out" } }, READ, "-|out", 0, NULL, 0 },
  { { { RUN, DENY, "out/missing" }, { WRITE, ALLOW, "out" } },
    READ,
    NULL,
    0,
    "does not exist",
    BUNTIME_ERROR_POLICY },
  /* Programs by name: a grant is for the first on PATH, a denial for all. */
  { { { RUN, ALLOW, "prog!" } }, RUN, "bin/prog!", 0, NULL, 0 },
  { { { RUN, DENY, "prog!" } }, RUN, "bin/prog!|bin2/prog!", 0, NULL, 0 },
  { { { RUN, ALLOW, "alias!" } }, RUN, "bin2/other!", 0, NULL, 0 },
  { { { RUN, ALLOW, "bin" } }, RUN, NULL, 0, "on PATH", BUNTIME_ERROR_USAGE },
  { { { RUN, ALLOW, "./bin" } }, RUN, "bin", 0, NULL, 0 },
  { { { RUN, ALLOW, "data" } }, RUN, NULL, 0, "no such program on PATH", BUNTIME_ERROR_USAGE },
  { { { RUN, DENY, "nonesuch" } }, RUN, "", 1, NULL, 0 },
};

static char *
join_reals(GPtrArray *rules)
{
  GString *text = g_string_new(NULL);
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (i > 0)
      g_string_append_c(text, '|');
    if (rule->real != NULL)
      g_assert_true(bt_path_is_below(rule->real, root));
    g_string_append(text, rule->real != NULL ? rule->real + strlen(root) + 1 : "-");
  }
  return g_string_free(text, FALSE);
}

static void
test_case(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  /* Neither an empty nor a relative entry is looked at. */
  g_autofree char *search_path = g_strdup_printf(":bin2:%s/none:%s/bin:%s/bin2", root, root, root);

  for (const Flag *flag = cases[i].flags; flag->items != NULL; flag++)
    g_assert_true(bt_policy_add_flag(policy, BT_LAYER_FLAGS, flag->kind, flag->action, "--f",
                                     flag->items, root, root, NULL));
  gboolean ok = bt_policy_resolve(policy, search_path, notices, &error);
  if (cases[i].error != NULL) {
    g_assert_false(ok);
    g_assert_error(error, BUNTIME_ERROR, (int)cases[i].code);
    if (strstr(error->message, cases[i].error) == NULL)
      g_error("\"%s\"", error->message);
    return;
  }
  g_assert_no_error(error);
  g_autofree char *reals = join_reals(bt_policy_path_rules(policy, cases[i].kind));
  g_assert_cmpstr(reals, ==, cases[i].reals);
  g_assert_cmpuint(notices->len, ==, cases[i].n_notices);
}

static void
test_bare(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  bt_policy_add_everything(policy, BT_LAYER_FLAGS, "--allow-all");
  g_assert_true(bt_policy_resolve(policy, NULL, NULL, NULL));
  const BtPathRule *rule = g_ptr_array_index(bt_policy_get_fs_rules(policy), 0);
  g_assert_cmpstr(rule->real, ==, "/");
  g_assert_true(rule->everything);
}

static void
test_glob_bound(void)
{
  g_autofree char *folder = g_dir_make_tmp("buntime-glob-XXXXXX", NULL);
  g_autofree char *pattern = g_strconcat(folder, "/*", NULL);
  g_autoptr(GPtrArray) matches = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i <= BT_GLOB_MAX_MATCHES; i++) {
    g_autofree char *path = g_strdup_printf("%s/%u", folder, i);
    g_assert_cmpint(symlink("x", path), ==, 0);
  }
  g_assert_false(bt_glob_expand(pattern, FALSE, matches, NULL));
  g_assert_cmpuint(matches->len, ==, BT_GLOB_MAX_MATCHES);
  for (guint i = 0; i <= BT_GLOB_MAX_MATCHES; i++) {
    g_autofree char *path = g_strdup_printf("%s/%u", folder, i);
    g_unlink(path);
  }
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* What is not seen cannot be denied, unless the program cannot get at it either. */
static void
test_glob_unseen(void)
{
  g_autofree char *folder = g_dir_make_tmp("buntime-glob-XXXXXX", NULL);
  g_autofree char *closed = g_strconcat(folder, "/closed", NULL);
  g_autofree char *open = g_strconcat(folder, "/open.key", NULL);
  g_autofree char *pattern = g_strconcat(folder, "/**/*.key", NULL);
  g_autoptr(GPtrArray) matches = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *unseen = NULL, *nothing = NULL;

  g_assert_cmpint(g_mkdir(closed, 0300), ==, 0);
  g_assert_true(g_file_set_contents(open, "", 0, NULL));
  /* Its names are hidden, and yet files in it are opened by them. */
  g_assert_cmpint(geteuid(), !=, 0);
  g_assert_true(bt_glob_expand(pattern, TRUE, matches, NULL));
  g_assert_cmpuint(matches->len, ==, 1);
  g_assert_false(bt_glob_expand(pattern, TRUE, matches, &unseen));
  g_assert_true(g_str_has_prefix(unseen, closed));
  /* Another user's, as nearly everything there. */
  g_assert_true(bt_glob_expand("/proc/1/fd/*", TRUE, matches, &nothing));
  g_assert_true(bt_glob_expand("/proc/1/no/*", TRUE, matches, &nothing));
  g_assert_null(nothing);
  g_unlink(open);
  g_assert_cmpint(g_rmdir(closed), ==, 0);
  g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  make_tree();
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *name = g_strdup_printf("/policy-resolve/case/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_case);
  }
  g_test_add_func("/policy-resolve/bare", test_bare);
  g_test_add_func("/policy-resolve/glob-bound", test_glob_bound);
  g_test_add_func("/policy-resolve/glob-unseen", test_glob_unseen);
  int status = g_test_run();
  remove_tree();
  return status;
}
