/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Either side may be taken over, so each field is checked for every value the
 * other side could act on.  A datagram is copied before it is looked at.
 */
#include "bt-net-msg.h"

#include <string.h>

#include "bt-net-policy.h"

/* The messages go over the wire as they are: what is between fields would leak memory. */
_Static_assert(sizeof(BtNetMsgConfig) == 96, "BtNetMsgConfig has a hole");
_Static_assert(sizeof(BtNetMsgConfig) % 8 == 0, "the policy behind BtNetMsgConfig is misaligned");
_Static_assert(sizeof(BtNetMsgResolve) == 12 + BT_DNS_NAME_SIZE, "BtNetMsgResolve has a hole");
_Static_assert(sizeof(BtNetMsgAnswer) == 24 + 16 * BT_NET_MSG_MAX_ADDRS +
                                           4 * BT_NET_MSG_MAX_PIN_RULES + BT_DNS_NAME_SIZE,
               "BtNetMsgAnswer has a hole");
_Static_assert(sizeof(BtNetMsgHostAddrs) == 16 + 16 * BT_NET_MSG_MAX_HOST_ADDRS,
               "BtNetMsgHostAddrs has a hole");
_Static_assert(sizeof(BtNetMsgUnpin) == 28, "BtNetMsgUnpin has a hole");
_Static_assert(sizeof(BtNetMsgDenied) == 48 + BT_DNS_NAME_SIZE, "BtNetMsgDenied has a hole");
_Static_assert(sizeof(BtNetMsgRelays) == 16, "BtNetMsgRelays has a hole");
_Static_assert(sizeof(BtNetMsgOpen) == 32, "BtNetMsgOpen has a hole");
_Static_assert(sizeof(BtNetMsgOpened) == 16, "BtNetMsgOpened has a hole");
_Static_assert(sizeof(BtNetMsgPublish) == 24 + 2 * BT_NET_MSG_MAX_PUBLISHED,
               "BtNetMsgPublish has a hole");
_Static_assert(sizeof(BtNetMsgAccepted) == 32, "BtNetMsgAccepted has a hole");

_Static_assert(sizeof(BtNetMsgFlow) == 88, "BtNetMsgFlow has a hole");

/* The least that IPv4 asks of a link, the most that its length field holds. */
#define MIN_MTU 68
#define MIN_MTU6 1280
#define MAX_MTU 65535

enum { /* the rcodes that an ANSWER may carry */
  RCODE_NOERROR = 0,
  RCODE_SERVFAIL = 2,
  RCODE_NXDOMAIN = 3,
};

static bool
config6_is_valid(const BtNetMsgConfig *config)
{
  static const BtAddr none;
  const BtAddr *worker = &config->worker_address6, *gateway = &config->gateway6;

  if (bt_addr_equal(worker, &none))
    return bt_addr_equal(gateway, &none);
  return config->worker_address != 0 && config->mtu >= MIN_MTU6 && !bt_addr_is_ipv4(worker) &&
         !bt_addr_equal(worker, gateway) && bt_addr_in(gateway, worker, BT_NET_PREFIX_LENGTH6);
}

static bool
config_is_valid(const BtNetMsgConfig *config, size_t size)
{
  if (config->policy_size != size - sizeof *config ||
      config->policy_size < sizeof(BtNetPolicyHeader) ||
      config->policy_size % _Alignof(BtNetPolicyHeader) != 0 || config->prefix_length > 32 ||
      config->mtu > MAX_MTU || config->tell_flows > 1 || config->tell_counts > 1 ||
      !config6_is_valid(config))
    return false;
  /* Without an interface there is nothing to say of one. */
  return config->mtu >= MIN_MTU || config->worker_address == 0;
}

