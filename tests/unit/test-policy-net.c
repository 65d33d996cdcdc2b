/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-policy-private.h"

typedef struct {
  BtLayer layer;
  BtAction action;
  const char *flag, *items;
} Flag;

#define F BT_LAYER_FLAGS
#define V BT_LAYER_VARIABLES
#define ALLOW BT_ACTION_ALLOW
#define WARN BT_ACTION_WARN
#define DENY BT_ACTION_DENY
#define TCP BT_PROTO_TCP
#define UDP BT_PROTO_UDP
#define ICMP BT_PROTO_ICMP
#define BUILT_IN "defaults.net = deny (built-in)"

static BtPolicy *
make(const Flag *flags)
{
  BtPolicy *policy = bt_policy_new();
  for (; flags->flag != NULL; flags++) {
    g_autoptr(GError) error = NULL;
    bt_policy_add_flag(policy, flags->layer, BT_KIND_NET, flags->action, flags->flag, flags->items,
                       "/", "/home/u", &error);
    g_assert_no_error(error);
  }
  return policy;
}

static const struct {
  const char *title;
  Flag flags[4];
  const char *name;
  BtAction action;
  const char *origin;
  guint n_rules; /* to pin to */
} names[] = {
  { "none", { { 0 } }, "a.example", DENY, BUILT_IN, 0 },
  { "granted",
    { { F, ALLOW, "-n", "a.example" } },
    "a.example",
    ALLOW,
    "-n=a.example (command line)",
    1 },
  { "spelling",
    { { F, ALLOW, "-n", "a.example" } },
    "A.Example.",
    ALLOW,
    "-n=a.example (command line)",
    1 },
  { "other", { { F, ALLOW, "-n", "a.example" } }, "b.example", DENY, BUILT_IN, 0 },
  { "no-subdomain", { { F, ALLOW, "-n", "a.example" } }, "x.a.example", DENY, BUILT_IN, 0 },
  { "no-suffix", { { F, ALLOW, "-n", "a.example" } }, "xa.example", DENY, BUILT_IN, 0 },
  { "below",
    { { F, ALLOW, "-n", "*.example" } },
    "x.a.example",
    ALLOW,
    "-n=*.example (command line)",
    1 },
  { "below-not-apex", { { F, ALLOW, "-n", "*.a.example" } }, "a.example", DENY, BUILT_IN, 0 },
  { "below-not-suffix", { { F, ALLOW, "-n", "*.a.example" } }, "xa.example", DENY, BUILT_IN, 0 },
  { "below-dot", { { F, ALLOW, "-n", "*.a.example" } }, ".a.example", DENY, BUILT_IN, 0 },
  { "two-rules",
    { { F, ALLOW, "-n", "a.example:1,a.example:2" } },
    "a.example",
    ALLOW,
    "-n=a.example:1 (command line)",
    2 },
  { "bare", { { F, ALLOW, "-n", NULL } }, "a.example", ALLOW, "-n (command line)", 0 },
  { "all-of-ipv4",
    { { F, ALLOW, "-n", "0.0.0.0/0" } },
    "a.example",
    ALLOW,
    "-n=0.0.0.0/0 (command line)",
    0 },
  { "a-block", { { F, ALLOW, "-n", "10.0.0.0/8" } }, "a.example", DENY, BUILT_IN, 0 },
  { "denied",
    { { F, ALLOW, "-n", NULL }, { F, DENY, "-d", "a.example" } },
    "a.example",
    DENY,
    "-d=a.example (command line)",
    0 },
  { "denied-beside",
    { { F, ALLOW, "-n", NULL }, { F, DENY, "-d", "a.example" } },
    "b.example",
    ALLOW,
    "-n (command line)",
    0 },
  /* A denial of some ports is pinned, so that it holds on the addresses. */
  { "denied-port",
    { { F, ALLOW, "-n", NULL }, { F, DENY, "-d", "a.example:25" } },
    "a.example",
    ALLOW,
    "-n (command line)",
    1 },
  { "denied-its-port",
    { { F, ALLOW, "-n", "a.example:25" }, { F, DENY, "-d", "a.example:25" } },
    "a.example",
    DENY,
    "-d=a.example:25 (command line)",
    0 },
  { "denied-its-ports",
    { { F, ALLOW, "-n", "a.example:20-30" }, { F, DENY, "-d", "a.example:10-25" } },
    "a.example",
    ALLOW,
    "-n=a.example:20-30 (command line)",
    2 },
  { "denied-all",
    { { F, ALLOW, "-n", "a.example" }, { F, DENY, "-d", NULL } },
    "a.example",
    DENY,
    "-d (command line)",
    0 },
  { "layers",
    { { F, ALLOW, "-n", "a.example" }, { V, DENY, "-d", "a.example" } },
    "a.example",
    ALLOW,
    "-n=a.example (command line)",
    2 },
  { "layers-rest",
    { { F, ALLOW, "-n", "a.example:1" }, { V, WARN, "-w", NULL } },
    "a.example",
    ALLOW,
    "-n=a.example:1 (command line)",
    1 },
  { "warned",
    { { F, ALLOW, "-n", "a.example" }, { F, WARN, "-w", "a.example" } },
    "a.example",
    WARN,
    "-w=a.example (command line)",
    2 },
  { "localhost",
    { { F, ALLOW, "-n", "localhost:1" } },
    "localhost",
    ALLOW,
    "-n=localhost:1 (command line)",
    0 },
  { "localhost-not-by-bare", { { F, ALLOW, "-n", NULL } }, "localhost", DENY, BUILT_IN, 0 },
};

