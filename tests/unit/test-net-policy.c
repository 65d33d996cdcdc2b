/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "wire/bt-net-policy.h"

#define TCP BT_PROTO_TCP
#define UDP BT_PROTO_UDP
#define ICMP BT_PROTO_ICMP
#define ANY (TCP | UDP | ICMP)
#define ALLOW BT_ACTION_ALLOW
#define WARN BT_ACTION_WARN
#define DENY BT_ACTION_DENY
#define NAME BT_NET_RULE_NAME
#define LOOPBACK BT_NET_RULE_LOOPBACK
#define DEFAULT BT_NET_RULE_DEFAULT
#define CLOSURE BT_NET_RULE_CLOSURE

#define BELOW BT_NET_RULE_BELOW
#define PLAIN BT_NET_RULE_PLAIN

#define MAX_RULES 6

/* A rule as a person thinks of it; net NULL ends the list. */
typedef struct {
  guint layer;
  BtAction action;
  const char *net; /* of a name rule: the name */
  guint prefix;
  guint proto;
  guint flags;
  BtPortRange port; /* 0-0: every port */
} RuleText;

static BtAddr
parse(const char *text)
{
  BtAddr addr;

  g_assert_true(bt_addr_parse(text, &addr));
  return addr;
}

static GByteArray *
encode(const RuleText *texts, BtAction default_action)
{
  GByteArray *bytes = g_byte_array_new();
  BtNetPolicyHeader header = { .magic = BT_NET_POLICY_MAGIC, .default_action = default_action };
  BtNetRule rules[MAX_RULES] = { 0 };
  BtPortRange ports[MAX_RULES];
  char names[MAX_RULES * 32] = "";

  for (; header.n_rules < MAX_RULES && texts[header.n_rules].net != NULL; header.n_rules++) {
    const RuleText *text = &texts[header.n_rules];
    BtNetRule *rule = &rules[header.n_rules];
    *rule = (BtNetRule){
      .prefix = (guint8)text->prefix,
      .action = (guint8)text->action,
      .proto = (guint8)text->proto,
      .flags = (guint8)text->flags,
      .layer = (guint16)text->layer,
    };
    if ((text->flags & NAME) == 0) {
      rule->addr = parse(text->net);
    } else {
      rule->name = header.names_size;
      strcpy(names + header.names_size, text->net);
      header.names_size += 32;
    }
    if (text->port.last == 0)
      continue;
    rule->n_ports = 1;
    rule->ports = header.n_ports;
    ports[header.n_ports++] = text->port;
  }
  header.size = (guint32)(sizeof header + header.n_rules * sizeof rules[0] +
                          header.n_ports * sizeof ports[0] + header.names_size);
  g_byte_array_append(bytes, (const guint8 *)&header, sizeof header);
  g_byte_array_append(bytes, (const guint8 *)rules, header.n_rules * sizeof rules[0]);
  g_byte_array_append(bytes, (const guint8 *)ports, header.n_ports * sizeof ports[0]);
  g_byte_array_append(bytes, (const guint8 *)names, header.names_size);
  return bytes;
}

/* Everything is pinned to every name rule: what stays shut, stays shut by closure. */
static uint32_t
all_pinned(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  static const uint32_t ids[] = { 7, 6, 5, 4, 3, 2, 1, 0, UINT32_MAX };
  *ids_out = ids;
  return G_N_ELEMENTS(ids);
}

static uint32_t
none_pinned(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  return 0;
}

typedef struct {
  const char *what;
  BtAction default_action;
  RuleText rules[MAX_RULES + 1];
  const char *addr;
  guint proto;
  guint16 port;
  BtNetVerdict verdict;
} MatchCase;

#define EVERY "::", 0, ANY, 0, { 0, 0 }

