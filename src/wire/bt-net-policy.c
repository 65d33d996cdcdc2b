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

#include "bt-host-name.h"

/* The records go over the wire as they are. */
_Static_assert(sizeof(BtNetRule) == 32, "BtNetRule has a hole");
_Static_assert(sizeof(BtNetPolicyHeader) == 32, "BtNetPolicyHeader has a hole");
_Static_assert(sizeof(BtPortRange) == 4, "BtPortRange has a hole");
_Static_assert(sizeof(BtNetSpan) == 24, "BtNetSpan has a hole");

enum {
  PORT_DNS = 53,
  PORT_BOOTP_FIRST = 67, /* BOOTP and DHCP, both ends, and TFTP */
  PORT_TFTP = 69,
  PORT_DHCPV6_FIRST = 546, /* both ends */
  PORT_DHCPV6 = 547,
};

#define ALL_PROTOS (BT_PROTO_TCP | BT_PROTO_UDP | BT_PROTO_ICMP)
#define ALL_FLAGS                                                                                \
  (BT_NET_RULE_NAME | BT_NET_RULE_LOOPBACK | BT_NET_RULE_BELOW | BT_NET_RULE_PLAIN)

/* The names' last byte is a NUL, so that each ends in them. */
static bool
name_is_valid(const BtNetRule *rule, const char *names, uint32_t names_size)
{
  if ((rule->flags & BT_NET_RULE_NAME) == 0)
    return rule->name == 0 && (rule->flags & (BT_NET_RULE_BELOW | BT_NET_RULE_PLAIN)) == 0;
  return rule->name < names_size && strlen(names + rule->name) < BT_HOST_NAME_SIZE;
}

static bool
rule_is_valid(const BtNetRule *rule, uint32_t n_ports)
{
  return rule->prefix <= 128 && rule->action >= BT_ACTION_ALLOW && rule->action <= BT_ACTION_DENY &&
         rule->proto != 0 && (rule->proto & ~ALL_PROTOS) == 0 && (rule->flags & ~ALL_FLAGS) == 0 &&
         (rule->n_ports == 0 ||
          (rule->ports < n_ports && rule->n_ports <= n_ports - rule->ports));
}

/* Ascending, address rules only, within the table. */
static bool
ids_are_valid(const BtNetPolicy *policy, const BtNetSpan *span)
{
  if (span->n_ids > policy->n_ids || span->ids > policy->n_ids - span->n_ids)
    return false;
  for (uint32_t i = 0; i < span->n_ids; i++) {
    uint32_t id = policy->ids[span->ids + i];
    if (id >= policy->n_rules || (policy->rules[id].flags & BT_NET_RULE_NAME) != 0 ||
        (i > 0 && id <= policy->ids[span->ids + i - 1]))
      return false;
  }
  return true;
}

/* The work is that of all ids once, as spans share none. */
static bool
spans_are_valid(const BtNetPolicy *policy)
{
  static const BtAddr zero = { { 0 } };
  uint32_t next = 0;

  for (uint32_t i = 0; i < policy->n_spans; i++) {
    const BtNetSpan *span = &policy->spans[i];
    int order = memcmp(span->first.bytes, i == 0 ? zero.bytes : span[-1].first.bytes,
                       sizeof zero.bytes);
    if ((i == 0 && order != 0) || (i > 0 && order <= 0) || span->ids != next ||
        !ids_are_valid(policy, span))
      return false;
    next += span->n_ids;
  }
  return next == policy->n_ids;
}