static void
test_names(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = make(names[i].flags);
  g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(guint32));

  BtVerdict verdict = bt_policy_check_name(policy, names[i].name, rules);
  g_autofree char *origin = bt_origin_format(verdict.origin);
  g_assert_cmpstr(origin, ==, names[i].origin);
  g_assert_cmpint(verdict.action, ==, names[i].action);
  g_assert_cmpuint(rules->len, ==, names[i].n_rules);
  g_assert_cmpint(bt_policy_check_name(policy, names[i].name, NULL).action, ==, names[i].action);
}

/* 203.0.113.7 is what was pinned to the rules of the name asked for before. */
typedef struct {
  BtAddr addr;
  GArray *rules;
} Pins;

static uint32_t
pins_of(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  const Pins *pins = data;
  *ids_out = (const uint32_t *)pins->rules->data;
  return bt_addr_equal(addr, &pins->addr) ? pins->rules->len : 0;
}

static const struct {
  const char *title;
  Flag flags[4];
  const char *pinned; /* a name resolved before to 203.0.113.7 */
  const char *name, *addr;
  guint proto;
  guint16 port;
  BtAction action;
  const char *origin;
} flows[] = {
  { "none", { { 0 } }, NULL, NULL, "203.0.113.7", TCP, 443, DENY, BUILT_IN },
  { "pinned",
    { { F, ALLOW, "-n", "a.example:443" } },
    "a.example",
    "a.example",
    "203.0.113.7",
    TCP,
    443,
    ALLOW,
    "-n=a.example:443 (command line)" },
  { "pinned-port",
    { { F, ALLOW, "-n", "a.example:443" } },
    "a.example",
    "a.example",
    "203.0.113.7",
    TCP,
    80,
    DENY,
    BUILT_IN },
  { "pinned-proto",
    { { F, ALLOW, "-n", "a.example" } },
    "a.example",
    "a.example",
    "203.0.113.7",
    UDP,
    53,
    DENY,
    BUILT_IN },
  { "not-pinned",
    { { F, ALLOW, "-n", "a.example" } },
    "a.example",
    NULL,
    "203.0.113.8",
    TCP,
    443,
    DENY,
    BUILT_IN },
  { "name-is-no-grant",
    { { F, ALLOW, "-n", "a.example" } },
    "b.example",
    "a.example",
    "203.0.113.7",
    TCP,
    1,
    DENY,
    BUILT_IN },
  { "denied-port-of-name",
    { { F, ALLOW, "-n", NULL }, { F, DENY, "-d", "a.example:25" } },
    "a.example",
    "a.example",
    "203.0.113.7",
    TCP,
    25,
    DENY,
    "-d=a.example:25 (command line)" },
  { "address-over-name",
    { { F, ALLOW, "-n", "a.example" }, { F, DENY, "-d", "203.0.113.0/24" } },
    "a.example",
    "a.example",
    "203.0.113.7",
    TCP,
    1,
    DENY,
    "-d=203.0.113.0/24 (command line)" },
  { "block",
    { { F, ALLOW, "-n", "10.0.0.0/8:22" } },
    NULL,
    NULL,
    "10.1.2.3",
    TCP,
    22,
    ALLOW,
    "-n=10.0.0.0/8:22 (command line)" },
  { "bare-icmp",
    { { F, ALLOW, "-n", NULL } },
    NULL,
    NULL,
    "203.0.113.7",
    ICMP,
    0,
    ALLOW,
    "-n (command line)" },
  { "bare-not-loopback",
    { { F, ALLOW, "-n", NULL } },
    NULL,
    NULL,
    "127.0.0.1",
    TCP,
    80,
    DENY,
    "address closure (built-in)" },
  { "localhost",
    { { F, ALLOW, "-n", "localhost:80" } },
    NULL,
    NULL,
    "127.0.0.1",
    TCP,
    80,
    ALLOW,
    "-n=localhost:80 (command line)" },
  { "localhost-v6",
    { { F, ALLOW, "-n", "localhost:80" } },
    NULL,
    NULL,
    "::1",
    TCP,
    80,
    ALLOW,
    "-n=localhost:80 (command line)" },
  { "sinkhole-default",
    { { F, ALLOW, "-n", "a.example" } },
    NULL,
    "b.example",
    "198.18.0.1",
    TCP,
    443,
    DENY,
    BUILT_IN },
  { "sinkhole-rule",
    { { F, ALLOW, "-n", NULL }, { F, DENY, "-d", "b.example" } },
    NULL,
    "b.example",
    "198.18.0.1",
    TCP,
    443,
    DENY,
    "-d=b.example (command line)" },
  { "sinkhole-itself",
    { { F, ALLOW, "-n", NULL } },
    NULL,
    NULL,
    "198.18.0.1",
    TCP,
    443,
    DENY,
    "address closure (built-in)" },
  { "sinkhole-of-granted",
    { { F, ALLOW, "-n", "a.example" } },
    NULL,
    "a.example",
    "198.18.0.1",
    TCP,
    443,
    DENY,
    "address closure (built-in)" },
  /* Who writes all of IPv6 has not written IPv4. */
  { "v6-is-no-v4",
    { { F, ALLOW, "-n", "::/0" } },
    NULL,
    NULL,
    "203.0.113.7",
    TCP,
    443,
    DENY,
    BUILT_IN },
  { "v6-is-v6",
    { { F, ALLOW, "-n", "::/0" } },
    NULL,
    NULL,
    "2001:db8::1",
    TCP,
    443,
    ALLOW,
    "-n=::/0 (command line)" },
  { "v6-near",
    { { F, ALLOW, "-n", "::/16" } },
    NULL,
    NULL,
    "0:1::1",
    TCP,
    443,
    ALLOW,
    "-n=::/16 (command line)" },
};

