/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/bt-json.h"
#include "policy/bt-policy-files.h"
#include "policy/bt-policy-format.h"

typedef struct {
  char *root; /* holds user/, system/, here/ */
  char *folders[3];
  BtPolicyFiles *files;
  BtPolicy *policy;
} Fixture;

static void
set_up(Fixture *self, gconstpointer data)
{
  self->root = g_dir_make_tmp("policy-files-XXXXXX", NULL);
  g_assert_nonnull(self->root);
  g_autofree char *here = g_build_filename(self->root, "here", NULL);
  self->folders[0] = g_build_filename(self->root, "user", NULL);
  self->folders[1] = g_build_filename(self->root, "system", NULL);
  g_assert_cmpint(g_mkdir(here, 0755), ==, 0);
  g_assert_cmpint(g_mkdir(self->folders[0], 0755), ==, 0);
  g_assert_cmpint(g_mkdir(self->folders[1], 0755), ==, 0);
  bt_policy_set_json_reader(bt_json_to_variant);
  self->files = bt_policy_files_new((const char *const *)self->folders, here, self->root);
  self->policy = bt_policy_new();
}

static void
remove_all(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
    g_autofree char *below = g_build_filename(path, name, NULL);
    remove_all(below);
  }
  g_remove(path);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
  remove_all(self->root);
  g_free(self->root);
  g_free(self->folders[0]);
  g_free(self->folders[1]);
  bt_policy_files_free(self->files);
  bt_policy_unref(self->policy);
}

