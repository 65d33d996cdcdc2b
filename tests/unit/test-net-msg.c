/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"

typedef struct {
  BtNetMsgConfig config;
  BtNetPolicyHeader policy;
} Config;

static const Config config = {
  .config = {
    .header.kind = BT_NET_MSG_CONFIG,
    .worker_address = 1,
    .gateway = 2,
    .prefix_length = 24,
    .mtu = 1500,
    .pin_seconds = 60,
    .policy_size = sizeof(BtNetPolicyHeader),
  },
  .policy = { BT_NET_POLICY_MAGIC, sizeof(BtNetPolicyHeader), 0, 0, BT_ACTION_DENY, 0 },
};
static const BtNetMsgAnswer answer = {
  .header = { BT_NET_MSG_ANSWER, 7 },
  .ttl = 30,
  .n_addrs = 1,
  .n_rules = 1,
};
static const BtNetMsgHostAddrs host_addrs = {
  .header.kind = BT_NET_MSG_HOST_ADDRS,
  .n_addrs = BT_NET_MSG_MAX_HOST_ADDRS,
};
static const BtNetMsgHeader ready = { BT_NET_MSG_READY, 0 };
static const BtNetMsgResolve resolve = {
  .header = { BT_NET_MSG_RESOLVE, 7 },
  .type = BT_DNS_TYPE_A,
  .name = "github.com",
};
static const BtNetMsgUnpin unpin = { .header.kind = BT_NET_MSG_UNPIN, .rule = 3 };
static const BtNetMsgDenied denied = {
  .header.kind = BT_NET_MSG_DENIED,
  .reason = BT_NET_REASON_POLICY,
  .proto = BT_PROTO_TCP,
  .port = 443,
  .source_port = 50000,
  .rule = BT_NET_RULE_DEFAULT,
  .count = 1,
};

static const BtNetMsgRelays relays = {
  .header.kind = BT_NET_MSG_RELAYS,
  .n_listeners = BT_NET_MSG_MAX_FDS,
};
static const BtNetMsgOpen open_relay = { .header = { BT_NET_MSG_OPEN, 9 }, .port = 5432 };
static const BtNetMsgOpened opened = { .header = { BT_NET_MSG_OPENED, 9 }, .refused = 1 };

static const BtNetMsgPublish publish = {
  .header.kind = BT_NET_MSG_PUBLISH,
  .n_listeners = 2,
  .n_dialers = 64,
  .ports = { 1, 65535 },
};
static const BtNetMsgAccepted accepted = { .header.kind = BT_NET_MSG_ACCEPTED, .port = 40000 };
static const BtNetMsgFlow flow = {
  .header.kind = BT_NET_MSG_FLOW,
  .state = BT_NET_FLOW_CLOSED,
  .proto = BT_PROTO_TCP,
  .port = 443,
  .milliseconds = 100,
  .number = 1,
  .times = { .connect = 10, .sent = 20, .tls = 30, .first_byte = 40 },
};

typedef enum {
  CONFIG, ANSWER, HOST_ADDRS, READY, RESOLVE, UNPIN, DENIED, RELAYS, OPEN, OPENED, PUBLISH, ACCEPTED, FLOW,
  N_MESSAGES,
} Which;

static const struct {
  const void *bytes;
  gsize size, fixed;
} messages[N_MESSAGES] = {
  [CONFIG] = { &config, sizeof config, sizeof config.config },
  [ANSWER] = { &answer, sizeof answer, sizeof answer },
  [HOST_ADDRS] = { &host_addrs, sizeof host_addrs, sizeof host_addrs },
  [READY] = { &ready, sizeof ready, sizeof ready },
  [RESOLVE] = { &resolve, sizeof resolve, sizeof resolve },
  [UNPIN] = { &unpin, sizeof unpin, sizeof unpin },
  [DENIED] = { &denied, sizeof denied, sizeof denied },
  [RELAYS] = { &relays, sizeof relays, sizeof relays },
  [OPEN] = { &open_relay, sizeof open_relay, sizeof open_relay },
  [OPENED] = { &opened, sizeof opened, sizeof opened },
  [PUBLISH] = { &publish, sizeof publish, sizeof publish },
  [ACCEPTED] = { &accepted, sizeof accepted, sizeof accepted },
  [FLOW] = { &flow, sizeof flow, sizeof flow },
};

