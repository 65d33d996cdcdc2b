/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-wire-corpus DIR: writes the corpora of plan, net-policy, net-msg,
 * open-msg, scope-msg, status and addr below DIR. Run it again when a record changes, or the valid
 * inputs are refused at the first field:
 *
 *   cc -D_GNU_SOURCE -Isrc tests/fuzz/make-wire-corpus.c -o /tmp/make-wire-corpus
 *   /tmp/make-wire-corpus tests/fuzz/corpus
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"
#include "wire/bt-open-msg.h"
#include "wire/bt-plan.h"
#include "wire/bt-scope-msg.h"
#include "wire/bt-status.h"

static const char *root;

static void
save(const char *corpus, const char *name, const void *bytes, size_t size)
{
  char path[4096];

  snprintf(path, sizeof path, "%s/%s", root, corpus);
  mkdir(path, 0755);
  snprintf(path, sizeof path, "%s/%s/%s", root, corpus, name);
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

typedef struct {
  BtPlanHeader header;
  BtPlanOp ops[4];
  BtPlanLandlock landlock[1];
  BtPlanLimit limits[1];
  uint32_t argv[2], env[2];
  struct sock_filter filter[2];
  char strings[96];
} Plan;

static uint32_t
at(Plan *plan, const char *text)
{
  char *end = plan->strings;

  while (*end != '\0')
    end += strlen(end) + 1;
  memcpy(end, text, strlen(text) + 1);
  return (uint32_t)(end - (char *)plan);
}

#define TABLE(field, n)                                                                          \
  (BtPlanTable)                                                                                  \
  {                                                                                              \
    offsetof(Plan, field), n                                                                     \
  }

static void
save_plans(void)
{
  Plan plan = { .header = { .magic = BT_PLAN_MAGIC, .version = BT_PLAN_VERSION,
                            .size = sizeof plan, .uid = 1000, .gid = 1000 } };
  BtPlanHeader *header = &plan.header;

  header->executable = at(&plan, "/usr/bin/python3");
  header->cwd = at(&plan, "/");
  header->ops = TABLE(ops, 4);
  header->landlock = TABLE(landlock, 1);
  header->limits = TABLE(limits, 1);
  header->argv = TABLE(argv, 2);
  header->env = TABLE(env, 2);
  header->worker_filter = header->init_filter = header->opener_filter = TABLE(filter, 2);
  header->net = (BtPlanNet){ .mode = BT_PLAN_NET_AUTO, .mtu = 1500, .address = 1, .gateway = 2,
                             .prefix_length = 24, .interface = at(&plan, "eth0") };
  uint32_t usr = at(&plan, "/usr");
  plan.ops[0] = (BtPlanOp){ .kind = BT_PLAN_DIR, .target = usr, .mode = 0755 };
  plan.ops[1] = (BtPlanOp){ .kind = BT_PLAN_BIND, .source = usr, .target = usr, .attr = 7 };
  plan.ops[2] = (BtPlanOp){ .kind = BT_PLAN_FILE, .target = at(&plan, "/etc/hosts"), .mode = 0444,
                            .data_offset = offsetof(Plan, strings), .data_size = 8 };
  plan.ops[3] = (BtPlanOp){ .kind = BT_PLAN_SYMLINK, .source = at(&plan, "usr/lib"),
                            .target = at(&plan, "/lib") };
  plan.landlock[0] = (BtPlanLandlock){ .access = 4, .path = usr };
  plan.limits[0] = (BtPlanLimit){ .resource = 4, .soft = 1, .hard = 1 };
  plan.argv[0] = plan.argv[1] = header->executable;
  plan.env[0] = plan.env[1] = at(&plan, "A=1");
  save("plan", "valid", &plan, sizeof plan);
  save("plan", "header-only", &plan, sizeof plan.header);
  save("plan", "truncated", &plan, sizeof plan - 1);

  Plan bad = plan;
  bad.header.ops.count = 0x04924925; /* times 56 is 8 in 32 bits */
  save("plan", "ops-wrap", &bad, sizeof bad);
  bad = plan;
  bad.ops[2].data_size = UINT32_MAX - bad.ops[2].data_offset + 2;
  save("plan", "data-wraps", &bad, sizeof bad);
  Plan flat = plan;
  flat.header.flags = BT_PLAN_NO_NAMESPACES;
  flat.header.ops.count = 0;
  flat.header.net = (BtPlanNet){ .mode = BT_PLAN_NET_HOST };
  flat.header.landlock_fs = 4;
  flat.header.landlock_net = BT_PLAN_TCP;
  flat.header.landlock_scoped = BT_PLAN_SCOPE_ALL;
  save("plan", "flat", &flat, sizeof flat);
  bad = plan;
  memset(bad.strings + 60, 'x', sizeof bad.strings - 60);
  bad.argv[1] = offsetof(Plan, strings) + 70;
  save("plan", "string-without-end", &bad, sizeof bad);
}

typedef struct {
  BtNetPolicyHeader header;
  BtNetRule rules[3];
  BtPortRange ports[2];
  BtNetSpan spans[2];
  uint32_t ids[3];
  char names[8];
} Policy;

static Policy
make_policy(void)
{
  Policy policy = {
    .header = { BT_NET_POLICY_MAGIC, sizeof policy, 3, 2, 2, 3, BT_ACTION_DENY, 8 },
    .rules = {
      { .addr = { { [10] = 0xff, 0xff, 10 } }, .prefix = 104, .action = BT_ACTION_DENY, .proto = 7 },
      { .action = BT_ACTION_ALLOW, .proto = 1, .n_ports = 1,
        .flags = BT_NET_RULE_NAME | BT_NET_RULE_BELOW },
      { .action = BT_ACTION_WARN, .proto = 7, .layer = 2, .n_ports = 1, .ports = 1 },
    },
    .ports = { { 443, 443 }, { 1, 65535 } },
    .spans = { { .n_ids = 1 }, { .first = { { [10] = 0xff, 0xff, 10 } }, .ids = 1, .n_ids = 2 } },
    .ids = { 2, 0, 2 },
    .names = "b",
  };
  return policy;
}

static void
save_policies(void)
{
  Policy policy = make_policy();

  save("net-policy", "valid", &policy, sizeof policy);
  save("net-policy", "truncated", &policy, sizeof policy - 4);
  policy.spans[1].n_ids = 3;
  save("net-policy", "ids-beyond", &policy, sizeof policy);
  policy = make_policy();
  policy.spans[1].ids = UINT32_MAX;
  save("net-policy", "ids-wrap", &policy, sizeof policy);
  policy = make_policy();
  policy.rules[1].flags = BT_NET_RULE_NAME | BT_NET_RULE_PLAIN;
  policy.rules[2].flags = BT_NET_RULE_LOOPBACK;
  policy.header.default_action = BT_ACTION_ALLOW;
  save("net-policy", "open", &policy, sizeof policy);
  policy.rules[2].ports = UINT32_MAX;
  save("net-policy", "ports-wrap", &policy, sizeof policy);
  policy = make_policy();
  policy.header.n_rules += 1u << 27; /* times 32 is 0 in 32 bits */
  save("net-policy", "rules-wrap", &policy, sizeof policy);
  BtNetPolicyHeader empty = { BT_NET_POLICY_MAGIC, sizeof empty, 0, 0, 0, 0, BT_ACTION_ALLOW, 0 };
  save("net-policy", "empty", &empty, sizeof empty);
}

static void
save_messages(void)
{
  struct {
    BtNetMsgConfig config;
    Policy policy;
  } config = { { .header.kind = BT_NET_MSG_CONFIG, .mtu = 1500, .prefix_length = 24,
                 .worker_address = 1, .policy_size = sizeof(Policy),
                 .flow_rate = 10, .byte_limit = 1u << 20 },
               make_policy() };
  BtNetMsgAnswer answer = { .header = { BT_NET_MSG_ANSWER, 1 }, .ttl = 30,
                            .n_addrs = BT_NET_MSG_MAX_ADDRS, .n_rules = BT_NET_MSG_MAX_PIN_RULES };
  BtNetMsgHostAddrs host_addrs = { .header.kind = BT_NET_MSG_HOST_ADDRS, .n_addrs = 2 };
  BtNetMsgHeader ready = { .kind = BT_NET_MSG_READY };
  BtNetMsgResolve resolve = { { BT_NET_MSG_RESOLVE, 1 }, BT_DNS_TYPE_A, "github.com" };
  BtNetMsgUnpin unpin = { .header.kind = BT_NET_MSG_UNPIN, .rule = 1 };
  BtNetMsgDenied denied = { .header.kind = BT_NET_MSG_DENIED, .reason = 1, .proto = 1, .port = 443,
                            .rule = BT_NET_RULE_CLOSURE, .count = 1 };

  save("net-msg", "config", &config, sizeof config);
  config.config.policy_size = (uint32_t)-sizeof(BtNetMsgConfig);
  save("net-msg", "config-wraps", &config, sizeof config);
  save("net-msg", "answer", &answer, sizeof answer);
  answer.n_addrs = UINT32_MAX;
  save("net-msg", "answer-endless", &answer, sizeof answer);
  save("net-msg", "host-addrs", &host_addrs, sizeof host_addrs);
  save("net-msg", "ready", &ready, sizeof ready);
  ready.kind = BT_NET_MSG_FINISH;
  save("net-msg", "finish", &ready, sizeof ready);
  save("net-msg", "resolve", &resolve, sizeof resolve);
  memset(resolve.name, 'a', sizeof resolve.name);
  save("net-msg", "resolve-without-end", &resolve, sizeof resolve);
  save("net-msg", "unpin", &unpin, sizeof unpin);
  save("net-msg", "denied", &denied, sizeof denied);
  denied = (BtNetMsgDenied){ .header.kind = BT_NET_MSG_DENIED, .reason = BT_NET_REASON_BYTES,
                             .rule = BT_NET_RULE_DEFAULT, .count = 1 };
  save("net-msg", "bytes-used-up", &denied, sizeof denied);
  denied = (BtNetMsgDenied){ .header.kind = BT_NET_MSG_DENIED, .reason = BT_NET_REASON_NAME,
                             .proto = 1, .port = 443, .rule = BT_NET_RULE_DEFAULT, .count = 1,
                             .name = "evil.example" };
  save("net-msg", "another-name", &denied, sizeof denied);
  BtNetMsgFlow flow = { .header.kind = BT_NET_MSG_FLOW, .state = BT_NET_FLOW_CLOSED, .proto = 1,
                        .port = 443, .milliseconds = 7, .bytes_out = 100, .bytes_in = UINT64_MAX,
                        .number = 1, .time = 5000, .times = { 1, 1, 2, 3 } };
  save("net-msg", "flow", &flow, sizeof flow);
  flow.times = (BtNetMsgTimes){ BT_NET_MSG_NO_TIME, BT_NET_MSG_NO_TIME, BT_NET_MSG_NO_TIME,
                                BT_NET_MSG_NO_TIME };
  save("net-msg", "flow-without-times", &flow, sizeof flow);
  BtNetMsgCounts counts = { .header.kind = BT_NET_MSG_COUNTS, .flows = 3, .bytes_out = 1u << 20,
                            .bytes_in = 1u << 30, .dropped = 2, .queries = 1 };
  save("net-msg", "counts", &counts, sizeof counts);
  BtNetMsgRelays relays = { .header.kind = BT_NET_MSG_RELAYS, .n_listeners = 2 };
  BtNetMsgOpen open_relay = { .header = { BT_NET_MSG_OPEN, 1 }, .port = 5432 };
  BtNetMsgOpened opened = { .header = { BT_NET_MSG_OPENED, 1 }, .refused = 1 };
  save("net-msg", "relays", &relays, sizeof relays);
  save("net-msg", "open", &open_relay, sizeof open_relay);
  save("net-msg", "opened", &opened, sizeof opened);
  BtNetMsgPublish publish = { .header.kind = BT_NET_MSG_PUBLISH, .n_listeners = 2,
                              .n_dialers = 3, .ports = { 80, 443 } };
  BtNetMsgAccepted accepted = { .header.kind = BT_NET_MSG_ACCEPTED, .port = 40000 };
  save("net-msg", "publish", &publish, sizeof publish);
  save("net-msg", "accepted", &accepted, sizeof accepted);
}

static void
save_statuses(void)
{
  BtStatus status = { BT_STATUS_FAILED, BT_STAGE_MOUNTS, 2, 0, 0, "/etc/hosts" };

  save("status", "failed", &status, sizeof status);
  save("status", "truncated", &status, sizeof status - 1);
  status.stage = 0;
  save("status", "no-stage", &status, sizeof status);
  status.kind = BT_STATUS_EXITED;
  save("status", "exited", &status, sizeof status);
  memset(status.object, 'x', sizeof status.object);
  save("status", "object-without-end", &status, sizeof status);
}

/* The first byte says which of the two it is. */
static void
save_open_messages(void)
{
  struct {
    char which;
    char bytes[sizeof(BtOpenRequest)];
  } __attribute__((packed)) message = { 'q', "" };
  BtOpenRequest request = { .kind = BT_OPEN_OPEN, .serial = 7, .flags = 0101, .mode = 0644,
                            .umask = 022, .process = 2, .thread = 3, .path = "/etc/passwd" };
  BtOpenReply reply = { .kind = BT_OPEN_DONE, .serial = 7, .error = 2 };
  const size_t head = 1 + offsetof(BtOpenRequest, path);

  memcpy(message.bytes, &request, sizeof request);
  save("open-msg", "open", &message, head + 12);
  save("open-msg", "without-end", &message, head + 11);
  save("open-msg", "end-within", &message, head + 13);
  memset(request.path, 'x', sizeof request.path);
  memcpy(message.bytes, &request, sizeof request);
  save("open-msg", "too-long", &message, sizeof message);
  request = (BtOpenRequest){ .kind = BT_OPEN_CANCEL, .serial = 7 };
  memcpy(message.bytes, &request, sizeof request);
  save("open-msg", "cancel", &message, head + 1);
  message.which = 'a';
  memcpy(message.bytes, &reply, sizeof reply);
  save("open-msg", "done", &message, 1 + sizeof reply);
  reply = (BtOpenReply){ .kind = BT_OPEN_WAITS, .serial = 7, .error = 1 };
  memcpy(message.bytes, &reply, sizeof reply);
  save("open-msg", "waits-with-error", &message, 1 + sizeof reply);
}

static void
save_scope_messages(void)
{
  BtScopeRequest request = { BT_SCOPE_VERSION, 72, 1u << 30, 500000, BT_SCOPE_NOT_LIMITED,
                             "buntime-71-72.scope" };
  BtScopeAnswer answer = { BT_SCOPE_VERSION, BT_SCOPE_REFUSED, "Access denied" };

  save("scope-msg", "request", &request, sizeof request);
  strcpy(request.unit, "buntime-1/../2.scope");
  save("scope-msg", "request-path", &request, sizeof request);
  memset(request.unit, '1', sizeof request.unit);
  save("scope-msg", "request-without-end", &request, sizeof request);
  save("scope-msg", "answer", &answer, sizeof answer);
  memset(answer.reason, 'x', sizeof answer.reason);
  save("scope-msg", "answer-without-end", &answer, sizeof answer);
}

static void
save_addresses(void)
{
  static const char *const texts[][2] = {
    { "ipv4", "192.0.2.1" },
    { "octal", "010.0.0.1" },
    { "hex", "0x7f.0.0.1" },
    { "mapped", "::ffff:127.0.0.1" },
    { "mapped-octal", "::ffff:0127.0.0.1" },
    { "zone", "fe80::1%eth0" },
    { "longest", "1111:2222:3333:4444:5555:6666:255.255.255.255" },
    { "bytes-nat64", "\0d\xff\x9b\0\0\0\0\0\0\0\0\x7f\0\0\1" },
  };

  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    save("addr", texts[i][0], texts[i][1], texts[i][1][0] == '\0' ? 16 : strlen(texts[i][1]));
}

int
main(int argc, char **argv)
{
  if (argc != 2) {
    fprintf(stderr, "usage: make-wire-corpus DIR\n");
    return 2;
  }
  root = argv[1];
  save_plans();
  save_policies();
  save_messages();
  save_statuses();
  save_open_messages();
  save_scope_messages();
  save_addresses();
  return 0;
}
