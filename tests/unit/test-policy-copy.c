/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy says what its original says, and nothing that becomes of one changes the other.
 */
#include <glib.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/bt-policy-format.h"
#include "policy/bt-policy-private.h"

/* ---- all that a policy holds, as text ---- */

static void
dump_origin(GString *text, const BtOrigin *origin)
{
  g_string_append_printf(text, " from %s:%u: %s\n", origin->source, origin->line, origin->text);
}

static void
dump_rule(GString *text, const BtRule *rule)
{
  g_string_append_printf(text, " action %d layer %d", rule->action, rule->layer);
  dump_origin(text, &rule->origin);
}

static void
dump_paths(GString *text, const char *section, GPtrArray *rules)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    g_string_append_printf(text, "%s %x %s %s %s %d %s %d %d", section, rule->perms, rule->written,
                           rule->path, rule->real, rule->to_make, rule->sha256,
                           rule->bytes != NULL ? (int)g_bytes_get_size(rule->bytes) : -1,
                           rule->everything);
    dump_rule(text, &rule->rule);
  }
}

static void
dump_net(GString *text, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(items, i);
    char address[BT_ADDR_TEXT_SIZE];
    g_string_append_printf(text, "net %s %d %s/%u %u %x %d", item->host, item->below,
                           bt_addr_format(&item->addr, address), item->prefix, item->proto,
                           item->flags, item->everything);
    for (guint k = 0; k < item->ports->len; k++) {
      const BtPortRange *range = &g_array_index(item->ports, BtPortRange, k);
      g_string_append_printf(text, " %u-%u", range->first, range->last);
    }
    dump_rule(text, &item->rule);
  }
}

static void
dump_names(GString *text, const BtPolicy *policy)
{
  for (guint i = 0; i < policy->env_rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    g_string_append_printf(text, "env %s", rule->pattern);
    dump_rule(text, &rule->rule);
  }
  for (guint i = 0; i < policy->env_set->len; i++) {
    const BtEnvSet *set = g_ptr_array_index(policy->env_set, i);
    g_string_append_printf(text, "set %s=%s", set->name, set->value);
    dump_rule(text, &set->rule);
  }
  for (guint i = 0; i < policy->sys_rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(policy->sys_rules, i);
    g_string_append_printf(text, "sys %x", rule->kinds);
    dump_rule(text, &rule->rule);
  }
  for (guint i = 0; i < policy->deny_syscalls->len; i++) {
    const BtDenySyscall *syscall = g_ptr_array_index(policy->deny_syscalls, i);
    g_string_append_printf(text, "syscall %s", syscall->name);
    dump_origin(text, &syscall->origin);
  }
}

static void
dump_settings(GString *text, const BtPolicy *policy)
{
  g_string_append_printf(text, "counts %u %u files %d audit %x plugins %x %d", policy->n_net_rules,
                         policy->n_net_ports, policy->has_files, policy->audit, policy->plugins,
                         policy->has_plugins);
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    dump_origin(text, &policy->plugin_origins[i]);
  for (guint i = 0; i < BT_N_AUDIT; i++)
    dump_origin(text, &policy->audit_origins[i]);
  for (guint kind = 0; kind < BT_N_KINDS; kind++) {
    g_string_append_printf(text, "default %u %d", kind, policy->defaults[kind]);
    dump_origin(text, &policy->default_origins[kind]);
  }
  for (guint limit = 0; limit < BT_N_LIMITS; limit++) {
    g_string_append_printf(text, "limit %u %d %d %" G_GUINT64_FORMAT, limit,
                           policy->limits[limit].set, policy->limits[limit].layer,
                           policy->limits[limit].value);
    dump_origin(text, &policy->limits[limit].origin);
  }
  dump_origin(text, &policy->closure);
}

static char *
dump(const BtPolicy *policy)
{
  GString *text = g_string_new(NULL);

  dump_paths(text, "fs", policy->fs_rules);
  dump_paths(text, "run", policy->run_rules);
  dump_paths(text, "unix", policy->unix_rules);
  dump_paths(text, "ffi", policy->ffi_rules);
  dump_net(text, policy->net_items);
  dump_names(text, policy);
  dump_settings(text, policy);
  return g_string_free(text, FALSE);
}

/* ---- */

