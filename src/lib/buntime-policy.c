/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The policy as a host program sees it: the rules, and where further ones are
 * found.
 */
#include "lib/bt-policy-object.h"

#include <string.h>
#include <unistd.h>

#include "lib/bt-account.h"
#include "lib/bt-catalogues.h"
#include "lib/bt-helper-path.h"
#include "lib/bt-json-helper.h"
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

/* The shared library has another one: bt-catalogues.c. */
__attribute__((weak)) void
bt_catalogues_find(void)
{
}

BuntimePolicy *
buntime_policy_new(void)
{
  BuntimePolicy *self = g_new0(BuntimePolicy, 1);

  /* Whatever else can fail needs a policy first. */
  bt_catalogues_find();
  g_atomic_ref_count_init(&self->refs);
  self->rules = bt_policy_new();
  self->cwd = g_get_current_dir();
  self->home = find_home();
  return self;
}

BuntimePolicy *
buntime_policy_load(const char *value, GError **error)
{
  g_autoptr(BuntimePolicy) self = buntime_policy_new();
  return buntime_policy_add_file(self, value, error) ? g_steal_pointer(&self) : NULL;
}

static gpointer
copy_text(gconstpointer text, gpointer data)
{
  return g_strdup(text);
}

BuntimePolicy *
buntime_policy_copy(BuntimePolicy *from)
{
  BuntimePolicy *self = g_new0(BuntimePolicy, 1);

  g_atomic_ref_count_init(&self->refs);
  self->rules = bt_policy_copy(from->rules);
  self->files = from->files != NULL ? bt_policy_files_copy(from->files) : NULL;
  self->grants = from->grants != NULL ? g_ptr_array_copy(from->grants, copy_text, NULL)
                                      : NULL;
  if (self->grants != NULL)
    g_ptr_array_set_free_func(self->grants, g_free);
  self->tier_chosen = from->tier_chosen;
  self->cwd = g_strdup(from->cwd);
  self->home = g_strdup(from->home);
  return self;
}

BuntimePolicy *
buntime_policy_ref(BuntimePolicy *self)
{
  g_atomic_ref_count_inc(&self->refs);
  return self;
}

void
buntime_policy_unref(BuntimePolicy *self)
{
  if (self == NULL || !g_atomic_ref_count_dec(&self->refs))
    return;
  bt_policy_unref(self->rules);
  g_clear_pointer(&self->files, bt_policy_files_free);
  g_clear_pointer(&self->grants, g_ptr_array_unref);
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
  { BT_KIND_FFI, "ffi" }, { BT_KIND_SYS, "sys" },
};

gboolean
buntime_policy_add_permission(BuntimePolicy *self, BuntimePermission permission, gboolean allow,
                               const char *items, GError **error)
{
  g_return_val_if_fail(permission < G_N_ELEMENTS(permissions), FALSE);
  g_autofree char *flag =
    g_strconcat(allow ? "--allow-" : "--deny-", permissions[permission].name, NULL);
  return bt_policy_add_flag(self->rules, BT_LAYER_FLAGS, permissions[permission].kind,
                            allow ? BT_ACTION_ALLOW : BT_ACTION_DENY, flag, items, self->cwd,
                            self->home, error);
}

void
buntime_policy_allow_all(BuntimePolicy *self)
{
  bt_policy_add_everything(self->rules, BT_LAYER_FLAGS, "--allow-all");
}

gboolean
buntime_policy_set_limit(BuntimePolicy *self, BuntimeLimit limit, const char *value,
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
  return bt_policy_add_limit(self->rules, BT_LAYER_FLAGS, limits[limit],
                             value != NULL ? value : "", error);
}

char *
bt_policy_object_config_folder(const BuntimePolicy *self)
{
  const char *config = g_getenv("XDG_CONFIG_HOME");

  /* The XDG specification: relative values are to be ignored. */
  return config != NULL && config[0] == '/'
           ? g_build_filename(config, "buntime", NULL)
           : g_build_filename(self->home, ".config", "buntime", NULL);
}

GStrv
bt_policy_object_preset_folders(const BuntimePolicy *self)
{
  g_autofree char *config = bt_policy_object_config_folder(self);
  char *const folders[] = { g_build_filename(config, "policies", NULL),
                            g_strdup("/etc/buntime/policies"), bt_data_path("policies"), NULL };
  return g_memdup2(folders, sizeof folders);
}

BtPolicyFiles *
bt_policy_object_files(BuntimePolicy *self)
{
  if (self->files == NULL) {
    g_auto(GStrv) folders = bt_policy_object_preset_folders(self);
    self->files = bt_policy_files_new((const char *const *)folders, self->cwd, self->home);
    bt_policy_set_json_reader(bt_json_helper_read);
  }
  return self->files;
}

gboolean
buntime_policy_add_file(BuntimePolicy *self, const char *value, GError **error)
{
  return bt_policy_files_add(bt_policy_object_files(self), self->rules,
                             value != NULL ? value : "", error);
}

gboolean
buntime_policy_add_json(BuntimePolicy *self, const char *json, const char *name, GError **error)
{
  g_autoptr(GBytes) bytes = g_bytes_new(json, json != NULL ? strlen(json) : 0);
  return bt_policy_files_add_bytes(bt_policy_object_files(self), self->rules, BT_LAYER_FILES,
                                   bytes, name != NULL ? name : "policy", error);
}

gboolean
buntime_policy_merge(BuntimePolicy *self, BuntimePolicy *other, GError **error)
{
  g_autofree char *json = buntime_policy_to_json(other, error);
  return json != NULL && buntime_policy_add_json(self, json, "merged policy", error);
}

gboolean
buntime_policy_add_environment(BuntimePolicy *self, GError **error)
{
  g_auto(GStrv) environment = g_get_environ();

  if (self->grants == NULL)
    self->grants = g_ptr_array_new_with_free_func(g_free);
  return bt_policy_add_environment(self->rules, bt_policy_object_files(self),
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
buntime_policy_set_audit(BuntimePolicy *self)
{
  char source[] = BT_SOURCE_FLAGS, text[] = "--audit";
  const BtOrigin flag = { source, 0, text };

  bt_policy_add_audit(self->rules, BT_AUDIT_ALL, &flag);
}

void
buntime_policy_set_tier(BuntimePolicy *self, BuntimeTier tier)
{
  char source[] = BT_SOURCE_FLAGS, text[] = "--tier=landlock";
  const BtOrigin flag = { source, 0, text };

  self->tier_chosen = TRUE;
  bt_policy_set_weaker_tier(self->rules, tier == BUNTIME_TIER_LANDLOCK ? &flag : NULL);
}

BtPolicy *
bt_policy_object_settle(BuntimePolicy *self, GPtrArray *notices, GError **error)
{
  g_autoptr(BtPolicy) rules = bt_policy_copy(self->rules);
  g_autofree char *config = bt_policy_object_config_folder(self);

  bt_policy_files_guard(bt_policy_object_files(self), rules, config);
  if (!bt_policy_resolve(rules, g_getenv("PATH"), notices, error) ||
      !bt_policy_files_check_links(self->files, rules, config, notices, error))
    return NULL;
  return g_steal_pointer(&rules);
}
