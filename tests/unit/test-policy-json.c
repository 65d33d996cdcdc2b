/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-policy-format.h"
#include "policy/bt-policy-private.h"

static gboolean
add(BtPolicy *policy, const char *text, gssize length, GError **error)
{
  g_autoptr(GBytes) bytes = g_bytes_new(text, length < 0 ? strlen(text) : (gsize)length);
  return bt_policy_add_json(policy, BT_LAYER_FILES, bytes, "/etc/pol/./p.json", "/home/u", NULL, error);
}

#define V "{\"version\": 1, "
#define FS V "\"fs\": {\"rules\": ["
#define NET V "\"net\": {\"rules\": ["
#define EXEC V "\"exec\": {\"rules\": ["

/* The error starts with "/etc/pol/p.json:" and this. */
static const struct {
  const char *text, *error;
} bad[] = {
  { "", "1:1: the file ends" },
  { "  \n ", "2:2: the file ends" },
  { "\xef\xbb\xbf{}", "1:1: a byte order mark" },
  { "{\n\"a\xff\": 1}", "2:3: a byte that is no UTF-8" },
  { "// hi\n{}", "1:1: a comment" },
  { "{ /* hi */ }", "1:3: a comment" },
  { "{\"a\": 1 # x\n}", "1:9: a comment" },
  { "{'a': 1}", "1:2: no key" },
  { "{\"a\": 'x'}", "1:7: a single quote" },
  { "{\"a\": 1,}", "1:8: a comma after the last" },
  { "[1, 2, ]", "1:6: a comma after the last" },
  { "{\"a\": 1 \"b\": 2}", "1:9: something is missing" },
  { "{\"a\" 1}", "1:6: no \":\"" },
  { "{\"version\": 1}}", "1:15: something after the end" },
  { "{\"a\": 1, \"b\": 2, \"a\": 3}", "1:18: the key \"a\" a second time" },
  { "{\"a\": 1, \"\\u0061\": 3}", "1:10: the key \"a\" a second time" },
  { "{\"\xc3\xa9\": 1, \"\\u00e9\": 3}", "1:10: the key \"\xc3\xa9\" a second time" },
  { "{\"a\": \"x\ny\"}", "1:9: a line break" },
  { "{\"a\": \"\\x\"}", "1:9: an unknown escape" },
  { "{\"a\": \"\\u0000\"}", "1:14: a NUL" },
  { "{\"a\": \"\\ud800\"}", "1:14: half of a surrogate" },
  { "{\"a\": \"\\ud800\\u0041\"}", "1:20: half of a surrogate" },
  { "{\"a\": \"\\udc00\"}", "1:14: half of a surrogate" },
  { "{\"a\": \"x", "1:7: a string that does not end" },
  { "{\"a\": 01}", "1:8: a number that starts with 0" },
  { "{\"a\": 18446744073709551617}", "1:7: a number of more than 15 digits" },
  { "{\"a\": -1234567890123456}", "1:8: a number of more than 15 digits" },
  { "{\"version\": 999999999999999}", "1:13: version: an unknown version" },
  { "{\"a\": .5}", "1:7: no JSON value" },
  { "{\"a\": 1.}", "1:9: a number without digits" },
  { "{\"a\": +1}", "1:7: no JSON value" },
  { "{\"a\": truex}", "1:11: no JSON value" },
  { "{\"a\": NaN}", "1:7: no JSON value" },
  { "var x = 1", "1:1: no JSON value" },
  { "[]", "1:1: a value of the wrong type, a list; write an object" },
  { "{}", "1:1: no \"version\"" },
  { "{\"mode\": \"strict\"}", "1:1: no \"version\"" },
  { "{\"version\": 2}", "1:13: version: an unknown version of policy files; this buntime reads 1" },
  { "{\"version\": \"1\"}", "1:13: version: a value of the wrong type, a string; write a number" },
  { "{\"version\": 1, \"defalts\": {}}",
    "1:16: defalts: an unknown key; did you mean \"defaults\"?" },
  { "{\"version\": 1,\n  \"qqqqqqqqqqqqqq\": 1}", "2:3: qqqqqqqqqqqqqq: an unknown key; write one of $schema, version, name, " },
  { "{\"version\": 1, \"e\\u001b[31m\": 1}", "1:16: e\\x1b[31m: an unknown key" },
  { V "\"limits\": []}", "1:26: limits: a value of the wrong type, a list; write an object" },
  { V "\"limits\": {\"memry\": 1}}",
    "1:27: limits.memry: an unknown key; did you mean \"memory\"?" },
  { V "\"limits\": {\"memory\": \"512MB\"}}",
    "1:37: limits.memory: MB can mean 1000 or 1024; write K, M, G or T" },
  { V "\"limits\": {\"memory\": true}}",
    "1:37: limits.memory: a value of the wrong type, true; write a number, or a string" },
  { V "\"limits\": {\"memory\": 1048575}}",
    "1:37: limits.memory: too small; write at least 1M, or leave the limit out" },
  { V "\"limits\": {\"pids\": \"64\"}}",
    "1:35: limits.pids: a value of the wrong type, a string; write a number" },
  { V "\"limits\": {\"pids\": 1.5}}", "1:35: limits.pids: not a whole number; write one" },
  { V "\"limits\": {\"wallTime\": -1}}", "1:39: limits.wallTime: not a time; write seconds" },
  { V "\"limits\": {\"cpu\": 1e-9}}", "1:34: limits.cpu: not a number of processors" },
  { V "\"extends\": \"x\"}", "1:27: extends: a value of the wrong type, a string; write a list" },
  { V "\"extends\": [\"x\"]}", "1:16: extends: other policies cannot be added here" },
  { V "\"antiEscape\": {\"denySyscalls\": {}}}",
    "1:47: antiEscape.denySyscalls: a value of the wrong type, an object; write a list" },
  { V "\"plugins\": {\"seccomp\": 0}}", "1:39: plugins.seccomp: a value of the wrong type, a number; write true or false" },
  { V "\"audit\": {\"events\": [\"conect\"]}}",
    "1:37: audit.events[0]: \"conect\" is not connect, openat or execve; did you mean \"connect\"?" },
  { V "\"env\": {\"set\": {\"A*\": \"b\"}}}", "1:32: env.set.A*: not the name of one variable" },
  { V "\"env\": {\"set\": {\"A\": 1}}}", "1:37: env.set.A: a value of the wrong type, a number; write a string" },
  { V "\"env\": {\"allow\": [\"A=b\"]}}", "1:34: env.allow[0]: a value cannot be given here" },
  { V "\"sys\": {\"deny\": [\"uid\"]}}", "1:33: sys.deny[0]: the kernel tells this" },
  { V "\"ffi\": {\"rules\": [{\"action\": \"warn\", \"path\": \"/a\"}]}}",
    "1:34: ffi.rules[0]: loading code cannot be warned of" },
  { V "\"ffi\": {\"rules\": [{\"action\": \"allow\"}]}}",
    "1:34: ffi.rules[0]: a rule without \"path\"" },
  { V "\"unix\": {\"rules\": [{\"action\": \"allow\"}]}}",
    "1:35: unix.rules[0]: a rule without \"path\"" },
  { V "\"unix\": {\"rules\": [{\"path\": \"/a\"}]}}",
    "1:35: unix.rules[0]: a rule without \"action\"" },
  { V "\"unix\": {\"rules\": [{\"action\": \"allow\", \"path\": \"/a\", \"perms\": []}]}}",
    "1:69: unix.rules[0].perms: an unknown key; write one of action, path" },
  { V "\"unix\": {\"rules\": [{\"action\": \"warn\", \"path\": \"\"}]}}",
    "1:62: unix.rules[0].path: an empty path" },
  { V "\"plugins\": {\"seccmp\": true}}",
    "1:28: plugins.seccmp: an unknown key; did you mean \"seccomp\"?" },
  { V "\"defaults\": {\"fs\": \"warn\"}}", "1:35: defaults.fs: \"warn\" is not allow or deny; write one of allow, deny" },
  { V "\"defaults\": {\"net\": true}}",
    "1:36: defaults.net: a value of the wrong type, true; write a string" },
  { V "\"fs\": {\"rules\": {}}}", "1:32: fs.rules: a value of the wrong type, an object; write a list" },
  { FS "1]}}", "1:33: fs.rules[0]: a value of the wrong type, a number; write an object" },
  { FS "{}]}}", "1:33: fs.rules[0]: a rule without \"action\"" },
  { FS "{\"action\": \"alow\", \"path\": \"/a\", \"perms\": [\"read_file\"]}]}}",
    "1:44: fs.rules[0].action: \"alow\" is not allow, warn or deny; did you mean \"allow\"?" },
  { FS "{\"action\": \"allow\", \"path\": \"/a\", \"perms\": [\"read_fil\"]}]}}",
    "1:77: fs.rules[0].perms[0]: \"read_fil\" is no permission; did you mean \"read_file\"?" },
  { FS "{\"action\": \"allow\", \"path\": \"/a\", \"perms\": [\"all\"]}]}}",
    "1:77: fs.rules[0].perms[0]: \"all\" is no permission; write one of read_file, read_dir, " },
  { FS "{\"action\": \"allow\", \"path\": \"/a\", \"perms\": []}]}}",
    "1:76: fs.rules[0]: a rule without permissions" },
  { FS "{\"action\": \"allow\", \"perms\": [\"execute\"]}]}}",
    "1:33: fs.rules[0]: a rule without \"path\"" },
  { FS "{\"action\": \"allow\", \"path\": \"${HOM}/a\", \"perms\": [\"execute\"]}]}}",
    "1:61: fs.rules[0].path: \"${HOM}\" is not replaced in policies; did you mean ${HOME}?" },
  { FS "{\"action\": \"allow\", \"path\": \"${PATH\", \"perms\": [\"execute\"]}]}}",
    "1:61: fs.rules[0].path: \"${\" without" },
  { FS "{\"action\": \"allow\", \"path\": \"\", \"perms\": [\"execute\"]}]}}",
    "1:61: fs.rules[0].path: an empty path" },
  { NET "{\"action\": \"allow\"}]}}", "1:34: net.rules[0]: a rule needs \"cidr\" or \"host\"" },
  { NET "{\"action\": \"allow\", \"cidr\": \"10.0.0.0/8\", \"host\": \"a\"}]}}",
    "1:34: net.rules[0]: a rule needs" },
  { NET "{\"action\": \"allow\", \"cidr\": \"10.0.0.0/8\", \"inspect\": true}]}}",
    "1:34: net.rules[0]: \"inspect\" without \"host\"" },
  { NET "{\"action\": \"allow\", \"host\": \"a\", \"inspect\": 0}]}}",
    "1:78: net.rules[0].inspect: a value of the wrong type" },
  { NET "{\"action\": \"allow\", \"cidr\": \"10.0.0.0/33\"}]}}",
    "1:62: net.rules[0].cidr: the part after" },
  { NET "{\"action\": \"allow\", \"host\": \"127.1\"}]}}", "1:62: net.rules[0].host: a number" },
  { NET "{\"action\": \"allow\", \"host\": \"a.b:443\"}]}}",
    "1:62: net.rules[0].host: a port after the name; write \"ports\": \"443\" beside it" },
  { NET "{\"action\": \"allow\", \"host\": \"a.b:https\"}]}}", "1:62: net.rules[0].host: not an IPv6" },
  { NET "{\"action\": \"allow\", \"host\": \"a\", \"ports\": \"0\"}]}}",
    "1:76: net.rules[0].ports: not a port" },
  { NET "{\"action\": \"allow\", \"host\": \"a\", \"ports\": 443}]}}",
    "1:76: net.rules[0].ports: a value of the wrong type, a number; write a string" },
  { NET "{\"action\": \"allow\", \"host\": \"a\", \"proto\": \"sctp\"}]}}",
    "1:76: net.rules[0].proto: an unknown protocol" },
  { EXEC "{\"action\": \"allow\"}]}}", "1:35: exec.rules[0]: a rule needs \"path\" or \"glob\"" },
  { EXEC "{\"action\": \"allow\", \"path\": \"/a\", \"sha256\": \"12\"}]}}",
    "1:79: exec.rules[0].sha256: no SHA-256" },
  { EXEC "{\"action\": \"allow\", \"glob\": \"git-*\"}]}}",
    "1:63: exec.rules[0]: programs on PATH" },
};

