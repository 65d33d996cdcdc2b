/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verdicts about paths and variables. One pass over the rules keeps, for each
 * layer, the most severe that matches; the highest layer that has one decides.
 */
#include <string.h>

#include "policy/bt-path.h"
#include "policy/bt-policy-private.h"

typedef struct {
  const BtRule *worst[BT_N_LAYERS];
} Match;

static void
match_add(Match *match, const BtRule *rule)
{
  const BtRule **worst = &match->worst[rule->layer];
  if (*worst == NULL || rule->action > (*worst)->action)
    *worst = rule;
}

static BtVerdict
match_end(const Match *match, BtPolicy *policy, BtKind kind)
{
  for (guint layer = 0; layer < BT_N_LAYERS; layer++)
    if (match->worst[layer] != NULL)
      return (BtVerdict){ match->worst[layer]->action, &match->worst[layer]->origin };
  return bt_policy_default_verdict(policy, kind);
}

static gboolean
covers(const BtPathRule *rule, const char *path)
{
  const char *where = rule->real != NULL ? rule->real : rule->path;
  return rule->everything || (where != NULL && bt_path_is_below(path, where));
}

static void
match_paths(Match *match, GPtrArray *rules, const char *path, BtFsPerms perm)
{
  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if ((perm == 0 || (rule->perms & perm) != 0) && covers(rule, path))
      match_add(match, &rule->rule);
  }
}

/* Whether a program runs is one question, whichever kind of rule speaks of it. */
static BtVerdict
check_perm(BtPolicy *policy, const char *path, BtFsPerms perm)
{
  Match match = { { NULL } };

  match_paths(&match, policy->fs_rules, path, perm);
  if (perm == BT_FS_EXECUTE) {
    match_paths(&match, policy->run_rules, path, perm);
    return match_end(&match, policy, BT_KIND_RUN);
  }
  return match_end(&match, policy, (perm & BT_FS_READ) != 0 ? BT_KIND_READ : BT_KIND_WRITE);
}

BtVerdict
bt_policy_check_path(BtPolicy *policy, const char *path, BtFsPerms perms)
{
  BtVerdict worst = { BT_ACTION_NONE, NULL };

  for (guint perm = 1; perm <= BT_FS_ALL; perm <<= 1) {
    if ((perms & perm) == 0)
      continue;
    BtVerdict verdict = check_perm(policy, path, perm);
    if (verdict.action > worst.action)
      worst = verdict;
  }
  /* Nothing asked is nothing granted. */
  if (worst.action == BT_ACTION_NONE)
    return (BtVerdict){ BT_ACTION_DENY, &policy->default_origins[BT_KIND_READ] };
  return worst;
}

static gboolean
is_default(BtPolicy *policy, const BtOrigin *origin)
{
  return origin >= policy->default_origins && origin < policy->default_origins + BT_N_KINDS;
}

BtFsPerms
bt_policy_path_perms(BtPolicy *policy, const char *path, BtFsPerms *denied_out)
{
  BtFsPerms granted = 0, denied = 0;

  for (guint perm = 1; perm <= BT_FS_ALL; perm <<= 1) {
    BtVerdict verdict = check_perm(policy, path, perm);
    if (verdict.action != BT_ACTION_DENY)
      granted |= perm;
    else if (!is_default(policy, verdict.origin))
      denied |= perm;
  }
  if (denied_out != NULL)
    *denied_out = denied;
  return granted;
}

BtVerdict
bt_policy_check_run(BtPolicy *policy, const char *path)
{
  return check_perm(policy, path, BT_FS_EXECUTE);
}

BtVerdict
bt_policy_check_unix(BtPolicy *policy, const char *path)
{
  Match match = { { NULL } };
  match_paths(&match, policy->unix_rules, path, 0);
  return match_end(&match, policy, BT_KIND_UNIX);
}

/*
 * Variables that make a program load code or read its start-up from elsewhere.
 * Who grants "*" or "PY*" thinks of settings, not of these: they are granted
 * by their whole name alone.
 */
static const char *const hook_patterns[] = {
  "LD_*",
  "PYTHON*",
  "BUN_*",
  "NODE_OPTIONS",
  "NODE_PATH",
  "BASH_ENV",
  "ENV",
  "BASH_FUNC_*",
  "BASHOPTS",
  "SHELLOPTS",
  "PROMPT_COMMAND",
  "PS4",
  "IFS",
  "GCONV_PATH",
  "GETCONF_DIR",
  "GLIBC_TUNABLES",
  "LOCPATH",
  "NLSPATH",
  "HOSTALIASES",
  "RESOLV_HOST_CONF",
  "MALLOC_*",
  "PERL5*",
  "PERLLIB",
  "RUBYLIB",
  "RUBYOPT",
  "JAVA_TOOL_OPTIONS",
  "_JAVA_OPTIONS",
  "JDK_JAVA_OPTIONS",
  "GIO_*MODULE*",
  "GTK_*MODULES",
  "GTK_PATH",
  "OPENSSL_*",
  "SSLKEYLOGFILE",
  "GIT_SSH*",
  "GIT_EXEC_PATH",
};

static gboolean
is_hook(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(hook_patterns); i++)
    if (bt_glob_match(hook_patterns[i], name))
      return TRUE;
  return FALSE;
}

BtVerdict
bt_policy_check_env(BtPolicy *policy, const char *name)
{
  gboolean hook = is_hook(name);
  Match match = { { NULL } };

  for (guint i = 0; i < policy->env_rules->len; i++) {
    const BtEnvRule *rule = g_ptr_array_index(policy->env_rules, i);
    gboolean exact = strcmp(rule->pattern, name) == 0;
    /* Patterns take hooks away like anything else. */
    gboolean pattern =
      (!hook || rule->rule.action == BT_ACTION_DENY) && bt_glob_match(rule->pattern, name);
    if (exact || pattern)
      match_add(&match, &rule->rule);
  }
  return match_end(&match, policy, BT_KIND_ENV);
}

BtVerdict
bt_policy_check_ffi(BtPolicy *policy, const char *path)
{
  Match match = { { NULL } };
  match_paths(&match, policy->ffi_rules, path, 0);
  return match_end(&match, policy, BT_KIND_FFI);
}

BtVerdict
bt_policy_check_sys(BtPolicy *policy, BtSys kind)
{
  Match match = { { NULL } };

  for (guint i = 0; i < policy->sys_rules->len; i++) {
    const BtSysRule *rule = g_ptr_array_index(policy->sys_rules, i);
    if ((rule->kinds & kind) != 0)
      match_add(&match, &rule->rule);
  }
  return match_end(&match, policy, BT_KIND_SYS);
}