bool
bt_net_policy_open(const void *bytes, size_t size, BtNetPolicy *policy_out)
{
  BtNetPolicyHeader header;

  if (size < sizeof header || (uintptr_t)bytes % _Alignof(BtNetPolicyHeader) != 0)
    return false;
  memcpy(&header, bytes, sizeof header);
  if (header.magic != BT_NET_POLICY_MAGIC || header.size != size ||
      header.n_rules > BT_NET_POLICY_MAX_RULES || header.n_ports > BT_NET_POLICY_MAX_PORTS ||
      header.n_spans > BT_NET_POLICY_MAX_SPANS || header.n_ids > BT_NET_POLICY_MAX_IDS ||
      header.names_size > BT_NET_POLICY_MAX_NAMES ||
      (header.default_action != BT_ACTION_ALLOW && header.default_action != BT_ACTION_DENY))
    return false;
  /* All counts are bounded, so that the sum fits. */
  size_t rules_size = header.n_rules * sizeof(BtNetRule);
  size_t ports_size = header.n_ports * sizeof(BtPortRange);
  size_t spans_size = header.n_spans * sizeof(BtNetSpan);
  size_t ids_size = header.n_ids * sizeof(uint32_t);
  if (size != sizeof header + rules_size + ports_size + spans_size + ids_size + header.names_size)
    return false;

  const BtNetRule *rules = (const void *)((const uint8_t *)bytes + sizeof header);
  const BtPortRange *ports = (const void *)((const uint8_t *)rules + rules_size);
  const char *names = (const char *)ports + ports_size + spans_size + ids_size;
  if (header.names_size > 0 && names[header.names_size - 1] != '\0')
    return false;
  bool denies_names = false;
  for (uint32_t i = 0; i < header.n_rules; i++) {
    if (!rule_is_valid(&rules[i], header.n_ports) ||
        !name_is_valid(&rules[i], names, header.names_size) ||
        (i > 0 && rules[i].layer < rules[i - 1].layer))
      return false;
    if ((rules[i].flags & BT_NET_RULE_NAME) != 0 && rules[i].action == BT_ACTION_DENY)
      denies_names = true;
  }
  for (uint32_t i = 0; i < header.n_ports; i++)
    if (ports[i].first > ports[i].last)
      return false;

  BtNetPolicy policy = {
    .rules = rules,
    .ports = ports,
    .spans = (const void *)((const uint8_t *)ports + ports_size),
    .ids = (const void *)((const uint8_t *)ports + ports_size + spans_size),
    .n_rules = header.n_rules,
    .n_ports = header.n_ports,
    .n_spans = header.n_spans,
    .n_ids = header.n_ids,
    .names = names,
    .default_action = header.default_action,
    .denies_names = denies_names,
  };
  if (!spans_are_valid(&policy))
    return false;
  *policy_out = policy;
  return true;
}

typedef struct {
  const BtNetPolicy *policy;
  const BtAddr *addr;
  BtAddrClass class;
  unsigned proto;
  uint16_t port;
  bool by_name; /* what it asks for on the wire takes part */
  const char *name;
} Flow;

/* The verdict so far. */
typedef struct {
  BtNetVerdict best;
  uint16_t layer; /* of the best */
  bool closed;    /* a rule matched that closure took away */
} Decision;

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

/* By layer, then severity; the first of equals. */
static bool
is_better(const Decision *decision, const BtNetRule *rule, uint32_t id)
{
  if (rule->layer != decision->layer)
    return rule->layer < decision->layer;
  if (rule->action != decision->best.action)
    return rule->action > decision->best.action;
  return id < (uint32_t)decision->best.rule;
}

/* The rule covers the address, by its block or by a pin. */
static void
consider(const Flow *flow, uint32_t id, Decision *decision)
{
  const BtNetRule *rule = &flow->policy->rules[id];
  bool first = decision->best.action == BT_ACTION_NONE;

  if (!first && !is_better(decision, rule, id))
    return;
  if ((rule->proto & flow->proto) == 0 || !has_port(flow, rule))
    return;
  if (rule->action != BT_ACTION_DENY && !may_open(flow, rule)) {
    decision->closed = true;
    return;
  }
  decision->best = (BtNetVerdict){ rule->action, (int32_t)id };
  decision->layer = rule->layer;
}

/* The last span that begins at or before the address; the first begins at ::. */
static const BtNetSpan *
find_span(const BtNetPolicy *policy, const BtAddr *addr)
{
  uint32_t low = 0, high = policy->n_spans;

  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (memcmp(policy->spans[middle].first.bytes, addr->bytes, sizeof addr->bytes) <= 0)
      low = middle;
    else
      high = middle;
  }
  return &policy->spans[low];
}

/* The rules about addr, of which some may not be asked for: least is the mildest action. */
static void
consider_address(const Flow *flow, const BtAddr *addr, BtAction least, Decision *decision)
{
  const BtNetPolicy *policy = flow->policy;

  if (policy->n_spans > 0) {
    const BtNetSpan *span = find_span(policy, addr);
    for (uint32_t i = 0; i < span->n_ids; i++)
      if (policy->rules[policy->ids[span->ids + i]].action >= least)
        consider(flow, policy->ids[span->ids + i], decision);
    return;
  }
  for (uint32_t i = 0; i < policy->n_rules; i++) {
    const BtNetRule *rule = &policy->rules[i];
    if (rule->action >= least && (rule->flags & BT_NET_RULE_NAME) == 0 &&
        bt_addr_in(addr, &rule->addr, rule->prefix))
      consider(flow, i, decision);
  }
}

/*
 * What is denied of IPv4 is denied in the forms of IPv6 that carry it, too: by NAT64
 * 64:ff9b::169.254.169.254 is the metadata service. A grant opens no such form.
 */
static void
consider_addresses(const Flow *flow, Decision *decision)
{
  BtAddr carried[BT_ADDR_MAX_CARRIED];
  size_t n_carried = bt_addr_get_carried(flow->addr, carried);

  consider_address(flow, flow->addr, BT_ACTION_ALLOW, decision);
  for (size_t i = 0; i < n_carried; i++)
    consider_address(flow, &carried[i], BT_ACTION_DENY, decision);
}