static bool
answer_is_valid(const BtNetMsgAnswer *answer)
{
  if ((answer->rcode != RCODE_NOERROR && answer->rcode != RCODE_SERVFAIL &&
       answer->rcode != RCODE_NXDOMAIN) ||
      answer->n_addrs > BT_NET_MSG_MAX_ADDRS || answer->n_rules > BT_NET_MSG_MAX_PIN_RULES ||
      (answer->rcode != RCODE_NOERROR && answer->n_addrs > 0))
    return false;
  for (uint32_t i = 0; i < answer->n_rules; i++)
    if (answer->rules[i] >= BT_NET_POLICY_MAX_RULES)
      return false;
  return answer->name[0] == '\0' || bt_host_name_is_valid(answer->name);
}

static bool
resolve_is_valid(const BtNetMsgResolve *resolve)
{
  return (resolve->type == BT_DNS_TYPE_A || resolve->type == BT_DNS_TYPE_AAAA ||
          resolve->type == BT_DNS_TYPE_PTR) &&
         bt_host_name_is_valid(resolve->name);
}

static bool
denied_is_valid(const BtNetMsgDenied *denied)
{
  bool proto = denied->proto == 0 || denied->proto == BT_PROTO_TCP ||
               denied->proto == BT_PROTO_UDP || denied->proto == BT_PROTO_ICMP;

  return proto && denied->reason >= BT_NET_REASON_POLICY && denied->reason <= BT_NET_REASON_LAST &&
         denied->port <= UINT16_MAX && denied->source_port <= UINT16_MAX &&
         denied->rule >= BT_NET_RULE_CLOSURE && denied->rule < (int32_t)BT_NET_POLICY_MAX_RULES &&
         denied->count > 0 &&
         (denied->name[0] == '\0' ||
          (denied->reason == BT_NET_REASON_NAME && bt_host_name_is_valid(denied->name)));
}

static bool
publish_is_valid(const BtNetMsgPublish *publish)
{
  if (publish->n_listeners == 0 || publish->n_listeners > BT_NET_MSG_MAX_PUBLISHED ||
      publish->n_dialers > BT_NET_MSG_MAX_FDS - publish->n_listeners || publish->tell > 1 ||
      publish->reserved != 0)
    return false;
  for (uint32_t i = 0; i < publish->n_listeners; i++)
    if (publish->ports[i] == 0)
      return false;
  return true;
}

static bool
has_id(uint32_t kind)
{
  return kind == BT_NET_MSG_RESOLVE || kind == BT_NET_MSG_ANSWER || kind == BT_NET_MSG_OPEN ||
         kind == BT_NET_MSG_OPENED;
}

/* The parts of a flow come one after another, and all of them within it, unless that was cut. */
static bool
times_are_valid(const BtNetMsgTimes *times, uint32_t whole)
{
  const uint32_t none = BT_NET_MSG_NO_TIME;
  uint64_t tls = times->tls != none ? times->tls : 0;
  uint64_t first_byte = times->first_byte != none ? times->first_byte : 0;

  if (times->sent == none && (times->tls != none || times->first_byte != none))
    return false;
  if (times->connect != none && times->connect > (times->sent != none ? times->sent : whole))
    return false;
  return whole == UINT32_MAX || times->sent == none || times->sent + tls + first_byte <= whole;
}

static bool
flow_is_valid(const BtNetMsgFlow *flow)
{
  bool proto = flow->proto == BT_PROTO_TCP || flow->proto == BT_PROTO_UDP ||
               flow->proto == BT_PROTO_ICMP;

  return proto && flow->port <= UINT16_MAX && flow->number > 0 && flow->time >= 0 &&
         times_are_valid(&flow->times, flow->milliseconds) &&
         (flow->state == BT_NET_FLOW_OPENED || flow->state == BT_NET_FLOW_CLOSED);
}

