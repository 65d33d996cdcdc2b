/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits of memory, processor and processes for the sandbox as a whole.
 *
 * Control groups belong to systemd, also those of a user; so one is asked of
 * systemd --user, over the session bus, as a transient scope.  That takes GIO,
 * which the static supervisor cannot load: buntime-scope does it, started for
 * this one question, and only for a run that limits something of the kind.
 *
 *   init waits for its plan, alone in its namespaces: nothing of the worker's
 *        has been read, and nothing runs yet that could be missed
 *   start()    spawns buntime-scope, which asks for a scope with init in it
 *   settle()   waits for its answer, looks what the control groups say, and
 *              ends buntime-scope, whatever it is doing
 *   the plan   is compiled, with other means for what no group holds
 *   the worker is cloned by init, into the same group; its cgroup namespace,
 *              made when the plan is there, has this group as its root, and
 *              no cgroup file system is mounted in it
 *   the end    with its last process systemd removes the scope, whoever died
 *
 * It is not delegated: nobody makes a group below it.
 *
 * The answer is not believed.  A bus can be anybody's, systemd may lack a
 * controller or know our processes by other numbers: what the files of the
 * group that init is in now say, is what is limited (bt-cgroup.c).
 *
 * Waiting in settle() blocks no worker of `buntime run`, since there is none, and
 * the time is bounded.  Who has other runs waits in its main loop before.
 */
#include "lib/bt-scope.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/bt-spawn.h"
#include "lib/bt-watch.h"
#include "plan/bt-plan-compile.h"
#include "policy/bt-event.h"
#include "wire/bt-scope-msg.h"

/* A file of the group that counts how often a limit struck. */
typedef struct {
  BtScope *scope;
  BtLimit limit;
  int fd; /* -1: none */
  guint source;
  guint64 told;
  gboolean struck;
} Counter;

static const struct {
  BtLimit limit;
  const char *file, *key;
} counters[] = {
  { BT_LIMIT_MEMORY, "memory.events", "oom_kill" },
  { BT_LIMIT_PIDS, "pids.events", "max" },
};

struct _BtScope {
  BtPolicy *policy;
  pid_t init;
  const BtCgroupPlace *place;
  BtCgroupLimits limits;
  char *unit;
  BtHelper helper;
  int fd; /* buntime-scope's socket; -1: none */
  gint64 deadline;
  guint held; /* 1 << BtLimit, once it is known */
  char *reason; /* why nothing can be held; NULL: not known yet */
  BtExplainer *explainer;
  Counter counters[G_N_ELEMENTS(counters)];
  int cpu_stat; /* -1: the group does not hold that limit, or it is watched */
  BtCpuTime *cpu_time;
};

/* ---- asking ---- */

/*
 * NULL: none that could be used. Only Unix sockets: GIO would start a bus of
 * its own for "autolaunch:", and systemd listens to no other kind.
 */
static char *
bus_address(void)
{
  const char *address = g_getenv("DBUS_SESSION_BUS_ADDRESS");
  const char *runtime = g_getenv("XDG_RUNTIME_DIR");

  if (address != NULL && address[0] != '\0')
    return g_str_has_prefix(address, "unix:") ? g_strdup(address) : NULL;
  if (runtime == NULL || runtime[0] != '/')
    return NULL;
  g_autofree char *socket = g_build_filename(runtime, "bus", NULL);
  if (access(socket, F_OK) != 0)
    return NULL;
  g_autofree char *escaped = g_uri_escape_string(socket, "/", FALSE);
  return g_strconcat("unix:path=", escaped, NULL);
}

/* The first counts, and of an error what it is, without its cure. */
static void
set_reason(BtScope *self, const char *reason)
{
  if (self->reason == NULL)
    self->reason = g_strndup(reason, strcspn(reason, "\n"));
}

