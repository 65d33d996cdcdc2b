/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

/* A rule of the policy under test; the list ends with a NULL flag. */
typedef struct {
  BtLayer layer;
  BtKind kind;
  BtAction action;
  const char *flag, *items;
} Flag;

typedef struct {
  const char *name;
  Flag flags[5];
  BtKind kind; /* what is asked */
  const char *value;
  BtAction action;
  const char *origin;
} Case;

#define F BT_LAYER_FLAGS
#define V BT_LAYER_VARIABLES
#define P BT_LAYER_FILES
#define READ BT_KIND_READ
#define WRITE BT_KIND_WRITE
#define RUN BT_KIND_RUN
#define ENV BT_KIND_ENV
#define UNIX BT_KIND_UNIX
#define ALLOW BT_ACTION_ALLOW
#define WARN BT_ACTION_WARN
#define DENY BT_ACTION_DENY

static const Case cases[] = {
  { "default", { { 0 } }, READ, "/a", DENY, "defaults.fs = deny (built-in)" },
  { "default-run", { { 0 } }, RUN, "/a", DENY, "defaults.exec = deny (built-in)" },
  { "itself", { { F, READ, ALLOW, "-r", "/a" } }, READ, "/a", ALLOW, "-r=/a (command line)" },
  { "below", { { F, READ, ALLOW, "-r", "/a" } }, READ, "/a/b/c", ALLOW, "-r=/a (command line)" },
  { "above",
    { { F, READ, ALLOW, "-r", "/a/b" } },
    READ,
    "/a",
    DENY,
    "defaults.fs = deny (built-in)" },
  { "components",
    { { F, READ, ALLOW, "-r", "/tmp" } },
    READ,
    "/tmpfile",
    DENY,
    "defaults.fs = deny (built-in)" },
  { "root", { { F, READ, ALLOW, "-r", "/" } }, READ, "/a", ALLOW, "-r=/ (command line)" },
  { "bare", { { F, READ, ALLOW, "-r", NULL } }, READ, "/a", ALLOW, "-r (command line)" },
  { "write-is-no-read",
    { { F, WRITE, ALLOW, "-w", "/a" } },
    READ,
    "/a",
    DENY,
    "defaults.fs = deny (built-in)" },
  { "read-is-no-write",
    { { F, READ, ALLOW, "-r", "/a" } },
    WRITE,
    "/a",
    DENY,
    "defaults.fs = deny (built-in)" },
  { "read-is-no-run",
    { { F, READ, ALLOW, "-r", "/a" } },
    RUN,
    "/a",
    DENY,
    "defaults.exec = deny (built-in)" },
  { "deny-over-allow",
    { { F, READ, DENY, "-d", "/a/b" }, { F, READ, ALLOW, "-r", "/a/b/c" } },
    READ,
    "/a/b/c",
    DENY,
    "-d=/a/b (command line)" },
  { "order-is-nothing",
    { { F, READ, ALLOW, "-r", "/a/b/c" }, { F, READ, DENY, "-d", "/a/b" } },
    READ,
    "/a/b/c",
    DENY,
    "-d=/a/b (command line)" },
  { "warn-over-allow",
    { { F, READ, ALLOW, "-r", "/a" }, { F, READ, WARN, "-n", "/a" } },
    READ,
    "/a",
    WARN,
    "-n=/a (command line)" },
  { "deny-over-warn",
    { { F, READ, WARN, "-n", "/a" }, { F, READ, DENY, "-d", "/a" } },
    READ,
    "/a",
    DENY,
    "-d=/a (command line)" },
  { "layer-over-severity",
    { { V, READ, DENY, "-d", "/a" }, { F, READ, ALLOW, "-r", "/a" } },
    READ,
    "/a",
    ALLOW,
    "-r=/a (command line)" },
  { "layer-below-decides",
    { { F, READ, ALLOW, "-r", "/b" },
      { V, READ, DENY, "-d", "/a" },
      { P, READ, ALLOW, "-f", "/" } },
    READ,
    "/a",
    DENY,
    "-d=/a (environment)" },
  { "run", { { F, RUN, ALLOW, "-x", "/bin" } }, RUN, "/bin/sh", ALLOW, "-x=/bin (command line)" },
  { "unix", { { F, UNIX, ALLOW, "-u", "/s" } }, UNIX, "/s", ALLOW, "-u=/s (command line)" },
  { "unix-default",
    { { F, READ, ALLOW, "-r", "/s" } },
    UNIX,
    "/s",
    DENY,
    "defaults.unix = deny (built-in)" },
  { "env", { { F, ENV, ALLOW, "-e", "A,B" } }, ENV, "B", ALLOW, "-e=B (command line)" },
  { "env-case",
    { { F, ENV, ALLOW, "-e", "a" } },
    ENV,
    "A",
    DENY,
    "defaults.env = deny (built-in)" },
  { "env-prefix",
    { { F, ENV, ALLOW, "-e", "AWS_*" } },
    ENV,
    "AWS_REGION",
    ALLOW,
    "-e=AWS_* (command line)" },
  { "env-suffix",
    { { F, ENV, ALLOW, "-e", "*_KEY" } },
    ENV,
    "A_KEY",
    ALLOW,
    "-e=*_KEY (command line)" },
  { "env-bare", { { F, ENV, ALLOW, "-e", NULL } }, ENV, "X", ALLOW, "-e (command line)" },
  { "env-deny",
    { { F, ENV, ALLOW, "-e", NULL }, { F, ENV, DENY, "-d", "AWS_*" } },
    ENV,
    "AWS_X",
    DENY,
    "-d=AWS_* (command line)" },
  { "hook-bare",
    { { F, ENV, ALLOW, "-e", NULL } },
    ENV,
    "LD_PRELOAD",
    DENY,
    "defaults.env = deny (built-in)" },
  { "hook-prefix",
    { { F, ENV, ALLOW, "-e", "PYTHON*" } },
    ENV,
    "PYTHONPATH",
    DENY,
    "defaults.env = deny (built-in)" },
  { "hook-exact",
    { { F, ENV, ALLOW, "-e", "PYTHONPATH" } },
    ENV,
    "PYTHONPATH",
    ALLOW,
    "-e=PYTHONPATH (command line)" },
  { "hook-node",
    { { F, ENV, ALLOW, "-e", "NODE_*" } },
    ENV,
    "NODE_OPTIONS",
    DENY,
    "defaults.env = deny (built-in)" },
  { "hook-no",
    { { F, ENV, ALLOW, "-e", "NODE_*" } },
    ENV,
    "NODE_ENV",
    ALLOW,
    "-e=NODE_* (command line)" },
  { "hook-deny",
    { { F, ENV, ALLOW, "-e", "LD_DEBUG" }, { F, ENV, DENY, "-d", "LD_*" } },
    ENV,
    "LD_DEBUG",
    DENY,
    "-d=LD_* (command line)" },
};