static void
test_bad(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  g_autofree char *expected = g_strconcat("/etc/pol/p.json:", bad[i].error, NULL);

  if (add(policy, bad[i].text, -1, &error))
    g_error("%s is taken", bad[i].text);
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
  if (!g_str_has_prefix(error->message, expected))
    g_error("%s gives \"%s\", not \"%s\"", bad[i].text, error->message, expected);
}

static void
test_bounds(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autofree char *deep = g_strnfill(33, '[');
  g_autofree char *large = g_strnfill(BT_JSON_MAX_SIZE + 1, ' ');
  g_autofree char *abyss = g_strnfill(BT_JSON_MAX_SIZE, '[');
  static const struct {
    gsize length;
    const char *error;
  } expected[] = {
    { 33, "/etc/pol/p.json:1:33: nested more than 32 levels deep" },
    { BT_JSON_MAX_SIZE + 1, "/etc/pol/p.json:1:1: a file of more than 1 MiB" },
    { BT_JSON_MAX_SIZE, "/etc/pol/p.json:1:33: nested more than 32 levels deep" },
  };
  const char *texts[] = { deep, large, abyss };

  for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(add(policy, texts[i], (gssize)expected[i].length, &error));
    g_assert_cmpstr(error->message, ==, expected[i].error);
  }
  /* 32 levels are taken by the scan. */
  g_autofree char *open = g_strnfill(32, '['), *close = g_strnfill(32, ']');
  g_autofree char *text = g_strconcat(open, close, NULL);
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  g_assert_true(bt_json_scan(text, 64, places, NULL));
  g_assert_cmpuint(places->len, ==, 32);
  g_autoptr(GError) error = NULL;
  g_assert_false(add(policy, "{\"a\0\": 1}", 9, &error));
  g_assert_cmpstr(error->message, ==, "/etc/pol/p.json:1:4: a NUL byte; save the file as UTF-8");
}

