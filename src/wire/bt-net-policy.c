/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one function that decides a flow.
 *
 * Closure, by the class of the address:
 *
 *   SINKHOLE   nothing opens it
 *   LOOPBACK   only a rule with BT_NET_RULE_LOOPBACK opens it; a wide address
 *              rule and the default do not
 *   SPECIAL    no name rule opens it, or a name's owner could point it at the
 *              user's router
 *
 * Closure takes rules away, it does not end the search: a lower layer may hold
 * the rule that does open the address, and a deny rule is still the better
 * explanation. Only if nothing is left to decide, CLOSURE is the answer.
 */
#include "bt-net-policy.h"

#include <string.h>

/* The records go over the wire as they are. */
_Static_assert(sizeof(BtNetRule) == 32, "BtNetRule has a hole");
_Static_assert(sizeof(BtNetPolicyHeader) == 24, "BtNetPolicyHeader has a hole");
_Static_assert(sizeof(BtPortRange) == 4, "BtPortRange has a hole");

enum {
  PORT_DNS = 53,
  PORT_BOOTP_FIRST = 67, /* BOOTP and DHCP, both ends, and TFTP */
  PORT_TFTP = 69,
};

#define ALL_PROTOS (BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP)
#define ALL_FLAGS (BT_NET_RULE_NAME | BT_NET_RULE_LOOPBACK)

static bool
rule_is_valid(const BtNetRule *rule, uint32_t n_ports)
{
  return rule->prefix <= 128 && rule->action >= BT_ACTION_ALLOW && rule->action <= BT_ACTION_DENY &&
         rule->proto != 0 && (rule->proto & ~ALL_PROTOS) == 0 && (rule->flags & ~ALL_FLAGS) == 0 &&
         rule->reserved == 0 &&
         (rule->n_ports == 0 ||
          (rule->ports < n_ports && rule->n_ports <= n_ports - rule->ports));
}

bool
bt_net_policy_open(const void *bytes, size_t size, BtNetPolicy *policy_out)
{
  BtNetPolicyHeader header;

  if (size < sizeof header || (uintptr_t)bytes % _Alignof(BtNetPolicyHeader) != 0)
    return false;
  memcpy(&header, bytes, sizeof header);
  if (header.magic != BT_NET_POLICY_MAGIC || header.size != size || header.reserved != 0 ||
      header.n_rules > BT_NET_POLICY_MAX_RULES || header.n_ports > BT_NET_POLICY_MAX_PORTS ||
      (header.default_action != BT_ACTION_ALLOW && header.default_action != BT_ACTION_DENY))
    return false;
  /* Both counts are bounded, so that the sum fits. */
  size_t rules_size = header.n_rules * sizeof(BtNetRule);
  if (size != sizeof header + rules_size + header.n_ports * sizeof(BtPortRange))
    return false;

  const BtNetRule *rules = (const void *)((const uint8_t *)bytes + sizeof header);
  const BtPortRange *ports = (const void *)((const uint8_t *)rules + rules_size);
  for (uint32_t i = 0; i < header.n_rules; i++)
    if (!rule_is_valid(&rules[i], header.n_ports) || (i > 0 && rules[i].layer < rules[i - 1].layer))
      return false;
  for (uint32_t i = 0; i < header.n_ports; i++)
    if (ports[i].first > ports[i].last)
      return false;

  *policy_out = (BtNetPolicy){
    .rules = rules,
    .ports = ports,
    .n_rules = header.n_rules,
    .n_ports = header.n_ports,
    .default_action = header.default_action,
  };
  return true;
}

typedef struct {
  const BtNetPolicy *policy;
  const BtAddr *addr;
  BtAddrClass class;
  unsigned proto;
  uint16_t port;
  BtNetPinnedFunc pinned;
  void *data;
} Flow;