static gboolean
spawn(BtScope *self, const char *address)
{
  g_autofree char *variable = g_strconcat("DBUS_SESSION_BUS_ADDRESS=", address, NULL);
  const char *const environment[] = { variable, NULL };
  g_autoptr(GError) error = NULL;
  int pair[2];

  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    set_reason(self, g_strerror(errno));
    return FALSE;
  }
  gboolean ok = bt_spawn_helper("buntime-scope", pair[1], environment, &self->helper, &error);
  close(pair[1]);
  self->fd = pair[0];
  if (!ok)
    set_reason(self, error->message);
  return ok;
}

static void
ask(BtScope *self)
{
  BtScopeRequest request = {
    .version = BT_SCOPE_VERSION,
    .pid = (guint32)self->init,
    .memory = self->limits.memory,
    .cpu = self->limits.cpu,
    .pids = self->limits.pids,
  };

  /* Thousandths of a processor: so much of each second. */
  if (self->limits.cpu != G_MAXUINT64)
    request.cpu = self->limits.cpu * 1000;
  g_strlcpy(request.unit, self->unit, sizeof request.unit);
  if (send(self->fd, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof request)
    set_reason(self, _("buntime-scope ended unexpectedly"));
}

static guint
wanted(const BtCgroupLimits *limits)
{
  return (limits->memory != G_MAXUINT64 ? 1u << BT_LIMIT_MEMORY : 0) |
         (limits->cpu != G_MAXUINT64 ? 1u << BT_LIMIT_CPU : 0) |
         (limits->pids != G_MAXUINT64 ? 1u << BT_LIMIT_PIDS : 0) |
         (limits->cpu_time != G_MAXUINT64 ? 1u << BT_LIMIT_CPU_TIME : 0);
}

static guint64
limit_or_none(BtPolicy *policy, BtLimit limit)
{
  guint64 value;
  return bt_policy_get_limit(policy, limit, &value, NULL) ? value : G_MAXUINT64;
}

/*
 * Init is one more, and so is an opener. In namespaces it had a thread, which has ended when it makes
 * the program's first process, but may still be counted: there RLIMIT_NPROC is
 * exact where this is not (plan/bt-plan-limits.c).
 */
static guint64
pids_of_group(BtPolicy *policy)
{
  gboolean flat = (bt_policy_get_plugins(policy) & BT_PLUGIN_NAMESPACES) == 0;
  guint64 pids = limit_or_none(policy, BT_LIMIT_PIDS);

  if (pids == G_MAXUINT64)
    return pids;
  return MAX(pids, flat ? 1 : 2) + 1 + (bt_plan_has_opener(policy) ? 1 : 0);
}

static BtCgroupLimits
limits_of(BtPolicy *policy)
{
  return (BtCgroupLimits){
    .memory = limit_or_none(policy, BT_LIMIT_MEMORY),
    .cpu = limit_or_none(policy, BT_LIMIT_CPU),
    .pids = pids_of_group(policy),
    .cpu_time = limit_or_none(policy, BT_LIMIT_CPU_TIME),
  };
}

gboolean
bt_scope_is_wanted(BtPolicy *policy)
{
  const BtCgroupLimits limits = limits_of(policy);
  return wanted(&limits) != 0;
}

BtScope *
bt_scope_start(BtPolicy *policy, pid_t init, const BtCgroupPlace *place)
{
  const BtCgroupLimits limits = limits_of(policy);

  if (wanted(&limits) == 0)
    return NULL;
  g_autofree char *address = bus_address();
  BtScope *self = g_new0(BtScope, 1);
  self->policy = policy;
  self->init = init;
  self->place = place;
  self->limits = limits;
  self->unit = g_strdup_printf("buntime-%d-%d.scope", (int)getpid(), (int)init);
  self->helper = BT_HELPER_INIT;
  self->fd = self->cpu_stat = -1;
  self->deadline = g_get_monotonic_time() + place->timeout_ms * G_TIME_SPAN_MILLISECOND;
  for (gsize i = 0; i < G_N_ELEMENTS(counters); i++)
    self->counters[i] = (Counter){ .scope = self, .limit = counters[i].limit, .fd = -1 };
  if (address == NULL)
    set_reason(self, _("there is no session bus, and so no systemd of the user's"));
  else if (spawn(self, address))
    ask(self);
  return self;
}

/* ---- the answer ---- */

static void
take_answer(BtScope *self, const BtScopeAnswer *answer)
{
  g_autofree char *safe = bt_text_neutralise(answer->reason, -1);

  switch ((BtScopeResult)answer->result) {
  case BT_SCOPE_DONE:
    break;
  case BT_SCOPE_NO_BUS:
    self->reason = g_strdup_printf(_("the session bus cannot be reached: %s"), safe);
    break;
  case BT_SCOPE_FOREIGN:
    set_reason(self, _("the session bus is another machine's or container's"));
    break;
  case BT_SCOPE_REFUSED:
    self->reason = g_strdup_printf(_("systemd --user made none: %s"), safe);
    break;
  }
}

static int
milliseconds_left(const BtScope *self)
{
  gint64 left = self->deadline - g_get_monotonic_time();
  return (int)CLAMP((left + 999) / 1000, 0, G_MAXINT);
}

int
bt_scope_get_wait(const BtScope *self, guint *ms_out)
{
  *ms_out = (guint)milliseconds_left(self);
  return self->reason == NULL ? self->fd : -1;
}

static void
await_answer(BtScope *self)
{
  char bytes[sizeof(BtScopeAnswer) + 1];
  struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
  BtScopeAnswer answer;

  while (self->reason == NULL) {
    int ready = poll(&pollfd, 1, milliseconds_left(self));
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready != 1) {
      set_reason(self, _("systemd --user did not answer in time"));
      return;
    }
    gssize got = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (got <= 0)
      set_reason(self, _("buntime-scope ended unexpectedly"));
    else if (!bt_scope_answer_parse(bytes, (gsize)got, &answer))
      set_reason(self, _("buntime-scope did not keep to the protocol"));
    else
      take_answer(self, &answer);
    return;
  }
}

