/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-session.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bt-capture-file.h"
#include "lib/bt-check.h"
#include "lib/bt-helper-path.h"
#include "lib/bt-host-addrs.h"
#include "lib/bt-publish.h"
#include "lib/bt-sandbox-private.h"
#include "lib/bt-scope.h"
#include "lib/buntime-cure.h"
#include "policy/bt-event.h"
#include "wire/bt-net-msg.h"

struct _BtSession {
  BtSessionSetup setup;
  BtPolicy *policy; /* the launcher's as it is now; settled in begin */
  GStrv environment;
  BtOutput *output; /* NULL: stdout and stderr are the worker's own */
  BtLaunch launch;
  GPtrArray *notices; /* char * */
  gboolean fell_back; /* to the weaker tier, which nobody chose */
  char *clients; /* NULL: the worker has no channel */
  char *config;
  gboolean configured; /* there was such a folder before */
  BtScope *scope;      /* NULL: no control group was wanted */
  BtPlan *plan;
  BtGuard *guard; /* NULL: nothing to watch */
  int capture_fd; /* -1: none */
  BtRun run;
  BtSupervisor *supervisor; /* from start to finish */
};

static gboolean
is_flat(BtPolicy *policy)
{
  return (bt_policy_get_plugins(policy) & BT_PLUGIN_NAMESPACES) == 0;
}

static void
tell_notices(BtExplainer *explainer, GPtrArray *notices,
             void (*say)(BtExplainer *explainer, const char *text))
{
  for (guint i = 0; i < notices->len; i++)
    say(explainer, g_ptr_array_index(notices, i));
}

static guint64
host_memory(void)
{
  struct sysinfo info;
  return sysinfo(&info) == 0 ? (guint64)info.totalram * info.mem_unit : 0;
}

/* Nothing can guard a folder that is not there yet; the next run would take policies from it. */
static void
tell_of_made_config(BtExplainer *explainer, const char *config)
{
  if (!g_file_test(config, G_FILE_TEST_EXISTS))
    return;
  g_autofree char *safe = bt_text_neutralise(config, -1);
  g_autofree char *note = g_strdup_printf(
    _("the program made %s, where buntime looks for policies: look at it before the next run"),
    safe);
  bt_explainer_note(explainer, note);
}

/* Only where something could have been refused without a word. */
static gboolean
has_silent_refusals(BtPolicy *policy)
{
  return (bt_policy_get_audit(policy) & BT_AUDIT_OPENAT) == 0 &&
         bt_policy_check_path(policy, "/", BT_FS_READ).action == BT_ACTION_DENY;
}

/* Before the program runs: what cannot be had is an error. */
static gboolean
open_published(const BuntimeSandbox *self, gboolean flat, GError **error)
{
  for (guint i = 0; i < self->published->len; i++) {
    BtPublished *published = g_ptr_array_index(self->published, i);
    if (flat)
      return bt_fail(error, BUNTIME_ERROR_SETUP, published->origin.text,
                     _("without namespaces nobody can listen"), _("leave namespaces on"));
    if (!bt_published_listen(published, error))
      return FALSE;
  }
  return TRUE;
}

/* "w.py-4711": tells runs apart that write to one place. */
static gboolean
open_events(BtSession *self, GError **error)
{
  const char *entry = self->setup.entry, *place = self->setup.sandbox->events;
  BtExplainer *explainer = self->setup.explainer;
  g_autofree char *name = g_path_get_basename(entry);
  g_autofree char *worker = g_strdup_printf("%s-%d", name, (int)getpid());

  bt_explainer_set_audit(explainer, bt_policy_get_audit(self->policy) != 0);
  if (place == NULL)
    return TRUE;
  int fd = bt_event_place_open(place, self->policy, error);
  if (fd < 0)
    return FALSE;
  bt_explainer_set_stream(explainer, bt_event_stream_new(fd, worker));
  return TRUE;
}

