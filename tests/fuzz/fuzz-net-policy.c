/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Some flows are decided by each policy that opens, and closure must hold in all of them. */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-net-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const addresses[] = {
  "192.0.2.1", "192.168.1.1", "127.0.0.1", "0.0.0.0",           "198.18.0.1", "255.255.255.255",
  "::1",       "::",          "fe80::1",   "64:ff9b::10.0.0.1", "2001:db8::1", "2002:7f00:1::",
};

static uint32_t
all_pinned(void *data, const BtAddr *addr, const uint32_t **ids_out)
{
  static uint32_t ids[BT_NET_POLICY_MAX_RULES];
  const BtNetPolicy *policy = data;

  for (uint32_t i = 0; i < policy->n_rules; i++)
    ids[i] = i;
  *ids_out = ids;
  return policy->n_rules;
}

static void
check(const BtNetPolicy *policy, const BtAddr *addr, BtNetVerdict verdict)
{
  BtAddrClass class = bt_addr_classify(addr);
  const BtNetRule *rule = NULL;

  if (verdict.action < BT_ACTION_ALLOW || verdict.action > BT_ACTION_DENY ||
      verdict.rule < BT_NET_RULE_CLOSURE || verdict.rule >= (int64_t)policy->n_rules)
    abort();
  if (verdict.rule >= 0) {
    rule = &policy->rules[verdict.rule];
    if (rule->action != verdict.action)
      abort();
  }
  if (verdict.action == BT_ACTION_DENY)
    return;
  if (class == BT_ADDR_SINKHOLE || verdict.rule == BT_NET_RULE_CLOSURE)
    abort();
  if (class == BT_ADDR_LOOPBACK && (rule == NULL || (rule->flags & BT_NET_RULE_LOOPBACK) == 0))
    abort();
  if (class == BT_ADDR_SPECIAL && rule != NULL && (rule->flags & BT_NET_RULE_NAME) != 0)
    abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const uint16_t ports[] = { 0, 53, 443, 65535 };
  BtNetPolicy policy;

  if (!bt_net_policy_open(data, size, &policy))
    return 0;
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    BtAddr addr;
    if (!bt_addr_parse(addresses[i], &addr))
      abort();
    for (unsigned proto = BT_PROTO_TCP; proto <= BT_PROTO_ICMP; proto <<= 1) {
      for (size_t port = 0; port < sizeof ports / sizeof ports[0]; port++) {
        check(&policy, &addr,
              bt_net_policy_match(&policy, &addr, proto, ports[port], all_pinned, &policy));
        check(&policy, &addr, bt_net_policy_match_name(&policy, &addr, proto, ports[port], "a.b",
                                                       all_pinned, &policy));
      }
    }
  }
  return 0;
}