static gboolean
parses(const void *bytes, gsize size)
{
  /* An exact allocation, so that ASan sees a read past the end. */
  g_autofree guint8 *copy = g_memdup2(bytes, size);
  const guint8 *policy;
  BtNetMsg message;

  return bt_net_msg_parse(copy, size, &message, &policy);
}

static void
test_parse(void)
{
  for (Which which = 0; which < N_MESSAGES; which++) {
    const guint8 *bytes = messages[which].bytes, *policy = bytes;
    BtNetMsg message;

    memset(&message, 0xa5, sizeof message);
    g_assert_true(bt_net_msg_parse(bytes, messages[which].size, &message, &policy));
    g_assert_cmpmem(&message, messages[which].fixed, bytes, messages[which].fixed);
    g_assert_true(policy == (which == CONFIG ? bytes + sizeof(BtNetMsgConfig) : NULL));
    for (gsize i = messages[which].fixed; i < sizeof message; i++)
      g_assert_cmpuint(((const guint8 *)&message)[i], ==, 0);
  }
}

static void
test_size(void)
{
  g_autofree guint8 *bytes = g_malloc0(sizeof(BtNetMsg) + 64);

  for (Which which = 0; which < N_MESSAGES; which++) {
    memset(bytes, 0, sizeof(BtNetMsg) + 64);
    memcpy(bytes, messages[which].bytes, messages[which].size);
    for (gsize size = 0; size < messages[which].size + 64; size++)
      g_assert_true(parses(bytes, size) == (size == messages[which].size));
  }
}