static gboolean
open_capture(BtSession *self, GError **error)
{
  const char *file = self->setup.sandbox->capture;

  if (file != NULL && is_flat(self->setup.sandbox->policy->rules))
    return bt_fail(error, BUNTIME_ERROR_POLICY, "--pcap", _("without namespaces no packets are seen"),
                   _("leave it out, or leave namespaces on"));
  if (file != NULL)
    self->capture_fd = bt_capture_file_open(file, self->policy, error);
  return file == NULL || self->capture_fd >= 0;
}

/* Nobody sees a program read a variable; under audit it is told which were handed to it. */
static void
tell_environment(BtExplainer *explainer, const BtPlanRequest *request)
{
  if ((bt_policy_get_audit(request->policy) & BT_AUDIT_EXECVE) == 0)
    return;
  for (const char *const *entry = request->environment; *entry != NULL; entry++) {
    g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));
    if (bt_plan_env_fate(request, name) != BT_ENV_PASSED)
      continue;
    BtEvent *event = bt_event_new(BT_EVENT_ENV, BT_ACTION_ALLOW);
    bt_event_set_rule(event, bt_policy_check_env(request->policy, name).origin);
    event->object = g_steal_pointer(&name);
    bt_explainer_add(explainer, event);
  }
}

/* What a program says of a limit is often only that it failed. */
static void
tell_silent_limits(BtExplainer *explainer, const char *limits)
{
  g_autofree char *safe = bt_text_neutralise(limits, -1);
  g_autofree char *note =
    g_strdup_printf(_("it may have reached one of %s: only the program is told of that"), safe);
  bt_explainer_note(explainer, note);
}

/* A hidden neighbour is the usual reason why a program that worked outside fails. */
static gboolean
has_unseen_siblings(const BtPlan *plan)
{
  GDir *entries = plan->hidden_folder != NULL ? g_dir_open(plan->hidden_folder, 0, NULL) : NULL;
  if (entries == NULL)
    return FALSE;
  gboolean more = g_dir_read_name(entries) != NULL && g_dir_read_name(entries) != NULL;
  g_dir_close(entries);
  return more;
}

static void
tell_unseen_siblings(BtExplainer *explainer, const char *folder, gboolean flat)
{
  /* "*": as a grant, /tmp itself is the program's own. */
  g_autofree char *flag = flat ? bt_suggest_flat_path(BT_KIND_READ, folder)
                          : strcmp(folder, "/tmp") == 0
                            ? g_strdup("--allow-read='/tmp/*'")
                            : bt_suggest_path(BT_KIND_READ, folder);

  if (flag == NULL)
    return;
  g_autofree char *note =
    g_strdup_printf(_("the program saw nothing else of its directory; %s shows it"), flag);
  bt_explainer_note(explainer, note);
}

/* Why a program may have failed. */
static void
tell_hints(BtSession *self)
{
  BtExplainer *explainer = self->setup.explainer;
  const BtPlan *plan = self->plan;

  if (has_unseen_siblings(plan))
    tell_unseen_siblings(explainer, plan->hidden_folder, is_flat(self->policy));
  if (plan->silent_limits != NULL)
    tell_silent_limits(explainer, plan->silent_limits);
  if (has_silent_refusals(self->policy))
    bt_explainer_note(explainer, _("run it again with --audit to see which reads were refused"));
}

/* NULL: nothing comes between the program and the caller's stdout. */
static BtOutput *
output_of(BtPolicy *policy)
{
  guint64 limit;
  return bt_policy_get_limit(policy, BT_LIMIT_OUTPUT, &limit, NULL) ? bt_output_new(limit) : NULL;
}

/* Inside Flatpak the weaker tier is what there is, unless somebody chose: announced, even if quiet. */
static void
fall_back(BtSession *self)
{
  char source[] = BT_SOURCE_SELF, text[] = "Flatpak, in which no namespace can be made";
  const BtOrigin origin = { source, 0, text };

  self->fell_back = TRUE;
  bt_policy_set_weaker_tier(self->setup.sandbox->policy->rules, &origin);
  if (self->policy != NULL)
    bt_policy_set_weaker_tier(self->policy, &origin);
}

