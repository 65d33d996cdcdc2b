/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The matcher against a naive one: 10,000 random policies, each asked a few
 * times about every kind. The naive one looks at every rule by itself, shares
 * nothing with the matcher but the rules, and follows DESIGN 4's words.
 *
 * Of several equal rules any may be named as the one that decided; action and
 * layer must be the same.
 */
#include <glib.h>
#include <string.h>

#include "policy/bt-policy-private.h"

#define POLICIES 10000
#define REQUESTS 4
#define MAX_RULES 40

static const char *const letters[] = { "a", "b", "c", "ab", "a.b" };
static const char *const hosts[] = { "a.example", "b.example", "c.a.example", "example",
                                     "ba.example", "x.c.a.example" };
static const char *const addrs[] = { "203.0.113.7", "203.0.113.8", "203.0.114.1", "10.1.2.3",
                                     "10.1.200.1",  "192.0.2.1",   "127.0.0.1",   "2001:db8::1",
                                     "2001:db8:1::1", "64:ff9b::10.1.2.3",
                                     "2002:cb00:7107::1" };
static const char *const blocks[] = { "203.0.113.0/24", "203.0.113.7",    "203.0.0.0/16",
                                      "10.0.0.0/8",     "10.1.2.0/24",    "0.0.0.0/0",
                                      "2001:db8::/32",  "2001:db8:1::/48", "127.0.0.1", "::/0" };
static const char *const ports[] = { "", ":443", ":80-90", ":443/udp", "/udp", ":1-3,443" };
static const char *const patterns[] = { "A", "AB", "A*", "*", "AB*", "?B", "LD_*", "LD_X", "A*B" };
static const char *const names[] = { "A", "AB", "ABC", "LD_X", "LD_Y", "B", "AXB" };

#define PICK(rand, list) ((list)[g_rand_int_range(rand, 0, G_N_ELEMENTS(list))])

static char *
random_path(GRand *rand)
{
  GString *path = g_string_new(NULL);
  int depth = g_rand_int_range(rand, 0, 5);

  for (int i = 0; i < depth; i++)
    g_string_append_printf(path, "/%s", PICK(rand, letters));
  if (depth == 0)
    g_string_append_c(path, '/');
  return g_string_free(path, FALSE);
}

static void
add_rule(BtPolicy *policy, GRand *rand)
{
  static const BtKind kinds[] = { BT_KIND_READ, BT_KIND_WRITE, BT_KIND_RUN, BT_KIND_UNIX,
                                  BT_KIND_FFI,  BT_KIND_ENV,   BT_KIND_NET, BT_KIND_NET };
  BtKind kind = PICK(rand, kinds);
  BtAction action = g_rand_int_range(rand, BT_ACTION_ALLOW, BT_ACTION_DENY + 1);
  BtLayer layer = g_rand_int_range(rand, 0, BT_N_LAYERS);
  g_autofree char *path = random_path(rand);
  g_autofree char *items =
    kind == BT_KIND_ENV ? g_strdup(PICK(rand, patterns))
    : kind != BT_KIND_NET ? g_strdup(strcmp(path, "/") == 0 ? "/" : path)
    : g_rand_boolean(rand) ? g_strconcat(g_rand_int_range(rand, 0, 3) == 0 ? "*." : "",
                                         PICK(rand, hosts), PICK(rand, ports), NULL)
                           : NULL;
  g_autoptr(GError) error = NULL;

  if (items == NULL) {
    const char *block = PICK(rand, blocks), *port = PICK(rand, ports);
    gboolean v6 = strchr(block, ':') != NULL;
    items = v6 && port[0] == ':' ? g_strconcat("[", block, "]", port, NULL)
                                 : g_strconcat(block, port, NULL);
  }
  const char *list = g_rand_int_range(rand, 0, 30) == 0 ? NULL : items;
  bt_policy_add_flag(policy, layer, kind, action, "--flag", list, "/", "/home", &error);
  g_assert_no_error(error);
}

/* ---- the naive matcher ---- */

typedef struct {
  BtAction action; /* NONE: no rule */
  guint layer;
} Naive;

static void
naive_add(Naive *naive, const BtRule *rule)
{
  if (naive->action == BT_ACTION_NONE || rule->layer < naive->layer ||
      (rule->layer == naive->layer && rule->action > naive->action))
    *naive = (Naive){ rule->action, rule->layer };
}

static gboolean
naive_below(const char *path, const char *folder)
{
  g_autofree char *with_slash = g_strconcat(folder, "/", NULL);
  return strcmp(folder, "/") == 0 || strcmp(path, folder) == 0 || g_str_has_prefix(path, with_slash);
}