static bool
has_port(const Flow *flow, const BtNetRule *rule)
{
  if (rule->n_ports == 0 || flow->proto == BT_PROTO_ICMP)
    return true;
  for (uint32_t i = 0; i < rule->n_ports; i++) {
    const BtPortRange *range = &flow->policy->ports[rule->ports + i];
    if (flow->port >= range->first && flow->port <= range->last)
      return true;
  }
  return false;
}

static bool
speaks_of(const Flow *flow, uint32_t index)
{
  const BtNetRule *rule = &flow->policy->rules[index];

  if ((rule->proto & flow->proto) == 0 || !has_port(flow, rule))
    return false;
  if ((rule->flags & BT_NET_RULE_NAME) != 0)
    return flow->proto != BT_PROTO_ICMP && flow->pinned != NULL &&
           flow->pinned(flow->data, flow->addr, index);
  return bt_addr_in(flow->addr, &rule->addr, rule->prefix);
}

/* Does closure let this rule open the address? */
static bool
may_open(const Flow *flow, const BtNetRule *rule)
{
  switch (flow->class) {
  case BT_ADDR_PUBLIC:
    return true;
  case BT_ADDR_SPECIAL:
    return (rule->flags & BT_NET_RULE_NAME) == 0;
  case BT_ADDR_LOOPBACK:
    return (rule->flags & BT_NET_RULE_LOOPBACK) != 0;
  case BT_ADDR_SINKHOLE:
  default:
    return false;
  }
}

static bool
default_opens(const Flow *flow)
{
  return flow->policy->default_action == BT_ACTION_ALLOW &&
         (flow->class == BT_ADDR_PUBLIC || flow->class == BT_ADDR_SPECIAL);
}

static BtNetVerdict
decide(const Flow *flow)
{
  const BtNetPolicy *policy = flow->policy;
  BtNetVerdict best = { BT_ACTION_NONE, BT_NET_RULE_DEFAULT };
  bool closed = flow->class == BT_ADDR_SINKHOLE || policy->default_action == BT_ACTION_ALLOW;

  for (uint32_t i = 0; i < policy->n_rules; i++) {
    const BtNetRule *rule = &policy->rules[i];
    if (i > 0 && rule->layer != policy->rules[i - 1].layer && best.action != BT_ACTION_NONE)
      break;
    if (rule->action <= best.action || !speaks_of(flow, i))
      continue;
    if (rule->action == BT_ACTION_DENY || may_open(flow, rule))
      best = (BtNetVerdict){ rule->action, (int32_t)i };
    else
      closed = true;
  }
  if (best.action != BT_ACTION_NONE)
    return best;
  if (default_opens(flow))
    return (BtNetVerdict){ BT_ACTION_ALLOW, BT_NET_RULE_DEFAULT };
  return (BtNetVerdict){ BT_ACTION_DENY, closed ? BT_NET_RULE_CLOSURE : BT_NET_RULE_DEFAULT };
}

bool
bt_net_is_service(unsigned proto, uint16_t port)
{
  if (proto != BT_PROTO_TCP && proto != BT_PROTO_UDP)
    return false;
  return port == PORT_DNS ||
         (proto == BT_PROTO_UDP && port >= PORT_BOOTP_FIRST && port <= PORT_TFTP);
}

BtNetVerdict
bt_net_policy_match(const BtNetPolicy *policy, const BtAddr *addr, unsigned proto, uint16_t port,
                    BtNetPinnedFunc pinned, void *data)
{
  Flow flow = {
    .policy = policy,
    .addr = addr,
    .class = bt_addr_classify(addr),
    .proto = proto,
    .port = port,
    .pinned = pinned,
    .data = data,
  };

  /* No rule can speak of another protocol, and the default must not open it. */
  if (proto != BT_PROTO_TCP && proto != BT_PROTO_UDP && proto != BT_PROTO_ICMP)
    return (BtNetVerdict){ BT_ACTION_DENY, BT_NET_RULE_CLOSURE };
  return decide(&flow);
}
