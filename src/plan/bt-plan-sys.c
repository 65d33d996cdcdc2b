/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Facts about the machine (--allow-sys), as far as the kernel lets them be hidden:
 *
 *   hostname            the name in the sandbox's own UTS namespace and in /etc
 *   loadavg             /proc/loadavg is covered; sysinfo(2) is answered by the
 *   systemMemoryInfo    supervisor (lib/bt-notify-sysinfo.c); /proc/meminfo is
 *                       covered by a rough figure, since runtimes size their
 *                       heaps by it, and the files that tell the rest are shut
 *   networkInterfaces   the network namespace is the sandbox's own: the host's
 *                       interfaces are hidden, and no grant can show them
 *
 * The others in BtSys every process is told by the kernel.
 */
#include "plan/bt-plan-private.h"
#include "plan/bt-plan-sys.h"

#include <glib/gi18n-lib.h>
#include <string.h>

gboolean
bt_sys_is_shown(BtPolicy *policy, BtSys kind)
{
  return bt_policy_check_sys(policy, kind).action != BT_ACTION_DENY;
}

guint64
bt_sys_rough_memory(BtPolicy *policy, guint64 total)
{
  guint64 rough = 256ull << 20, limit;

  if (bt_policy_get_limit(policy, BT_LIMIT_MEMORY, &limit, NULL))
    return limit;
  while (rough < total && rough < (8ull << 30))
    rough *= 2;
  return rough;
}

static void
cover_memory(BtCompile *self)
{
  static const char *const shut[] = { "/proc/vmstat", "/proc/zoneinfo", "/proc/buddyinfo",
                                      "/proc/pressure" };
  guint64 kib = bt_sys_rough_memory(self->request->policy, self->request->host_memory) / 1024;
  g_autofree char *text = g_strdup_printf("MemTotal:       %8" G_GUINT64_FORMAT " kB\n"
                                          "MemFree:        %8" G_GUINT64_FORMAT " kB\n"
                                          "MemAvailable:   %8" G_GUINT64_FORMAT " kB\n"
                                          "Buffers:               0 kB\n"
                                          "Cached:                0 kB\n"
                                          "SwapCached:            0 kB\n"
                                          "SwapTotal:             0 kB\n"
                                          "SwapFree:              0 kB\n"
                                          "Shmem:                 0 kB\n"
                                          "SReclaimable:          0 kB\n",
                                          kib, kib, kib);
  struct stat info;

  bt_plan_builder_cover(self->builder, "/proc/meminfo", 0444, text);
  for (gsize i = 0; i < G_N_ELEMENTS(shut); i++)
    if (lstat(shut[i], &info) == 0)
      bt_plan_builder_mount(self->builder, BT_PLAN_HIDE, shut[i], BT_PLAN_RDONLY | BT_PLAN_NOEXEC);
}

/* A grant that grants nothing is said, not passed over. */
void
bt_compile_note_interfaces(BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_sys_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(rules, i);
    if (rule->kinds != BT_SYS_NETWORK_INTERFACES || rule->rule.action == BT_ACTION_DENY)
      continue;
    const char *name = rule->rule.origin.text;
    bt_compile_note(self, self->flat
                            ? g_strdup_printf(_("%s: without namespaces the program sees no "
                                                "interfaces; the host's cannot be shown"),
                                              name)
                            : g_strdup_printf(_("%s: the program sees the sandbox's own interfaces; "
                                                "the host's cannot be shown"),
                                              name));
    return;
  }
}

const char *
bt_compile_host_name(const BtCompile *self)
{
  const BtPlanRequest *request = self->request;
  gboolean shown = request->host_name != NULL && request->host_name[0] != '\0' &&
                   bt_sys_is_shown(request->policy, BT_SYS_HOSTNAME);

  return shown ? request->host_name : "buntime";
}

void
bt_compile_sys(BtCompile *self)
{
  BtPolicy *policy = self->request->policy;

  if (!bt_sys_is_shown(policy, BT_SYS_LOADAVG))
    bt_plan_builder_cover(self->builder, "/proc/loadavg", 0444, "0.00 0.00 0.00 1/1 1\n");
  if (!bt_sys_is_shown(policy, BT_SYS_SYSTEM_MEMORY_INFO))
    cover_memory(self);
  bt_compile_note_interfaces(self);
}
