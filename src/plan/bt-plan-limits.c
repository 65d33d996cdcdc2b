/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits that the kernel holds by itself, for a plan. What is limited, and how:
 *
 *   pids       RLIMIT_NPROC, which counts a user's processes in one user
 *              namespace since 5.14: here those of the sandbox alone
 *   openFiles  RLIMIT_NOFILE, of each process
 *   tmpSize    the size of the file systems
 *   memory     RLIMIT_DATA: each process by itself, and not what it shares.
 *              Never RLIMIT_AS: runtimes reserve more addresses than any
 *              machine has memory
 *   cpuTime    RLIMIT_CPU: each process by itself, in whole seconds; behind
 *              the count of a control group, too
 *   cpu        nothing but a control group can do that
 *
 * A control group (lib) does memory, cpu, pids and cpuTime better; what it
 * holds is not our matter, and what is held in a weaker way is said. Output and
 * wall time are the supervisor's, the network's limits buntime-net's.
 */
#include "plan/bt-plan-private.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROCESSES 1024
#define MAX_SIGNALS 4096u
#define TMP_SIZE (256ull << 20)

/* Set, and left to us. */
static gboolean
get_limit(const BtCompile *self, BtLimit limit, guint64 *value_out, const BtOrigin **origin_out)
{
  return (self->request->cgroup_limits & 1u << limit) == 0 &&
         bt_policy_get_limit(self->request->policy, limit, value_out, origin_out);
}

static void
limit_processes(BtCompile *self)
{
  gboolean held = (self->request->cgroup_limits & 1u << BT_LIMIT_PIDS) != 0;
  guint64 value;

  if (!bt_policy_get_limit(self->request->policy, BT_LIMIT_PIDS, &value, NULL)) {
    bt_plan_builder_limit_or_less(self->builder, RLIMIT_NPROC, PROCESSES);
    return;
  }
  /*
   * The sandbox's pid 1 is counted, too, and an opener. A group's limit is to be the first to
   * strike, since it tells; but for that of one process, which a group cannot
   * hold exactly (lib/bt-scope.c).
   */
  if (bt_plan_has_opener(self->request->policy))
    value++;
  bt_plan_builder_limit_or_less(self->builder, RLIMIT_NPROC,
                                held && value > 1 ? value + 2 : value + 1);
}

static void
limit_files(BtCompile *self)
{
  const BtOrigin *origin;
  struct rlimit files;
  guint64 value;

  if (getrlimit(RLIMIT_NOFILE, &files) != 0)
    return;
  if (!get_limit(self, BT_LIMIT_OPEN_FILES, &value, &origin)) {
    if (files.rlim_max != RLIM_INFINITY)
      bt_plan_builder_limit(self->builder, RLIMIT_NOFILE, files.rlim_cur, files.rlim_max);
    return;
  }
  bt_plan_builder_limit_or_less(self->builder, RLIMIT_NOFILE, value);
  if (value > files.rlim_max)
    bt_compile_note(self, g_strdup_printf(_("%s: no more than the %" PRIu64 " of "
                                            "'ulimit -Hn' can be had"),
                                          origin->text, (guint64)files.rlim_max));
}

static void
limit_memory(BtCompile *self)
{
  const BtOrigin *origin;
  guint64 value;

  if (!get_limit(self, BT_LIMIT_MEMORY, &value, &origin))
    return;
  bt_plan_builder_limit_or_less(self->builder, RLIMIT_DATA, value);
  bt_compile_note(self, g_strdup_printf(_("%s: for each process by itself; shared memory and "
                                          "files in /tmp are not counted"),
                                        origin->text));
}

static void
limit_cpu_time(BtCompile *self)
{
  const BtOrigin *origin;
  guint64 ms;

  /* Above what the supervisor counts of the group: only if that ever failed would it strike. */
  if (!get_limit(self, BT_LIMIT_CPU_TIME, &ms, &origin)) {
    if (bt_policy_get_limit(self->request->policy, BT_LIMIT_CPU_TIME, &ms, NULL))
      bt_plan_builder_limit_or_less(self->builder, RLIMIT_CPU, ms / 1000 + 2);
    return;
  }
  /* Soft and hard are one: a program that handles SIGXCPU gains nothing. */
  bt_plan_builder_limit_or_less(self->builder, RLIMIT_CPU, (ms + 999) / 1000);
  bt_compile_note(self, g_strdup_printf(_("%s: for each process by itself, in whole seconds"),
                                        origin->text));
}