#define V "{\"version\": 1, "
#define RULE(section, rule) V "\"" section "\": {\"rules\": [" rule "]}}"
#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* One of each kind of rule and setting: a policy file or, with a kind, a flag's list. */
static const struct {
  const char *name, *json;
  BtKind kind;
  BtAction action;
  const char *items;
} table[] = {
  { "fs", RULE("fs", "{\"action\": \"warn\", \"path\": \"/usr\", \"perms\": [\"read_dir\"]}") },
  { "fs-glob", RULE("fs", "{\"action\": \"allow\", \"path\": \"/usr/*\", \"perms\": [\"execute\"]}") },
  { "net", RULE("net", "{\"action\": \"allow\", \"proto\": \"udp\", \"cidr\": \"10.0.0.0/8\", "
                       "\"ports\": \"80,8000-9000\"}") },
  { "net-host", RULE("net", "{\"action\": \"deny\", \"host\": \"*.a.example\"}") },
  { "net-plain", RULE("net", "{\"action\": \"allow\", \"host\": \"a.example\", \"inspect\": false}") },
  { "exec", RULE("exec", "{\"action\": \"allow\", \"path\": \"/bin/true\"}") },
  { "exec-sum", RULE("exec", "{\"action\": \"deny\", \"path\": \"/bin/true\", \"sha256\": \"" SUM "\"}") },
  { "ffi", RULE("ffi", "{\"action\": \"allow\", \"path\": \"/usr/lib\"}") },
  { "unix", RULE("unix", "{\"action\": \"allow\", \"path\": \"/run/socket\"}") },
  { "env-allow", V "\"env\": {\"allow\": [\"AWS_*\"]}}" },
  { "env-deny", V "\"env\": {\"deny\": [\"LANG\"]}}" },
  { "env-set", V "\"env\": {\"set\": {\"A\": \"b\"}}}" },
  { "sys", V "\"sys\": {\"allow\": [\"hostname\", \"loadavg\"]}}" },
  { "syscalls", V "\"antiEscape\": {\"denySyscalls\": [\"getpid\"]}}" },
  { "audit", V "\"audit\": {\"enabled\": true, \"events\": [\"connect\"]}}" },
  { "plugins", V "\"plugins\": {\"landlock\": false}}" },
  { "defaults-fs", V "\"defaults\": {\"fs\": \"allow\"}}" },
  { "defaults-net", V "\"defaults\": {\"net\": \"allow\"}}" },
  { "defaults-exec", V "\"defaults\": {\"exec\": \"allow\"}}" },
  { "limits", V "\"limits\": {\"memory\": \"1G\", \"cpu\": 0.5, \"pids\": 5, \"wallTime\": 1, "
                "\"cpuTime\": 2, \"output\": 3, \"tmpSize\": \"1M\", \"shmSize\": \"2M\", "
                "\"openFiles\": 64, \"netConnectionsPerSecond\": 7, \"netBytes\": 8000}}" },
  { "--net", NULL, BT_KIND_NET, BT_ACTION_ALLOW, "a.example:443,10.0.0.1/udp,localhost:5" },
  { "--net-bare", NULL, BT_KIND_NET, BT_ACTION_ALLOW, NULL },
  { "--read", NULL, BT_KIND_READ, BT_ACTION_ALLOW, "/usr,~/x" },
  { "--read-bare", NULL, BT_KIND_READ, BT_ACTION_DENY, NULL },
  { "--write", NULL, BT_KIND_WRITE, BT_ACTION_DENY, "/var/tmp" },
  { "--run", NULL, BT_KIND_RUN, BT_ACTION_ALLOW, "true,/bin/false" },
  { "--env", NULL, BT_KIND_ENV, BT_ACTION_ALLOW, "LANG,A*" },
  { "--unix", NULL, BT_KIND_UNIX, BT_ACTION_ALLOW, "/run/a" },
  { "--ffi", NULL, BT_KIND_FFI, BT_ACTION_ALLOW, "/usr/lib/a.so" },
  { "--sys", NULL, BT_KIND_SYS, BT_ACTION_ALLOW, "hostname" },
};

static void
add(BtPolicy *policy, gsize i)
{
  g_autoptr(GError) error = NULL;

  if (table[i].json != NULL) {
    g_autoptr(GBytes) bytes = g_bytes_new_static(table[i].json, strlen(table[i].json));
    bt_policy_add_json(policy, BT_LAYER_FILES, bytes, "/p.json", "/home/u", NULL, &error);
  } else {
    bt_policy_add_flag(policy, BT_LAYER_FLAGS, table[i].kind, table[i].action, table[i].name,
                       table[i].items, "/", "/home/u", &error);
  }
  g_assert_no_error(error);
}

static void
scribble(char *text)
{
  if (text != NULL)
    memset(text, '#', strlen(text));
}

static void
scribble_origin(BtOrigin *origin)
{
  scribble(origin->source);
  scribble(origin->text);
}

static void
scribble_paths(GPtrArray *rules)
{
  for (guint i = 0; i < rules->len; i++) {
    BtPathRule *rule = g_ptr_array_index(rules, i);
    scribble_origin(&rule->rule.origin);
    scribble(rule->written);
    scribble(rule->path);
    scribble(rule->real);
    scribble(rule->sha256);
  }
}