static BtPolicy *
make(const Flag *flags)
{
  BtPolicy *policy = bt_policy_new();
  for (; flags->flag != NULL; flags++) {
    g_autoptr(GError) error = NULL;
    bt_policy_add_flag(policy, flags->layer, flags->kind, flags->action, flags->flag, flags->items,
                       "/", "/home/u", &error);
    g_assert_no_error(error);
  }
  return policy;
}

static BtVerdict
ask(BtPolicy *policy, BtKind kind, const char *value)
{
  switch (kind) {
  case READ:
    return bt_policy_check_path(policy, value, BT_FS_READ_FILE);
  case WRITE:
    return bt_policy_check_path(policy, value, BT_FS_WRITE_FILE);
  case RUN:
    return bt_policy_check_run(policy, value);
  case ENV:
    return bt_policy_check_env(policy, value);
  default:
    return bt_policy_check_unix(policy, value);
  }
}

static void
test_case(gconstpointer data)
{
  const Case *c = data;
  g_autoptr(BtPolicy) policy = make(c->flags);

  BtVerdict verdict = ask(policy, c->kind, c->value);
  g_autofree char *origin = bt_origin_format(verdict.origin);
  g_assert_cmpstr(origin, ==, c->origin);
  g_assert_cmpint(verdict.action, ==, c->action);
}

