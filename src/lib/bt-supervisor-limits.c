/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limits that the supervisor itself holds, and the one of which it only
 * hears. What ends a run for a limit is told once, by one event, and names the
 * limit in the outcome; of several the first counts, but that the time is up
 * always does.
 */
#include "lib/bt-supervisor-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "policy/bt-reason.h"

void
bt_supervisor_kill(BtSupervisor *self)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  self->wait_status = SIGKILL;
  bt_supervisor_end(self);
}

/* ---- wall time ---- */

static void
on_deadline(gpointer data)
{
  BtSupervisor *self = data;

  gboolean draining = self->state == BT_SUPERVISOR_DRAINING;

  if ((self->ended && !draining) || self->failure != NULL)
    return;
  self->limit = BT_LIMIT_WALL_TIME;
  bt_explainer_add(self->run->explainer,
                   bt_event_new_limit(self->run->policy, BT_LIMIT_WALL_TIME,
                                      bt_supervisor_has_started(self)
                                        ? N_("the time is up: the program is ended")
                                        : N_("the time is up, and the program had not started")));
  if (draining)
    bt_supervisor_settle(self);
  else if (bt_supervisor_has_started(self))
    bt_supervisor_signal(self, SIGTERM);
  else
    bt_supervisor_kill(self);
}

static void
on_grace_over(gpointer data)
{
  BtSupervisor *self = data;

  if (self->state == BT_SUPERVISOR_DRAINING)
    bt_supervisor_settle(self);
  else
    bt_supervisor_kill(self);
}

static gboolean
start_deadline(BtSupervisor *self, GError **error)
{
  const BtOrigin *origin;
  guint64 ms;

  if (!bt_policy_get_limit(self->run->policy, BT_LIMIT_WALL_TIME, &ms, &origin))
    return TRUE;
  self->deadline = bt_deadline_new(ms, on_deadline, on_grace_over, self);
  if (self->deadline != NULL)
    return TRUE;
  int saved = errno;
  g_autofree char *object = bt_origin_format(origin);
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(saved), NULL);
}

/* ---- processor time ---- */

/* RLIMIT_CPU of the worker in seconds; 0: none. */
static guint64
cpu_seconds(const BtSupervisor *self)
{
  for (guint i = 0; i < self->plan.header->limits.count; i++)
    if (self->plan.limits[i].resource == RLIMIT_CPU)
      return self->plan.limits[i].hard;
  return 0;
}

/*
 * The kernel kills without saying why. It counts whole ticks in which another
 * process may have run as well, where we are told what was used: half is enough.
 * Whoever else killed the program then, the event says no more than is true.
 */
void
bt_supervisor_tell_cpu_time(BtSupervisor *self, guint32 cpu_ms)
{
  guint64 ms = cpu_seconds(self) * 1000;

  if (ms == 0 || self->limit >= 0 || !WIFSIGNALED(self->wait_status) ||
      WTERMSIG(self->wait_status) != SIGKILL || cpu_ms < ms / 2)
    return;
  g_autofree char *used = bt_limit_format(BT_LIMIT_CPU_TIME, cpu_ms);
  g_autofree char *reason =
    bt_reason_new(N_("the program was killed after computing for %s"), used, NULL);
  BtEvent *event = bt_event_new_limit(self->run->policy, BT_LIMIT_CPU_TIME, reason);
  event->observed = TRUE;
  self->limit = BT_LIMIT_CPU_TIME;
  bt_explainer_add(self->run->explainer, event);
}

/* Of all processes of the sandbox together; of one by itself the kernel sees to it. */
static void
on_cpu_time(gpointer data)
{
  BtSupervisor *self = data;

  if (self->ended || self->failure != NULL || self->limit >= 0)
    return;
  self->limit = BT_LIMIT_CPU_TIME;
  bt_explainer_add(self->run->explainer,
                   bt_event_new_limit(self->run->policy, BT_LIMIT_CPU_TIME,
                                      N_("it is used up: the program is ended")));
  bt_supervisor_kill(self);
}

static gboolean
start_scope(BtSupervisor *self, GError **error)
{
  if (self->run->scope == NULL ||
      bt_scope_watch(self->run->scope, self->run->explainer, on_cpu_time, self))
    return TRUE;
  return bt_fail(error, BUNTIME_ERROR_SETUP, bt_limit_key(BT_LIMIT_CPU_TIME), g_strerror(errno),
                 NULL);
}

/* ---- the program's own file systems ---- */

