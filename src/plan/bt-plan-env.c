/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The environment is built from nothing: settings of the terminal and the
 * language, what keeps runtimes from writing where nothing can be written,
 * and what was granted.
 */
#include "plan/bt-plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-policy-environ.h"
#include "wire/bt-channel.h"

#define RESOLVER_OPTIONS "RES_OPTIONS"
#define SYSTEM_PATH "/usr/local/bin:/usr/bin:/bin"

/* The caller's, whatever the policy says, unless it denies them by name. */
static const char *const passed[] = {
  "LANG", "LC_ALL", "LC_CTYPE", "LANGUAGE", "TERM", "COLORTERM", "NO_COLOR", "TZ",
};

static gboolean
is_denied(BtPolicy *policy, const char *name)
{
  GPtrArray *rules = bt_policy_get_env_rules(policy);

  /* Only a rule takes these away, never the default. */
  for (guint i = 0; i < rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action == BT_ACTION_DENY && bt_glob_match(rule->pattern, name))
      return bt_policy_check_env(policy, name).action == BT_ACTION_DENY;
  }
  return FALSE;
}

/* Granted by its whole name. */
static gboolean
is_named(BtPolicy *policy, const char *name)
{
  GPtrArray *rules = bt_policy_get_env_rules(policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action != BT_ACTION_DENY && strcmp(rule->pattern, name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* These say what is inside; the caller's own would be wrong, unless it is asked for. */
static gboolean
is_made(BtPolicy *policy, const char *name)
{
  static const char *const made[] = { "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "PWD",
                                      BT_CHANNEL_VARIABLE };

  for (gsize i = 0; i < G_N_ELEMENTS(made); i++)
    if (strcmp(name, made[i]) == 0)
      return TRUE;
  return strcmp(name, RESOLVER_OPTIONS) == 0 &&
         (bt_policy_get_plugins(policy) & BT_PLUGIN_NAMESPACES) == 0;
}

static void
add_granted(BtCompile *self)
{
  for (const char *const *entry = self->request->environment; *entry != NULL; entry++) {
    const char *equals = strchr(*entry, '=');
    if (equals == NULL || equals == *entry)
      continue;
    g_autofree char *name = g_strndup(*entry, equals - *entry);
    if (is_made(self->request->policy, name) && !is_named(self->request->policy, name))
      continue;
    if (bt_policy_check_env(self->request->policy, name).action != BT_ACTION_DENY)
      bt_plan_builder_env(self->builder, name, equals + 1);
  }
}

/* The policy's own values stand over the caller's, but not over a denial of a higher layer. */
static void
add_set(BtCompile *self)
{
  GPtrArray *sets = bt_policy_get_env_set(self->request->policy);

  for (guint i = 0; i < sets->len; i++) {
    const BtEnvSet *set = g_ptr_array_index(sets, i);
    if (!is_denied(self->request->policy, set->name))
      bt_plan_builder_env(self->builder, set->name, set->value);
  }
}

/* Who names one of buntime's own learns here that it is not handed over. */
static void
tell_own(BtCompile *self)
{
  GPtrArray *rules = bt_policy_get_env_rules(self->request->policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action == BT_ACTION_DENY || !bt_policy_environ_is_own(rule->pattern))
      continue;
    g_autofree char *name = bt_text_neutralise(rule->pattern, -1);
    bt_compile_note(self, g_strdup_printf(_("%s is not granted: buntime's own permissions are "
                                            "never shown"),
                                          name));
  }
}

void
bt_compile_env(BtCompile *self)
{
  const BtPlanRequest *request = self->request;
  BtPlanBuilder *builder = self->builder;
  g_autofree char *path = self->path_dir == NULL || g_str_has_prefix(self->path_dir, "/usr/bin")
                            ? g_strdup(SYSTEM_PATH)
                            : g_strconcat(self->path_dir, ":" SYSTEM_PATH, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS(passed); i++) {
    const char *value = bt_request_getenv(request, passed[i]);
    if (value != NULL && !is_denied(self->request->policy, passed[i]))
      bt_plan_builder_env(builder, passed[i], value);
  }
  bt_plan_builder_env(builder, "PYTHONDONTWRITEBYTECODE", "1");
  bt_plan_builder_env(builder, "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "0");
  /* Without namespaces there is no /tmp of its own. */
  if (!self->flat) {
    const char *tmp = self->own_tmp != NULL ? self->own_tmp : "/tmp";
    g_autofree char *deno = g_strconcat(tmp, "/.deno", NULL);
    bt_plan_builder_env(builder, "DENO_DIR", deno);
    bt_plan_builder_env(builder, "TMPDIR", tmp);
  }
  /* The way to the resolver is TCP then (lib/bt-resolver-door.c). */
  if (self->flat)
    bt_plan_builder_env(builder, RESOLVER_OPTIONS, "use-vc");
  bt_plan_builder_env(builder, "NODE_REPL_HISTORY", "");
  bt_plan_builder_env(builder, "PATH", path);
  bt_plan_builder_env(builder, "HOME", request->home);
  bt_plan_builder_env(builder, "USER", request->user_name);
  bt_plan_builder_env(builder, "LOGNAME", request->user_name);
  bt_plan_builder_env(builder, "PWD", request->cwd);
  add_granted(self);
  add_set(self);
  bt_compile_channel_env(self);
  tell_own(self);
}

/* As bt_compile_env() does, one variable alone. */
BtEnvFate
bt_plan_env_fate(const BtPlanRequest *request, const char *name)
{
  static const char *const settings[] = { "PYTHONDONTWRITEBYTECODE",
                                          "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "DENO_DIR",
                                          "NODE_REPL_HISTORY" };
  BtPolicy *policy = request->policy;
  GPtrArray *sets = bt_policy_get_env_set(policy);

  for (guint i = 0; i < sets->len; i++)
    if (strcmp(((const BtEnvSet *)g_ptr_array_index(sets, i))->name, name) == 0 &&
        !is_denied(policy, name))
      return BT_ENV_MADE;
  if (bt_policy_check_env(policy, name).action != BT_ACTION_DENY)
    return is_made(request->policy, name) && !is_named(policy, name) ? BT_ENV_MADE : BT_ENV_PASSED;
  for (gsize i = 0; i < G_N_ELEMENTS(passed); i++)
    if (strcmp(passed[i], name) == 0 && !is_denied(policy, name))
      return BT_ENV_SETTING;
  for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
    if (strcmp(settings[i], name) == 0)
      return BT_ENV_MADE;
  return is_made(request->policy, name) ? BT_ENV_MADE : BT_ENV_HIDDEN;
}
