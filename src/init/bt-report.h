/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is told to the supervisor. Every failure before the worker's exec ends
 * the run, so that none has to be carried back through a caller.
 */

#include <stdint.h>
#include <sys/types.h>

#include "wire/bt-status.h"

/* Which process is pid 1, where that is not its number. */
void bt_report_init(pid_t pid);
/* Names the stage that failures from here on belong to. */
void bt_report_stage(BtStage stage);
/* The same for the worker. */
void bt_report_worker_stage(BtStage stage);

/* Sends (stage, errno, object) and ends this process. Object may be cut. */
__attribute__((noreturn)) void bt_fail_at(const char *object);
__attribute__((noreturn)) void bt_fail_with(int error, const char *object);

void bt_report_fds(BtStatusKind kind, uint32_t value, const int *fds, unsigned count);
/* By one write(): a seccomp filter may already be in force. */
void bt_report_value(BtStatusKind kind, uint32_t value);
/* The worker's end, in the same way. */
void bt_report_exited(int wait_status, uint32_t cpu_ms);
/* Dropped when the supervisor has not read for long. */
void bt_report_hint(BtStatusKind kind, uint32_t value);
