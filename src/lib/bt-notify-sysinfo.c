/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysinfo(2) tells the machine's load and memory, which no namespace hides.
 * It is answered here with what the policy shows, and never continued, so
 * that nothing is won by a race.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "plan/bt-plan-sys.h"

/* The call succeeds: what it tells is not the machine's. */
static void
set_made_up(BtEvent *event, const BtOrigin *origin)
{
  event->reason = g_strdup(N_("it was told a made-up one"));
  if (bt_origin_yields_to_flags(origin))
    event->suggestion = bt_suggest_path(BT_KIND_SYS, event->object);
}

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

/* Of both facts the one that is hidden; under audit alone, since the C library asks often. */
static BtEvent *
event_of(BtNotifier *self, const BtCall *call)
{
  gboolean memory = bt_sys_is_shown(self->policy, BT_SYS_SYSTEM_MEMORY_INFO);
  gboolean load = bt_sys_is_shown(self->policy, BT_SYS_LOADAVG);
  BtSys fact = memory && !load ? BT_SYS_LOADAVG : BT_SYS_SYSTEM_MEMORY_INFO;
  BtVerdict verdict = bt_policy_check_sys(self->policy, fact);
  BtEvent *event = bt_call_event(self, call, BT_KIND_SYS, &verdict,
                                 g_strdup(bt_sys_word(fact)), FALSE);

  if (event != NULL && verdict.action == BT_ACTION_DENY)
    set_made_up(event, verdict.origin);
  return event;
}

void
bt_notify_sysinfo(BtNotifier *self, const BtCall *call)
{
  g_autoptr(BtEvent) event = event_of(self, call);
  struct sysinfo answer;

  fill(self->policy, &answer);
  gboolean written = write_memory(self, call, &answer, sizeof answer);
  if (bt_call_return(self, call, written ? 0 : EFAULT) && written && event != NULL)
    bt_explainer_add(self->explainer, g_steal_pointer(&event));
}

/* ---- files that tell the same ---- */

BtEvent *
bt_notify_event_of_fact(BtNotifier *self, const char *path)
{
  static const struct {
    const char *path;
    BtSys fact;
  } files[] = {
    { "/proc/loadavg", BT_SYS_LOADAVG },
    { "/proc/meminfo", BT_SYS_SYSTEM_MEMORY_INFO },
    { "/proc/vmstat", BT_SYS_SYSTEM_MEMORY_INFO },
    { "/proc/zoneinfo", BT_SYS_SYSTEM_MEMORY_INFO },
    { "/proc/buddyinfo", BT_SYS_SYSTEM_MEMORY_INFO },
    { "/proc/sys/kernel/hostname", BT_SYS_HOSTNAME },
    { "/etc/hostname", BT_SYS_HOSTNAME },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
    if (strcmp(files[i].path, path) != 0)
      continue;
    BtVerdict verdict = bt_policy_check_sys(self->policy, files[i].fact);
    if (verdict.action != BT_ACTION_DENY)
      return NULL;
    BtEvent *event = bt_event_new(BT_EVENT_SYS, BT_ACTION_DENY);
    event->object = g_strdup(bt_sys_word(files[i].fact));
    bt_event_set_rule(event, verdict.origin);
    set_made_up(event, verdict.origin);
    return event;
  }
  return NULL;
}
