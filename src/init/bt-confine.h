/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>

#include "init/bt-init.h"

/* Sorts keep, which is of descriptors that are open. */
void bt_close_all_but(int *keep, unsigned count);

/* Before the clone, for both processes: nothing executed later can gain a capability. */
void bt_confine_bounding_set(void);

/* A Landlock domain with the plan's rules; none if the plan has turned it off. */
void bt_confine_landlock(const BtPlanView *plan);
/* A domain whose processes reach none outside by a signal; nothing else is held by it. */
void bt_confine_signals(void);
/* A domain without any right, but for signals in the one around it. */
void bt_confine_landlock_empty(const BtPlanView *plan);

/* Every capability, and no_new_privs. */
void bt_confine_privileges(void);

/* Returns the listener if flags ask for one. A program without instructions is skipped. */
int bt_confine_seccomp(const struct sock_filter *program, uint32_t count, unsigned flags,
                       const char *object);