static void
test_config_ipv6(void)
{
  static const struct {
    const char *worker, *gateway;
    guint32 mtu, worker4;
    gboolean valid;
  } cases[] = {
    { "fd00::f", "fd00::2", 1280, 1, TRUE },
    { "fd00::f", "fd00::2", 1279, 1, FALSE },      /* RFC 8200, 5 */
    { "fd00::f", "fd00::f", 1500, 1, FALSE },
    { "fd00::f", "fd00:0:0:1::2", 1500, 1, FALSE }, /* not in one network */
    { "fd00::f", "fd00:0:0:0:ffff::2", 1500, 1, TRUE },
    { "::ffff:10.0.2.15", "::ffff:10.0.2.2", 1500, 1, FALSE },
    { "fd00::f", "fd00::2", 1500, 0, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Config given = config;
    g_test_message("%" G_GSIZE_FORMAT, i);
    g_assert_true(bt_addr_parse(cases[i].worker, &given.config.worker_address6));
    g_assert_true(bt_addr_parse(cases[i].gateway, &given.config.gateway6));
    given.config.mtu = cases[i].mtu;
    given.config.worker_address = cases[i].worker4;
    g_assert_cmpint(parses(&given, sizeof given), ==, cases[i].valid);
  }
}

static void
test_config_size(void)
{
  g_autofree guint8 *bytes = g_malloc0(BT_NET_MSG_MAX_SIZE + 8);
  BtNetMsgConfig large = config.config;
  static const struct {
    guint32 policy_size;
    gboolean valid;
  } cases[] = {
    { 0, FALSE },
    { sizeof(BtNetPolicyHeader) - 4, FALSE },
    { sizeof(BtNetPolicyHeader), TRUE },
    { sizeof(BtNetPolicyHeader) + 2, FALSE },
    { sizeof(BtNetPolicyHeader) + 4, TRUE }, /* an odd number of port ranges */
    { BT_NET_MSG_MAX_SIZE - sizeof(BtNetMsgConfig), TRUE },
    { BT_NET_MSG_MAX_SIZE - sizeof(BtNetMsgConfig) + 4, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    large.policy_size = cases[i].policy_size;
    memcpy(bytes, &large, sizeof large);
    g_assert_true(parses(bytes, sizeof large + large.policy_size) == cases[i].valid);
  }
}

static void
test_kinds(void)
{
  g_autofree guint8 *bytes = g_malloc0(sizeof(BtNetMsg));

  /* No kind but READY and FINISH is of this size. */
  for (guint32 kind = 0; kind < 300; kind++) {
    BtNetMsgHeader header = { kind, 0 };
    g_assert_true(parses(&header, sizeof header) == (kind == BT_NET_MSG_READY || kind == BT_NET_MSG_FINISH));
    memcpy(bytes, &header, sizeof header);
    g_assert_true(parses(bytes, sizeof(BtNetMsg)) == (kind == BT_NET_MSG_HOST_ADDRS));
  }
}

#define IN(which, type, field) which, offsetof(type, field), sizeof(((type *)0)->field)

static const struct {
  const char *what;
  Which which;
  gsize offset, size;
  guint32 value;
  gboolean valid;
} mutations[] = {
  { "config id", IN(CONFIG, BtNetMsgConfig, header.id), 1, FALSE },
  { "config prefix", IN(CONFIG, BtNetMsgConfig, prefix_length), 32, TRUE },
  { "config prefix too long", IN(CONFIG, BtNetMsgConfig, prefix_length), 33, FALSE },
  { "config MTU too large", IN(CONFIG, BtNetMsgConfig, mtu), 65536, FALSE },
  { "config largest MTU", IN(CONFIG, BtNetMsgConfig, mtu), 65535, TRUE },
  { "config MTU too small", IN(CONFIG, BtNetMsgConfig, mtu), 67, FALSE },
  { "config least MTU", IN(CONFIG, BtNetMsgConfig, mtu), 68, TRUE },
  { "config without an address", IN(CONFIG, BtNetMsgConfig, worker_address), 0, TRUE },
  { "config IPv6 without a gateway", IN(CONFIG, BtNetMsgConfig, worker_address6), 1, FALSE },
  { "config gateway alone", IN(CONFIG, BtNetMsgConfig, gateway6), 1, FALSE },
  { "config policy shorter", IN(CONFIG, BtNetMsgConfig, policy_size), 20, FALSE },
  { "config policy longer", IN(CONFIG, BtNetMsgConfig, policy_size), 28, FALSE },
  { "config policy that wraps", IN(CONFIG, BtNetMsgConfig, policy_size), 0xffffffe8, FALSE },
  { "config no flow", IN(CONFIG, BtNetMsgConfig, flow_rate), 0, TRUE },
  { "config any flow", IN(CONFIG, BtNetMsgConfig, flow_rate), BT_NET_MSG_ANY_RATE, TRUE },

  { "config flows told", IN(CONFIG, BtNetMsgConfig, tell_flows), 1, TRUE },
  { "config flows told otherwise", IN(CONFIG, BtNetMsgConfig, tell_flows), 2, FALSE },
  { "config counts told", IN(CONFIG, BtNetMsgConfig, tell_counts), 1, TRUE },
  { "config counts told otherwise", IN(CONFIG, BtNetMsgConfig, tell_counts), 2, FALSE },

  { "answer id", IN(ANSWER, BtNetMsgAnswer, header.id), 0, TRUE },
  { "answer SERVFAIL with addresses", IN(ANSWER, BtNetMsgAnswer, rcode), 2, FALSE },
  { "answer FORMERR", IN(ANSWER, BtNetMsgAnswer, rcode), 1, FALSE },
  { "answer rcode 4", IN(ANSWER, BtNetMsgAnswer, rcode), 4, FALSE },
  { "answer all addresses", IN(ANSWER, BtNetMsgAnswer, n_addrs), BT_NET_MSG_MAX_ADDRS, TRUE },
  { "answer one more", IN(ANSWER, BtNetMsgAnswer, n_addrs), BT_NET_MSG_MAX_ADDRS + 1, FALSE },
  { "answer endless addresses", IN(ANSWER, BtNetMsgAnswer, n_addrs), G_MAXUINT32, FALSE },
  { "answer all rules", IN(ANSWER, BtNetMsgAnswer, n_rules), BT_NET_MSG_MAX_PIN_RULES, TRUE },
  { "answer a rule more", IN(ANSWER, BtNetMsgAnswer, n_rules), BT_NET_MSG_MAX_PIN_RULES + 1, FALSE },
  { "answer last rule", IN(ANSWER, BtNetMsgAnswer, rules[0]), BT_NET_POLICY_MAX_RULES - 1, TRUE },
  { "answer no such rule", IN(ANSWER, BtNetMsgAnswer, rules[0]), BT_NET_POLICY_MAX_RULES, FALSE },
  { "answer unused rule", IN(ANSWER, BtNetMsgAnswer, rules[1]), G_MAXUINT32, TRUE },
  { "answer name", ANSWER, offsetof(BtNetMsgAnswer, name), 1, 'A', FALSE },

  { "host addresses one more", IN(HOST_ADDRS, BtNetMsgHostAddrs, n_addrs),
    BT_NET_MSG_MAX_HOST_ADDRS + 1, FALSE },
  { "host addresses none", IN(HOST_ADDRS, BtNetMsgHostAddrs, n_addrs), 0, TRUE },
  { "host addresses reserved", IN(HOST_ADDRS, BtNetMsgHostAddrs, reserved), 1, FALSE },
  { "host addresses id", IN(HOST_ADDRS, BtNetMsgHostAddrs, header.id), 1, FALSE },
  { "ready id", IN(READY, BtNetMsgHeader, id), 1, FALSE },

  { "resolve AAAA", IN(RESOLVE, BtNetMsgResolve, type), BT_DNS_TYPE_AAAA, TRUE },
  { "resolve PTR", IN(RESOLVE, BtNetMsgResolve, type), BT_DNS_TYPE_PTR, TRUE },
  { "resolve TXT", IN(RESOLVE, BtNetMsgResolve, type), 16, FALSE },
  { "resolve ANY", IN(RESOLVE, BtNetMsgResolve, type), 255, FALSE },
  { "resolve A, almost", IN(RESOLVE, BtNetMsgResolve, type), 0x10001, FALSE },

  { "unpin id", IN(UNPIN, BtNetMsgUnpin, header.id), 1, FALSE },
  { "unpin last rule", IN(UNPIN, BtNetMsgUnpin, rule), BT_NET_POLICY_MAX_RULES - 1, TRUE },
  { "unpin no such rule", IN(UNPIN, BtNetMsgUnpin, rule), BT_NET_POLICY_MAX_RULES, FALSE },

  { "denied id", IN(DENIED, BtNetMsgDenied, header.id), 1, FALSE },
  { "denied no reason", IN(DENIED, BtNetMsgDenied, reason), 0, FALSE },
  { "denied last reason", IN(DENIED, BtNetMsgDenied, reason), BT_NET_REASON_LAST, TRUE },
  { "denied unknown reason", IN(DENIED, BtNetMsgDenied, reason), BT_NET_REASON_LAST + 1, FALSE },
  { "denied UDP", IN(DENIED, BtNetMsgDenied, proto), BT_PROTO_UDP, TRUE },
  { "denied ICMP", IN(DENIED, BtNetMsgDenied, proto), BT_PROTO_ICMP, TRUE },
  { "denied last port", IN(DENIED, BtNetMsgDenied, port), 65535, TRUE },
  { "denied last source port", IN(DENIED, BtNetMsgDenied, source_port), 65535, TRUE },
  { "denied no protocol", IN(DENIED, BtNetMsgDenied, proto), 0, TRUE },
  { "denied two protocols", IN(DENIED, BtNetMsgDenied, proto), 3, FALSE },
  { "denied unknown protocol", IN(DENIED, BtNetMsgDenied, proto), 8, FALSE },
  { "denied port", IN(DENIED, BtNetMsgDenied, port), 65536, FALSE },
  { "denied source port", IN(DENIED, BtNetMsgDenied, source_port), 65536, FALSE },
  { "denied by closure", IN(DENIED, BtNetMsgDenied, rule), (guint32)BT_NET_RULE_CLOSURE, TRUE },
  { "denied by -3", IN(DENIED, BtNetMsgDenied, rule), (guint32)-3, FALSE },
  { "denied by the last rule", IN(DENIED, BtNetMsgDenied, rule), BT_NET_POLICY_MAX_RULES - 1, TRUE },
  { "denied by no rule", IN(DENIED, BtNetMsgDenied, rule), BT_NET_POLICY_MAX_RULES, FALSE },
  { "denied nothing", IN(DENIED, BtNetMsgDenied, count), 0, FALSE },
  { "denied a name by its packet", IN(DENIED, BtNetMsgDenied, name), 'a', FALSE },
  { "a relay more", IN(RELAYS, BtNetMsgRelays, n_listeners), BT_NET_MSG_MAX_FDS + 1, FALSE },
  { "relays with more", IN(RELAYS, BtNetMsgRelays, reserved), 1, FALSE },
  { "open no port", IN(OPEN, BtNetMsgOpen, port), 0, FALSE },
  { "open the last port", IN(OPEN, BtNetMsgOpen, port), 65535, TRUE },
  { "open port", IN(OPEN, BtNetMsgOpen, port), 65536, FALSE },
  { "open with more", IN(OPEN, BtNetMsgOpen, reserved), 1, FALSE },
  { "opened", IN(OPENED, BtNetMsgOpened, refused), 0, TRUE },
  { "opened, and what", IN(OPENED, BtNetMsgOpened, refused), 2, FALSE },
  { "opened with more", IN(OPENED, BtNetMsgOpened, reserved), 1, FALSE },
  { "publish nothing", IN(PUBLISH, BtNetMsgPublish, n_listeners), 0, FALSE },
  { "publish a port 0", IN(PUBLISH, BtNetMsgPublish, n_listeners), 3, FALSE },
  { "publish too many", IN(PUBLISH, BtNetMsgPublish, n_listeners), BT_NET_MSG_MAX_PUBLISHED + 1, FALSE },
  { "publish by all", IN(PUBLISH, BtNetMsgPublish, n_dialers), BT_NET_MSG_MAX_FDS - 2, TRUE },
  { "publish by more", IN(PUBLISH, BtNetMsgPublish, n_dialers), BT_NET_MSG_MAX_FDS - 1, FALSE },
  { "publish, and tell", IN(PUBLISH, BtNetMsgPublish, tell), 1, TRUE },
  { "publish, and tell what", IN(PUBLISH, BtNetMsgPublish, tell), 2, FALSE },
  { "publish with more", IN(PUBLISH, BtNetMsgPublish, reserved), 1, FALSE },
  { "accepted port", IN(ACCEPTED, BtNetMsgAccepted, port), 65536, FALSE },
  { "accepted nowhere", IN(ACCEPTED, BtNetMsgAccepted, listener), BT_NET_MSG_MAX_PUBLISHED, FALSE },
  { "flow opened", IN(FLOW, BtNetMsgFlow, state), BT_NET_FLOW_OPENED, TRUE },
  { "flow of no state", IN(FLOW, BtNetMsgFlow, state), 0, FALSE },
  { "flow of another state", IN(FLOW, BtNetMsgFlow, state), BT_NET_FLOW_CLOSED + 1, FALSE },
  { "flow no protocol", IN(FLOW, BtNetMsgFlow, proto), 0, FALSE },
  { "flow ICMP", IN(FLOW, BtNetMsgFlow, proto), BT_PROTO_ICMP, TRUE },
  { "flow port", IN(FLOW, BtNetMsgFlow, port), 65536, FALSE },
  { "flow id", IN(FLOW, BtNetMsgFlow, header.id), 1, FALSE },
  { "flow without a number", FLOW, offsetof(BtNetMsgFlow, number), 4, 0, FALSE },
  { "flow before all time", FLOW, offsetof(BtNetMsgFlow, time) + 4, 4, 0x80000000u, FALSE },
  { "flow as short as its parts", IN(FLOW, BtNetMsgFlow, milliseconds), 90, TRUE },
  { "flow shorter than its parts", IN(FLOW, BtNetMsgFlow, milliseconds), 89, FALSE },
  { "flow longer than can be said", IN(FLOW, BtNetMsgFlow, milliseconds), G_MAXUINT32, TRUE },
  { "flow not connected", IN(FLOW, BtNetMsgFlow, times.connect), BT_NET_MSG_NO_TIME, TRUE },
  { "flow connected after it sent", IN(FLOW, BtNetMsgFlow, times.connect), 21, FALSE },
  { "flow that sent nothing, but TLS", IN(FLOW, BtNetMsgFlow, times.sent), BT_NET_MSG_NO_TIME, FALSE },
  { "flow without TLS", IN(FLOW, BtNetMsgFlow, times.tls), BT_NET_MSG_NO_TIME, TRUE },
  { "flow longer in TLS", IN(FLOW, BtNetMsgFlow, times.tls), BT_NET_MSG_NO_TIME - 1, FALSE },
  { "flow that got nothing", IN(FLOW, BtNetMsgFlow, times.first_byte), BT_NET_MSG_NO_TIME, TRUE },
  { "flow that waited longer", IN(FLOW, BtNetMsgFlow, times.first_byte), 51, FALSE },
};

/* Only a good answer has addresses. */
static void
test_rcodes(void)
{
  for (guint32 rcode = 0; rcode < 20; rcode++) {
    BtNetMsgAnswer reply = answer;
    reply.rcode = rcode;
    g_assert_true(parses(&reply, sizeof reply) == (rcode == 0));
    reply.n_addrs = 0;
    g_assert_true(parses(&reply, sizeof reply) == (rcode == 0 || rcode == 2 || rcode == 3));
  }
}

static void
test_mutations(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(mutations); i++) {
    gsize size = messages[mutations[i].which].size;
    g_autofree guint8 *bytes = g_memdup2(messages[mutations[i].which].bytes, size);

    memcpy(bytes + mutations[i].offset, &mutations[i].value, mutations[i].size);
    if (parses(bytes, size) != mutations[i].valid)
      g_error("%s: %s", mutations[i].what, mutations[i].valid ? "refused" : "taken");
  }
}

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define NAME191 LABEL63 "." LABEL63 "." LABEL63

static const struct {
  const char *name;
  gboolean valid;
} names[] = {
  { "a", TRUE },
  { "github.com", TRUE },
  { "xn--bcher-kva.example", TRUE },
  { "_dmarc.a-b.c", TRUE },
  { "4.3.2.1.in-addr.arpa", TRUE },
  { "az.09.-_", TRUE },
  { LABEL63, TRUE },
  { LABEL63 "h", FALSE },
  { "a." LABEL63 "h.b", FALSE },
  { NAME191 ".ddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiij", TRUE },  /* 253 */
  { NAME191 ".ddddddddddeeeeeeeeeeffffffffffgggggggggghhhhhhhhhhiiiiiiiiiijk", FALSE }, /* 254 */
  { "", FALSE },
  { ".", FALSE },
  { ".a", FALSE },
  { "a.", FALSE },
  { "a..b", FALSE },
  { "A", FALSE },
  { "a b", FALSE },
  { "a/b", FALSE },
  { "*.a", FALSE },
  { "a\n", FALSE },
  { "a\x1b[31m", FALSE },
  { "a\x7f", FALSE },
  { "b\xc3\xbc" "cher", FALSE },
  { "a:1", FALSE },
  { "a@b", FALSE },
};

static void
test_names(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    BtNetMsgResolve question = resolve;
    BtNetMsgAnswer reply = answer;

    memset(question.name, 0, sizeof question.name);
    memcpy(question.name, names[i].name, strlen(names[i].name));
    memcpy(reply.name, question.name, sizeof reply.name);
    if (parses(&question, sizeof question) != names[i].valid)
      g_error("\"%s\": %s", names[i].name, names[i].valid ? "refused" : "taken");
    /* An answer need not have a name. */
    g_assert_true(parses(&reply, sizeof reply) == (names[i].valid || names[i].name[0] == '\0'));
  }
  BtNetMsgResolve question = resolve;
  memset(question.name, 'a', sizeof question.name);
  g_assert_false(parses(&question, sizeof question));
  for (gsize i = 40; i < sizeof question.name; i += 40)
    question.name[i] = '.';
  g_assert_false(parses(&question, sizeof question));
}