static const MatchCase matches[] = {
  { "no rule", DENY, { { 0 } }, "192.0.2.1", TCP, 443, { DENY, DEFAULT } },
  { "no rule, open", ALLOW, { { 0 } }, "192.0.2.1", TCP, 443, { ALLOW, DEFAULT } },
  { "bare", DENY, { { 0, ALLOW, EVERY } }, "192.0.2.1", UDP, 1, { ALLOW, 0 } },
  { "protocol", DENY, { { 0, ALLOW, "::", 0, TCP } }, "192.0.2.1", UDP, 1, { DENY, DEFAULT } },
  { "port", DENY, { { 0, ALLOW, "::", 0, TCP, 0, { 80, 90 } } }, "192.0.2.1", TCP, 80,
    { ALLOW, 0 } },
  { "last port", DENY, { { 0, ALLOW, "::", 0, TCP, 0, { 80, 90 } } }, "192.0.2.1", TCP, 90,
    { ALLOW, 0 } },
  { "port below", DENY, { { 0, ALLOW, "::", 0, TCP, 0, { 80, 90 } } }, "192.0.2.1", TCP, 79,
    { DENY, DEFAULT } },
  { "port above", DENY, { { 0, ALLOW, "::", 0, TCP, 0, { 80, 90 } } }, "192.0.2.1", TCP, 91,
    { DENY, DEFAULT } },
  { "its own ranges", DENY,
    { { 0, ALLOW, "::", 0, TCP, 0, { 80, 80 } }, { 0, WARN, "::", 0, TCP, 0, { 443, 443 } } },
    "192.0.2.1", TCP, 443, { WARN, 1 } },
  { "not its neighbour's range", DENY,
    { { 0, WARN, "::", 0, TCP, 0, { 80, 80 } }, { 0, ALLOW, "::", 0, TCP, 0, { 443, 443 } } },
    "192.0.2.1", TCP, 443, { ALLOW, 1 } },
  { "outside the block", DENY, { { 0, ALLOW, "192.0.2.0", 96 + 25, TCP } }, "192.0.2.128", TCP, 1,
    { DENY, DEFAULT } },

  { "deny beats allow", DENY, { { 0, ALLOW, EVERY }, { 0, DENY, "192.0.2.0", 96 + 24, ANY } },
    "192.0.2.1", TCP, 1, { DENY, 1 } },
  { "in any order", DENY, { { 0, DENY, "192.0.2.0", 96 + 24, ANY }, { 0, ALLOW, EVERY } },
    "192.0.2.1", TCP, 1, { DENY, 0 } },
  { "warn beats allow", DENY, { { 0, ALLOW, EVERY }, { 0, WARN, EVERY } }, "192.0.2.1", TCP, 1,
    { WARN, 1 } },
  { "deny beats warn", DENY, { { 0, WARN, EVERY }, { 0, DENY, EVERY } }, "192.0.2.1", TCP, 1,
    { DENY, 1 } },
  { "the first of equals", DENY, { { 0, ALLOW, EVERY }, { 0, ALLOW, EVERY } }, "192.0.2.1", TCP, 1,
    { ALLOW, 0 } },
  { "a higher layer's allow", DENY, { { 0, ALLOW, EVERY }, { 2, DENY, EVERY } }, "192.0.2.1", TCP,
    1, { ALLOW, 0 } },
  { "a higher layer's deny", DENY, { { 0, DENY, EVERY }, { 1, ALLOW, EVERY } }, "192.0.2.1", TCP, 1,
    { DENY, 0 } },
  { "the layer that matches", DENY,
    { { 0, DENY, "10.0.0.0", 96 + 8, ANY }, { 1, ALLOW, EVERY }, { 2, DENY, EVERY } }, "192.0.2.1",
    TCP, 1, { ALLOW, 1 } },

  { "a pinned name", DENY, { { 0, ALLOW, "", 0, TCP, NAME } }, "192.0.2.1", TCP, 1, { ALLOW, 0 } },
  { "a name rule's address is nothing", DENY, { { 0, ALLOW, "", 128, TCP, NAME } }, "192.0.2.1",
    TCP, 1, { ALLOW, 0 } },
  { "a name's port", DENY, { { 0, ALLOW, "", 0, TCP, NAME, { 443, 443 } } }, "192.0.2.1", TCP, 80,
    { DENY, DEFAULT } },
  { "deny address beats name", DENY,
    { { 0, ALLOW, "", 0, TCP, NAME }, { 0, DENY, "192.0.2.0", 96 + 24, TCP } }, "192.0.2.1", TCP, 1,
    { DENY, 1 } },
  { "a name and ping", DENY, { { 0, ALLOW, "", 0, ANY, NAME } }, "192.0.2.1", ICMP, 0,
    { DENY, DEFAULT } },
  { "a name at the router", DENY, { { 0, ALLOW, "", 0, TCP, NAME } }, "192.168.1.1", TCP, 80,
    { DENY, CLOSURE } },
  { "a name at the metadata", DENY, { { 0, WARN, "", 0, TCP, NAME } }, "169.254.169.254", TCP, 80,
    { DENY, CLOSURE } },
  { "a name at NAT64's router", DENY, { { 0, ALLOW, "", 0, TCP, NAME } }, "64:ff9b::192.168.1.1",
    TCP, 80, { DENY, CLOSURE } },
  { "a name at the loopback", DENY, { { 0, ALLOW, "", 0, TCP, NAME } }, "127.0.0.1", TCP, 80,
    { DENY, CLOSURE } },
  { "a name at the router, and its address", DENY,
    { { 0, ALLOW, "", 0, TCP, NAME }, { 1, ALLOW, "192.168.1.1", 128, TCP } }, "192.168.1.1", TCP,
    80, { ALLOW, 1 } },
  { "a name at the router, denied below", DENY,
    { { 0, ALLOW, "", 0, TCP, NAME }, { 1, DENY, "192.168.0.0", 96 + 16, TCP } }, "192.168.1.1",
    TCP, 80, { DENY, 1 } },

  { "bare and the router", DENY, { { 0, ALLOW, EVERY } }, "192.168.1.1", TCP, 80, { ALLOW, 0 } },
  { "open and the router", ALLOW, { { 0 } }, "192.168.1.1", TCP, 80, { ALLOW, DEFAULT } },
  { "bare and the loopback", DENY, { { 0, ALLOW, EVERY } }, "127.0.0.1", TCP, 80,
    { DENY, CLOSURE } },
  { "bare warn and ::1", DENY, { { 0, WARN, EVERY } }, "::1", TCP, 80, { DENY, CLOSURE } },
  { "bare and 0.0.0.0", DENY, { { 0, ALLOW, EVERY } }, "0.0.0.0", TCP, 80, { DENY, CLOSURE } },
  { "bare and ::", DENY, { { 0, ALLOW, EVERY } }, "::", TCP, 80, { DENY, CLOSURE } },
  { "bare and NAT64's loopback", DENY, { { 0, ALLOW, EVERY } }, "64:ff9b::127.0.0.1", TCP, 80,
    { DENY, CLOSURE } },
  { "open and the loopback", ALLOW, { { 0 } }, "127.0.0.1", TCP, 80, { DENY, CLOSURE } },
  { "shut and the loopback", DENY, { { 0 } }, "127.0.0.1", TCP, 80, { DENY, DEFAULT } },
  { "localhost", DENY, { { 0, ALLOW, "127.0.0.0", 96 + 8, TCP, LOOPBACK, { 5432, 5432 } } },
    "127.0.0.1", TCP, 5432, { ALLOW, 0 } },
  { "localhost's port", DENY, { { 0, ALLOW, "127.0.0.0", 96 + 8, TCP, LOOPBACK, { 5432, 5432 } } },
    "127.0.0.1", TCP, 5433, { DENY, DEFAULT } },
  { "localhost below bare", DENY,
    { { 0, ALLOW, EVERY }, { 2, ALLOW, "127.0.0.1", 128, TCP, LOOPBACK } }, "127.0.0.1", TCP, 1,
    { ALLOW, 1 } },
  { "localhost denied", ALLOW, { { 0, DENY, "127.0.0.0", 96 + 8, TCP } }, "127.0.0.1", TCP, 1,
    { DENY, 0 } },
  { "localhost is not the router", DENY, { { 0, ALLOW, "127.0.0.0", 96 + 8, TCP, LOOPBACK } },
    "192.168.1.1", TCP, 1, { DENY, DEFAULT } },

  { "sinkhole, shut", DENY, { { 0 } }, "198.18.0.1", TCP, 1, { DENY, CLOSURE } },
  { "sinkhole, open", ALLOW, { { 0 } }, "198.18.0.1", TCP, 1, { DENY, CLOSURE } },
  { "sinkhole, bare", DENY, { { 0, ALLOW, EVERY } }, "198.19.255.255", TCP, 1, { DENY, CLOSURE } },
  { "sinkhole by address", DENY, { { 0, ALLOW, "198.18.0.1", 128, TCP } }, "198.18.0.1", TCP, 1,
    { DENY, CLOSURE } },
  { "sinkhole by name", DENY, { { 0, ALLOW, "", 0, TCP, NAME } }, "198.18.0.1", TCP, 1,
    { DENY, CLOSURE } },
  { "sinkhole as loopback", DENY, { { 0, ALLOW, "::", 0, TCP, LOOPBACK } }, "198.18.0.1", TCP, 1,
    { DENY, CLOSURE } },
  { "sinkhole in 6to4", DENY, { { 0, ALLOW, EVERY } }, "2002:c612:1::", TCP, 1, { DENY, CLOSURE } },
  { "sinkhole denied by a rule", DENY, { { 0, ALLOW, EVERY }, { 1, DENY, EVERY } }, "198.18.0.1",
    TCP, 1, { DENY, 1 } },

  { "ping", DENY, { { 0, ALLOW, EVERY } }, "192.0.2.1", ICMP, 0, { ALLOW, 0 } },
  { "ping by a TCP rule", DENY, { { 0, ALLOW, "::", 0, TCP | UDP } }, "192.0.2.1", ICMP, 0,
    { DENY, DEFAULT } },
  { "ping the loopback", DENY, { { 0, ALLOW, EVERY } }, "127.0.0.1", ICMP, 0, { DENY, CLOSURE } },
  { "no protocol", ALLOW, { { 0, ALLOW, EVERY } }, "192.0.2.1", 0, 1, { DENY, CLOSURE } },
  { "two protocols", ALLOW, { { 0, ALLOW, EVERY } }, "192.0.2.1", TCP | UDP, 1, { DENY, CLOSURE } },
  { "unknown protocol", ALLOW, { { 0, ALLOW, EVERY } }, "192.0.2.1", 8, 1, { DENY, CLOSURE } },
};