static const char full[] =
  "{\n"
  "  \"$schema\": \"x\", \"version\": 1, \"name\": \"n\", \"description\": \"\\ud83d\\ude00\",\n"
  "  \"plugins\": {\"namespaces\": true, \"landlock\": true, \"seccomp\": true},\n"
  "  \"defaults\": {\"fs\": \"deny\",\n"
  "    \"net\": \"allow\"},\n"
  "  \"fs\": {\"rules\": [\n"
  "    {\"action\": \"allow\", \"path\": \"~/x\", \"perms\": [\"read_file\", \"write_file\"]},\n"
  "    {\"action\": \"deny\", \"path\": \"sub/../y\", \"perms\": [\"write_dir\"]},\n"
  "    {\"action\": \"warn\", \"path\": \"${HOME}/z\", \"perms\": [\"execute\", \"refer\"]}]},\n"
  "  \"net\": {\"rules\": [\n"
  "    {\"action\": \"allow\", \"proto\": \"any\", \"cidr\": \"10.0.0.0/8\", \"ports\": "
  "\"80,8000-9000\"},\n"
  "    {\"action\": \"deny\", \"host\": \"*.Example.com\"},\n"
  "    {\"action\": \"allow\", \"host\": \"localhost\", \"ports\": \"5432\"},\n"
  "    {\"action\": \"allow\", \"cidr\": \"::/0\"}]},\n"
  "  \"exec\": {\"rules\": [\n"
  "    {\"action\": \"allow\", \"path\": \"git\"},\n"
  "    {\"action\": \"allow\", \"glob\": \"/usr/bin/*\"}]}\n"
  "}\n";