/* What a worker asked for is shown to people. */
static void
test_denied_name(void)
{
  static const struct {
    const char *name;
    gboolean valid;
  } cases[] = { { "", TRUE },     { "evil.example", TRUE }, { "Evil.example", FALSE },
                { "a b", FALSE }, { "a\033[2J", FALSE },    { "a..b", FALSE } };
  const guint8 *unused;
  BtNetMsg message;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtNetMsgDenied asked = denied;
    asked.reason = BT_NET_REASON_NAME;
    g_strlcpy(asked.name, cases[i].name, sizeof asked.name);
    g_assert_true(bt_net_msg_parse(&asked, sizeof asked, &message, &unused) == cases[i].valid);
  }
  BtNetMsgDenied endless = denied;
  endless.reason = BT_NET_REASON_NAME;
  memset(endless.name, 'a', sizeof endless.name);
  g_assert_false(bt_net_msg_parse(&endless, sizeof endless, &message, &unused));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/net-msg/parse", test_parse);
  g_test_add_func("/net-msg/size", test_size);
  g_test_add_func("/net-msg/config-ipv6", test_config_ipv6);
  g_test_add_func("/net-msg/config-size", test_config_size);
  g_test_add_func("/net-msg/kinds", test_kinds);
  g_test_add_func("/net-msg/rcodes", test_rcodes);
  g_test_add_func("/net-msg/mutations", test_mutations);
  g_test_add_func("/net-msg/names", test_names);
  g_test_add_func("/net-msg/denied-name", test_denied_name);
  return g_test_run();
}
