/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_answer(const BtNetMsgAnswer *answer)
{
  if (answer->n_addrs > BT_NET_MSG_MAX_ADDRS || answer->n_rules > BT_NET_MSG_MAX_PIN_RULES ||
      strnlen(answer->name, sizeof answer->name) == sizeof answer->name)
    abort();
}

static void
check_config(const BtNetMsgConfig *config, const uint8_t *policy_bytes, const uint8_t *end)
{
  BtNetPolicy policy;

  if (config->policy_size != (size_t)(end - policy_bytes))
    abort();
  bt_net_policy_open(policy_bytes, config->policy_size, &policy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *policy;
  BtNetMsg message;

  if (!bt_net_msg_parse(data, size, &message, &policy))
    return 0;
  switch (message.header.kind) {
  case BT_NET_MSG_CONFIG:
    check_config(&message.config, policy, data + size);
    break;
  case BT_NET_MSG_ANSWER:
    check_answer(&message.answer);
    break;
  case BT_NET_MSG_RESOLVE:
    if (strpbrk(message.resolve.name, " /*\n\x1b\x7f") != NULL)
      abort();
    break;
  case BT_NET_MSG_HOST_ADDRS:
    if (message.host_addrs.n_addrs > BT_NET_MSG_MAX_HOST_ADDRS)
      abort();
    break;
  case BT_NET_MSG_DENIED:
    if (message.denied.count == 0 || message.denied.reason > BT_NET_REASON_LAST)
      abort();
    break;
  case BT_NET_MSG_FLOW:
    if (message.flow.port > UINT16_MAX || message.flow.state > BT_NET_FLOW_CLOSED)
      abort();
    break;
  default:
    break;
  }
  return 0;
}