static void
test_match(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(matches); i++) {
    const MatchCase *c = &matches[i];
    g_autoptr(GByteArray) bytes = encode(c->rules, c->default_action);
    BtAddr addr = parse(c->addr);
    BtNetPolicy policy;

    g_assert_true(bt_net_policy_open(bytes->data, bytes->len, &policy));
    BtNetVerdict verdict =
      bt_net_policy_match(&policy, &addr, c->proto, c->port, all_pinned, NULL);
    if (verdict.action != c->verdict.action || verdict.rule != c->verdict.rule)
      g_error("%s: action %d by rule %d", c->what, verdict.action, verdict.rule);
  }
}

/* Without a pin a name rule is nothing, with or without somebody to ask. */
static void
test_not_pinned(void)
{
  static const RuleText rules[] = { { 0, ALLOW, "", 0, ANY, NAME }, { 0 } };
  g_autoptr(GByteArray) bytes = encode(rules, DENY);
  BtAddr addr = parse("::"), other = parse("192.0.2.1");
  BtNetPolicy policy;

  g_assert_true(bt_net_policy_open(bytes->data, bytes->len, &policy));
  BtNetPinsFunc funcs[] = { NULL, none_pinned };
  for (gsize i = 0; i < G_N_ELEMENTS(funcs); i++) {
    BtNetVerdict verdict = bt_net_policy_match(&policy, &other, TCP, 443, funcs[i], NULL);
    g_assert_cmpint(verdict.action, ==, DENY);
    g_assert_cmpint(verdict.rule, ==, DEFAULT);
    verdict = bt_net_policy_match(&policy, &addr, TCP, 443, funcs[i], NULL);
    g_assert_cmpint(verdict.action, ==, DENY);
  }
}

