/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/bt-policy-environ.h"
#include "policy/bt-policy-format.h"

static char *folder; /* of the preset "base" */

#define DEFAULTS "defaults.exec = deny|defaults.fs = deny|defaults.net = deny"

/* The environment as names and values in turn; what becomes of it. */
static const struct {
  const char *environment[7];
  const char *lines, *grants;
} good[] = {
  { { "HOME", "/x", "POD_NAME", "web-1", "BUNTIME_TEST", "1" }, DEFAULTS, "" },
  { { "POD_ALLOW_NET", "github.com:443,10.0.0.0/8" },
    DEFAULTS "|net: allow 10.0.0.0/8 tcp|net: allow github.com 443 tcp",
    "POD_ALLOW_NET=github.com:443,10.0.0.0/8" },
  { { "BUNTIME_ALLOW_NET", "github.com" }, DEFAULTS "|net: allow github.com tcp",
    "BUNTIME_ALLOW_NET=github.com" },
  { { "POD_DENY_NET", "github.com" }, DEFAULTS "|net: deny github.com any", "" },
  { { "POD_ALLOW_NET", "x", "BUNTIME_ALLOW_NET", "x" }, DEFAULTS "|net: allow x tcp",
    "POD_ALLOW_NET=x" },
  { { "POD_ALLOW_READ", "in,/a,,b" },
    DEFAULTS "|fs: allow /a,b read_file,read_dir|fs: allow /work/in read_file,read_dir",
    "POD_ALLOW_READ=in,/a,,b" },
  { { "POD_ALLOW_READ", "./*" }, DEFAULTS "|fs: allow /work/* read_file,read_dir",
    "POD_ALLOW_READ=./*" },
  { { "POD_ALLOW_READ", "~" }, DEFAULTS "|fs: allow /home/u read_file,read_dir",
    "POD_ALLOW_READ=~" },
  { { "POD_ALLOW_WRITE", "/out" }, DEFAULTS "|fs: allow /out write_dir,write_file",
    "POD_ALLOW_WRITE=/out" },
  { { "POD_ALLOW_RUN", "git,./x" }, DEFAULTS "|exec: allow /work/x|exec: allow git",
    "POD_ALLOW_RUN=git,./x" },
  { { "POD_ALLOW_ENV", "LANG,AWS_*" }, DEFAULTS "|env: allow AWS_*|env: allow LANG",
    "POD_ALLOW_ENV=LANG,AWS_*" },
  { { "POD_ALLOW_FFI", "/l.so" }, DEFAULTS "|ffi: allow /l.so", "POD_ALLOW_FFI=/l.so" },
  { { "POD_ALLOW_SYS", "hostname" }, DEFAULTS "|sys: allow hostname", "POD_ALLOW_SYS=hostname" },
  { { "BUNTIME_DENY_SYS", "hostname" }, DEFAULTS "|sys: deny hostname", "" },
  { { "POD_ALLOW_UNIX", "/s" }, DEFAULTS "|unix: allow /s", "POD_ALLOW_UNIX=/s" },
  { { "POD_ALLOW_NET", "all" }, DEFAULTS "|net: allow everything any", "POD_ALLOW_NET=all" },
  { { "POD_ALLOW_ENV", "all" }, DEFAULTS "|env: allow *", "POD_ALLOW_ENV=all" },
  { { "POD_DENY_READ", "all" }, DEFAULTS "|fs: deny / read_file,read_dir", "" },
  { { "POD_ALLOW_READ", "./all" }, DEFAULTS "|fs: allow /work/all read_file,read_dir",
    "POD_ALLOW_READ=./all" },
  { { "POD_ALLOW_ENV", "A\033[m" }, DEFAULTS "|env: allow A\033[m", "POD_ALLOW_ENV=A\\x1b[m" },
  { { "POD_POLICY_JSON", "{\"version\": 1, \"defaults\": {\"net\": \"allow\"}}" },
    "defaults.exec = deny|defaults.fs = deny|defaults.net = allow", "POD_POLICY_JSON" },
  /* Broken into lines as by base64(1). */
  { { "BUNTIME_POLICY_JSON", "\n{\"version\": 1, \"env\": {\"allow\": [\"A\"]}}" },
    DEFAULTS "|env: allow A", "BUNTIME_POLICY_JSON" },
  { { "POD_POLICY_JSON",
      "{\"version\": 1, \"ffi\": {\"rules\": [{\"action\": \"allow\", \"path\": \"/work/l.so\"}]}}" },
    DEFAULTS "|ffi: allow /work/l.so", "POD_POLICY_JSON" },
  { { "POD_POLICY_JSON", "{\"version\": 1, \"extends\": [\"base\"]}" },
    DEFAULTS "|net: allow base.example tcp", "POD_POLICY_JSON" },
};

