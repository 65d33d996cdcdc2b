/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "../plan-walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walked;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  BtPlanView view;

  if (bt_plan_open(data, size, &view) == BT_PLAN_OK)
    walked += plan_walk(&view);
  return 0;
}