static gboolean
launch(BtSession *self, const BtWorkerFds *fds, GError **error)
{
  const BtCaller *caller = self->setup.caller;
  const BuntimePolicy *policy = self->setup.sandbox->policy;
  GError *failure = NULL;

  if (bt_launch_begin(caller->uid, caller->gid, is_flat(policy->rules), fds, &self->launch, &failure))
    return TRUE;
  if (is_flat(policy->rules) || policy->tier_chosen || !bt_is_in_flatpak()) {
    g_propagate_error(error, failure);
    return FALSE;
  }
  g_error_free(failure);
  fall_back(self);
  return bt_launch_begin(caller->uid, caller->gid, TRUE, fds, &self->launch, error);
}

/* Init gets its stdio now. */
static gboolean
begin(BtSession *self, GError **error)
{
  BtWorkerFds fds = self->setup.fds;

  if (self->output != NULL && !bt_output_divert(self->output, fds.stdio, error))
    return FALSE;
  gboolean ok = launch(self, &fds, error);
  if (self->output != NULL)
    bt_output_close_worker_ends(self->output);
  return ok;
}

static void
list_published(const BuntimeSandbox *self, BtPlanPublished list_out[BT_NET_MSG_MAX_PUBLISHED])
{
  for (guint i = 0; i < self->published->len; i++) {
    const BtPublished *published = g_ptr_array_index(self->published, i);
    list_out[i] = (BtPlanPublished){ published->inner, published->origin.text };
  }
}

/* Are all packets to pass buntime-net: asked for, recorded, or told of as flows (bt-net-peer.c)? */
static gboolean
sees_packets(const BtSessionSetup *setup, BtPolicy *policy)
{
  const BuntimeSandbox *sandbox = setup->sandbox;
  gboolean told = sandbox->events != NULL || bt_explainer_has_stream(setup->explainer);

  return sandbox->packets_only || sandbox->capture != NULL ||
         (told && (bt_policy_get_audit(policy) & BT_AUDIT_CONNECT) != 0);
}

static const char *
home_of(const BtSessionSetup *setup)
{
  return setup->caller->home != NULL ? setup->caller->home : setup->sandbox->policy->home;
}

/*
 * Is one of them a socket?  It is of the host's network, where the worker could give it a name:
 * so it gets one that the kernel chooses, unless it has one.
 */
static gboolean
name_sockets(const int stdio[3])
{
  const struct sockaddr_un any = { .sun_family = AF_UNIX };
  gboolean found = FALSE;
  struct stat info;

  for (int i = 0; i < 3; i++) {
    if (stdio[i] < 0 || fstat(stdio[i], &info) != 0 || !S_ISSOCK(info.st_mode))
      continue;
    (void)!bind(stdio[i], (const struct sockaddr *)&any, sizeof any.sun_family);
    found = TRUE;
  }
  return found;
}

/* Is one of them a file of the host's that is there to be read? */
static gboolean
reads_files(const int stdio[3])
{
  struct stat info;

  for (int i = 0; i < 3; i++)
    if (stdio[i] >= 0 && fstat(stdio[i], &info) == 0 && S_ISREG(info.st_mode) &&
        (fcntl(stdio[i], F_GETFL) & O_ACCMODE) == O_RDONLY)
      return TRUE;
  return FALSE;
}