typedef struct {
  const char *addr;
  guint32 rule;
} OnePin;

static uint32_t
is_pin(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  const OnePin *pin = data;
  BtAddr pinned = parse(pin->addr);
  *ids_out = &pin->rule;
  return bt_addr_equal(&pinned, addr) ? 1 : 0;
}

/* A pin belongs to the rule that grants the name, with that rule's ports. */
static void
test_pin_of_rule(void)
{
  static const RuleText rules[] = {
    { 0, ALLOW, "", 0, TCP, NAME, { 80, 80 } },
    { 0, ALLOW, "", 0, TCP, NAME, { 443, 443 } },
    { 0 },
  };
  g_autoptr(GByteArray) bytes = encode(rules, DENY);
  OnePin pin = { "192.0.2.1", 1 };
  BtAddr addr = parse("192.0.2.1"), other = parse("192.0.2.2");
  BtNetPolicy policy;

  g_assert_true(bt_net_policy_open(bytes->data, bytes->len, &policy));
  g_assert_cmpint(bt_net_policy_match(&policy, &addr, TCP, 443, is_pin, &pin).rule, ==, 1);
  g_assert_cmpint(bt_net_policy_match(&policy, &addr, TCP, 80, is_pin, &pin).action, ==, DENY);
  g_assert_cmpint(bt_net_policy_match(&policy, &other, TCP, 443, is_pin, &pin).action, ==, DENY);
  g_assert_cmpint(bt_net_policy_match(&policy, &addr, UDP, 443, is_pin, &pin).action, ==, DENY);
}

