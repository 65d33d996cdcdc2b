/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-scope talks to a bus, so that its answer is not trusted; and it is
 * to move no other process than the one it was told.
 */
#include "bt-scope-msg.h"

#include <string.h>

_Static_assert(sizeof(BtScopeRequest) == 32 + BT_SCOPE_UNIT_SIZE, "BtScopeRequest has a hole");
_Static_assert(sizeof(BtScopeAnswer) == 8 + BT_SCOPE_REASON_SIZE, "BtScopeAnswer has a hole");

static bool
unit_is_valid(const char unit[BT_SCOPE_UNIT_SIZE])
{
  static const char prefix[] = "buntime-", suffix[] = ".scope";
  const size_t before = sizeof prefix - 1, after = sizeof suffix - 1;
  size_t length = strnlen(unit, BT_SCOPE_UNIT_SIZE);

  if (length == BT_SCOPE_UNIT_SIZE || length <= before + after ||
      memcmp(unit, prefix, before) != 0 || memcmp(unit + length - after, suffix, after) != 0)
    return false;
  for (size_t i = before; i < length - after; i++)
    if (unit[i] != '-' && (unit[i] < '0' || unit[i] > '9'))
      return false;
  return true;
}

bool
bt_scope_request_parse(const void *bytes, size_t size, BtScopeRequest *request_out)
{
  BtScopeRequest request;

  if (size != sizeof request)
    return false;
  memcpy(&request, bytes, sizeof request);
  /* Number 0 would mean the asker, and 1 is nobody's child. */
  if (request.version != BT_SCOPE_VERSION || request.pid < 2 || request.pid > INT32_MAX ||
      request.memory == 0 || request.cpu == 0 || request.pids == 0 || !unit_is_valid(request.unit))
    return false;
  *request_out = request;
  return true;
}

bool
bt_scope_answer_parse(const void *bytes, size_t size, BtScopeAnswer *answer_out)
{
  BtScopeAnswer answer;

  if (size != sizeof answer)
    return false;
  memcpy(&answer, bytes, sizeof answer);
  if (answer.version != BT_SCOPE_VERSION || answer.result < BT_SCOPE_DONE ||
      answer.result > BT_SCOPE_LAST ||
      memchr(answer.reason, '\0', sizeof answer.reason) == NULL)
    return false;
  *answer_out = answer;
  return true;
}