/* Whatever else refers to one of its texts is changed, too. */
static void
spoil(BtPolicy *policy)
{
  scribble_paths(policy->fs_rules);
  scribble_paths(policy->run_rules);
  scribble_paths(policy->unix_rules);
  scribble_paths(policy->ffi_rules);
  for (guint i = 0; i < policy->net_items->len; i++) {
    BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    scribble_origin(&item->rule.origin);
    scribble(item->host);
    for (guint k = 0; k < item->ports->len; k++)
      g_array_index(item->ports, BtPortRange, k) = (BtPortRange){ 1, 1 };
  }
  for (guint i = 0; i < policy->env_rules->len; i++) {
    BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    scribble_origin(&rule->rule.origin);
    scribble(rule->pattern);
  }
  for (guint i = 0; i < policy->env_set->len; i++) {
    BtEnvSet *set = g_ptr_array_index(policy->env_set, i);
    scribble_origin(&set->rule.origin);
    scribble(set->name);
    scribble(set->value);
  }
  for (guint i = 0; i < policy->sys_rules->len; i++)
    scribble_origin(&((BtSysRule *)g_ptr_array_index(policy->sys_rules, i))->rule.origin);
  for (guint i = 0; i < policy->deny_syscalls->len; i++) {
    BtDenySyscall *syscall = g_ptr_array_index(policy->deny_syscalls, i);
    scribble_origin(&syscall->origin);
    scribble(syscall->name);
  }
  for (guint i = 0; i < BT_N_PLUGINS; i++)
    scribble_origin(&policy->plugin_origins[i]);
  for (guint i = 0; i < BT_N_AUDIT; i++)
    scribble_origin(&policy->audit_origins[i]);
  scribble_origin(&policy->closure);
  for (guint kind = 0; kind < BT_N_KINDS; kind++)
    scribble_origin(&policy->default_origins[kind]);
  for (guint limit = 0; limit < BT_N_LIMITS; limit++)
    scribble_origin(&policy->limits[limit].origin);
}

static void
assert_same(BtPolicy *a, BtPolicy *b)
{
  g_autofree char *text = dump(a), *other = dump(b);
  g_autofree char *json = bt_policy_format_json(a, NULL), *other_json = bt_policy_format_json(b, NULL);
  g_autoptr(GBytes) net = bt_policy_compile_net(a), other_net = bt_policy_compile_net(b);

  g_assert_cmpstr(text, ==, other);
  g_assert_nonnull(json);
  g_assert_cmpstr(json, ==, other_json);
  g_assert_true(g_bytes_equal(net, other_net));
}

/* A copy of what was made is the same, and stays so whatever is done to the original. */
static void
check_copy(BtPolicy *policy)
{
  g_autoptr(BtPolicy) copy = bt_policy_copy(policy), again = bt_policy_copy(copy);
  g_autofree char *before = dump(policy);

  assert_same(policy, copy);
  bt_policy_add_everything(copy, BT_LAYER_FLAGS, "--allow-all");
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
    add(copy, i);
  g_autofree char *after = dump(policy), *changed = dump(copy);
  g_assert_cmpstr(before, ==, after);
  g_assert_cmpstr(before, !=, changed);
  spoil(policy);
  g_autofree char *spoilt = dump(policy), *kept = dump(again);
  g_assert_cmpstr(spoilt, !=, before);
  g_assert_cmpstr(kept, ==, before);
}

static void
test_each(gconstpointer data)
{
  g_autoptr(BtPolicy) policy = bt_policy_new(), empty = bt_policy_new();

  add(policy, GPOINTER_TO_SIZE(data));
  g_autofree char *text = dump(policy), *nothing = dump(empty);
  /* Else nothing is compared below. */
  g_assert_cmpstr(text, !=, nothing);
  check_copy(policy);
}

static void
test_resolved(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;

  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_READ, BT_ACTION_ALLOW, "-r", "/usr,/dev/../usr",
                     "/", "/", &error);
  bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_RUN, BT_ACTION_ALLOW, "-x", "true", "/", "/",
                     &error);
  g_assert_no_error(error);
  g_autoptr(BtPolicy) copy = bt_policy_copy(policy);
  g_autofree char *before = dump(policy);
  g_assert_true(bt_policy_resolve(copy, "/usr/bin:/bin", NULL, &error));
  g_autofree char *after = dump(policy);
  g_assert_cmpstr(before, ==, after);
  g_assert_nonnull(((BtPathRule *)g_ptr_array_index(copy->run_rules, 0))->real);
  check_copy(copy);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  bt_policy_set_json_reader(bt_json_to_variant);
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autofree char *path = g_strconcat("/policy-copy/", table[i].name, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_each);
  }
  g_test_add_func("/policy-copy/resolved", test_resolved);
  return g_test_run();
}