static void
test_full(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  static const struct {
    const char *path;
    BtFsPerms perms;
    BtAction action;
    guint line;
    const char *text;
  } fs[] = {
    { "/home/u/x", BT_FS_READ_FILE | BT_FS_WRITE_FILE | BT_FS_TRUNCATE, BT_ACTION_ALLOW, 7,
      "fs.rules[0]" },
    { "/etc/pol/y", BT_FS_WRITE_DIR, BT_ACTION_DENY, 8, "fs.rules[1]" },
    { "/home/u/z", BT_FS_EXECUTE | BT_FS_REFER, BT_ACTION_WARN, 9, "fs.rules[2]" },
  };

  add(policy, full, -1, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(policy->fs_rules->len, ==, G_N_ELEMENTS(fs));
  for (gsize i = 0; i < G_N_ELEMENTS(fs); i++) {
    const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, i);
    g_assert_cmpstr(rule->path, ==, fs[i].path);
    g_assert_cmpint(rule->perms, ==, fs[i].perms);
    g_assert_cmpint(rule->rule.action, ==, fs[i].action);
    g_assert_cmpuint(rule->rule.origin.line, ==, fs[i].line);
    g_assert_cmpstr(rule->rule.origin.text, ==, fs[i].text);
    g_assert_cmpint(rule->rule.layer, ==, BT_LAYER_FILES);
  }
  const BtPathRule *git = g_ptr_array_index(policy->run_rules, 0);
  const BtPathRule *bin = g_ptr_array_index(policy->run_rules, 1);
  g_assert_null(git->path);
  g_assert_cmpstr(git->written, ==, "git");
  g_assert_cmpstr(bin->path, ==, "/usr/bin/*");
  g_assert_cmpuint(policy->net_items->len, ==, 5);
  const BtNetItem *block = g_ptr_array_index(policy->net_items, 0);
  const BtNetItem *below = g_ptr_array_index(policy->net_items, 1);
  g_assert_cmpint(block->proto, ==, BT_PROTO_TCP | BT_PROTO_UDP);
  g_assert_cmpuint(block->ports->len, ==, 2);
  g_assert_cmpstr(below->host, ==, "example.com");
  g_assert_true(below->below);
  g_autofree char *origin = bt_origin_format(&below->rule.origin);
  g_assert_cmpstr(origin, ==, "/etc/pol/p.json:12: net.rules[1]");
  g_assert_cmpint(bt_policy_get_default(policy, BT_KIND_NET), ==, BT_ACTION_ALLOW);
  g_assert_cmpint(bt_policy_get_default(policy, BT_KIND_READ), ==, BT_ACTION_DENY);
  g_assert_true(bt_policy_grants_net(policy));
  g_autoptr(GBytes) compiled = bt_policy_compile_net(policy);
  g_assert_nonnull(compiled);
  g_autofree char *net = bt_origin_format(bt_policy_net_origin(policy, BT_NET_RULE_DEFAULT));
  g_assert_cmpstr(net, ==, "/etc/pol/p.json:5: defaults.net = allow");
}