static const struct {
  const char *environment[5];
  const char *message;
  int status;
} bad[] = {
  { { "POD_DENY_NTE", "x" }, "POD_DENY_NTE: no such permission\ndid you mean POD_DENY_NET?", 2 },
  { { "BUNTIME_ALLOW_RAED", "x" },
    "BUNTIME_ALLOW_RAED: no such permission\ndid you mean BUNTIME_ALLOW_READ?", 2 },
  { { "POD_DENY_", "x" }, "POD_DENY_: no such permission\n", 2 },
  { { "POD_DENY_net", "x" }, "POD_DENY_net: no such permission\ndid you mean POD_DENY_NET?", 2 },
  { { "POD_ALLOW_ALL", "1" },
    "POD_ALLOW_ALL: no variable grants everything\ngive the flag --allow-all", 2 },
  { { "POD_ALLOW_NET", "x", "BUNTIME_ALLOW_NET", "y" },
    "BUNTIME_ALLOW_NET: POD_ALLOW_NET has another value\nunset one of the two", 2 },
  { { "BUNTIME_DENY_READ", "/x", "POD_DENY_READ", "" },
    "POD_DENY_READ: BUNTIME_DENY_READ has another value\n", 2 },
  { { "POD_DENY_NET", "a", "POD_DENY_NET", "b" },
    "POD_DENY_NET: POD_DENY_NET has another value\n", 2 },
  { { "POD_ALLOW_NET", "" }, "POD_ALLOW_NET=: an empty value\nunset it, ", 2 },
  { { "POD_DENY_NET", "" }, "POD_DENY_NET=: an empty value\nunset it, ", 2 },
  { { "POD_ALLOW_NET", "1" }, "POD_ALLOW_NET=1: a list is needed here, not a switch\n", 2 },
  { { "POD_ALLOW_RUN", "True" }, "POD_ALLOW_RUN=True: a list is needed here, not a switch\n", 2 },
  { { "POD_DENY_RUN", "false" }, "POD_DENY_RUN=false: a list is needed here, not a switch\n", 2 },
  { { "POD_ALLOW_READ", "*" }, "POD_ALLOW_READ=*: \"*\" does not mean the same in every list\n", 2 },
  { { "POD_ALLOW_ENV", "*" }, "POD_ALLOW_ENV=*: \"*\" does not mean the same in every list\n", 2 },
  { { "POD_ALLOW_NET", "a,127.1" }, "POD_ALLOW_NET=127.1: a number", 2 },
  { { "POD_ALLOW_READ", "/a,,,,b,"}, "POD_ALLOW_READ: an empty path in the list\n", 2 },
  { { "POD_DENY_SYS", "uid" }, "POD_DENY_SYS=uid: the kernel tells this to every process\n", 2 },
  { { "POD_POLICY_JSON", "=" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "=e30" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "=e31=" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "=e3 0=" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "=e30=e30=" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "={}" }, "POD_POLICY_JSON: not a policy in base64\n", 2 },
  { { "POD_POLICY_JSON", "{\n  \"version\": 2}" }, "POD_POLICY_JSON:2:14: version: ", 125 },
  { { "BUNTIME_POLICY_JSON", "{\n  \"version\": 1,}" }, "BUNTIME_POLICY_JSON:2:15: ", 125 },
  { { "POD_POLICY_JSON", "{\"version\": 1, \"extends\": [\"bsae\"]}" },
    "POD_POLICY_JSON:1:28: extends[0]: bsae: no preset of that name; did you mean base?", 125 },
};