/* A limit that is not applied would be a wish that nobody hears. */
static gboolean
limit_cpu(BtCompile *self, GError **error)
{
  const BtOrigin *origin;
  guint64 value;

  if (!get_limit(self, BT_LIMIT_CPU, &value, &origin))
    return TRUE;
  g_autofree char *object = bt_origin_format(origin);
  return bt_fail(error, BUNTIME_ERROR_SETUP, object,
                 _("only a control group can hold it, and none can be had"),
                 _("run buntime in a session of systemd --user with cgroup v2, or leave the limit "
                   "out"));
}

/* '|': the machine starts a program with what is left of the one that crashed. */
static gboolean
has_core_handler(void)
{
  char first = '|';
  int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

  if (fd >= 0) {
    if (read(fd, &first, 1) < 0)
      first = '|';
    close(fd);
  }
  return first == '|';
}

/*
 * One byte, not none: a core handler is started whatever the limit, unless it is
 * 1.  A caller who may have none at all cannot have one, and needs none where
 * there is no handler.
 */
static void
limit_core(BtCompile *self)
{
  struct rlimit core;
  guint64 value = 1;

  if (getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0 && !has_core_handler())
    value = 0;
  bt_plan_builder_limit(self->builder, RLIMIT_CORE, value, value);
}

guint64
bt_compile_scratch_size(const BtCompile *self, BtLimit own)
{
  BtPolicy *policy = self->request->policy;
  guint64 size = TMP_SIZE, bound;

  bt_policy_get_limit(policy, BT_LIMIT_TMP_SIZE, &size, NULL);
  bt_policy_get_limit(policy, own, &size, NULL);
  /* What is written there is memory. */
  return bt_policy_get_limit(policy, BT_LIMIT_MEMORY, &bound, NULL) ? MIN(size, bound) : size;
}

/*
 * Timers and signals that wait are counted by user: the user's other programs are left
 * half of them at least.
 */
static void
limit_signals(BtCompile *self)
{
  struct rlimit signals;

  if (getrlimit(RLIMIT_SIGPENDING, &signals) == 0)
    bt_plan_builder_limit_or_less(self->builder, RLIMIT_SIGPENDING,
                                  MIN(signals.rlim_max / 2, MAX_SIGNALS));
}

gboolean
bt_compile_limits(BtCompile *self, GError **error)
{
  limit_core(self);
  /* Without a user namespace all that the user runs would be counted. */
  if (!self->flat)
    limit_processes(self);
  /* A processor taken for good is the whole machine's; audio users may do that. */
  bt_plan_builder_limit(self->builder, RLIMIT_RTPRIO, 0, 0);
  limit_signals(self);
  limit_files(self);
  limit_memory(self);
  limit_cpu_time(self);
  return limit_cpu(self, error);
}

/* Only for who asked for a limit: each fork is then told to the supervisor. */
gboolean
bt_compile_counts_forks(const BtCompile *self)
{
  guint64 value;
  return !self->flat && get_limit(self, BT_LIMIT_PIDS, &value, NULL);
}

char *
bt_compile_silent_limits(const BtCompile *self)
{
  static const BtLimit silent[] = { BT_LIMIT_MEMORY,     BT_LIMIT_PIDS,     BT_LIMIT_CPU_TIME,
                                    BT_LIMIT_OPEN_FILES, BT_LIMIT_TMP_SIZE, BT_LIMIT_SHM_SIZE };
  GString *text = g_string_new(NULL);

  for (gsize i = 0; i < G_N_ELEMENTS(silent); i++) {
    const BtOrigin *origin;
    guint64 value;
    if (silent[i] == BT_LIMIT_PIDS && bt_compile_counts_forks(self))
      continue;
    if (get_limit(self, silent[i], &value, &origin))
      g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", origin->text);
  }
  return g_string_free(text, text->len == 0);
}