static void
open_counters(BtScope *self, int group, guint held)
{
  for (gsize i = 0; i < G_N_ELEMENTS(counters); i++) {
    Counter *counter = &self->counters[i];
    if ((held & 1u << counter->limit) == 0)
      continue;
    counter->fd = openat(group, counters[i].file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    /* Only a file that was read once wakes a poll(). */
    if (counter->fd >= 0)
      bt_cgroup_read_count(counter->fd, counters[i].key, &counter->told);
  }
  if ((held & 1u << BT_LIMIT_CPU_TIME) != 0)
    self->cpu_stat = openat(group, "cpu.stat", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* "--memory=1G, --cpu=50%": the limits of a set, as they were given (transfer full). */
static char *
name_limits(BtScope *self, guint set)
{
  GString *names = g_string_new(NULL);

  for (guint i = 0; i < BT_N_LIMITS; i++) {
    const BtOrigin *origin;
    guint64 value;
    if ((set & 1u << i) == 0 || !bt_policy_get_limit(self->policy, i, &value, &origin))
      continue;
    g_autofree char *safe = bt_text_neutralise(origin->text, -1);
    g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", safe);
  }
  return g_string_free(names, FALSE);
}

/* Which applies, a group or something weaker, is always said. */
static void
tell(BtScope *self, guint held, GPtrArray *notices)
{
  guint missing = wanted(&self->limits) & ~held;

  if (held != 0) {
    g_autofree char *names = name_limits(self, held);
    g_ptr_array_add(notices,
                    g_strdup_printf(_("%s: held by the control group %s"), names, self->unit));
  }
  if (missing != 0) {
    g_autofree char *names = name_limits(self, missing);
    g_ptr_array_add(notices, g_strdup_printf(_("%s: held by the kernel's resource limits, not by "
                                               "a control group (%s)"),
                                             names, self->reason));
  }
}

/* Share of a processor is what no resource limit knows. */
static gboolean
refuse_cpu(BtScope *self, GError **error)
{
  const BtOrigin *origin;
  guint64 value;

  bt_policy_get_limit(self->policy, BT_LIMIT_CPU, &value, &origin);
  g_autofree char *object = bt_origin_format(origin);
  g_autofree char *reason =
    g_strdup_printf(_("only a control group can hold it, and none can be had: %s"), self->reason);
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, reason,
                 _("run buntime in a session of systemd --user with cgroup v2, or leave the "
                   "limit out"));
}

gboolean
bt_scope_settle(BtScope *self, GPtrArray *notices, guint *held_out, GError **error)
{
  const char *reason = NULL;
  guint held = 0;

  await_answer(self);
  /* Also one that answered has nothing more to do. */
  bt_helper_clear(&self->helper);
  int group = self->reason == NULL
                ? bt_cgroup_open(self->place, self->init, self->unit, &reason)
                : -1;
  if (group >= 0) {
    held = bt_cgroup_check(self->place, group, &self->limits);
    open_counters(self, group, held);
    close(group);
    reason = _("the control group that systemd made lacks the controller");
  }
  if (self->reason == NULL)
    set_reason(self, reason);
  *held_out = self->held = held;
  if (self->limits.cpu != G_MAXUINT64 && (held & 1u << BT_LIMIT_CPU) == 0)
    return refuse_cpu(self, error);
  tell(self, held, notices);
  return TRUE;
}

guint
bt_scope_get_held(const BtScope *self)
{
  return self->held;
}

/* ---- when one strikes ---- */

static const char *
reason_of(BtLimit limit)
{
  return limit == BT_LIMIT_MEMORY ? N_("it ran out, and the kernel killed a process")
                                  : N_("there are as many as may be: one could not be made");
}

/* FALSE: the group is gone. */
static gboolean
look(BtScope *self, Counter *counter, const char *key)
{
  guint64 count;

  if (!bt_cgroup_read_count(counter->fd, key, &count))
    return FALSE;
  if (count <= counter->told)
    return TRUE;
  BtEvent *event = bt_event_new_limit(self->policy, counter->limit, reason_of(counter->limit));
  event->count = (guint)MIN(count - counter->told, G_MAXUINT);
  counter->told = count;
  counter->struck = TRUE;
  bt_explainer_add(self->explainer, event);
  return TRUE;
}

static gboolean
on_counted(int fd, GIOCondition condition, gpointer data)
{
  Counter *counter = data;
  gsize index = (gsize)(counter - counter->scope->counters);

  if (look(counter->scope, counter, counters[index].key))
    return G_SOURCE_CONTINUE;
  /* Such a file polls as ready for ever. */
  counter->source = 0;
  return G_SOURCE_REMOVE;
}

gboolean
bt_scope_watch(BtScope *self, BtExplainer *explainer, BtCpuTimeFunc out_of_time, gpointer data)
{
  self->explainer = explainer;
  for (gsize i = 0; i < G_N_ELEMENTS(counters); i++)
    if (self->counters[i].fd >= 0)
      self->counters[i].source =
        bt_watch_fd(self->counters[i].fd, G_IO_PRI, on_counted, &self->counters[i]);
  if (self->cpu_stat < 0)
    return TRUE;
  /* All there can be: a program may choose others than those that we were given. */
  long processors = sysconf(_SC_NPROCESSORS_CONF);
  self->cpu_time = bt_cpu_time_new(g_steal_fd(&self->cpu_stat), self->limits.cpu_time,
                                   (guint)MAX(processors, 1), out_of_time, data);
  return self->cpu_time != NULL;
}

gboolean
bt_scope_ran_out_of_memory(BtScope *self)
{
  gboolean struck = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS(counters); i++) {
    Counter *counter = &self->counters[i];
    if (counter->fd >= 0)
      look(self, counter, counters[i].key);
    struck |= counter->struck && counter->limit == BT_LIMIT_MEMORY;
  }
  return struck;
}

/* ---- life ---- */

void
bt_scope_free(BtScope *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS(counters); i++) {
    Counter *counter = &self->counters[i];
    bt_watch_clear(&counter->source);
    if (counter->fd >= 0)
      close(counter->fd);
  }
  g_clear_pointer(&self->cpu_time, bt_cpu_time_free);
  if (self->cpu_stat >= 0)
    close(self->cpu_stat);
  bt_helper_clear(&self->helper);
  if (self->fd >= 0)
    close(self->fd);
  g_free(self->unit);
  g_free(self->reason);
  g_free(self);
}