static void
append_entry(GPtrArray *environment, const char *name, const char *value)
{
  g_autofree char *encoded = NULL;

  /* Only what starts with "=" is taken as it is. */
  if (g_str_has_suffix(name, "_POLICY_JSON") && value[0] != '\0' && value[0] != '=') {
    encoded = g_base64_encode((const guchar *)value, strlen(value));
    if (value[0] == '\n') {
      char *broken = g_strconcat(encoded, "\r\n", NULL);
      memmove(broken + 9, broken + 8, strlen(broken) - 9);
      broken[8] = '\n';
      g_free(encoded);
      encoded = broken;
    }
  } else if (value[0] == '=') {
    value++;
  }
  g_ptr_array_add(environment,
                  g_strdup_printf("%s=%s", name, encoded != NULL ? encoded : value));
}

static gboolean
add(BtPolicy *policy, const char *const *pairs, GPtrArray *grants, GError **error)
{
  g_autoptr(GPtrArray) environment = g_ptr_array_new_with_free_func(g_free);
  const char *const folders[] = { folder, NULL };
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new(folders, "/work", "/home/u");

  for (; pairs[0] != NULL; pairs += 2)
    append_entry(environment, pairs[0], pairs[1]);
  g_ptr_array_add(environment, NULL);
  return bt_policy_add_environment(policy, files, (const char *const *)environment->pdata, "/work",
                                   "/home/u", grants, error);
}

static void
test_good(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;

  add(policy, good[n].environment, grants, &error);
  g_assert_no_error(error);
  g_auto(GStrv) lines = bt_policy_format_lines(policy);
  g_autofree char *text = g_strjoinv("|", lines);
  g_assert_cmpstr(text, ==, good[n].lines);
  g_ptr_array_add(grants, NULL);
  g_autofree char *told = g_strjoinv("|", (char **)grants->pdata);
  g_assert_cmpstr(told, ==, good[n].grants);
}

static void
test_bad(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;

  g_assert_false(add(policy, bad[n].environment, NULL, &error));
  g_assert_cmpint(buntime_error_exit_status(error), ==, bad[n].status);
  if (!g_str_has_prefix(error->message, bad[n].message))
    g_error("\"%s\" is not \"%s\"", error->message, bad[n].message);
}

/* An entry without a name or a value is nobody's. */
static void
test_odd_entries(void)
{
  static const char *const entries[] = { "POD_DENY_NTE", "=POD_DENY_NTE=1", "", NULL };
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new(entries + 3, "/", "/");
  g_autoptr(BtPolicy) policy = bt_policy_new();

  g_assert_true(bt_policy_add_environment(policy, files, entries, "/", "/", NULL, NULL));
}

static void
test_largest(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  g_autofree char *value = g_strnfill(2 * BT_JSON_MAX_SIZE + 2, 'A');
  const char *pairs[] = { "POD_POLICY_JSON", value, NULL };

  value[0] = '=';
  g_assert_false(add(policy, pairs, NULL, &error));
  g_assert_true(g_str_has_prefix(error->message, "POD_POLICY_JSON: larger than a policy may be"));
  /* Decoded it is still more than a policy may have. */
  g_clear_error(&error);
  value[2 * BT_JSON_MAX_SIZE - 3] = '\0';
  g_assert_false(add(policy, pairs, NULL, &error));
  g_assert_true(g_str_has_prefix(error->message, "POD_POLICY_JSON:"));
}

static BtAction
net(BtPolicy *policy, const char *host)
{
  return bt_policy_check_name(policy, host, NULL).action;
}