/* The size of a kind, CONFIG's without its policy; 0 if there is no such kind. */
static size_t
size_of_kind(uint32_t kind)
{
  switch (kind) {
  case BT_NET_MSG_CONFIG:
    return sizeof(BtNetMsgConfig);
  case BT_NET_MSG_ANSWER:
    return sizeof(BtNetMsgAnswer);
  case BT_NET_MSG_HOST_ADDRS:
    return sizeof(BtNetMsgHostAddrs);
  case BT_NET_MSG_READY:
  case BT_NET_MSG_FINISH:
    return sizeof(BtNetMsgHeader);
  case BT_NET_MSG_RESOLVE:
    return sizeof(BtNetMsgResolve);
  case BT_NET_MSG_UNPIN:
    return sizeof(BtNetMsgUnpin);
  case BT_NET_MSG_DENIED:
    return sizeof(BtNetMsgDenied);
  case BT_NET_MSG_FLOW:
    return sizeof(BtNetMsgFlow);
  case BT_NET_MSG_COUNTS:
    return sizeof(BtNetMsgCounts);
  case BT_NET_MSG_RELAYS:
    return sizeof(BtNetMsgRelays);
  case BT_NET_MSG_OPEN:
    return sizeof(BtNetMsgOpen);
  case BT_NET_MSG_OPENED:
    return sizeof(BtNetMsgOpened);
  case BT_NET_MSG_PUBLISH:
    return sizeof(BtNetMsgPublish);
  case BT_NET_MSG_ACCEPTED:
    return sizeof(BtNetMsgAccepted);
  default:
    return 0;
  }
}

static bool
message_is_valid(const BtNetMsg *message, size_t size)
{
  uint32_t kind = message->header.kind;

  if (message->header.id != 0 && !has_id(kind))
    return false;
  switch (kind) {
  case BT_NET_MSG_CONFIG:
    return config_is_valid(&message->config, size);
  case BT_NET_MSG_ANSWER:
    return answer_is_valid(&message->answer);
  case BT_NET_MSG_HOST_ADDRS:
    return message->host_addrs.n_addrs <= BT_NET_MSG_MAX_HOST_ADDRS &&
           message->host_addrs.reserved == 0;
  case BT_NET_MSG_RESOLVE:
    return resolve_is_valid(&message->resolve);
  case BT_NET_MSG_UNPIN:
    return message->unpin.rule < BT_NET_POLICY_MAX_RULES;
  case BT_NET_MSG_DENIED:
    return denied_is_valid(&message->denied);
  case BT_NET_MSG_FLOW:
    return flow_is_valid(&message->flow);
  case BT_NET_MSG_RELAYS:
    return message->relays.n_listeners <= BT_NET_MSG_MAX_FDS && message->relays.reserved == 0;
  case BT_NET_MSG_OPEN:
    return message->open.port > 0 && message->open.port <= UINT16_MAX &&
           message->open.reserved == 0;
  case BT_NET_MSG_OPENED:
    return message->opened.refused <= 1 && message->opened.reserved == 0;
  case BT_NET_MSG_PUBLISH:
    return publish_is_valid(&message->publish);
  case BT_NET_MSG_ACCEPTED:
    return message->accepted.port <= UINT16_MAX &&
           message->accepted.listener < BT_NET_MSG_MAX_PUBLISHED;
  case BT_NET_MSG_READY:
  case BT_NET_MSG_FINISH:
  case BT_NET_MSG_COUNTS:
    return true;
  default:
    return false;
  }
}

bool
bt_net_msg_parse(const void *bytes, size_t size, BtNetMsg *message_out, const uint8_t **policy_out)
{
  BtNetMsg message;
  uint32_t kind;

  if (size < sizeof(BtNetMsgHeader) || size > BT_NET_MSG_MAX_SIZE)
    return false;
  memcpy(&kind, bytes, sizeof kind);
  size_t fixed = size_of_kind(kind);
  if (fixed == 0 || size < fixed || (size > fixed && kind != BT_NET_MSG_CONFIG))
    return false;
  /* What is behind a shorter message stays zero. */
  memset(&message, 0, sizeof message);
  memcpy(&message, bytes, fixed);
  /* Read once more, now from the copy. */
  if (message.header.kind != kind || !message_is_valid(&message, size))
    return false;
  *message_out = message;
  *policy_out = kind == BT_NET_MSG_CONFIG ? (const uint8_t *)bytes + fixed : NULL;
  return true;
}