static void
test_flows(gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = make(flows[i].flags);
  g_autoptr(GArray) rules = g_array_new(FALSE, FALSE, sizeof(guint32));
  Pins pins = { .rules = rules };
  BtAddr addr;

  g_assert_true(bt_addr_parse("203.0.113.7", &pins.addr));
  g_assert_true(bt_addr_parse(flows[i].addr, &addr));
  if (flows[i].pinned != NULL)
    bt_policy_check_name(policy, flows[i].pinned, rules);
  BtVerdict verdict = bt_policy_check_flow(policy, flows[i].name, &addr, flows[i].proto,
                                           flows[i].port, pins_of, &pins);
  g_autofree char *origin = bt_origin_format(verdict.origin);
  g_assert_cmpstr(origin, ==, flows[i].origin);
  g_assert_cmpint(verdict.action, ==, flows[i].action);
}

static const struct {
  Flag flags[4];
  gboolean grants;
} grants[] = {
  { { { 0 } }, FALSE },
  { { { F, ALLOW, "-n", "a" } }, TRUE },
  { { { F, WARN, "-n", "a" } }, TRUE },
  { { { F, ALLOW, "-n", "localhost:1,[::1]:2,127.0.0.0/8" } }, FALSE },
  { { { F, ALLOW, "-n", "localhost:1,a" } }, TRUE },
  { { { F, DENY, "-d", "a" } }, FALSE },
  { { { F, ALLOW, "-n", "a" }, { F, DENY, "-d", NULL } }, FALSE },
  { { { F, ALLOW, "-n", "a" }, { V, DENY, "-d", NULL } }, TRUE },
  { { { F, DENY, "-d", NULL }, { V, ALLOW, "-n", "a" } }, FALSE },
};

