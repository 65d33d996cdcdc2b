/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init/bt-report.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/bt-plan.h"

/* Pid 1's and the worker's: until its exec both share this memory (bt-worker.c). */
static BtStage current_stage = BT_STAGE_PLAN;
static BtStage worker_stage;
static pid_t init_pid = 1;

void
bt_report_init(pid_t pid)
{
  init_pid = pid;
}

void
bt_report_stage(BtStage stage)
{
  current_stage = stage;
}

void
bt_report_worker_stage(BtStage stage)
{
  worker_stage = stage;
}

void
bt_fail_with(int error, const char *object)
{
  BtStatus status = {
    .kind = BT_STATUS_FAILED,
    .stage = getpid() == init_pid ? current_stage : worker_stage,
    .error = error,
  };

  strncpy(status.object, object, sizeof status.object - 1);
  /* Nobody is left to tell if this fails; the exit status then says it. */
  if (write(BT_INIT_STATUS_FD, &status, sizeof status) < 0)
    _exit(126);
  _exit(125);
}

void
bt_fail_at(const char *object)
{
  bt_fail_with(errno, object);
}

void
bt_report_fds(BtStatusKind kind, uint32_t value, const int *fds, unsigned count)
{
  BtStatus status = { .kind = kind, .value = value };
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_STATUS_MAX_FDS)];
  } control = { .space = { 0 } };
  struct iovec iovec = { .iov_base = &status, .iov_len = sizeof status };
  struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1 };

  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(part), fds, sizeof(int) * count);
  }
  if (sendmsg(BT_INIT_STATUS_FD, &message, MSG_NOSIGNAL) < 0)
    bt_fail_at("status socket");
}

static void
report(const BtStatus *status)
{
  if (write(BT_INIT_STATUS_FD, status, sizeof *status) < 0)
    bt_fail_at("status socket");
}

void
bt_report_value(BtStatusKind kind, uint32_t value)
{
  const BtStatus status = { .kind = kind, .value = value };
  report(&status);
}

void
bt_report_exited(int wait_status, uint32_t cpu_ms)
{
  const BtStatus status = {
    .kind = BT_STATUS_EXITED,
    .value = (uint32_t)wait_status,
    .cpu_ms = cpu_ms,
  };
  report(&status);
}

void
bt_report_hint(BtStatusKind kind, uint32_t value)
{
  BtStatus status = { .kind = kind, .value = value };

  /* The result does not matter: see the header. */
  (void)!send(BT_INIT_STATUS_FD, &status, sizeof status, MSG_DONTWAIT | MSG_NOSIGNAL);
}
