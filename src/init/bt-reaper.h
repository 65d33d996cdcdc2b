/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * pid 1's whole life: until the worker ends or the supervisor is gone. flat:
 * there is no pid namespace that would end with it.
 */
_Noreturn void bt_reap(pid_t worker, int signal_fd, bool flat);