static void
test_grants(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(grants); i++) {
    g_autoptr(BtPolicy) policy = make(grants[i].flags);
    if (bt_policy_grants_net(policy) != grants[i].grants)
      g_error("case %zu", i);
  }
}

/* The compiled rules are sorted by layer, their origins found by index. */
static void
test_compile(void)
{
  static const Flag flags[] = { { V, ALLOW, "-v", "10.0.0.0/8:1-2,9" },
                                { F, DENY, "-d", "a.example" },
                                { F, ALLOW, "-n", NULL },
                                { 0 } };
  g_autoptr(BtPolicy) policy = make(flags);
  g_autoptr(GBytes) bytes = bt_policy_compile_net(policy);
  g_autoptr(GBytes) again = bt_policy_compile_net(policy);
  BtNetPolicy net;
  gsize size;
  gconstpointer data = g_bytes_get_data(bytes, &size);

  g_assert_true(bytes == again);
  g_assert_true(bt_net_policy_open(data, size, &net));
  g_assert_cmpuint(net.n_rules, ==, 3);
  g_assert_cmpuint(net.n_ports, ==, 2);
  g_assert_cmpuint(net.default_action, ==, DENY);
  static const char *const origins[] = { "-d=a.example", "-n", "-v=10.0.0.0/8:1-2" };
  for (guint i = 0; i < net.n_rules; i++)
    g_assert_cmpstr(bt_policy_net_origin(policy, (int)i)->text, ==, origins[i]);
  g_assert_cmpstr(bt_policy_net_origin(policy, 3)->text, ==, "defaults.net = deny");
  g_assert_cmpstr(bt_policy_net_origin(policy, BT_NET_RULE_DEFAULT)->text, ==,
                  "defaults.net = deny");
  g_assert_cmpstr(bt_policy_net_origin(policy, BT_NET_RULE_CLOSURE)->text, ==, "address closure");

  bt_policy_add_flag(policy, F, BT_KIND_NET, ALLOW, "-n", "b", "/", "/", NULL);
  g_autoptr(GBytes) changed = bt_policy_compile_net(policy);
  g_assert_true(changed != bytes);
}

/* What would not fit the compiled form is refused, not cut off. */
static void
test_too_many(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GString) list = g_string_new("a");
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < BT_NET_POLICY_MAX_RULES; i++)
    g_string_append(list, ",a");
  g_assert_false(
    bt_policy_add_flag(policy, F, BT_KIND_NET, ALLOW, "--allow-net", list->str, "/", "/", &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *path = g_strconcat("/policy-net/name/", names[i].title, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_names);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(flows); i++) {
    g_autofree char *path = g_strconcat("/policy-net/flow/", flows[i].title, NULL);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_flows);
  }
  g_test_add_func("/policy-net/grants", test_grants);
  g_test_add_func("/policy-net/compile", test_compile);
  g_test_add_func("/policy-net/too-many", test_too_many);
  return g_test_run();
}
