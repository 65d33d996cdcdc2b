/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first byte chooses: a request, else a reply. */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-open-msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtOpenRequest request;
  BtOpenReply reply;

  if (size == 0)
    return 0;
  if (data[0] == 'q' && bt_open_request_parse(data + 1, size - 1, &request)) {
    if (bt_open_request_size(&request) != size - 1 || strlen(request.path) >= sizeof request.path)
      abort();
  } else if (data[0] != 'q' && bt_open_reply_parse(data + 1, size - 1, &reply)) {
    if (reply.error < 0 || (reply.kind != BT_OPEN_DONE && reply.error != 0))
      abort();
  }
  return 0;
}