/* Flags stand over variables, those over files, in both directions; what extends stays with it. */
static void
test_layers(void)
{
  static const char *const variables[] = {
    "POD_ALLOW_NET", "a,b", "POD_DENY_NET", "c,d,base.example",
    "POD_POLICY_JSON", "{\"version\": 1, \"extends\": [\"base\"]}", NULL,
  };
  g_autoptr(BtPolicy) policy = bt_policy_new();
  const char *const folders[] = { folder, NULL };
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new(folders, "/work", "/home/u");
  static const char file[] =
    "{\"version\": 1, \"extends\": [\"base\"], \"net\": {\"rules\": ["
    "{\"action\": \"deny\", \"host\": \"b\"}, {\"action\": \"allow\", \"host\": \"d\"},"
    "{\"action\": \"allow\", \"host\": \"e\"}]}}";
  g_autoptr(GBytes) bytes = g_bytes_new_static(file, sizeof file - 1);

  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_FILES, bytes, "-", NULL));
  g_assert_true(add(policy, variables, NULL, NULL));
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET, BT_ACTION_DENY, "--f", "a", "/", "/", NULL);
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET, BT_ACTION_ALLOW, "--f", "c", "/", "/",
                     NULL);
  g_assert_cmpint(net(policy, "a"), ==, BT_ACTION_DENY);
  g_assert_cmpint(net(policy, "b"), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(net(policy, "c"), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(net(policy, "d"), ==, BT_ACTION_DENY);
  g_assert_cmpint(net(policy, "e"), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(net(policy, "base.example"), ==, BT_ACTION_DENY);
}

/* A base that both a file and a variable's policy extend speaks in both layers. */
static void
test_extended_twice(void)
{
  const char *const folders[] = { folder, NULL };
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new(folders, "/work", "/home/u");
  static const char file[] = "{\"version\": 1, \"extends\": [\"refuses\"]}";
  static const char variable[] = "{\"version\": 1, \"extends\": [\"refuses\"], \"net\": {\"rules\": ["
                                 "{\"action\": \"allow\", \"host\": \"bad.example\"}]}}";
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GBytes) low = g_bytes_new_static(file, sizeof file - 1);
  g_autoptr(GBytes) high = g_bytes_new_static(variable, sizeof variable - 1);

  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_FILES, low, "-", NULL));
  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, high, "V", NULL));
  g_assert_cmpint(net(policy, "bad.example"), ==, BT_ACTION_DENY);
}

/* Of two layers the higher one's value is set, whichever was added first. */
static void
test_set_in_two_layers(void)
{
  static const char low[] = "{\"version\": 1, \"env\": {\"set\": {\"A\": \"1\"}}}";
  static const char high[] = "{\"version\": 1, \"env\": {\"set\": {\"A\": \"2\"}}}";
  g_autoptr(GBytes) low_bytes = g_bytes_new_static(low, sizeof low - 1);
  g_autoptr(GBytes) high_bytes = g_bytes_new_static(high, sizeof high - 1);

  for (int first = 0; first < 2; first++) {
    g_autoptr(BtPolicyFiles) files = bt_policy_files_new((const char *const[]){ NULL }, "/", "/");
    g_autoptr(BtPolicy) policy = bt_policy_new();
    for (int i = 0; i < 2; i++) {
      gboolean file = i == first;
      g_assert_true(bt_policy_files_add_bytes(files, policy,
                                              file ? BT_LAYER_FILES : BT_LAYER_VARIABLES,
                                              file ? low_bytes : high_bytes, "-", NULL));
    }
    const BtEnvSet *last = g_ptr_array_index(bt_policy_get_env_set(policy), 1);
    g_assert_cmpstr(last->value, ==, "2");
    g_assert_false(
      bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, low_bytes, "W", NULL));
  }
}

