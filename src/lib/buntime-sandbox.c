/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: collects the policy, looks at the host once, and runs.
 */
#include "lib/buntime.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "lib/bt-account.h"
#include "lib/bt-explain.h"
#include "lib/bt-json-helper.h"
#include "lib/bt-no-sandbox.h"
#include "lib/bt-root.h"
#include "lib/bt-supervisor.h"
#include "lib/bt-terminal.h"
#include "lib/bt-write.h"
#include "plan/bt-plan-compile.h"
#include "policy/bt-json.h"
#include "policy/bt-policy.h"

#define MAX_POLICY_BYTES (1u << 20)

struct _BuntimeSandbox {
  BtPolicy *policy;
  char *cwd;
  char *home;
  BtWorkerKind worker;
  BtPlanNetMode net_mode;
  gboolean quiet;
  gboolean isolated;
  int status_fd; /* -1: none */
};

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
  self->isolated = TRUE;
  self->status_fd = -1;
  return self;
}

void
buntime_sandbox_free(BuntimeSandbox *self)
{
  bt_policy_unref(self->policy);
  g_free(self->cwd);
  g_free(self->home);
  g_free(self);
}

/* In the order of BuntimePermission. */
static const struct {
  BtKind kind;
  const char *name;
} permissions[] = {
  { BT_KIND_NET, "net" }, { BT_KIND_READ, "read" }, { BT_KIND_WRITE, "write" },
  { BT_KIND_RUN, "run" }, { BT_KIND_ENV, "env" },   { BT_KIND_UNIX, "unix" },
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

static GBytes *
read_policy_file(const char *path, GError **error)
{
  struct stat info;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    bt_fail(error, BUNTIME_ERROR_POLICY, path,
            fd < 0 ? g_strerror(errno) : _("not a regular file"),
            _("give the path of a policy file"));
    if (fd >= 0)
      close(fd);
    return NULL;
  }
  /* One byte more than is allowed, so that the reader sees a file that is too large. */
  gsize room = MAX_POLICY_BYTES + 1;
  g_autofree char *bytes = g_malloc(room);
  gsize have = 0;
  gssize got;
  while (have < room && (got = read(fd, bytes + have, room - have)) > 0)
    have += got;
  close(fd);
  return g_bytes_new(bytes, have);
}

/* A worker that may write around here must not rewrite its next run's policy. */
static gboolean
protect_policy_file(BuntimeSandbox *self, const char *path, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(path, ",", -1);
  g_autofree char *item = g_strjoinv(",,", parts);
  return bt_policy_add_flag(self->policy, BT_LAYER_FLAGS, BT_KIND_WRITE, BT_ACTION_DENY,
                            "--policy", item, self->cwd, self->home, error);
}

gboolean
buntime_sandbox_add_policy(BuntimeSandbox *self, const char *value, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr(GBytes) bytes = NULL;

  /* Anything else is a preset's name, never looked up in the current directory. */
  if (strchr(value, '/') == NULL && !g_str_has_suffix(value, ".json"))
    return bt_fail(error, BUNTIME_ERROR_POLICY, value, _("presets are not part of buntime yet"),
                   _("give a path with a slash or ending in .json"));
  path = g_path_is_absolute(value) ? g_strdup(value) : g_build_filename(self->cwd, value, NULL);
  bytes = read_policy_file(path, error);
  if (bytes == NULL)
    return FALSE;
  bt_policy_set_json_reader(bt_json_helper_read);
  return bt_policy_add_json(self->policy, bytes, path, self->home, NULL, error) &&
         protect_policy_file(self, path, error);
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

void
buntime_sandbox_set_quiet(BuntimeSandbox *self, gboolean quiet)
{
  self->quiet = quiet;
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

static guint64
host_memory(void)
{
  struct sysinfo info;
  return sysinfo(&info) == 0 ? (guint64)info.totalram * info.mem_unit : 0;
}

/* Starts init, resolves, compiles and supervises; everything after the caller is known. */
static gboolean
run_as(BuntimeSandbox *self, const BtCaller *caller, const char *entry, const char *const *args,
       BtExplainer *explainer, BtTerminal *terminal, int *exit_status_out, GError **error)
{
  g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(BtPlan) plan = NULL;
  g_auto(GStrv) environment = g_get_environ();
  g_auto(BtLaunch) launch = BT_LAUNCH_INIT;

  /* First, so that it starts while the plan is made. */
  if (!bt_launch_begin(caller->uid, caller->gid, &launch, error))
    return FALSE;
  if (!bt_policy_resolve(self->policy, g_getenv("PATH"), notices, error))
    return FALSE;
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
    .terminal_fd = terminal->fd,
  };
  plan = bt_plan_compile(&request, error);
  if (plan == NULL)
    return FALSE;
  tell_notices(explainer, notices);
  tell_notices(explainer, plan->notices);

  BtRun run = {
    .policy = self->policy,
    .plan = plan,
    .explainer = explainer,
  };
  if (!bt_supervise(&run, &launch, exit_status_out, error))
    return FALSE;
  if (*exit_status_out != 0 && plan->unseen_siblings)
    bt_explainer_note(explainer, _("the program saw nothing else of its directory; "
                                   "--allow-read=DIR shows it"));
  return TRUE;
}

static void
report_status(const BuntimeSandbox *self, gboolean started, int exit_status, const GError *error)
{
  g_autofree char *line = NULL;

  if (self->status_fd < 0)
    return;
  line = g_strdup_printf("{\"v\":1,\"started\":%s,\"exit\":%d}\n", started ? "true" : "false",
                         started ? exit_status : buntime_error_exit_status(error));
  /* Who asked for it and has gone does not change how the run ended. */
  (void)!bt_write_quietly(self->status_fd, line, strlen(line));
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
  return bt_run_without_sandbox(&request, error);
}

gboolean
buntime_sandbox_run(BuntimeSandbox *self, const char *entry, const char *const *args,
                    int *exit_status_out, GError **error)
{
  g_autoptr(BtExplainer) explainer = bt_explainer_new(STDERR_FILENO, self->quiet);
  g_auto(BtCaller) caller = BT_CALLER_INIT;
  g_autoptr(GError) failure = NULL;
  BtTerminal terminal;

  if (!self->isolated)
    return run_bare(self, entry, args, error);
  bt_terminal_save(&terminal);
  gboolean ok =
    bt_caller_settle(entry, &caller, explainer, &failure) &&
    run_as(self, &caller, entry, args, explainer, &terminal, exit_status_out, &failure);
  bt_terminal_restore(&terminal);
  report_status(self, ok, ok ? *exit_status_out : 0, failure);
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&failure));
  return ok;
}