static gboolean
compile(BtSession *self, guint cgroup_limits, GError **error)
{
  const BtSessionSetup *setup = &self->setup;
  const BuntimeSandbox *sandbox = setup->sandbox;
  const BuntimePolicy *settings = sandbox->policy;
  BtPlanPublished published[BT_NET_MSG_MAX_PUBLISHED];
  list_published(sandbox, published);
  if (setup->fds.channel[0] >= 0 && (self->clients = bt_clients_path(error)) == NULL)
    return FALSE;
  BtPlanRequest request = {
    .policy = self->policy,
    .worker = sandbox->worker,
    .entry = setup->entry,
    .harness = setup->harness,
    .args = setup->args,
    .cwd = settings->cwd,
    .home = home_of(setup),
    .user_name = setup->caller->name,
    .environment = (const char *const *)self->environment,
    .host_name = g_get_host_name(),
    .host_memory = host_memory(),
    .uid = setup->caller->uid,
    .gid = setup->caller->gid,
    .entry_bytes = setup->caller->entry_bytes,
    .net_mode = sandbox->net_mode,
    .fast_path = !sees_packets(setup, self->policy),
    .published = published,
    .n_published = sandbox->published->len,
    .ipv6 = bt_policy_grants_net(self->policy) && bt_host_has_ipv6(),
    .cgroup_limits = cgroup_limits,
    .channel = setup->fds.channel[0] >= 0,
    .sockets = name_sockets(setup->fds.stdio),
    .files = reads_files(setup->fds.stdio),
    .clients = self->clients,
    /* Descriptors 1 and 2 are pipes then. */
    .terminal_fd =
      self->output == NULL || setup->terminal_fd == 0 ? setup->terminal_fd : -1,
  };

  if (sandbox->packets_only && is_flat(self->policy))
    return bt_fail(error, BUNTIME_ERROR_POLICY, "--net", _("without namespaces there are no packets"),
                   _("leave it out, or leave namespaces on"));
  self->plan = bt_plan_compile(&request, error);
  if (self->plan == NULL)
    return FALSE;
  self->guard = bt_guard_new(self->plan->denied, self->notices);
  if (!open_published(sandbox, is_flat(self->policy), error))
    return FALSE;
  tell_notices(setup->explainer, self->notices, bt_explainer_note);
  tell_notices(setup->explainer, self->plan->notices,
               self->fell_back ? bt_explainer_insist : bt_explainer_note);
  tell_environment(setup->explainer, &request);
  if (self->capture_fd >= 0 && !self->plan->network)
    bt_explainer_note(setup->explainer, _("--pcap records no packets: no network is granted"));
  return TRUE;
}

static gboolean
start_launch(BtSession *self, GError **error)
{
  const BtSessionSetup *setup = &self->setup;
  BuntimeSandbox *sandbox = setup->sandbox;
  /* Events on stdout take it from the worker, so that they must have it before. */
  gboolean early = sandbox->events == NULL;

  /* First, so that it starts while the plan is made. */
  if (early && !begin(self, error))
    return FALSE;
  self->config = bt_policy_object_config_folder(sandbox->policy);
  self->configured = g_file_test(self->config, G_FILE_TEST_EXISTS);
  self->policy = bt_policy_object_settle(sandbox->policy, self->notices, error);
  if (self->policy == NULL || !open_events(self, error) || !open_capture(self, error))
    return FALSE;
  if (!early && !begin(self, error))
    return FALSE;
  /* Only what lives can be put into a control group. */
  if (bt_scope_is_wanted(self->policy) && !bt_launch_await(&self->launch, error))
    return FALSE;
  self->scope = bt_scope_start(self->policy, self->launch.init.pid, &bt_cgroup_host);
  return TRUE;
}

int
bt_session_get_wait(const BtSession *self, guint *ms_out)
{
  *ms_out = 0;
  return self->scope != NULL ? bt_scope_get_wait(self->scope, ms_out) : -1;
}

gboolean
bt_session_settle(BtSession *self, GError **error)
{
  guint cgroup_limits = 0;

  if (self->scope != NULL && !bt_scope_settle(self->scope, self->notices, &cgroup_limits, error))
    return FALSE;
  return compile(self, cgroup_limits, error);
}

BtSession *
bt_session_begin(const BtSessionSetup *setup, GError **error)
{
  BtSession *self = g_new0(BtSession, 1);

  self->setup = *setup;
  self->environment =
    setup->environment != NULL ? g_strdupv((GStrv)setup->environment) : g_get_environ();
  self->output = output_of(setup->sandbox->policy->rules);
  self->launch = BT_LAUNCH_INIT;
  self->notices = g_ptr_array_new_with_free_func(g_free);
  self->capture_fd = -1;
  if (start_launch(self, error))
    return self;
  bt_session_free(self);
  return NULL;
}

