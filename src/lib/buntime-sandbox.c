/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: collects the policy and how to run it.
 */
#include "lib/bt-sandbox-private.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bt-account.h"
#include "lib/bt-helper-path.h"
#include "lib/bt-json-helper.h"
#include "lib/bt-publish.h"
#include "policy/bt-event.h"
#include "policy/bt-json.h"
#include "policy/bt-policy-environ.h"
#include "wire/bt-net-msg.h"

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

gboolean
bt_sandbox_settle_policy(BuntimeSandbox *self, GPtrArray *notices, GError **error)
{
  g_autofree char *config = bt_sandbox_config_folder(self);

  bt_policy_files_guard(bt_sandbox_files(self), self->policy, config);
  return bt_policy_resolve(self->policy, g_getenv("PATH"), notices, error) &&
         bt_policy_files_check_links(self->files, self->policy, config, notices, error);
}
