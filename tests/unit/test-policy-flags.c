/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-policy-private.h"

static const struct {
  BtKind kind;
  const char *items, *paths; /* joined by "|" */
} paths[] = {
  { BT_KIND_READ, "/a", "/a" },
  { BT_KIND_READ, ".", "/work/dir" },
  { BT_KIND_READ, "x", "/work/dir/x" },
  { BT_KIND_READ, "./x/", "/work/dir/x" },
  { BT_KIND_READ, "../x", "/work/x" },
  { BT_KIND_READ, "/a/../../b", "/b" },
  { BT_KIND_READ, "//a//b/.", "/a/b" },
  { BT_KIND_READ, "/", "/" },
  { BT_KIND_READ, "~", "/home/u" },
  { BT_KIND_READ, "~/x,/y", "/home/u/x|/y" },
  { BT_KIND_READ, "/a,,b,/c", "/a,b|/c" },
  { BT_KIND_READ, "/a,,,/c", "/a,|/c" },
  { BT_KIND_READ, "${HOME}", "/work/dir/${HOME}" },
  { BT_KIND_READ, "./~x", "/work/dir/~x" },
  { BT_KIND_WRITE, "out", "/work/dir/out" },
  { BT_KIND_RUN, "git", "(git)" },
  { BT_KIND_RUN, "./git,/bin/sh,ls", "/work/dir/git|/bin/sh|(ls)" },
  { BT_KIND_RUN, ".", "/work/dir" },
  { BT_KIND_UNIX, "/run/x.sock", "/run/x.sock" },
};

static void
test_paths(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) text = g_string_new(NULL);

  bt_policy_add_flag(policy, BT_LAYER_FLAGS, paths[n].kind, BT_ACTION_ALLOW, "--f", paths[n].items,
                     "/work/dir", "/home/u", &error);
  g_assert_no_error(error);
  GPtrArray *rules = bt_policy_path_rules(policy, paths[n].kind);
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    g_string_append_printf(text, "%s%s%s%s", i > 0 ? "|" : "", rule->path != NULL ? "" : "(",
                           rule->path != NULL ? rule->path : rule->written,
                           rule->path != NULL ? "" : ")");
    g_assert_false(rule->everything);
    g_assert_cmpint(rule->rule.layer, ==, BT_LAYER_FLAGS);
  }
  g_assert_cmpstr(text->str, ==, paths[n].paths);
}

static const struct {
  BtKind kind;
  const char *items, *message;
} bad[] = {
  { BT_KIND_READ, "", "--f: an empty value\n" },
  { BT_KIND_READ, "/a,", "--f: an empty path in the list\n" },
  { BT_KIND_READ, ",/a", "--f: an empty path in the list\n" },
  { BT_KIND_READ, "~other/x", "--f=~other/x: another user's home" },
  { BT_KIND_RUN, "git-*", "--f: programs on PATH cannot be a pattern\n" },
  { BT_KIND_NET, "", "--f: an empty value\n" },
  { BT_KIND_NET, "a,127.1", "--f=127.1: a number" },
  { BT_KIND_ENV, "", "--f: an empty value\n" },
  { BT_KIND_ENV, "A,,B", "--f=: an empty item\n" },
  { BT_KIND_ENV, "A=1", "--f=A=1: a value cannot be given here\n" },
};

static void
test_bad(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;

  g_assert_false(bt_policy_add_flag(policy, BT_LAYER_FLAGS, bad[n].kind, BT_ACTION_ALLOW, "--f",
                                    bad[n].items, "/work/dir", "/home/u", &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  g_assert_cmpint(buntime_error_exit_status(error), ==, 2);
  if (!g_str_has_prefix(error->message, bad[n].message))
    g_error("\"%s\" gives \"%s\"", bad[n].items, error->message);
}

static void
test_origins(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();

  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET, BT_ACTION_DENY, "--deny-net", "x,y:1",
                     "/", "/", NULL);
  bt_policy_add_flag(policy, BT_LAYER_VARIABLES, BT_KIND_READ, BT_ACTION_ALLOW, "BUNTIME_READ",
                     "/a", "/", "/", NULL);
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_ENV, BT_ACTION_ALLOW, "--allow-env", NULL, "/",
                     "/", NULL);
  const BtNetItem *y = g_ptr_array_index(bt_policy_get_net_items(policy), 1);
  const BtPathRule *a = g_ptr_array_index(bt_policy_get_fs_rules(policy), 0);
  const BtEnvRule *every = g_ptr_array_index(bt_policy_get_env_rules(policy), 0);
  g_autofree char *net = bt_origin_format(&y->rule.origin);
  g_autofree char *read = bt_origin_format(&a->rule.origin);
  g_autofree char *env = bt_origin_format(&every->rule.origin);
  g_assert_cmpstr(net, ==, "--deny-net=y:1 (command line)");
  g_assert_cmpstr(read, ==, "BUNTIME_READ=/a (environment)");
  g_assert_cmpstr(env, ==, "--allow-env (command line)");
  g_assert_cmpstr(every->pattern, ==, "*");
  g_autofree char *builtin = bt_origin_format(&policy->default_origins[BT_KIND_NET]);
  g_assert_cmpstr(builtin, ==, "defaults.net = deny (built-in)");
}

/* --allow-write grants no reading. */
static void
test_perms(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  static const struct {
    BtKind kind;
    BtFsPerms perms;
  } expected[] = {
    { BT_KIND_READ, BT_FS_READ_FILE | BT_FS_READ_DIR },
    { BT_KIND_WRITE, BT_FS_WRITE },
    { BT_KIND_RUN, BT_FS_EXECUTE },
    { BT_KIND_UNIX, 0 },
  };

  g_assert_cmpint(BT_FS_WRITE & (BT_FS_READ | BT_FS_EXECUTE), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
    bt_policy_add_flag(policy, BT_LAYER_FLAGS, expected[i].kind, BT_ACTION_ALLOW, "--f", NULL, "/",
                       "/", NULL);
    GPtrArray *rules = bt_policy_path_rules(policy, expected[i].kind);
    const BtPathRule *rule = g_ptr_array_index(rules, rules->len - 1);
    g_assert_true(rule->everything);
    g_assert_cmpint(rule->perms, ==, expected[i].perms);
  }
}

static void
test_everything(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();

  g_assert_false(bt_policy_grants_net(policy));
  bt_policy_add_everything(policy, BT_LAYER_FLAGS, "--allow-all");
  g_assert_true(bt_policy_grants_net(policy));
  g_assert_cmpint(
    bt_policy_check_path(policy, "/x", BT_FS_READ | BT_FS_WRITE | BT_FS_EXECUTE).action, ==,
    BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_check_run(policy, "/x").action, ==, BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_check_unix(policy, "/x").action, ==, BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_check_env(policy, "X").action, ==, BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_check_name(policy, "x.example", NULL).action, ==, BT_ACTION_ALLOW);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
    g_autofree char *name = g_strdup_printf("/policy-flags/paths/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_paths);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *name = g_strdup_printf("/policy-flags/bad/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_bad);
  }
  g_test_add_func("/policy-flags/origins", test_origins);
  g_test_add_func("/policy-flags/perms", test_perms);
  g_test_add_func("/policy-flags/everything", test_everything);
  return g_test_run();
}