static void
test_worst_of_perms(void)
{
  static const Flag flags[] = { { F, READ, ALLOW, "-r", "/a" },
                                { F, WRITE, DENY, "-d", "/a/b" },
                                { F, WRITE, ALLOW, "-w", "/a" },
                                { 0 } };
  g_autoptr(BtPolicy) policy = make(flags);
  BtFsPerms denied;

  g_assert_cmpint(bt_policy_check_path(policy, "/a/x", BT_FS_READ | BT_FS_WRITE).action, ==, ALLOW);
  g_assert_cmpint(bt_policy_check_path(policy, "/a/b", BT_FS_READ | BT_FS_WRITE).action, ==, DENY);
  g_assert_cmpint(bt_policy_check_path(policy, "/a/b", BT_FS_READ).action, ==, ALLOW);
  g_assert_cmpint(bt_policy_check_path(policy, "/a/b", 0).action, ==, DENY);
  g_assert_cmpint(bt_policy_path_perms(policy, "/a/b/c", &denied), ==, BT_FS_READ);
  g_assert_cmpint(denied, ==, BT_FS_WRITE);
  g_assert_cmpint(bt_policy_path_perms(policy, "/a", &denied), ==, BT_FS_READ | BT_FS_WRITE);
  g_assert_cmpint(denied, ==, 0);
  g_assert_cmpint(bt_policy_path_perms(policy, "/", NULL), ==, 0);
}

/* Paths are compared by what they really are. */
static void
test_real(void)
{
  static const Flag flags[] = { { F, READ, DENY, "-d", "/link" },
                                { F, READ, ALLOW, "-r", NULL },
                                { 0 } };
  g_autoptr(BtPolicy) policy = make(flags);
  BtPathRule *rule = g_ptr_array_index(bt_policy_get_fs_rules(policy), 0);

  rule->real = g_strdup("/target");
  g_assert_cmpint(bt_policy_check_path(policy, "/target/x", BT_FS_READ_FILE).action, ==, DENY);
  g_assert_cmpint(bt_policy_check_path(policy, "/link", BT_FS_READ_FILE).action, ==, ALLOW);
}

static const struct {
  const char *pattern, *name;
  gboolean matches;
} globs[] = {
  { "*", "", TRUE },
  { "*", "abc", TRUE },
  { "a*", "abc", TRUE },
  { "a*", "ba", FALSE },
  { "*c", "abc", TRUE },
  { "a*c", "abbc", TRUE },
  { "a*c", "abcd", FALSE },
  { "a*b*c", "axbxbxc", TRUE },
  { "?", "a", TRUE },
  { "?", "", FALSE },
  { "?", "ab", FALSE },
  { "?", "\xc3\xa9", TRUE },
  { "?", "\xff", TRUE },
  { "**", "abc", TRUE },
  { "", "", TRUE },
  { "", "a", FALSE },
  { "[a]", "a", FALSE },
  { "\\*", "\\x", TRUE },
  { "*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", FALSE },
};

static void
test_globs(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(globs); i++)
    if (bt_glob_match(globs[i].pattern, globs[i].name) != globs[i].matches)
      g_error("\"%s\" on \"%s\"", globs[i].pattern, globs[i].name);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *name = g_strconcat("/matcher/", cases[i].name, NULL);
    g_test_add_data_func(name, &cases[i], test_case);
  }
  g_test_add_func("/matcher/worst-of-perms", test_worst_of_perms);
  g_test_add_func("/matcher/real", test_real);
  g_test_add_func("/matcher/globs", test_globs);
  return g_test_run();
}
