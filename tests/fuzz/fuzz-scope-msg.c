/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-scope-msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtScopeRequest request;
  BtScopeAnswer answer;

  if (bt_scope_request_parse(data, size, &request) &&
      (strlen(request.unit) >= sizeof request.unit || request.pid < 2 ||
       strcspn(request.unit, "/\n%\\") != strlen(request.unit)))
    abort();
  if (bt_scope_answer_parse(data, size, &answer) &&
      (strlen(answer.reason) >= sizeof answer.reason || answer.result == 0))
    abort();
  return 0;
}
