/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysinfo(2) tells the machine's load and memory, which no namespace hides.
 * It is answered here with what the policy shows, and never continued, so
 * that nothing is won by a race.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "plan/bt-plan-sys.h"

static void
fill(BtPolicy *policy, struct sysinfo *answer)
{
  struct sysinfo host;

  sysinfo(&host);
  memset(answer, 0, sizeof *answer);
  answer->uptime = host.uptime;
  answer->procs = 1;
  answer->mem_unit = host.mem_unit;
  if (bt_sys_is_shown(policy, BT_SYS_LOADAVG))
    memcpy(answer->loads, host.loads, sizeof answer->loads);
  if (bt_sys_is_shown(policy, BT_SYS_SYSTEM_MEMORY_INFO)) {
    struct sysinfo memory = host;
    memory.uptime = answer->uptime;
    memory.procs = answer->procs;
    memcpy(memory.loads, answer->loads, sizeof memory.loads);
    *answer = memory;
    return;
  }
  answer->totalram =
    bt_sys_rough_memory(policy, (guint64)host.totalram * host.mem_unit) / MAX(host.mem_unit, 1);
  answer->freeram = answer->totalram;
}

/*
 * By a descriptor of the memory, opened before the caller is known to be alive
 * still: a number could be another process's by the time it is written to.
 */
static gboolean
write_memory(BtNotifier *self, const BtCall *call, const void *bytes, gsize size)
{
  char path[32];

  snprintf(path, sizeof path, "/proc/%d/mem", call->tid);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  gboolean written = bt_call_is_valid(self, call) &&
                     pwrite(fd, bytes, size, (off_t)call->args[0]) == (gssize)size;
  close(fd);
  return written;
}

void
bt_notify_sysinfo(BtNotifier *self, const BtCall *call)
{
  struct sysinfo answer;

  fill(self->policy, &answer);
  gboolean written = write_memory(self, call, &answer, sizeof answer);
  bt_call_return(self, call, written ? 0 : EFAULT);
}
