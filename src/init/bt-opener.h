/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "init/bt-init.h"

/* Opens what the supervisor asks for at the other end of socket, until that is closed. */
_Noreturn void bt_opener_run(const BtPlanView *plan, int socket);