/* A higher layer's limit stands, in whatever order they come; of one layer the smallest. */
static void
test_limits(void)
{
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new((const char *const[]){ NULL }, "/", "/");
  g_autoptr(BtPolicy) policy = bt_policy_new();
  static const char low[] = "{\"version\": 1, \"limits\": {\"pids\": 10}}";
  static const char high[] = "{\"version\": 1, \"limits\": {\"pids\": 30}}";
  static const char higher[] = "{\"version\": 1, \"limits\": {\"pids\": 20}}";
  g_autoptr(GBytes) low_bytes = g_bytes_new_static(low, sizeof low - 1);
  g_autoptr(GBytes) high_bytes = g_bytes_new_static(high, sizeof high - 1);
  g_autoptr(GBytes) higher_bytes = g_bytes_new_static(higher, sizeof higher - 1);
  guint64 value = 0;

  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, high_bytes, "V", NULL));
  g_assert_true(
    bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, higher_bytes, "W", NULL));
  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_VARIABLES, high_bytes, "X", NULL));
  g_assert_true(bt_policy_files_add_bytes(files, policy, BT_LAYER_FILES, low_bytes, "-", NULL));
  g_assert_true(bt_policy_get_limit(policy, BT_LIMIT_PIDS, &value, NULL));
  g_assert_cmpint(value, ==, 20);
}

static void
test_never_shown(void)
{
  static const struct {
    const char *name;
    gboolean own;
  } names[] = {
    { "POD_ALLOW_NET", TRUE },      { "POD_DENY_SYS", TRUE },   { "BUNTIME_ALLOW_ENV", TRUE },
    { "BUNTIME_DENY_XYZ", TRUE },   { "POD_ALLOW_", TRUE },     { "POD_POLICY_JSON", TRUE },
    { "BUNTIME_POLICY_JSON", TRUE }, { "POD_NAME", FALSE },      { "BUNTIME_TEST", FALSE },
    { "POD_ALLOWED", FALSE },       { "POD_POLICY_JSONS", FALSE }, { "MY_POD_ALLOW_NET", FALSE },
    { "pod_allow_net", FALSE },     { "POD_", FALSE },
  };
  g_autoptr(BtPolicy) policy = bt_policy_new();

  bt_policy_add_everything(policy, BT_LAYER_FLAGS, "--allow-all");
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_ENV, BT_ACTION_ALLOW, "--allow-env",
                     "POD_ALLOW_NET", "/", "/", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_assert_cmpint(bt_policy_environ_is_own(names[i].name), ==, names[i].own);
    g_assert_cmpint(bt_policy_check_env(policy, names[i].name).action, ==,
                    names[i].own ? BT_ACTION_DENY : BT_ACTION_ALLOW);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  bt_policy_set_json_reader(bt_json_to_variant);
  folder = g_dir_make_tmp("policy-environ-XXXXXX", NULL);
  g_autofree char *base = g_build_filename(folder, "base.json", NULL);
  g_autofree char *refuses = g_build_filename(folder, "refuses.json", NULL);
  g_assert_true(g_file_set_contents(
    base, "{\"version\": 1, \"net\": {\"rules\": [{\"action\": \"allow\", \"host\": \"base.example\"}]}}",
    -1, NULL));
  g_assert_true(g_file_set_contents(
    refuses,
    "{\"version\": 1, \"net\": {\"rules\": [{\"action\": \"deny\", \"host\": \"bad.example\"}]}}", -1,
    NULL));
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *path = g_strdup_printf("/environ/good/%zu", i);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_good);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *path = g_strdup_printf("/environ/bad/%zu", i);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_bad);
  }
  g_test_add_func("/environ/odd-entries", test_odd_entries);
  g_test_add_func("/environ/largest", test_largest);
  g_test_add_func("/environ/layers", test_layers);
  g_test_add_func("/environ/extended-twice", test_extended_twice);
  g_test_add_func("/environ/set-in-two-layers", test_set_in_two_layers);
  g_test_add_func("/environ/limits", test_limits);
  g_test_add_func("/environ/never-shown", test_never_shown);
  int status = g_test_run();
  g_remove(base);
  g_remove(refuses);
  g_rmdir(folder);
  g_free(folder);
  return status;
}
