/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pid 1's loop. When it ends, the kernel kills all that is left in the pid
 * namespace, so neither orphans nor a dead supervisor need any other care;
 * without that namespace bt-flat.c does it.
 *
 * Orphans are reaped in bounded batches, the supervisor's hang-up is looked
 * at between any two.  A process that stops or forks without end costs time,
 * not memory, and never makes us wait for the supervisor.
 */
#include "init/bt-reaper.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/bt-flat.h"
#include "init/bt-report.h"
#include "wire/bt-plan.h"

#define BATCH 128

static uint32_t
cpu_ms(const struct rusage *usage)
{
  uint64_t seconds = (uint64_t)usage->ru_utime.tv_sec + (uint64_t)usage->ru_stime.tv_sec;
  uint64_t micros = (uint64_t)usage->ru_utime.tv_usec + (uint64_t)usage->ru_stime.tv_usec;
  uint64_t ms = seconds * 1000 + micros / 1000;

  return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static _Noreturn void
end(const BtInit *init, int status)
{
  if (init->flat)
    bt_flat_end_all(init->signal_fd, init->children_fd);
  _exit(status);
}

/* True if more may be waiting. */
static bool
reap_batch(pid_t worker, const BtInit *init)
{
  for (int i = 0; i < BATCH; i++) {
    struct rusage usage;
    int status;
    pid_t pid = wait4(-1, &status, WNOHANG | WUNTRACED, &usage);

    if (pid <= 0)
      return false;
    if (pid == init->guard && !WIFSTOPPED(status))
      end(init, 125);
    if (pid != worker)
      continue;
    if (WIFSTOPPED(status)) {
      bt_report_hint(BT_STATUS_STOPPED, (uint32_t)WSTOPSIG(status));
      continue;
    }
    bt_report_exited(status, cpu_ms(&usage));
    end(init, 0);
  }
  return true;
}

void
bt_reap(pid_t worker, const BtInit *init)
{
  struct pollfd fds[] = {
    { .fd = init->signal_fd, .events = POLLIN },
    { .fd = BT_INIT_STATUS_FD, .events = 0 }, /* hang-up is always told */
    { .fd = init->children_fd >= 0 ? init->life_fd : -1, .events = 0 },
  };
  bool more = true; /* the worker may have ended already */

  for (;;) {
    if (poll(fds, 3, more ? 0 : -1) < 0 && errno != EINTR)
      end(init, 125);
    if (((fds[1].revents | fds[2].revents) & (POLLHUP | POLLERR)) != 0)
      end(init, 125);
    if ((fds[0].revents & POLLIN) != 0) {
      struct signalfd_siginfo info;
      more = true;
      (void)!read(init->signal_fd, &info, sizeof info);
    }
    if (more)
      more = reap_batch(worker, init);
  }
}
