/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: collects the policy, looks at the host once, and runs.
 */
#include "lib/bt-sandbox-private.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "lib/bt-account.h"
#include "lib/bt-capture-file.h"
#include "lib/bt-explain.h"
#include "lib/bt-helper-path.h"
#include "lib/bt-host-addrs.h"
#include "lib/bt-json-helper.h"
#include "lib/bt-no-sandbox.h"
#include "lib/bt-publish.h"
#include "lib/bt-root.h"
#include "lib/bt-scope.h"
#include "lib/bt-supervisor.h"
#include "lib/bt-terminal.h"
#include "lib/bt-write.h"
#include "wire/bt-net-msg.h"
#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-policy-environ.h"

/* HOME is the user's word for it; a service without one gets its record's. */
static char *
find_home(void)
{
  g_auto(BtAccount) account = BT_ACCOUNT_INIT;
  const char *home = g_getenv("HOME");

  if (home != NULL && home[0] == '/')
    return g_strdup(home);
  /* "/" would make a rule for ~ one for everything. */
  return bt_account_look_up(getuid(), &account) ? g_steal_pointer(&account.home)
                                                : g_strdup("/nonexistent");
}

BuntimeSandbox *
buntime_sandbox_new(void)
{
  BuntimeSandbox *self = g_new0(BuntimeSandbox, 1);
  self->policy = bt_policy_new();
  self->cwd = g_get_current_dir();
  self->home = find_home();
  self->worker = BT_WORKER_AUTO;
  self->net_mode = BT_PLAN_NET_AUTO;
  self->published = g_ptr_array_new_with_free_func((GDestroyNotify)bt_published_free);
  self->isolated = TRUE;
  self->status_fd = -1;
  return self;
}

void
buntime_sandbox_free(BuntimeSandbox *self)
{
  bt_policy_unref(self->policy);
  g_clear_pointer(&self->files, bt_policy_files_free);
  g_clear_pointer(&self->grants, g_ptr_array_unref);
  g_free(self->cwd);
  g_free(self->home);
  g_free(self->events);
  g_ptr_array_unref(self->published);
  g_free(self->capture);
  g_free(self);
}

/* In the order of BuntimePermission. */
static const struct {
  BtKind kind;
  const char *name;
} permissions[] = {
  { BT_KIND_NET, "net" }, { BT_KIND_READ, "read" }, { BT_KIND_WRITE, "write" },
  { BT_KIND_RUN, "run" }, { BT_KIND_ENV, "env" },   { BT_KIND_UNIX, "unix" },
  { BT_KIND_FFI, "ffi" }, { BT_KIND_SYS, "sys" },
};

gboolean
buntime_sandbox_add_permission(BuntimeSandbox *self, BuntimePermission permission, gboolean allow,
                               const char *items, GError **error)
{
  g_return_val_if_fail(permission < G_N_ELEMENTS(permissions), FALSE);
  g_autofree char *flag =
    g_strconcat(allow ? "--allow-" : "--deny-", permissions[permission].name, NULL);
  return bt_policy_add_flag(self->policy, BT_LAYER_FLAGS, permissions[permission].kind,
                            allow ? BT_ACTION_ALLOW : BT_ACTION_DENY, flag, items, self->cwd,
                            self->home, error);
}

void
buntime_sandbox_allow_all(BuntimeSandbox *self)
{
  bt_policy_add_everything(self->policy, BT_LAYER_FLAGS, "--allow-all");
}

gboolean
buntime_sandbox_set_limit(BuntimeSandbox *self, BuntimeLimit limit, const char *value,
                          GError **error)
{
  static const BtLimit limits[] = {
    [BUNTIME_LIMIT_MEMORY] = BT_LIMIT_MEMORY,
    [BUNTIME_LIMIT_CPU] = BT_LIMIT_CPU,
    [BUNTIME_LIMIT_PIDS] = BT_LIMIT_PIDS,
    [BUNTIME_LIMIT_WALL_TIME] = BT_LIMIT_WALL_TIME,
    [BUNTIME_LIMIT_CPU_TIME] = BT_LIMIT_CPU_TIME,
    [BUNTIME_LIMIT_OUTPUT] = BT_LIMIT_OUTPUT,
    [BUNTIME_LIMIT_TMP_SIZE] = BT_LIMIT_TMP_SIZE,
    [BUNTIME_LIMIT_SHM_SIZE] = BT_LIMIT_SHM_SIZE,
    [BUNTIME_LIMIT_OPEN_FILES] = BT_LIMIT_OPEN_FILES,
    [BUNTIME_LIMIT_NET_RATE] = BT_LIMIT_NET_RATE,
    [BUNTIME_LIMIT_NET_BYTES] = BT_LIMIT_NET_BYTES,
  };
  g_return_val_if_fail(limit < G_N_ELEMENTS(limits), FALSE);
  return bt_policy_add_limit(self->policy, BT_LAYER_FLAGS, limits[limit], value, error);
}