/* What a flow asks for on the wire, against what its address is pinned to. */
static void
test_names(void)
{
  static const RuleText rules[] = {
    { 0, ALLOW, "github.com", 0, TCP, NAME, { 443, 443 } },
    { 0, ALLOW, "wild.example", 0, TCP, NAME | BELOW },
    { 0, DENY, "b.wild.example", 0, TCP, NAME },
    { 0, ALLOW, "plain.example", 0, TCP, NAME | PLAIN, { 22, 22 } },
    { 1, ALLOW, "evil.example", 0, TCP, NAME },
    { 1, WARN, "192.0.2.0", 96 + 24, TCP, 0, { 80, 80 } },
    { 0 },
  };
  static const struct {
    const char *name;
    guint16 port;
    guint32 pin; /* a rule; 9: none */
    BtNetVerdict verdict;
  } cases[] = {
    { "github.com", 443, 0, { ALLOW, 0 } },
    { "github.com", 443, 1, { DENY, DEFAULT } }, /* granted, but not at this address */
    { "github.com", 22, 0, { DENY, DEFAULT } },
    { "api.github.com", 443, 0, { DENY, DEFAULT } },
    { "evil.example", 443, 0, { DENY, DEFAULT } },
    { "a.wild.example", 443, 1, { ALLOW, 1 } },
    { "c.a.wild.example", 443, 1, { ALLOW, 1 } },
    { "wild.example", 443, 1, { DENY, DEFAULT } },
    { "xwild.example", 443, 1, { DENY, DEFAULT } },
    { "b.wild.example", 443, 1, { DENY, 2 } }, /* denied, though it has no pin of its own */
    { NULL, 443, 0, { DENY, DEFAULT } },
    { NULL, 22, 3, { ALLOW, 3 } },
    { "evil.example", 22, 3, { ALLOW, 3 } }, /* nobody looks */
    { "evil.example", 443, 3, { DENY, DEFAULT } },
    { "evil.example", 80, 0, { WARN, 5 } }, /* by its address */
    { NULL, 80, 9, { WARN, 5 } },
  };
  g_autoptr(GByteArray) bytes = encode(rules, DENY);
  BtAddr addr = parse("192.0.2.1");
  BtNetPolicy policy;

  g_assert_true(bt_net_policy_open(bytes->data, bytes->len, &policy));
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    OnePin pin = { "192.0.2.1", cases[i].pin };
    BtNetVerdict verdict = bt_net_policy_match_name(&policy, &addr, TCP, cases[i].port,
                                                    cases[i].name, is_pin, &pin);
    if (verdict.action != cases[i].verdict.action || verdict.rule != cases[i].verdict.rule)
      g_error("%s at port %u with pin %u: action %d by rule %d", cases[i].name, cases[i].port,
              cases[i].pin, verdict.action, verdict.rule);
  }
}

static const RuleText valid[] = {
  { 0, ALLOW, "192.0.2.0", 96 + 24, TCP, 0, { 80, 90 } },
  { 0, DENY, "", 0, TCP | UDP, NAME },
  { 2, WARN, "::", 0, ANY, LOOPBACK, { 1, 65535 } },
  { 0 },
};