static void
naive_paths(Naive *naive, const GPtrArray *rules, const char *path, guint perm)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    /* A name without a slash is no path before it is looked up. */
    if ((perm == 0 || (rule->perms & perm) != 0) &&
        (rule->everything || (rule->path != NULL && naive_below(path, rule->path))))
      naive_add(naive, &rule->rule);
  }
}

static void
check(const BtPolicy *policy, const Naive *naive, BtKind kind, const BtVerdict *verdict,
      const char *what, const char *value)
{
  BtAction action = naive->action != BT_ACTION_NONE ? naive->action : policy->defaults[kind];
  const BtOrigin *expected = naive->action != BT_ACTION_NONE ? NULL : &policy->default_origins[kind];

  if (verdict->action != action || (expected != NULL && verdict->origin != expected) ||
      (expected == NULL && verdict->origin == &policy->default_origins[kind]))
    g_error("%s %s: %d, naively %d of layer %u", what, value, verdict->action, action,
            naive->layer);
}

static void
ask_paths(BtPolicy *policy, GRand *rand)
{
  g_autofree char *path = random_path(rand);
  Naive read = { 0 }, write = { 0 }, run = { 0 }, unix_socket = { 0 }, ffi = { 0 };

  naive_paths(&read, policy->fs_rules, path, BT_FS_READ_FILE);
  BtVerdict verdict = bt_policy_check_path(policy, path, BT_FS_READ_FILE);
  check(policy, &read, BT_KIND_READ, &verdict, "read", path);
  naive_paths(&write, policy->fs_rules, path, BT_FS_MAKE_DIR);
  verdict = bt_policy_check_path(policy, path, BT_FS_MAKE_DIR);
  check(policy, &write, BT_KIND_WRITE, &verdict, "write", path);
  naive_paths(&run, policy->fs_rules, path, BT_FS_EXECUTE);
  naive_paths(&run, policy->run_rules, path, BT_FS_EXECUTE);
  verdict = bt_policy_check_run(policy, path);
  check(policy, &run, BT_KIND_RUN, &verdict, "run", path);
  naive_paths(&unix_socket, policy->unix_rules, path, 0);
  verdict = bt_policy_check_unix(policy, path);
  check(policy, &unix_socket, BT_KIND_UNIX, &verdict, "unix", path);
  naive_paths(&ffi, policy->ffi_rules, path, 0);
  verdict = bt_policy_check_ffi(policy, path);
  check(policy, &ffi, BT_KIND_FFI, &verdict, "ffi", path);

  BtFsPerms denied, granted = bt_policy_path_perms(policy, path, &denied);
  g_assert_cmpuint(granted & denied, ==, 0);
  g_assert_cmpint((granted & BT_FS_READ_FILE) != 0, ==,
                  (read.action != BT_ACTION_NONE ? read.action : policy->defaults[BT_KIND_READ]) !=
                    BT_ACTION_DENY);
  g_assert_cmpint((denied & BT_FS_MAKE_DIR) != 0, ==, write.action == BT_ACTION_DENY);
}

/* "*" any letters, "?" one: by recursion. */
static gboolean
naive_glob(const char *pattern, const char *name)
{
  if (*pattern == '\0')
    return *name == '\0';
  if (*pattern == '*')
    return naive_glob(pattern + 1, name) || (*name != '\0' && naive_glob(pattern, name + 1));
  return *name != '\0' && (*pattern == '?' || *pattern == *name) &&
         naive_glob(pattern + 1, name + 1);
}

static void
ask_env(BtPolicy *policy, GRand *rand)
{
  const char *name = PICK(rand, names);
  gboolean hook = g_str_has_prefix(name, "LD_");
  Naive naive = { 0 };

  for (guint i = 0; i < policy->env_rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    gboolean exact = strcmp(rule->pattern, name) == 0;
    if (exact || ((!hook || rule->rule.action == BT_ACTION_DENY) && naive_glob(rule->pattern, name)))
      naive_add(&naive, &rule->rule);
  }
  BtVerdict verdict = bt_policy_check_env(policy, name);
  check(policy, &naive, BT_KIND_ENV, &verdict, "env", name);
}

static gboolean
naive_names(const BtNetItem *item, const char *name)
{
  if (item->host == NULL)
    return FALSE;
  g_autofree char *suffix = g_strconcat(".", item->host, NULL);
  return item->below ? g_str_has_suffix(name, suffix) && strlen(name) > strlen(suffix)
                     : strcmp(name, item->host) == 0;
}

