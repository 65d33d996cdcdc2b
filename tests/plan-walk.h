/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads everything that a checked plan points at, as buntime-init does, so
 * that ASan sees what bt_plan_open() let through.
 */

#include <string.h>

#include "wire/bt-plan.h"

static inline size_t
plan_walk_string(const BtPlanView *view, uint32_t offset)
{
  const char *text = bt_plan_string(view, offset);
  return text != NULL ? strlen(text) : 0;
}

static inline size_t
plan_walk_bytes(const void *bytes, size_t size)
{
  size_t sum = 0;
  for (size_t i = 0; i < size; i++)
    sum += ((const uint8_t *)bytes)[i];
  return sum;
}

static inline size_t
plan_walk(const BtPlanView *view)
{
  const BtPlanHeader *header = view->header;
  size_t sum = plan_walk_string(view, header->hostname) +
               plan_walk_string(view, header->executable) + plan_walk_string(view, header->cwd) +
               plan_walk_string(view, header->net.interface);

  for (uint32_t i = 0; i < header->ops.count; i++) {
    const BtPlanOp *op = &view->ops[i];
    sum += plan_walk_string(view, op->source) + plan_walk_string(view, op->target) +
           plan_walk_bytes(view->bytes + op->data_offset, op->data_size);
  }
  for (uint32_t i = 0; i < header->landlock.count; i++)
    sum += view->landlock[i].access + plan_walk_string(view, view->landlock[i].path);
  for (uint32_t i = 0; i < header->limits.count; i++)
    sum += view->limits[i].soft + view->limits[i].hard;
  for (uint32_t i = 0; i < header->argv.count; i++)
    sum += plan_walk_string(view, view->argv[i]);
  for (uint32_t i = 0; i < header->env.count; i++)
    sum += plan_walk_string(view, view->env[i]);
  for (uint32_t i = 0; i < header->relays.count; i++)
    sum += view->relays[i].port;
  return sum +
         plan_walk_bytes(view->worker_filter,
                         header->worker_filter.count * sizeof(struct sock_filter)) +
         plan_walk_bytes(view->init_filter,
                         header->init_filter.count * sizeof(struct sock_filter)) +
         plan_walk_bytes(view->opener_filter,
                         header->opener_filter.count * sizeof(struct sock_filter));
}