static void
test_size(void)
{
  g_autoptr(GByteArray) bytes = encode(valid, DENY);
  gsize whole = bytes->len;
  BtNetPolicy policy;

  g_byte_array_set_size(bytes, (guint)whole + 64);
  memset(bytes->data + whole, 0, 64);
  for (gsize size = 0; size <= whole + 64; size++) {
    /* An exact allocation, so that ASan sees a read past the end. */
    g_autofree guint8 *copy = g_memdup2(bytes->data, size);
    g_assert_true(bt_net_policy_open(copy, size, &policy) == (size == whole));
    /* And not only because of the size it claims. */
    guint32 claimed = (guint32)size;
    if (size >= sizeof(BtNetPolicyHeader) && size != whole) {
      memcpy(copy + offsetof(BtNetPolicyHeader, size), &claimed, sizeof claimed);
      g_assert_false(bt_net_policy_open(copy, size, &policy));
    }
  }
}

static void
test_open(void)
{
  g_autoptr(GByteArray) bytes = encode(valid, DENY);
  BtNetPolicy policy;

  g_assert_true(bt_net_policy_open(bytes->data, bytes->len, &policy));
  g_assert_cmpuint(policy.n_rules, ==, 3);
  g_assert_cmpuint(policy.n_ports, ==, 2);
  g_assert_cmpuint(policy.default_action, ==, DENY);
  g_assert_cmpuint(policy.rules[2].layer, ==, 2);
  g_assert_cmpuint(policy.ports[1].last, ==, 65535);

  g_autofree guint8 *shifted = g_malloc(bytes->len + 8);
  memcpy(shifted + 1, bytes->data, bytes->len);
  g_assert_false(bt_net_policy_open(shifted + 1, bytes->len, &policy));
}

#define RULE(n, field)                                                                           \
  (sizeof(BtNetPolicyHeader) + (n) * sizeof(BtNetRule) + offsetof(BtNetRule, field)),             \
    sizeof(((BtNetRule *)0)->field)
#define PORT(n, field)                                                                           \
  (sizeof(BtNetPolicyHeader) + 3 * sizeof(BtNetRule) + (n) * sizeof(BtPortRange) +                \
   offsetof(BtPortRange, field)),                                                                \
    sizeof(((BtPortRange *)0)->field)
#define HEADER(field)                                                                            \
  offsetof(BtNetPolicyHeader, field), sizeof(((BtNetPolicyHeader *)0)->field)