/* rest follows "version": 1 */
static void
put(Fixture *self, const char *name, const char *rest)
{
  g_autofree char *path = g_build_filename(self->root, name, NULL);
  g_autofree char *text = g_strconcat("{\"version\": 1", rest, "}", NULL);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* "net" rules that allow one host: which of several files was read. */
#define ALLOWS(host) ", \"net\": {\"rules\": [{\"action\": \"allow\", \"host\": \"" host "\"}]}"
#define EXTENDS(list) ", \"extends\": [" list "]"

static gboolean
allows(Fixture *self, const char *host)
{
  return bt_policy_check_name(self->policy, host, NULL).action == BT_ACTION_ALLOW;
}

static void
add(Fixture *self, const char *value)
{
  g_autoptr(GError) error = NULL;
  bt_policy_files_add(self->files, self->policy, value, &error);
  g_assert_no_error(error);
}

/* The error has to say all of these. */
static void
refuse(Fixture *self, const char *value, const char *const *words)
{
  g_autoptr(GError) error = NULL;
  g_assert_false(bt_policy_files_add(self->files, self->policy, value, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
  for (; *words != NULL; words++)
    if (strstr(error->message, *words) == NULL)
      g_error("'%s' does not say '%s'", error->message, *words);
}

static void
test_search(Fixture *self, gconstpointer data)
{
  put(self, "user/own.json", ALLOWS("user.example"));
  put(self, "system/one.json", ALLOWS("one.example"));
  put(self, "here/one.json", ALLOWS("here.example"));
  put(self, "here/other.json", ALLOWS("other.example"));

  add(self, "own");
  add(self, "one");
  g_assert_true(allows(self, "user.example") && allows(self, "one.example"));
  g_assert_false(allows(self, "here.example"));
  add(self, "one.json");
  g_assert_true(allows(self, "here.example"));
  refuse(self, "other", (const char *[]){ "other: no preset of that name", NULL });
  refuse(self, "ow", (const char *[]){ "did you mean own?", NULL });
  refuse(self, "..", (const char *[]){ "neither a preset's name nor a path", NULL });
  refuse(self, "", (const char *[]){ "neither a preset's name nor a path", NULL });
  refuse(self, "./nothere", (const char *[]){ "nothere", NULL });
  refuse(self, "./", (const char *[]){ "not a regular file", NULL });
}

/* A user's file does not change what a preset's name means, by whatever way it is named. */
static void
test_own(Fixture *self, gconstpointer data)
{
  g_autofree char *own = g_build_filename(self->folders[0], "both.json", NULL);
  g_autofree char *shipped = g_build_filename(self->folders[1], "both.json", NULL);

  put(self, "user/both.json", ALLOWS("user.example"));
  put(self, "system/both.json", ALLOWS("system.example"));
  put(self, "here/a.json", EXTENDS("\"both\""));
  refuse(self, "both", (const char *[]){ "both: a preset that all have", own, "by its path", NULL });
  refuse(self, "a.json", (const char *[]){ "a.json:1:28: extends[0]", own, NULL });
  g_assert_false(allows(self, "user.example") || allows(self, "system.example"));
  add(self, shipped);
  g_assert_true(allows(self, "system.example"));
  g_assert_false(allows(self, "user.example"));
  add(self, own);
  g_assert_true(allows(self, "user.example"));
}

/* What stands before a preset is not passed over since it cannot be read. */
static void
test_unreadable(Fixture *self, gconstpointer data)
{
  g_autofree char *link = g_build_filename(self->folders[0], "one.json", NULL);
  g_autofree char *own = g_build_filename(self->folders[0], "own.json", NULL);
  put(self, "system/one.json", ALLOWS("one.example"));
  g_assert_cmpint(symlink("nowhere", link), ==, 0);
  refuse(self, "one", (const char *[]){ "user/one.json", NULL });
  g_assert_false(allows(self, "one.example"));
  g_assert_cmpint(g_rename(link, own), ==, 0);
  refuse(self, "own", (const char *[]){ "user/own.json", NULL });
}

static void
test_extends(Fixture *self, gconstpointer data)
{
  put(self, "here/a.json", EXTENDS("\"./sub.json\", \"base\"") ALLOWS("a.example"));
  put(self, "here/sub.json", EXTENDS("\"base\"") ALLOWS("sub.example"));
  put(self, "system/base.json", EXTENDS("\"./near.json\"") ALLOWS("base.example"));
  put(self, "system/near.json", ALLOWS("near.example"));
  put(self, "here/near.json", ALLOWS("wrong.example"));

  add(self, "./a.json");
  add(self, "base");
  g_assert_true(allows(self, "a.example") && allows(self, "sub.example"));
  g_assert_true(allows(self, "base.example") && allows(self, "near.example"));
  g_assert_false(allows(self, "wrong.example"));
  /* Each file once, however it is named. */
  g_assert_cmpuint(bt_policy_get_net_items(self->policy)->len, ==, 4);
}

/* A base's denial stands over the file's grant, and its default over the file's. */
static void
test_merge(Fixture *self, gconstpointer data)
{
  put(self, "here/a.json",
      EXTENDS("\"./b.json\"") ", \"defaults\": {\"net\": \"allow\", \"exec\": \"allow\"}"
      ALLOWS("x.example"));
  put(self, "here/b.json",
      ", \"defaults\": {\"net\": \"deny\", \"exec\": \"allow\"}, \"net\": {\"rules\": "
      "[{\"action\": \"deny\", \"host\": \"x.example\"}]}");
  add(self, "a.json");
  g_assert_false(allows(self, "x.example"));
  g_assert_cmpint(bt_policy_get_default(self->policy, BT_KIND_NET), ==, BT_ACTION_DENY);
  g_assert_cmpint(bt_policy_get_default(self->policy, BT_KIND_RUN), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_get_default(self->policy, BT_KIND_READ), ==, BT_ACTION_DENY);
}

static void
test_cycles(Fixture *self, gconstpointer data)
{
  put(self, "here/self.json", EXTENDS("\"./self.json\""));
  put(self, "here/a.json", EXTENDS("\"./b.json\""));
  put(self, "here/b.json", EXTENDS("\"./c.json\""));
  put(self, "here/c.json", EXTENDS("\"./a.json\""));
  refuse(self, "self.json",
         (const char *[]){ "self.json:1:28: extends[0]", "self.json → ", NULL });
  refuse(self, "a.json", (const char *[]){ "here/c.json:1:28: extends[0]", "here/a.json → ",
                                           "here/b.json → ", "here/c.json → ", NULL });
}

static void
test_all_errors(Fixture *self, gconstpointer data)
{
  put(self, "here/a.json", EXTENDS("\"./b.json\", \"nonesuch\", \"./gone.json\"") ", \"x\": 1");
  put(self, "here/b.json", ", \"y\": 2");
  refuse(self, "a.json",
         (const char *[]){ "here/a.json:1:", ": x: ", "b.json:1:16: y: ", "a.json:1:40: extends[1]: nonesuch",
                           "extends[2]", "gone.json", NULL });
}

static void
test_bounds(Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf("here/deep%u.json", i);
    g_autofree char *rest = g_strdup_printf(EXTENDS("\"./deep%u.json\""), i + 1);
    put(self, name, i == 19 ? "" : rest);
  }
  refuse(self, "deep0.json", (const char *[]){ "too many policies extend one another", NULL });
}

static void
test_guard(Fixture *self, gconstpointer data)
{
  g_autofree char *file = g_build_filename(self->root, "here", "a.json", NULL);
  g_autofree char *preset = g_build_filename(self->folders[1], "base.json", NULL);
  g_autofree char *other = g_build_filename(self->root, "here", "other", NULL);
  g_autoptr(GError) error = NULL;

  put(self, "here/a.json", EXTENDS("\"base\""));
  put(self, "system/base.json", "");
  add(self, "a.json");
  bt_policy_files_guard(self->files, self->policy, self->folders[0]);
  /* Nothing is granted: there is nothing to keep it from. */
  g_assert_cmpuint(bt_policy_get_fs_rules(self->policy)->len, ==, 0);
  bt_policy_add_everything(self->policy, BT_LAYER_FLAGS, "--allow-all");
  bt_policy_files_guard(self->files, self->policy, self->folders[0]);
  bt_policy_resolve(self->policy, NULL, NULL, &error);
  g_assert_no_error(error);
  const char *const kept[] = { file, preset, self->folders[0] };
  for (guint i = 0; i < G_N_ELEMENTS(kept); i++) {
    g_assert_cmpint(bt_policy_check_path(self->policy, kept[i], BT_FS_WRITE_FILE).action, ==,
                    BT_ACTION_DENY);
    g_assert_cmpint(bt_policy_check_path(self->policy, kept[i], BT_FS_READ_FILE).action, ==,
                    BT_ACTION_ALLOW);
  }
  g_assert_cmpint(bt_policy_check_path(self->policy, other, BT_FS_WRITE_FILE).action, ==,
                  BT_ACTION_ALLOW);
}

static void
test_list(Fixture *self, gconstpointer data)
{
  put(self, "user/both.json", "");
  put(self, "system/both.json", "");
  put(self, "system/a.json", "");
  put(self, "user/own.json", "");
  put(self, "system/.hidden.json", "");
  put(self, "system/readme.txt", "");
  g_autoptr(GPtrArray) presets = bt_presets_list((const char *const *)self->folders);
  static const struct {
    const char *name;
    gboolean own;
  } listed[] = { { "a", FALSE }, { "both", FALSE }, { "own", TRUE } };
  g_assert_cmpuint(presets->len, ==, G_N_ELEMENTS(listed));
  for (gsize i = 0; i < G_N_ELEMENTS(listed); i++) {
    const BtPreset *preset = g_ptr_array_index(presets, i);
    g_assert_cmpstr(preset->name, ==, listed[i].name);
    g_assert_cmpint(preset->own, ==, listed[i].own);
    g_assert_true(g_str_has_prefix(preset->path, self->folders[listed[i].own ? 0 : 1]));
  }
}

/* ---- flags → file → the same verdicts ---- */

static const char *const net_items[] = {
  "github.com",    "*.github.com:443", "api.github.com:80-90,443", "10.0.0.0/8:22", "1.2.3.4",
  "[2001:db8::1]:443", "2001:db8::/32", "time.example/udp", "time.example:123/any",
  "localhost:5432", "0.0.0.0/0:443", NULL,
};
static const char *const paths[] = { "/usr", "/usr/lib", "/etc", "/etc/passwd", "/etc/host*", "/",
                                     NULL };
static const char *const env_names[] = { "LANG", "AWS_*", "LD_PRELOAD", "*", NULL };
static const char *const sys_names[] = { "hostname", "loadavg", "systemMemoryInfo", NULL };
static const char *const hosts[] = { "github.com", "api.github.com", "a.github.com", "time.example",
                                     "localhost", "x.example" };
static const char *const addresses[] = { "10.1.2.3", "1.2.3.4",  "9.9.9.9", "2001:db8::1",
                                         "2600::1",  "127.0.0.1", "::1" };
static const guint16 ports[] = { 1, 22, 80, 85, 123, 443, 5432, 65535 };

static void
add_random_flag(BtPolicy *policy)
{
  static const struct {
    BtKind kind;
    const char *name;
    const char *const *items;
  } kinds[] = {
    { BT_KIND_NET, "net", net_items }, { BT_KIND_READ, "read", paths },
    { BT_KIND_WRITE, "write", paths }, { BT_KIND_RUN, "run", paths },
    { BT_KIND_FFI, "ffi", paths }, { BT_KIND_UNIX, "unix", paths },
    { BT_KIND_ENV, "env", env_names }, { BT_KIND_SYS, "sys", sys_names },
  };
  guint i = (guint)g_test_rand_int_range(0, G_N_ELEMENTS(kinds));
  gboolean allow = g_test_rand_int_range(0, 3) > 0;
  guint item = (guint)g_test_rand_int_range(0, (int)g_strv_length((char **)kinds[i].items) + 1);
  g_autoptr(GError) error = NULL;
  g_autofree char *flag = g_strconcat(allow ? "--allow-" : "--deny-", kinds[i].name, NULL);

  /* The list's end is the bare flag. */
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, kinds[i].kind,
                     allow ? BT_ACTION_ALLOW : BT_ACTION_DENY, flag, kinds[i].items[item], "/",
                     "/root", &error);
  g_assert_no_error(error);
}

static void
compare_net(BtPolicy *a, BtPolicy *b)
{
  for (guint p = 0; p < G_N_ELEMENTS(ports); p++)
    for (guint proto = BT_PROTO_TCP; proto <= BT_PROTO_ICMP; proto <<= 1)
      for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        BtAddr addr;
        g_assert_true(bt_addr_parse(addresses[i], &addr));
        g_assert_cmpint(bt_policy_check_flow(a, NULL, &addr, proto, ports[p], NULL, NULL).action, ==,
                        bt_policy_check_flow(b, NULL, &addr, proto, ports[p], NULL, NULL).action);
      }
  for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
    g_assert_cmpint(bt_policy_check_name(a, hosts[i], NULL).action, ==,
                    bt_policy_check_name(b, hosts[i], NULL).action);
}