static gboolean
naive_port(const BtNetItem *item, guint16 port)
{
  for (guint i = 0; i < item->ports->len; i++) {
    const BtPortRange *range = &g_array_index(item->ports, BtPortRange, i);
    if (port >= range->first && port <= range->last)
      return TRUE;
  }
  return item->ports->len == 0;
}

typedef struct {
  const guint32 *ids;
  guint32 n_ids;
} Pins;

static uint32_t
pins_of(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  const Pins *pins = data;
  *ids_out = pins->ids;
  return pins->n_ids;
}

/* The two forms that are asked about. */
static gboolean
naive_carries(const char *text, const BtNetItem *item)
{
  const char *ipv4 = g_str_has_prefix(text, "64:ff9b::") ? text + strlen("64:ff9b::")
                     : g_str_has_prefix(text, "2002:")   ? "203.0.113.7"
                                                         : NULL;
  BtAddr addr;

  return ipv4 != NULL && bt_addr_parse(ipv4, &addr) &&
         bt_addr_in(&addr, &item->addr, item->prefix);
}

/* A flow to an address that a name led to, or none. */
static void
ask_flow(BtPolicy *policy, GRand *rand)
{
  static const guint16 asked[] = { 443, 80, 85, 2, 9 };
  const char *text = PICK(rand, addrs), *name = PICK(rand, hosts);
  gboolean led = g_rand_boolean(rand);
  guint16 port = PICK(rand, asked);
  guint proto = g_rand_boolean(rand) ? BT_PROTO_TCP : BT_PROTO_UDP;
  g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint32));
  Naive naive = { 0 };
  BtAddr addr;

  g_assert_true(bt_addr_parse(text, &addr));
  BtAddrClass class = bt_addr_classify(&addr);
  if (led && bt_policy_check_name(policy, name, ids).action == BT_ACTION_DENY)
    g_assert_cmpuint(ids->len, ==, 0);
  gboolean resolved = led && ids->len > 0;
  for (guint i = 0; i < policy->net_items->len; i++) {
    const BtNetItem *item = g_ptr_array_index(policy->net_items, i);
    gboolean v4 = bt_addr_is_ipv4(&addr);
    gboolean carried = item->host == NULL && !item->everything && item->prefix >= 96 &&
                       item->rule.action == BT_ACTION_DENY && naive_carries(text, item);
    gboolean covers = item->host != NULL ? resolved && naive_names(item, name)
                      : carried          ? TRUE
                      : item->everything
                        ? TRUE
                        : bt_addr_in(&addr, &item->addr, item->prefix) && (!v4 || item->prefix >= 96);
    if (!covers || (item->proto & proto) == 0 || !naive_port(item, port))
      continue;
    gboolean opens = class == BT_ADDR_PUBLIC ||
                     (class == BT_ADDR_SPECIAL && item->host == NULL) ||
                     (class == BT_ADDR_LOOPBACK && (item->flags & BT_NET_RULE_LOOPBACK) != 0);
    if (item->rule.action == BT_ACTION_DENY || opens)
      naive_add(&naive, &item->rule);
  }
  Pins pins = { (const guint32 *)ids->data, ids->len };
  BtVerdict verdict = bt_policy_check_flow(policy, NULL, &addr, proto, port, pins_of, &pins);
  BtAction expected = naive.action != BT_ACTION_NONE ? naive.action : BT_ACTION_DENY;
  if (verdict.action != expected)
    g_error("flow to %s port %u of %s: %d, naively %d", text, port, led ? name : "no name",
            verdict.action, expected);
}

static void
test_reference(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(g_test_rand_int());

  for (int i = 0; i < POLICIES; i++) {
    g_autoptr(BtPolicy) policy = bt_policy_new();
    /* Around the number from which rules are indexed, and at times far above. */
    int rules = g_rand_int_range(rand, 0, i % 50 == 0 ? 20 * MAX_RULES : MAX_RULES);

    for (int n = 0; n < rules; n++)
      add_rule(policy, rand);
    for (int n = 0; n < REQUESTS; n++) {
      ask_paths(policy, rand);
      ask_env(policy, rand);
      ask_flow(policy, rand);
    }
    /* Rules that are added after an index was made count as well. */
    add_rule(policy, rand);
    ask_paths(policy, rand);
    ask_env(policy, rand);
    ask_flow(policy, rand);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/matcher/reference", test_reference);
  return g_test_run();
}
