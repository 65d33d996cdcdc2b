/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "wire/bt-control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtControl message;

  if (!bt_control_parse(data, size, &message))
    return 0;
  if (strlen(message.name) >= sizeof message.name || strlen(message.text) >= sizeof message.text ||
      (unsigned)message.type > BT_CONTROL_STATE ||
      (unsigned)message.state > BT_CONTROL_INTERRUPTED)
    abort();
  return 0;
}