static void
compare_others(BtPolicy *a, BtPolicy *b)
{
  static const char *const objects[] = { "/usr/bin/x", "/usr/lib/x", "/etc/passwd", "/etc/hosts",
                                         "/etc/shadow", "/home/u/x" };
  static const char *const names[] = { "LANG", "AWS_KEY", "LD_PRELOAD", "HOME" };

  for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
    for (guint bit = 0; bit < 15; bit++)
      g_assert_cmpint(bt_policy_check_path(a, objects[i], 1u << bit).action, ==,
                      bt_policy_check_path(b, objects[i], 1u << bit).action);
    g_assert_cmpint(bt_policy_check_ffi(a, objects[i]).action, ==,
                    bt_policy_check_ffi(b, objects[i]).action);
    g_assert_cmpint(bt_policy_check_unix(a, objects[i]).action, ==,
                    bt_policy_check_unix(b, objects[i]).action);
  }
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    g_assert_cmpint(bt_policy_check_env(a, names[i]).action, ==,
                    bt_policy_check_env(b, names[i]).action);
  for (guint bit = 0; bit < 4; bit++)
    g_assert_cmpint(bt_policy_check_sys(a, 1u << bit).action, ==,
                    bt_policy_check_sys(b, 1u << bit).action);
}

static void
test_round_trip(void)
{
  bt_policy_set_json_reader(bt_json_to_variant);
  for (guint round = 0; round < 300; round++) {
    g_autoptr(BtPolicy) flags = bt_policy_new(), file = bt_policy_new();
    g_autoptr(GError) error = NULL;

    for (int n = g_test_rand_int_range(0, 6); n > 0; n--)
      add_random_flag(flags);
    g_autofree char *text = bt_policy_format_json(flags, &error);
    g_assert_no_error(error);
    g_test_message("%s", text);
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
    bt_policy_add_json(file, BT_LAYER_FILES, bytes, "/p.json", "/root", NULL, &error);
    g_assert_no_error(error);
    bt_policy_resolve(flags, NULL, NULL, &error);
    g_assert_no_error(error);
    bt_policy_resolve(file, NULL, NULL, &error);
    g_assert_no_error(error);
    compare_net(flags, file);
    compare_others(flags, file);
  }
}

