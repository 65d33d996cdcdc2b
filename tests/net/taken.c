/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In buntime-net's place, as if it had been taken over: takes its configuration, says that it is ready,
 * and then whatever comes to its mind, until the supervisor has had enough.
 *
 * SEED and KIND are compiled in; KIND 0: bytes at random, 1: messages whose fields are at random, 2: only
 * such as may be said at any time, 3: flows, as under audit, of which none was, 4: nothing at all, which
 * reads as if it had ended.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"

#define MESSAGES (KIND == 3 ? 3000 : 20000)

static uint32_t state = SEED;

static uint32_t
any(uint32_t end)
{
  state = state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)(state ^ state >> 15) * end) >> 32);
}

static void
fill(void *bytes, size_t size)
{
  for (size_t i = 0; i < size; i++)
    ((uint8_t *)bytes)[i] = (uint8_t)any(256);
}

static void
name(char *text)
{
  size_t size = 1 + any(40);

  memset(text, 0, BT_DNS_NAME_SIZE);
  for (size_t i = 0; i < size; i++)
    text[i] = i % 7 == 3 ? "a-."[any(3)] : (char)('a' + any(26));
  text[size] = 'x';
}

/* Beginnings and ends, of the same and of others, at any time; what is said of one fits together. */
static size_t
make_flow(BtNetMsg *message)
{
  static const int64_t times[] = { 0, 1, 1000000, INT64_MAX, INT64_MAX - 1000 };
  BtNetMsgFlow *flow = &message->flow;

  memset(message, 0, sizeof *message);
  flow->header.kind = BT_NET_MSG_FLOW;
  flow->state = 1 + any(2);
  flow->proto = 1u << any(3);
  fill(&flow->addr, sizeof flow->addr);
  flow->port = any(65536);
  flow->number = any(2) ? 1 + any(5) : UINT64_MAX - any(1u << 30);
  flow->time = times[any(sizeof times / sizeof times[0])];
  flow->milliseconds = any(4) ? any(UINT32_MAX) : UINT32_MAX;
  flow->bytes_out = UINT64_MAX;
  flow->times.connect = flow->times.sent = flow->times.tls = flow->times.first_byte =
    any(2) ? flow->milliseconds / 3 : BT_NET_MSG_NO_TIME;
  return sizeof *flow;
}

/* Its size; of all that buntime-net has to say, or of that which may be said at any time. */
static size_t
make(BtNetMsg *message, int careful)
{
  memset(message, 0, sizeof *message);
  switch (any(careful ? 3 : 7)) {
  case 0:
    message->header.kind = BT_NET_MSG_RESOLVE;
    message->header.id = 1 + any(1000);
    message->resolve.type = any(2) ? BT_DNS_TYPE_A : BT_DNS_TYPE_AAAA;
    name(message->resolve.name);
    return sizeof message->resolve;
  case 1:
    message->header.kind = BT_NET_MSG_UNPIN;
    fill(&message->unpin.addr, sizeof message->unpin.addr);
    message->unpin.rule = any(4);
    return sizeof message->unpin;
  case 2:
    message->header.kind = BT_NET_MSG_DENIED;
    message->denied.reason = BT_NET_REASON_FRAGMENT + any(BT_NET_REASON_MALFORMED - 1);
    message->denied.proto = 1u << any(3);
    fill(&message->denied.addr, sizeof message->denied.addr);
    message->denied.port = any(65536);
    message->denied.source_port = any(65536);
    message->denied.rule = BT_NET_RULE_DEFAULT;
    message->denied.count = 1 + any(1u << 31);
    return sizeof message->denied;
  case 3:
    message->header.kind = BT_NET_MSG_FLOW;
    message->flow.state = any(3);
    message->flow.proto = 1u << any(3);
    message->flow.port = any(65536);
    return sizeof message->flow;
  case 4:
    message->header.kind = BT_NET_MSG_OPENED;
    message->header.id = any(5);
    return sizeof message->opened;
  case 5:
    message->header.kind = BT_NET_MSG_ACCEPTED;
    message->accepted.listener = any(20);
    message->accepted.port = any(65536);
    return sizeof message->accepted;
  default:
    fill(message, sizeof *message);
    message->header.kind = BT_NET_MSG_READY + any(9);
    return 1 + any(sizeof *message);
  }
}

static int
say(const void *bytes, size_t size)
{
  return send(BT_NET_CONTROL_FD, bytes, size, MSG_NOSIGNAL) >= 0;
}

int
main(void)
{
  const BtNetMsgHeader ready = { .kind = BT_NET_MSG_READY };
  static uint8_t bytes[BT_NET_MSG_MAX_SIZE];
  BtNetMsg message;

  do {
    if (recv(BT_NET_CONTROL_FD, bytes, sizeof bytes, 0) < (ssize_t)sizeof ready)
      return 1;
    memcpy(&message.header, bytes, sizeof message.header);
  } while (message.header.kind != BT_NET_MSG_CONFIG);
  say(&ready, sizeof ready);
  for (int i = 0; i < MESSAGES; i++) {
    size_t size = KIND == 4   ? 0
                  : KIND == 0 ? 1 + any(sizeof message + 8)
                  : KIND == 3 ? make_flow(&message)
                              : make(&message, KIND != 1);
    if (KIND == 0)
      fill(bytes, sizeof message + 9);
    if (!say(KIND == 0 ? (void *)bytes : &message, size))
      return 0;
    while (recv(BT_NET_CONTROL_FD, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
      ;
  }
  /* Then quiet, until it is over. */
  while (recv(BT_NET_CONTROL_FD, bytes, sizeof bytes, 0) > 0)
    ;
  return 0;
}
