/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bt-open-msg.h"

#include <string.h>

_Static_assert(offsetof(BtOpenRequest, path) == 28, "BtOpenRequest has a hole");
_Static_assert(sizeof(BtOpenReply) == 12, "BtOpenReply has a hole");

/* The kernel's MAX_ERRNO. */
#define MAX_ERROR 4095

size_t
bt_open_request_size(const BtOpenRequest *request)
{
  return offsetof(BtOpenRequest, path) + strlen(request->path) + 1;
}

bool
bt_open_request_parse(const void *bytes, size_t size, BtOpenRequest *request_out)
{
  BtOpenRequest request;
  const size_t head = offsetof(BtOpenRequest, path);

  if (size <= head || size > sizeof request)
    return false;
  memset(&request, 0, head);
  memcpy(&request, bytes, size);
  if (memchr(request.path, '\0', size - head) != request.path + (size - head) - 1)
    return false;
  if (request.kind < BT_OPEN_OPEN || request.kind > BT_OPEN_CANCEL ||
      (request.kind == BT_OPEN_CANCEL && request.path[0] != '\0') || request.umask > 0777 ||
      request.process < 0 || request.thread < 0)
    return false;
  memcpy(request_out, &request, size);
  return true;
}

bool
bt_open_reply_parse(const void *bytes, size_t size, BtOpenReply *reply_out)
{
  BtOpenReply reply;

  if (size != sizeof reply)
    return false;
  memcpy(&reply, bytes, sizeof reply);
  if (reply.kind < BT_OPEN_DONE || reply.kind > BT_OPEN_FILE || reply.error < 0 ||
      reply.error > MAX_ERROR || (reply.kind != BT_OPEN_DONE && reply.error != 0))
    return false;
  *reply_out = reply;
  return true;
}