BtSession *
bt_session_prepare(const BtSessionSetup *setup, GError **error)
{
  g_autoptr(BtSession) self = bt_session_begin(setup, error);
  return self != NULL && bt_session_settle(self, error) ? g_steal_pointer(&self) : NULL;
}

gboolean
bt_session_start(BtSession *self, BtSupervisorFunc func, gpointer data, GError **error)
{
  self->run = (BtRun){
    .policy = self->policy,
    .plan = self->plan,
    .explainer = self->setup.explainer,
    .entry = self->setup.entry,
    .foreground = self->setup.foreground,
    .scope = self->scope,
    .output = self->output,
    .guard = self->guard,
    .published = self->setup.sandbox->published,
    .capture_fd = self->capture_fd,
    .started = self->setup.started,
  };
  self->supervisor = bt_supervisor_new(&self->run, &self->launch, func, data, error);
  return self->supervisor != NULL;
}

BtSupervisor *
bt_session_get_supervisor(BtSession *self)
{
  return self->supervisor;
}

BtAction
bt_session_ask(BtSession *self, const BtQuestion *question)
{
  const BtCheckFacts facts = {
    .policy = self->policy,
    .places = self->plan->places,
    .cwd = self->setup.sandbox->policy->cwd,
    .home = home_of(&self->setup),
  };
  /* A run without a channel, whom nobody asks, keeps none. */
  return facts.places != NULL
           ? bt_check_question(&facts, question->kind, question->folder, question->value)
           : BT_ACTION_DENY;
}

/*
 * The kernel counts whom it killed for lack of memory, and does not say who it
 * was; systemd ends the rest of the scope then, by SIGTERM.
 */
static void
look_for_lack_of_memory(BtScope *scope, BtOutcome *outcome)
{
  if (bt_scope_ran_out_of_memory(scope) && outcome->limit < 0 &&
      (outcome->exit_status == 128 + SIGKILL || outcome->exit_status == 128 + SIGTERM))
    outcome->limit = BT_LIMIT_MEMORY;
}

gboolean
bt_session_finish(BtSession *self, BtOutcome *outcome_out, GError **error)
{
  BtExplainer *explainer = self->setup.explainer;

  if (!bt_supervisor_free(g_steal_pointer(&self->supervisor), outcome_out, error))
    return FALSE;
  if (self->scope != NULL)
    look_for_lack_of_memory(self->scope, outcome_out);
  if (!self->configured)
    tell_of_made_config(explainer, self->config);
  /* What ended at a limit has said why. */
  if (outcome_out->exit_status != 0 && outcome_out->limit < 0)
    tell_hints(self);
  return TRUE;
}

void
bt_session_tell_exit(BtExplainer *explainer, const char *entry, const BtOutcome *outcome)
{
  BtEvent *event = bt_event_new_state("exited");

  event->object = g_strdup(entry);
  event->exit_status = outcome->exit_status;
  event->counted = outcome->counted;
  event->flows = outcome->counts.flows;
  event->bytes_out = outcome->counts.bytes_out;
  event->bytes_in = outcome->counts.bytes_in;
  event->dropped = outcome->counts.dropped;
  event->queries = outcome->counts.queries;
  bt_explainer_add(explainer, event);
}

void
bt_session_free(BtSession *self)
{
  BtOutcome unused;

  if (self->supervisor != NULL)
    bt_supervisor_free(self->supervisor, &unused, NULL);
  bt_launch_clear(&self->launch);
  g_clear_pointer(&self->output, bt_output_free);
  g_clear_pointer(&self->guard, bt_guard_free);
  g_clear_pointer(&self->scope, bt_scope_free);
  g_clear_pointer(&self->plan, bt_plan_free);
  g_clear_pointer(&self->policy, bt_policy_unref);
  g_ptr_array_unref(self->notices);
  g_free(self->clients);
  g_free(self->config);
  g_strfreev(self->environment);
  if (self->capture_fd >= 0)
    close(self->capture_fd);
  g_free(self);
}
