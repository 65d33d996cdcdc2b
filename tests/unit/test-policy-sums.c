/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules with a SHA-256: which of them hold once the files were read. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/bt-policy-private.h"

#define RUN BT_FS_EXECUTE

static char *root; /* canonical */

typedef struct {
  BtPolicy *policy;
  GPtrArray *notices;
  guint rules;
} Fixture;

static char *
at(const char *path)
{
  return g_build_filename(root, path, NULL);
}

static void
set_up(Fixture *self, gconstpointer data)
{
  *self = (Fixture){ .policy = bt_policy_new(),
                     .notices = g_ptr_array_new_with_free_func(g_free) };
}

static void
tear_down(Fixture *self, gconstpointer data)
{
  bt_policy_unref(self->policy);
  g_ptr_array_unref(self->notices);
}

/* content is what has the sum; NULL: a rule without one. */
static void
add(Fixture *self, BtAction action, const char *path, const char *content)
{
  g_autofree char *text = g_strdup_printf("exec.rules[%u]", self->rules++);
  BtPathRule *rule = bt_path_rule_new(RUN);

  bt_rule_init(&rule->rule, action, BT_LAYER_FILES, "p.json", self->rules, text);
  rule->written = at(path);
  rule->path = at(path);
  if (content != NULL)
    rule->sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, content, -1);
  g_ptr_array_add(bt_policy_get_run_rules(self->policy), rule);
}

static void
resolve(Fixture *self)
{
  g_autoptr(GError) error = NULL;

  bt_policy_resolve(self->policy, "/usr/bin", self->notices, &error);
  g_assert_no_error(error);
}

static BtAction
verdict(const Fixture *self, const char *path)
{
  g_autofree char *full = at(path);
  return bt_policy_check_run(self->policy, full).action;
}

static void
test_grant(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, "a", "aaa");
  add(self, BT_ACTION_WARN, "b", "bbb");
  add(self, BT_ACTION_ALLOW, "c", "other");
  resolve(self);
  g_assert_cmpint(verdict(self, "a"), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(verdict(self, "b"), ==, BT_ACTION_WARN);
  g_assert_cmpint(verdict(self, "c"), ==, BT_ACTION_DENY);
  GPtrArray *rules = bt_policy_get_run_rules(self->policy);
  g_assert_cmpuint(rules->len, ==, 2);
  g_assert_cmpuint(g_bytes_get_size(((BtPathRule *)g_ptr_array_index(rules, 0))->bytes), ==, 3);
  g_assert_cmpuint(self->notices->len, ==, 1);
  g_assert_nonnull(strstr(g_ptr_array_index(self->notices, 0), "p.json:3: exec.rules[2]"));
}

/* Several sums of one program are several that may be there. */
static void
test_either(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, "a", "older");
  add(self, BT_ACTION_ALLOW, "a", "aaa");
  resolve(self);
  g_assert_cmpint(verdict(self, "a"), ==, BT_ACTION_ALLOW);
  g_assert_cmpuint(bt_policy_get_run_rules(self->policy)->len, ==, 1);
}

static void
test_pattern(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, "?", "bbb");
  resolve(self);
  g_assert_cmpint(verdict(self, "a"), ==, BT_ACTION_DENY);
  g_assert_cmpint(verdict(self, "b"), ==, BT_ACTION_ALLOW);
  g_assert_cmpuint(self->notices->len, ==, 0);
}

static void
test_pattern_without_a_match(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, "?", "nowhere");
  resolve(self);
  g_assert_cmpuint(bt_policy_get_run_rules(self->policy)->len, ==, 0);
  g_assert_cmpuint(self->notices->len, ==, 1);
}

static void
test_denial(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, ".", NULL);
  add(self, BT_ACTION_DENY, "?", "bbb");
  resolve(self);
  g_assert_cmpint(verdict(self, "a"), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(verdict(self, "b"), ==, BT_ACTION_DENY);
  g_assert_cmpuint(self->notices->len, ==, 0);
}

/* What cannot be read may be what is denied; what is granted must be known. */
static void
test_unreadable(Fixture *self, gconstpointer data)
{
  g_autofree char *path = at("secret");

  if (geteuid() == 0) {
    g_test_skip("root reads everything");
    return;
  }
  g_assert_true(g_file_set_contents(path, "x", -1, NULL));
  g_assert_cmpint(chmod(path, 0111), ==, 0);
  add(self, BT_ACTION_ALLOW, "secret", "x");
  resolve(self);
  g_assert_cmpint(verdict(self, "secret"), ==, BT_ACTION_DENY);
  g_assert_cmpuint(bt_policy_get_run_rules(self->policy)->len, ==, 0);
  add(self, BT_ACTION_DENY, "secret", "y");
  resolve(self);
  g_assert_cmpuint(bt_policy_get_run_rules(self->policy)->len, ==, 1);
  g_assert_cmpint(unlink(path), ==, 0);
}

static void
assert_refused(Fixture *self)
{
  g_autoptr(GError) error = NULL;

  g_assert_false(bt_policy_resolve(self->policy, "/usr/bin", self->notices, &error));
  g_test_message("%s", error->message);
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
}

static void
test_directory(Fixture *self, gconstpointer data)
{
  add(self, BT_ACTION_ALLOW, ".", "x");
  assert_refused(self);
}

static void
test_huge(Fixture *self, gconstpointer data)
{
  g_autofree char *path = at("huge");

  g_assert_true(g_file_set_contents(path, "", -1, NULL));
  g_assert_cmpint(truncate(path, (128 << 20) + 1), ==, 0);
  add(self, BT_ACTION_ALLOW, "huge", "x");
  assert_refused(self);
  g_assert_cmpint(unlink(path), ==, 0);
}

/* A denial that the program could get around by writing is no denial. */
static void
test_denial_of_what_can_be_written(Fixture *self, gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true(bt_policy_add_flag(self->policy, BT_LAYER_FLAGS, BT_KIND_WRITE, BT_ACTION_ALLOW,
                                   "--allow-write", ".", root, root, &error));
  add(self, BT_ACTION_DENY, "a", "other");
  resolve(self);
  g_assert_cmpuint(bt_policy_get_run_rules(self->policy)->len, ==, 0);
  add(self, BT_ACTION_ALLOW, "a", NULL);
  add(self, BT_ACTION_DENY, "a", "other");
  assert_refused(self);
}

static void
make_file(const char *path, const char *content)
{
  g_autofree char *full = at(path);
  g_assert_true(g_file_set_contents(full, content, -1, NULL));
  g_assert_cmpint(chmod(full, 0755), ==, 0);
}

#define ADD(name, test) g_test_add("/policy-sums/" name, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_autofree char *made = g_dir_make_tmp("buntime-sums-XXXXXX", NULL);
  root = realpath(made, NULL);
  make_file("a", "aaa");
  make_file("b", "bbb");
  make_file("c", "ccc");
  ADD("grant", test_grant);
  ADD("either", test_either);
  ADD("pattern", test_pattern);
  ADD("pattern-without-a-match", test_pattern_without_a_match);
  ADD("denial", test_denial);
  ADD("unreadable", test_unreadable);
  ADD("directory", test_directory);
  ADD("huge", test_huge);
  ADD("denial-of-what-can-be-written", test_denial_of_what_can_be_written);
  int status = g_test_run();
  const char *const remove[] = { "rm", "-rf", root, NULL };
  g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  free(root);
  return status;
}