/* Which limit gave it this size: what is not set is the default's, or that of memory. */
static BtLimit
limit_of_size(const BtSupervisor *self, BtLimit own, guint64 size)
{
  BtPolicy *policy = self->run->policy;
  guint64 value;

  if (own == BT_LIMIT_SHM_SIZE && !bt_policy_get_limit(policy, own, &value, NULL))
    own = BT_LIMIT_TMP_SIZE;
  gboolean memory = bt_policy_get_limit(policy, BT_LIMIT_MEMORY, &value, NULL) && size == value;
  gboolean same = bt_policy_get_limit(policy, own, &value, NULL) && size == value;
  return memory && !same ? BT_LIMIT_MEMORY : own;
}

static guint64
size_of(const BtSupervisor *self, const char *target)
{
  for (guint32 i = 0; i < self->plan.header->ops.count; i++) {
    const BtPlanOp *op = &self->plan.ops[i];
    if (op->kind == BT_PLAN_TMPFS && strcmp(bt_plan_string(&self->plan, op->target), target) == 0)
      return op->size;
  }
  return 0;
}

/* Nobody tells of it when it happens: only what is full at the end can be told. */
static void
tell_if_full(BtSupervisor *self, int fd, const char *target, BtLimit own)
{
  struct statfs info;

  if (fd < 0 || fstatfs(fd, &info) != 0 || (info.f_bavail > 0 && info.f_ffree > 0))
    return;
  guint64 size = size_of(self, target);
  BtLimit limit = limit_of_size(self, own, size);
  g_autofree char *reason = bt_reason_new(info.f_bavail == 0 ? N_("%s was full at the end")
                                                             : N_("%s had as many files as it may "
                                                                  "have at the end"),
                                          target, NULL);
  BtEvent *event = bt_event_new_limit(self->run->policy, limit, reason);
  if (event->rule.text == NULL) {
    g_autofree char *word = bt_limit_format(limit, size);
    g_autofree char *text = g_strdup_printf("limits.%s = %s", bt_limit_key(limit), word);
    const BtOrigin origin = { .source = (char *)BT_SOURCE_BUILT_IN, .text = text };
    bt_event_set_rule(event, &origin);
    event->suggestion = bt_suggest_limit(limit, size);
  }
  event->observed = TRUE;
  bt_explainer_add(self->run->explainer, event);
}

void
bt_supervisor_tell_full(BtSupervisor *self)
{
  tell_if_full(self, self->tmp_fd, "/tmp", BT_LIMIT_TMP_SIZE);
  tell_if_full(self, self->shm_fd, "/dev/shm", BT_LIMIT_SHM_SIZE);
}

/* ---- output ---- */

BtEvent *
bt_supervisor_event_of_output(BtPolicy *policy)
{
  return bt_event_new_limit(policy, BT_LIMIT_OUTPUT, N_("more was written: the program is ended"));
}

/* Whether the program had ended by itself meanwhile makes no difference. */
void
bt_supervisor_exceed_output(BtSupervisor *self)
{
  if (self->failure != NULL || self->limit >= 0)
    return;
  self->limit = BT_LIMIT_OUTPUT;
  bt_explainer_add(self->run->explainer, bt_supervisor_event_of_output(self->run->policy));
  bt_supervisor_kill(self);
  self->wait_status = SIGKILL;
}

static void
on_too_much_output(gpointer data)
{
  bt_supervisor_exceed_output(data);
}

static void
on_output_done(gpointer data)
{
  BtSupervisor *self = data;

  if (self->state == BT_SUPERVISOR_DRAINING)
    bt_supervisor_settle(self);
}

/* By a signal that nobody but us was left to take; not by what went to the whole group and ended it. */
static gboolean
is_called_off(const BtSupervisor *self)
{
  return self->late_signal != 0 &&
         !(WIFSIGNALED(self->wait_status) && WTERMSIG(self->wait_status) == self->late_signal);
}

gboolean
bt_supervisor_drain(BtSupervisor *self)
{
  BtOutput *output = self->run->output;

  if (output == NULL || self->failure != NULL)
    return TRUE;
  bt_output_finish(output);
  if (bt_output_is_done(output) || is_called_off(self))
    return TRUE;
  self->state = BT_SUPERVISOR_DRAINING;
  return FALSE;
}

gboolean
bt_supervisor_start_limits(BtSupervisor *self, GError **error)
{
  if (self->run->output != NULL)
    bt_output_start(self->run->output, on_too_much_output, on_output_done, self);
  return start_scope(self, error) && start_deadline(self, error);
}