/* Only a grant of a name can leave out what it says on the wire. */
static void
test_inspect(void)
{
  static const struct {
    const char *rule;
    gboolean plain;
  } cases[] = {
    { "{\"action\": \"allow\", \"host\": \"a.example\", \"inspect\": false}", TRUE },
    { "{\"action\": \"warn\", \"host\": \"*.a.example\", \"inspect\": false}", TRUE },
    { "{\"action\": \"allow\", \"host\": \"a.example\", \"inspect\": true}", FALSE },
    { "{\"action\": \"allow\", \"host\": \"a.example\"}", FALSE },
    { "{\"action\": \"deny\", \"host\": \"a.example\", \"inspect\": false}", FALSE },
    { "{\"action\": \"allow\", \"host\": \"localhost\", \"inspect\": false}", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strdup_printf(NET "%s]}}", cases[i].rule);
    g_autoptr(BtPolicy) policy = bt_policy_new(), again = bt_policy_new();
    g_autoptr(GError) error = NULL;

    g_assert_true(add(policy, text, -1, &error));
    const BtNetItem *item = g_ptr_array_index(policy->net_items, 0);
    g_assert_cmpint((item->flags & BT_NET_RULE_PLAIN) != 0, ==, cases[i].plain);
    g_autoptr(GBytes) compiled = bt_policy_compile_net(policy); /* ends where it is not valid */
    g_assert_nonnull(compiled);
    g_autofree char *written = bt_policy_format_json(policy, &error);
    g_assert_cmpint(strstr(written, "\"inspect\": false") != NULL, ==, cases[i].plain);
    g_assert_true(add(again, written, -1, &error));
    item = g_ptr_array_index(again->net_items, 0);
    g_assert_cmpint((item->flags & BT_NET_RULE_PLAIN) != 0, ==, cases[i].plain);
    g_auto(GStrv) lines = bt_policy_format_lines(policy);
    g_autofree char *joined = g_strjoinv("\n", lines);
    g_assert_cmpint(strstr(joined, "not inspected") != NULL, ==, cases[i].plain);
  }
}

/* Of several files the most restrictive default counts; absent means deny. */
static void
test_merge(void)
{
  static const struct {
    const char *first, *second;
    BtAction net;
    const char *origin;
  } cases[] = {
    { "{\"version\": 1}", NULL, BT_ACTION_DENY, "defaults.net = deny (built-in)" },
    { V "\"defaults\": {\"net\": \"allow\"}}", V "\"defaults\": {\"net\": \"allow\"}}",
      BT_ACTION_ALLOW, "/etc/pol/p.json:1: defaults.net = allow" },
    { V "\"defaults\": {\"net\": \"allow\"}}", V "\n\"defaults\": {\"net\": \"deny\"}}",
      BT_ACTION_DENY, "/etc/pol/p.json:2: defaults.net = deny" },
    { V "\"defaults\": {\"net\": \"deny\"}}", V "\n\"defaults\": {\"net\": \"allow\"}}",
      BT_ACTION_DENY, "/etc/pol/p.json:1: defaults.net = deny" },
    { V "\"defaults\": {\"net\": \"allow\"}}", "{\"version\": 1}", BT_ACTION_DENY,
      "defaults.net = deny (/etc/pol/p.json)" },
    { "{\"version\": 1}", V "\"defaults\": {\"net\": \"allow\"}}", BT_ACTION_DENY,
      "defaults.net = deny (built-in)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(BtPolicy) policy = bt_policy_new();
    g_assert_true(add(policy, cases[i].first, -1, NULL));
    if (cases[i].second != NULL)
      g_assert_true(add(policy, cases[i].second, -1, NULL));
    g_autofree char *origin = bt_origin_format(bt_policy_net_origin(policy, BT_NET_RULE_DEFAULT));
    g_assert_cmpstr(origin, ==, cases[i].origin);
    g_assert_cmpint(bt_policy_get_default(policy, BT_KIND_NET), ==, cases[i].net);
  }
}

/* Every error of a file is told, and a file with an error adds nothing. */
static void
test_all_errors(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;

  g_assert_false(add(policy,
                     V "\"defaults\": {\"net\": \"allow\"},\n\"nme\": 1,\n"
                       "\"fs\": {\"rules\": [{\"action\": \"allow\", \"path\": \"/\", "
                       "\"perms\": [\"read_file\"]}], \"x\": 1},\n"
                       "\"net\": {\"rules\": [{\"ports\": \"x\", \"proto\": \"x\", \"host\": "
                       "\"a.example\", \"action\": \"deny\"}]}}",
                     -1, &error));
  g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
  g_assert_cmpuint(g_strv_length(lines), ==, 4);
  g_assert_true(g_str_has_prefix(lines[0], "/etc/pol/p.json:2:1: nme: "));
  g_assert_true(g_str_has_prefix(lines[1], "/etc/pol/p.json:3:77: fs.x: "));
  g_assert_true(g_str_has_prefix(lines[2], "/etc/pol/p.json:4:29: net.rules[0].ports: "));
  g_assert_true(g_str_has_prefix(lines[3], "/etc/pol/p.json:4:43: net.rules[0].proto: "));
  g_assert_cmpuint(policy->fs_rules->len, ==, 0);
  g_assert_cmpint(bt_policy_get_default(policy, BT_KIND_NET), ==, BT_ACTION_DENY);
}

/* What stands before the tree's errors does not hide them, nor they each other. */
static void
test_faults_and_errors(void)
{
  static const struct {
    const char *text, *errors[6];
  } cases[] = {
    { "// hi\n{\"version\": 1, # there\n\"nme\": /* two\nlines */ 1,}//",
      { "1:1: a comment", "2:16: a comment", "3:8: a comment", "4:11: a comma", "4:13: a comment",
        "3:1: nme: an unknown key" } },
    { "{\"version\": 1, \"name\": 2, \"name\": {\"x\": [1, 2]}, \"nme\": 3, \"name\": 4}",
      { "1:27: the key \"name\" a second time", "1:60: the key \"name\" a second time",
        "1:24: name: a value of the wrong type", "1:50: nme: an unknown key" } },
    { "{\"version\": 1, \"env\": {\"set\": {\"A\": \"\xc3\xa9\", \"A\": \"\xc3\xa9\",}, \"x\": 1}}",
      { "1:42: the key \"A\" a second time", "1:50: a comma", "1:54: env.x: an unknown key" } },
    { "{\"version\": 1, \"env\": {\"allow\": [\"A=b\",],}, \"a\" }",
      { "1:39: a comma", "1:41: a comma", "1:49: no \":\"" } },
    { "{\"version\": 1} /* ", { "1:16: a comment" } },
    { "{\"version\": 1} /*/", { "1:16: a comment" } },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(BtPolicy) policy = bt_policy_new();
    g_autoptr(GError) error = NULL;
    g_assert_false(add(policy, cases[i].text, -1, &error));
    g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    for (guint k = 0; k < MAX(g_strv_length(lines), 1); k++) {
      g_autofree char *expected =
        g_strconcat("/etc/pol/p.json:", k < 6 ? cases[i].errors[k] : NULL, NULL);
      if (!g_str_has_prefix(lines[k], expected) || k >= 6 || cases[i].errors[k] == NULL)
        g_error("%s gives \"%s\", not \"%s\"", cases[i].text, error->message, expected);
    }
    g_assert_true(g_strv_length(lines) == 6 || cases[i].errors[g_strv_length(lines)] == NULL);
  }
}

/* What is wrong everywhere is told a bounded number of times. */
static void
test_many_faults(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  g_autofree char *lines = g_strnfill(100000, '\n');

  for (gsize i = 0; i < strlen(lines); i += 2)
    lines[i] = '#';
  g_autofree char *text = g_strconcat(lines, "{\"version\": 1}", NULL);
  g_assert_false(add(policy, text, -1, &error));
  g_auto(GStrv) told = g_strsplit(error->message, "\n", -1);
  g_assert_cmpuint(g_strv_length(told), ==, BT_JSON_MAX_FAULTS + 1);
}

/* What a file extends is handed out, each with its place. */
static void
test_extends(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GPtrArray) extends =
    g_ptr_array_new_with_free_func((GDestroyNotify)bt_policy_extends_free);
  g_autoptr(GError) error = NULL;
  static const char good[] = V "\"extends\": [\"networked\",\n \"./base.json\"]}";
  static const char bad_items[] = V "\"extends\": [\"a\", \"\", 1]}";
  g_autoptr(GBytes) bytes = g_bytes_new_static(good, strlen(good));
  g_autoptr(GBytes) bad_bytes = g_bytes_new_static(bad_items, strlen(bad_items));

  g_assert_true(bt_policy_add_json(policy, BT_LAYER_FILES, bytes, "/p.json", "/home/u", extends, NULL));
  g_assert_cmpuint(extends->len, ==, 2);
  const BtPolicyExtends *first = g_ptr_array_index(extends, 0);
  const BtPolicyExtends *second = g_ptr_array_index(extends, 1);
  g_assert_cmpstr(first->value, ==, "networked");
  g_assert_cmpstr(first->where, ==, "/p.json:1:28: extends[0]");
  g_assert_cmpstr(second->value, ==, "./base.json");
  g_assert_cmpstr(second->where, ==, "/p.json:2:2: extends[1]");
  g_assert_false(bt_policy_add_json(policy, BT_LAYER_FILES, bad_bytes, "/p.json", "/home/u", extends, &error));
  g_assert_cmpstr(error->message, ==,
                  "/p.json:1:33: extends[1]: an empty name; write a preset's name or a path\n"
                  "/p.json:1:37: extends[2]: a value of the wrong type, a number; write a string");
  /* What it extends is read for its mistakes, too. */
  g_assert_cmpuint(extends->len, ==, 3);
}

/* What a file names and is not there is told and passed over. */
static void
test_missing(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;

  g_assert_true(add(
    policy, FS "{\"action\": \"allow\", \"path\": \"/nonesuch/x\", \"perms\": [\"read_file\"]}]}}",
    -1, NULL));
  bt_policy_resolve(policy, NULL, notices, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(notices->len, ==, 1);
  g_assert_cmpstr(g_ptr_array_index(notices, 0), ==,
                  "/etc/pol/p.json:1: fs.rules[0]: skipped /nonesuch/x: No such file or directory");
  const BtPathRule *rule = g_ptr_array_index(policy->fs_rules, 0);
  g_assert_null(rule->real);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  bt_policy_set_json_reader(bt_json_to_variant);
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *name = g_strdup_printf("/policy-json/bad/%zu", i);
    g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_bad);
  }
  g_test_add_func("/policy-json/bounds", test_bounds);
  g_test_add_func("/policy-json/full", test_full);
  g_test_add_func("/policy-json/merge", test_merge);
  g_test_add_func("/policy-json/inspect", test_inspect);
  g_test_add_func("/policy-json/all-errors", test_all_errors);
  g_test_add_func("/policy-json/faults-and-errors", test_faults_and_errors);
  g_test_add_func("/policy-json/many-faults", test_many_faults);
  g_test_add_func("/policy-json/extends", test_extends);
  g_test_add_func("/policy-json/missing", test_missing);
  return g_test_run();
}
