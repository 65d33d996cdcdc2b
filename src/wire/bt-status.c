/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bt-status.h"

#include <string.h>

_Static_assert(sizeof(BtStatus) == 20 + BT_STATUS_OBJECT_SIZE, "BtStatus has a hole");

static const char *const stage_names[] = {
  [BT_STAGE_SPAWN] = "spawn",
  [BT_STAGE_IDS] = "ids",
  [BT_STAGE_HELPER] = "helper",
  [BT_STAGE_PLAN] = "plan",
  [BT_STAGE_UTS] = "uts",
  [BT_STAGE_NETWORK] = "network",
  [BT_STAGE_SOURCES] = "sources",
  [BT_STAGE_MOUNTS] = "mounts",
  [BT_STAGE_ROOT] = "root",
  [BT_STAGE_NAMESPACES] = "namespaces",
  [BT_STAGE_FLAT] = "flat",
  [BT_STAGE_WORKER] = "worker",
  [BT_STAGE_CWD] = "cwd",
  [BT_STAGE_LIMITS] = "limits",
  [BT_STAGE_LANDLOCK] = "landlock",
  [BT_STAGE_OPENER] = "opener",
  [BT_STAGE_PRIVILEGES] = "privileges",
  [BT_STAGE_SECCOMP] = "seccomp",
  [BT_STAGE_EXEC] = "exec",
};
_Static_assert(sizeof stage_names / sizeof stage_names[0] == BT_STAGE_LAST + 1,
               "a stage without a name");

const char *
bt_stage_name(uint32_t stage)
{
  return stage >= BT_STAGE_SPAWN && stage <= BT_STAGE_LAST ? stage_names[stage] : "unknown";
}

bool
bt_status_parse(const void *bytes, size_t size, BtStatus *status_out)
{
  BtStatus status;

  if (size != sizeof status)
    return false;
  memcpy(&status, bytes, sizeof status);
  if (status.kind < BT_STATUS_FAILED || status.kind > BT_STATUS_EXITED ||
      memchr(status.object, '\0', sizeof status.object) == NULL)
    return false;
  if (status.kind == BT_STATUS_FAILED &&
      (status.stage < BT_STAGE_SPAWN || status.stage > BT_STAGE_LAST))
    return false;
  *status_out = status;
  return true;
}