static void
test_not_written(void)
{
  static const struct {
    BtKind kind;
    const char *items;
  } bad[] = { { BT_KIND_READ, "/a${HOME}" }, { BT_KIND_READ, "/a\xff" }, { BT_KIND_UNIX, "/a${HOME}" } };

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autoptr(BtPolicy) policy = bt_policy_new();
    g_autoptr(GError) error = NULL;
    g_assert_true(bt_policy_add_flag(policy, BT_LAYER_FLAGS, bad[i].kind, BT_ACTION_ALLOW, "--x",
                                     bad[i].items, "/", "/root", NULL));
    g_assert_null(bt_policy_format_json(policy, &error));
    g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  static const struct {
    const char *name;
    void (*test)(Fixture *, gconstpointer);
  } tests[] = {
    { "/policy-files/search", test_search },   { "/policy-files/unreadable", test_unreadable },
    { "/policy-files/own", test_own },
    { "/policy-files/extends", test_extends }, { "/policy-files/merge", test_merge },
    { "/policy-files/cycles", test_cycles },   { "/policy-files/all-errors", test_all_errors },
    { "/policy-files/bounds", test_bounds },   { "/policy-files/guard", test_guard },
    { "/policy-files/list", test_list },
  };
  for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
    g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].test, tear_down);
  g_test_add_func("/policy-format/round-trip", test_round_trip);
  g_test_add_func("/policy-format/not-written", test_not_written);
  return g_test_run();
}