char *
bt_sandbox_config_folder(const BuntimeSandbox *self)
{
  const char *config = g_getenv("XDG_CONFIG_HOME");

  /* The XDG specification: relative values are to be ignored. */
  return config != NULL && config[0] == '/'
           ? g_build_filename(config, "buntime", NULL)
           : g_build_filename(self->home, ".config", "buntime", NULL);
}

GStrv
bt_sandbox_preset_folders(const BuntimeSandbox *self)
{
  g_autofree char *config = bt_sandbox_config_folder(self);
  char *const folders[] = { g_build_filename(config, "policies", NULL),
                            g_strdup("/etc/buntime/policies"), bt_data_path("policies"), NULL };
  return g_memdup2(folders, sizeof folders);
}

BtPolicyFiles *
bt_sandbox_files(BuntimeSandbox *self)
{
  if (self->files == NULL) {
    g_auto(GStrv) folders = bt_sandbox_preset_folders(self);
    self->files = bt_policy_files_new((const char *const *)folders, self->cwd, self->home);
    bt_policy_set_json_reader(bt_json_helper_read);
  }
  return self->files;
}

gboolean
buntime_sandbox_add_policy(BuntimeSandbox *self, const char *value, GError **error)
{
  return bt_policy_files_add(bt_sandbox_files(self), self->policy, value, error);
}

gboolean
buntime_sandbox_add_environment(BuntimeSandbox *self, GError **error)
{
  g_auto(GStrv) environment = g_get_environ();

  if (self->grants == NULL)
    self->grants = g_ptr_array_new_with_free_func(g_free);
  return bt_policy_add_environment(self->policy, bt_sandbox_files(self),
                                   (const char *const *)environment, self->cwd, self->home,
                                   self->grants, error);
}

char **
buntime_environment_list(void)
{
  g_auto(GStrv) names = g_listenv();
  GPtrArray *found = g_ptr_array_new();

  for (char **name = names; *name != NULL; name++)
    if (bt_policy_environ_is_own(*name))
      g_ptr_array_add(found, bt_text_neutralise(*name, -1));
  g_ptr_array_add(found, NULL);
  return (char **)g_ptr_array_free(found, FALSE);
}

void
buntime_sandbox_set_worker(BuntimeSandbox *self, BuntimeWorkerKind kind)
{
  static const BtWorkerKind kinds[] = {
    [BUNTIME_WORKER_AUTO] = BT_WORKER_AUTO,
    [BUNTIME_WORKER_PYTHON] = BT_WORKER_PYTHON,
    [BUNTIME_WORKER_BUN] = BT_WORKER_BUN,
    [BUNTIME_WORKER_EXEC] = BT_WORKER_EXEC,
  };
  g_return_if_fail(kind < G_N_ELEMENTS(kinds));
  self->worker = kinds[kind];
}

void
buntime_sandbox_set_net_backend(BuntimeSandbox *self, BuntimeNetBackend backend)
{
  static const BtPlanNetMode modes[] = {
    [BUNTIME_NET_AUTO] = BT_PLAN_NET_AUTO,
    [BUNTIME_NET_TAP] = BT_PLAN_NET_TAP,
    [BUNTIME_NET_VETH] = BT_PLAN_NET_VETH,
  };
  g_return_if_fail(backend < G_N_ELEMENTS(modes));
  self->net_mode = modes[backend];
}

static void
list_published(BuntimeSandbox *self, BtPlanPublished list_out[BT_NET_MSG_MAX_PUBLISHED])
{
  for (guint i = 0; i < self->published->len; i++) {
    const BtPublished *published = g_ptr_array_index(self->published, i);
    list_out[i] = (BtPlanPublished){ published->inner, published->origin.text };
  }
}

gboolean
buntime_sandbox_publish(BuntimeSandbox *self, const char *port, GError **error)
{
  BtPublished *published = bt_published_parse(port, error);

  if (published == NULL)
    return FALSE;
  if (self->published->len < BT_NET_MSG_MAX_PUBLISHED) {
    g_ptr_array_add(self->published, published);
    return TRUE;
  }
  bt_fail(error, BUNTIME_ERROR_USAGE, published->origin.text, _("more than 16 published ports"),
          NULL);
  bt_published_free(published);
  return FALSE;
}