/* One field of the valid policy changed. */
static const struct {
  const char *what;
  gsize offset, size;
  guint32 value;
  gboolean valid;
} mutations[] = {
  { "magic", HEADER(magic), 0, FALSE },
  { "size", HEADER(size), 8, FALSE },
  { "fewer rules", HEADER(n_rules), 2, FALSE },
  { "more rules", HEADER(n_rules), 4, FALSE },
  { "rules that overflow", HEADER(n_rules), 0x08000003, FALSE },
  { "no rules", HEADER(n_rules), 0, FALSE },
  { "fewer ports", HEADER(n_ports), 1, FALSE },
  { "more ports", HEADER(n_ports), 3, FALSE },
  { "ports that overflow", HEADER(n_ports), 0x40000002, FALSE },
  { "a span that is not there", HEADER(n_spans), 1, FALSE },
  { "spans that overflow", HEADER(n_spans), 0x0aaaaaab, FALSE },
  { "an id that is not there", HEADER(n_ids), 1, FALSE },
  { "ids that overflow", HEADER(n_ids), 0x40000000, FALSE },
  { "default none", HEADER(default_action), 0, FALSE },
  { "default allow", HEADER(default_action), ALLOW, TRUE },
  { "default warn", HEADER(default_action), WARN, FALSE },
  { "default unknown", HEADER(default_action), 4, FALSE },
  { "fewer names", HEADER(names_size), 31, FALSE },
  { "more names", HEADER(names_size), 33, FALSE },
  { "names that overflow", HEADER(names_size), 0xffffffe0, FALSE },
  { "prefix", RULE(0, prefix), 128, TRUE },
  { "prefix too long", RULE(0, prefix), 129, FALSE },
  { "action none", RULE(1, action), 0, FALSE },
  { "action unknown", RULE(1, action), 4, FALSE },
  { "no protocol", RULE(0, proto), 0, FALSE },
  { "unknown protocol", RULE(0, proto), 8, FALSE },
  { "unknown flag", RULE(0, flags), 16, FALSE },
  { "below an address", RULE(0, flags), BELOW, FALSE },
  { "a plain address", RULE(0, flags), PLAIN, FALSE },
  { "plain names below a name", RULE(1, flags), NAME | BELOW | PLAIN, TRUE },
  { "name of an address", RULE(2, name), 1, FALSE },
  { "last byte of the names", RULE(1, name), 31, TRUE },
  { "name behind the names", RULE(1, name), 32, FALSE },
  { "name without an end", sizeof(BtNetPolicyHeader) + 3 * sizeof(BtNetRule) +
      2 * sizeof(BtPortRange) + 28, 4, 0x61616161, FALSE },
  { "layer in order", RULE(1, layer), 2, TRUE },
  { "layer out of order", RULE(1, layer), 3, FALSE },
  { "last layer out of order", RULE(0, layer), 1, FALSE },
  { "more ports than there are", RULE(0, n_ports), 3, FALSE },
  { "all ports", RULE(0, n_ports), 2, TRUE },
  { "ports from the end", RULE(0, ports), 2, FALSE },
  { "ports that wrap", RULE(0, ports), 0xffffffff, FALSE },
  { "ports of a rule without any", RULE(1, ports), 0xffffffff, TRUE },
  { "range upside down", PORT(0, first), 91, FALSE },
  { "range of one", PORT(0, first), 90, TRUE },
  { "second range upside down", PORT(1, last), 0, FALSE },
};

static void
test_mutations(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(mutations); i++) {
    g_autoptr(GByteArray) bytes = encode(valid, DENY);
    BtNetPolicy policy;

    memcpy(bytes->data + mutations[i].offset, &mutations[i].value, mutations[i].size);
    if (bt_net_policy_open(bytes->data, bytes->len, &policy) != mutations[i].valid)
      g_error("%s: %s", mutations[i].what, mutations[i].valid ? "refused" : "taken");
  }
}

/* A count beyond the bound is refused even where all its bytes are there. */
static void
test_bounds(void)
{
  static const struct {
    guint32 n_rules, n_ports;
    gboolean valid;
  } cases[] = {
    { BT_NET_POLICY_MAX_RULES, 0, TRUE },
    { BT_NET_POLICY_MAX_RULES + 1, 0, FALSE },
    { 0, BT_NET_POLICY_MAX_PORTS, TRUE },
    { 0, BT_NET_POLICY_MAX_PORTS + 1, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    gsize size = sizeof(BtNetPolicyHeader) + cases[i].n_rules * sizeof(BtNetRule) +
                 cases[i].n_ports * sizeof(BtPortRange);
    g_autofree guint8 *bytes = g_malloc0(size);
    BtNetPolicyHeader header = {
      .magic = BT_NET_POLICY_MAGIC,
      .size = (guint32)size,
      .n_rules = cases[i].n_rules,
      .n_ports = cases[i].n_ports,
      .default_action = DENY,
    };
    const BtNetRule rule = { .action = ALLOW, .proto = TCP };
    BtNetPolicy policy;

    memcpy(bytes, &header, sizeof header);
    for (guint32 n = 0; n < cases[i].n_rules; n++)
      memcpy(bytes + sizeof header + n * sizeof rule, &rule, sizeof rule);
    g_assert_true(bt_net_policy_open(bytes, size, &policy) == cases[i].valid);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/net-policy/match", test_match);
  g_test_add_func("/net-policy/not-pinned", test_not_pinned);
  g_test_add_func("/net-policy/pin-of-rule", test_pin_of_rule);
  g_test_add_func("/net-policy/names", test_names);
  g_test_add_func("/net-policy/open", test_open);
  g_test_add_func("/net-policy/size", test_size);
  g_test_add_func("/net-policy/mutations", test_mutations);
  g_test_add_func("/net-policy/bounds", test_bounds);
  return g_test_run();
}
