/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "init/bt-init.h"

/* pid 1's whole life: until the worker ends or the supervisor is gone. */
_Noreturn void bt_reap(pid_t worker, const BtInit *init);