void
buntime_sandbox_set_quiet(BuntimeSandbox *self, gboolean quiet)
{
  self->quiet = quiet;
}

gboolean
buntime_sandbox_set_events(BuntimeSandbox *self, const char *where, GError **error)
{
  if (self->events != NULL && strcmp(self->events, where) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, where, _("the events go to another place already"),
                   _("give one of --events and --audit=FILE"));
  g_free(self->events);
  self->events = g_strdup(where);
  return TRUE;
}

gboolean
buntime_sandbox_set_capture(BuntimeSandbox *self, const char *file, GError **error)
{
  if (self->capture != NULL && strcmp(self->capture, file) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, file, _("packets go to another file already"),
                   _("give --pcap once"));
  g_free(self->capture);
  self->capture = g_strdup(file);
  return TRUE;
}

void
buntime_sandbox_set_audit(BuntimeSandbox *self)
{
  bt_policy_add_audit(self->policy, BT_AUDIT_ALL);
}

void
buntime_sandbox_set_isolated(BuntimeSandbox *self, gboolean isolated)
{
  self->isolated = isolated;
}

void
buntime_sandbox_set_status_fd(BuntimeSandbox *self, int fd)
{
  self->status_fd = fd;
  /* The worker must not write our status. */
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void
tell_notices(BtExplainer *explainer, GPtrArray *notices)
{
  for (guint i = 0; i < notices->len; i++)
    bt_explainer_note(explainer, g_ptr_array_index(notices, i));
}

/* Even if quiet: the caller may not know what is in its environment. */
static void
announce_grants(const BuntimeSandbox *self)
{
  for (guint i = 0; self->grants != NULL && i < self->grants->len; i++) {
    g_autofree char *text = g_strdup_printf(_("buntime: permissions from the environment: %s\n"),
                                            (char *)g_ptr_array_index(self->grants, i));
    (void)!bt_write_quietly(STDERR_FILENO, text, strlen(text));
  }
}

static guint64
host_memory(void)
{
  struct sysinfo info;
  return sysinfo(&info) == 0 ? (guint64)info.totalram * info.mem_unit : 0;
}

gboolean
bt_sandbox_settle_policy(BuntimeSandbox *self, GPtrArray *notices, GError **error)
{
  g_autofree char *config = bt_sandbox_config_folder(self);

  bt_policy_files_guard(bt_sandbox_files(self), self->policy, config);
  return bt_policy_resolve(self->policy, g_getenv("PATH"), notices, error) &&
         bt_policy_files_check_links(self->files, self->policy, config, notices, error);
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
has_silent_refusals(BuntimeSandbox *self)
{
  return (bt_policy_get_audit(self->policy) & BT_AUDIT_OPENAT) == 0 &&
         bt_policy_check_path(self->policy, "/", BT_FS_READ).action == BT_ACTION_DENY;
}

static void
tell_outcome(BtExplainer *explainer, const char *entry, const BtOutcome *outcome,
             const GError *failure)
{
  BtEvent *event = bt_event_new_state(failure == NULL ? "exited" : "failed");

  event->object = g_strdup(entry);
  if (failure == NULL)
    event->exit_status = outcome->exit_status;
  else
    event->reason = g_strdup(failure->message);
  bt_explainer_add(explainer, event);
}

/* Before the program runs: what cannot be had is an error. */
static gboolean
open_published(BuntimeSandbox *self, gboolean flat, GError **error)
{
  for (guint i = 0; i < self->published->len; i++) {
    BtPublished *published = g_ptr_array_index(self->published, i);
    if (flat)
      return bt_fail(error, BUNTIME_ERROR_SETUP, published->origin.text,
                     _("without namespaces there is no network"), _("leave namespaces on"));
    if (!bt_published_listen(published, error))
      return FALSE;
  }
  return TRUE;
}

/* "w.py-4711": tells runs apart that write to one place. */
static gboolean
open_events(BuntimeSandbox *self, const char *entry, BtExplainer *explainer, GError **error)
{
  g_autofree char *name = g_path_get_basename(entry);
  g_autofree char *worker = g_strdup_printf("%s-%d", name, (int)getpid());

  bt_explainer_set_audit(explainer, bt_policy_get_audit(self->policy) != 0);
  if (self->events == NULL)
    return TRUE;
  int fd = bt_event_place_open(self->events, self->policy, error);
  if (fd < 0)
    return FALSE;
  bt_explainer_set_stream(explainer, bt_event_stream_new(fd, worker));
  return TRUE;
}

static void
close_capture(int *fd)
{
  if (*fd >= 0)
    close(*fd);
}

static gboolean
open_capture(BuntimeSandbox *self, int *fd_out, GError **error)
{
  if (self->capture != NULL)
    *fd_out = bt_capture_file_open(self->capture, self->policy, error);
  return self->capture == NULL || *fd_out >= 0;
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

/* Why a program may have failed. */
static void
tell_hints(BuntimeSandbox *self, const BtPlan *plan, BtExplainer *explainer)
{
  if (plan->unseen_siblings)
    bt_explainer_note(explainer, _("the program saw nothing else of its directory; "
                                   "--allow-read=DIR shows it"));
  if (plan->silent_limits != NULL)
    tell_silent_limits(explainer, plan->silent_limits);
  if (has_silent_refusals(self))
    bt_explainer_note(explainer, _("run it again with --audit to see which reads were refused"));
}

/* NULL: nothing comes between the program and the caller's stdout. */
static BtOutput *
output_of(BtPolicy *policy)
{
  guint64 limit;
  return bt_policy_get_limit(policy, BT_LIMIT_OUTPUT, &limit, NULL) ? bt_output_new(limit) : NULL;
}

/* Init inherits 0-2. */
static gboolean
begin(const BtCaller *caller, gboolean flat, BtOutput *output, BtLaunch *launch_out, GError **error)
{
  if (output != NULL && !bt_output_divert(output, error)) {
    bt_output_restore(output);
    return FALSE;
  }
  gboolean ok = bt_launch_begin(caller->uid, caller->gid, flat, launch_out, error);
  if (output != NULL)
    bt_output_restore(output);
  return ok;
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

/* Starts init, resolves, compiles and supervises; everything after the caller is known. */
static gboolean
run_as(BuntimeSandbox *self, const BtCaller *caller, const char *entry, const char *const *args,
       BtExplainer *explainer, BtTerminal *terminal, BtOutcome *outcome_out, GError **error)
{
  g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(BtPlan) plan = NULL;
  g_autoptr(BtScope) scope = NULL;
  g_autoptr(BtGuard) guard = NULL;
  g_auto(GStrv) environment = g_get_environ();
  g_autoptr(BtOutput) output = output_of(self->policy);
  g_auto(BtLaunch) launch = BT_LAUNCH_INIT;
  __attribute__((cleanup(close_capture))) int capture_fd = -1;
  BtPlanPublished published[BT_NET_MSG_MAX_PUBLISHED];
  guint cgroup_limits = 0;

  gboolean flat = (bt_policy_get_plugins(self->policy, NULL) & BT_PLUGIN_NAMESPACES) == 0;
  /* Init inherits 0-2, so that events on stdout must have theirs before. */
  gboolean early = self->events == NULL;
  /* First, so that it starts while the plan is made. */
  if (early && !begin(caller, flat, output, &launch, error))
    return FALSE;
  g_autofree char *config = bt_sandbox_config_folder(self);
  gboolean configured = g_file_test(config, G_FILE_TEST_EXISTS);
  if (!bt_sandbox_settle_policy(self, notices, error) ||
      !open_events(self, entry, explainer, error) || !open_capture(self, &capture_fd, error))
    return FALSE;
  if (!early && !begin(caller, flat, output, &launch, error))
    return FALSE;
  scope = bt_scope_start(self->policy, launch.init.pid, &bt_cgroup_host);
  if (scope != NULL && !bt_scope_settle(scope, notices, &cgroup_limits, error))
    return FALSE;
  list_published(self, published);
  BtPlanRequest request = {
    .policy = self->policy,
    .worker = self->worker,
    .entry = entry,
    .args = args,
    .cwd = self->cwd,
    .home = caller->home != NULL ? caller->home : self->home,
    .user_name = caller->name,
    .environment = (const char *const *)environment,
    .host_name = g_get_host_name(),
    .host_memory = host_memory(),
    .uid = caller->uid,
    .gid = caller->gid,
    .entry_bytes = caller->entry_bytes,
    .net_mode = self->net_mode,
    .published = published,
    .n_published = self->published->len,
    .ipv6 = bt_policy_grants_net(self->policy) && bt_host_has_ipv6(),
    .cgroup_limits = cgroup_limits,
    /* Descriptors 1 and 2 are pipes then. */
    .terminal_fd = output == NULL || terminal->fd == 0 ? terminal->fd : -1,
  };
  plan = bt_plan_compile(&request, error);
  if (plan == NULL)
    return FALSE;
  guard = bt_guard_new(plan->denied, notices);
  if (!open_published(self, flat, error))
    return FALSE;
  tell_notices(explainer, notices);
  tell_notices(explainer, plan->notices);
  tell_environment(explainer, &request);

  BtRun run = {
    .policy = self->policy,
    .plan = plan,
    .explainer = explainer,
    .entry = entry,
    .scope = scope,
    .output = output,
    .guard = guard,
    .published = self->published,
    .capture_fd = capture_fd,
  };
  if (capture_fd >= 0 && !plan->network)
    bt_explainer_note(explainer, _("--pcap records no packets: no network is granted"));
  if (!bt_supervise(&run, &launch, outcome_out, error))
    return FALSE;
  if (scope != NULL)
    look_for_lack_of_memory(scope, outcome_out);
  if (!configured)
    tell_of_made_config(explainer, config);
  /* What ended at a limit has said why. */
  if (outcome_out->exit_status != 0 && outcome_out->limit < 0)
    tell_hints(self, plan, explainer);
  return TRUE;
}

static void
report_status(const BuntimeSandbox *self, const BtOutcome *outcome)
{
  g_autofree char *limit = outcome->limit >= 0
                             ? g_strdup_printf(",\"limit\":\"%s\"", bt_limit_key(outcome->limit))
                             : NULL;
  g_autofree char *line = NULL;

  if (self->status_fd < 0)
    return;
  line = g_strdup_printf("{\"v\":1,\"started\":%s,\"exit\":%d%s}\n",
                         outcome->started ? "true" : "false", outcome->exit_status,
                         limit != NULL ? limit : "");
  /* Who asked for it and has gone does not change how the run ended. */
  (void)!bt_write_quietly(self->status_fd, line, strlen(line));
}

/* It would be wishes that nobody hears. */
static gboolean
check_unlimited(BtPolicy *policy, GError **error)
{
  for (guint i = 0; i < BT_N_LIMITS; i++) {
    const BtOrigin *origin;
    guint64 value;
    if (!bt_policy_get_limit(policy, i, &value, &origin))
      continue;
    g_autofree char *object = bt_origin_format(origin);
    return bt_fail(error, BUNTIME_ERROR_SETUP, object, _("nobody applies it without a sandbox"),
                   _("leave out the limit or --no-sandbox"));
  }
  return TRUE;
}

static gboolean
run_bare(BuntimeSandbox *self, const char *entry, const char *const *args, GError **error)
{
  g_auto(GStrv) environment = g_get_environ();
  BtPlanRequest request = {
    .policy = self->policy,
    .worker = self->worker,
    .entry = entry,
    .args = args,
    .cwd = self->cwd,
    .home = self->home,
    .environment = (const char *const *)environment,
    .terminal_fd = -1,
  };

  /* It would be this process that ended, and nobody left to report. */
  if (self->status_fd >= 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("the outcome cannot be reported without a sandbox"),
                   _("leave --json-status-fd out"));
  if (self->events != NULL || bt_policy_get_audit(self->policy) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("nobody could report events without a sandbox"),
                   _("leave --events and audit out"));
  if (self->published->len > 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("without a sandbox the program's ports are this machine's already"),
                   _("leave --publish out"));
  if (self->capture != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("nobody could record packets without a sandbox"), _("leave --pcap out"));
  return check_unlimited(self->policy, error) && bt_run_without_sandbox(&request, error);
}

gboolean
buntime_sandbox_run(BuntimeSandbox *self, const char *entry, const char *const *args,
                    int *exit_status_out, GError **error)
{
  g_autoptr(BtExplainer) explainer = bt_explainer_new(STDERR_FILENO, self->quiet);
  g_auto(BtCaller) caller = BT_CALLER_INIT;
  g_autoptr(GError) failure = NULL;
  BtOutcome outcome = BT_OUTCOME_INIT;
  BtTerminal terminal;

  if (strcmp(entry, "-") == 0 && self->files != NULL && bt_policy_files_used_stdin(self->files))
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--policy=-",
                   _("standard input cannot be both the policy and the program"),
                   _("put one of them into a file"));
  if (!self->isolated)
    return run_bare(self, entry, args, error);
  announce_grants(self);
  bt_terminal_save(&terminal);
  gboolean ok =
    bt_caller_settle(entry, &caller, explainer, &failure) &&
    run_as(self, &caller, entry, args, explainer, &terminal, &outcome, &failure);
  bt_terminal_restore(&terminal);
  if (!ok)
    outcome.exit_status = buntime_error_exit_status(failure);
  report_status(self, &outcome);
  tell_outcome(explainer, entry, &outcome, failure);
  *exit_status_out = outcome.exit_status;
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&failure));
  return ok;
}