static bool
asks_for(const Flow *flow, const BtNetRule *rule)
{
  return flow->name != NULL &&
         bt_host_name_matches(flow->name, flow->policy->names + rule->name,
                              (rule->flags & BT_NET_RULE_BELOW) != 0);
}

/* A pin says that some name of the rule leads to the address: this one? */
static bool
holds(const Flow *flow, const BtNetRule *rule)
{
  return !flow->by_name || rule->action == BT_ACTION_DENY ||
         (rule->flags & BT_NET_RULE_PLAIN) != 0 || asks_for(flow, rule);
}

/* A name that is denied was not looked up, and so has no pin. */
static void
consider_denials(const Flow *flow, Decision *decision)
{
  const BtNetPolicy *policy = flow->policy;

  for (uint32_t i = 0; flow->name != NULL && policy->denies_names && i < policy->n_rules; i++) {
    const BtNetRule *rule = &policy->rules[i];
    if (rule->action == BT_ACTION_DENY && (rule->flags & BT_NET_RULE_NAME) != 0 &&
        asks_for(flow, rule))
      consider(flow, i, decision);
  }
}

static void
consider_pins(const Flow *flow, BtNetPinsFunc pins, void *data, Decision *decision)
{
  const BtNetPolicy *policy = flow->policy;
  const uint32_t *ids = NULL;
  uint32_t count = pins != NULL && flow->proto != BT_PROTO_ICMP ? pins(data, flow->addr, &ids) : 0;

  for (uint32_t i = 0; i < count; i++)
    if (ids[i] < policy->n_rules && (policy->rules[ids[i]].flags & BT_NET_RULE_NAME) != 0 &&
        holds(flow, &policy->rules[ids[i]]))
      consider(flow, ids[i], decision);
}

static BtNetVerdict
decide(const Flow *flow, BtNetPinsFunc pins, void *data)
{
  Decision decision = {
    .best = { BT_ACTION_NONE, BT_NET_RULE_DEFAULT },
    .closed = flow->class == BT_ADDR_SINKHOLE || flow->policy->default_action == BT_ACTION_ALLOW,
  };

  consider_addresses(flow, &decision);
  consider_pins(flow, pins, data, &decision);
  consider_denials(flow, &decision);
  if (decision.best.action != BT_ACTION_NONE)
    return decision.best;
  if (default_opens(flow))
    return (BtNetVerdict){ BT_ACTION_ALLOW, BT_NET_RULE_DEFAULT };
  return (BtNetVerdict){ BT_ACTION_DENY,
                         decision.closed ? BT_NET_RULE_CLOSURE : BT_NET_RULE_DEFAULT };
}

bool
bt_net_is_service(unsigned proto, uint16_t port)
{
  if (proto != BT_PROTO_TCP && proto != BT_PROTO_UDP)
    return false;
  return port == PORT_DNS ||
         (proto == BT_PROTO_UDP && ((port >= PORT_BOOTP_FIRST && port <= PORT_TFTP) ||
                                    (port >= PORT_DHCPV6_FIRST && port <= PORT_DHCPV6)));
}

bool
bt_net_is_on_link(const BtAddr *addr)
{
  static const BtAddr net = { { 0xfe, 0x80 } };
  return bt_addr_in(addr, &net, 10);
}

static BtNetVerdict
match(Flow *flow, BtNetPinsFunc pins, void *data)
{
  unsigned proto = flow->proto;

  /* No rule can speak of another protocol, and the default must not open it. */
  if (proto != BT_PROTO_TCP && proto != BT_PROTO_UDP && proto != BT_PROTO_ICMP)
    return (BtNetVerdict){ BT_ACTION_DENY, BT_NET_RULE_CLOSURE };
  flow->class = bt_addr_classify(flow->addr);
  return decide(flow, pins, data);
}

BtNetVerdict
bt_net_policy_match(const BtNetPolicy *policy, const BtAddr *addr, unsigned proto, uint16_t port,
                    BtNetPinsFunc pins, void *data)
{
  Flow flow = { .policy = policy, .addr = addr, .proto = proto, .port = port };
  return match(&flow, pins, data);
}

BtNetVerdict
bt_net_policy_match_name(const BtNetPolicy *policy, const BtAddr *addr, unsigned proto,
                         uint16_t port, const char *name, BtNetPinsFunc pins, void *data)
{
  Flow flow = {
    .policy = policy,
    .addr = addr,
    .proto = proto,
    .port = port,
    .by_name = true,
    .name = name,
  };
  return match(&flow, pins, data);
}
