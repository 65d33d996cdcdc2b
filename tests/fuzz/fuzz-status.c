/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtStatus status;

  if (!bt_status_parse(data, size, &status))
    return 0;
  if (strlen(status.object) >= sizeof status.object || strlen(bt_stage_name(status.stage)) == 0)
    abort();
  if (status.kind == BT_STATUS_FAILED && strcmp(bt_stage_name(status.stage), "unknown") == 0)
    abort();
  return 0;
}
