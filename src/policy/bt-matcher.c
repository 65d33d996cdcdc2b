/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verdicts about paths and variables. One pass over the rules keeps, for each
 * layer, the most severe that matches; the highest layer that has one decides.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-path.h"
#include "policy/bt-policy-environ.h"
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

/* Below this many rules looking at each is faster than to make an index. */
#define MIN_INDEXED 16

/* Rules are only ever added; where they are replaced, bt_policy_drop_indexes() is called. */
static void
update(BtIndexed *indexed, const GPtrArray *rules, BtRuleIndex *(*make)(const GPtrArray *rules))
{
  if (indexed->index != NULL && indexed->n_rules == rules->len)
    return;
  g_clear_pointer(&indexed->index, bt_rule_index_free);
  indexed->index = make(rules);
  indexed->n_rules = rules->len;
}

/* ---- paths ---- */

/* The rules of one path, for each permission that was asked about. */
typedef struct {
  BtFsPerms wanted; /* 0: the rules have no permissions, and match as the first */
  Match perm[BT_N_FS_PERMS];
} PathMatch;

static const char *
covered(const BtPathRule *rule)
{
  if (rule->everything)
    return "/";
  return rule->real != NULL ? rule->real : rule->path;
}

static void
match_path(gpointer data, gpointer user_data)
{
  const BtPathRule *rule = data;
  PathMatch *match = user_data;
  guint perms = rule->perms & match->wanted;

  if (match->wanted == 0)
    match_add(&match->perm[0], &rule->rule);
  for (; perms != 0; perms &= perms - 1)
    match_add(&match->perm[__builtin_ctz(perms)], &rule->rule);
}

static BtRuleIndex *
index_paths(const GPtrArray *rules)
{
  BtRuleIndex *index = bt_rule_index_new();

  for (guint i = 0; i < rules->len; i++) {
    BtPathRule *rule = g_ptr_array_index(rules, i);
    const char *where = covered(rule);
    /* Everything is below "/": no letter is asked for. */
    if (where != NULL)
      bt_rule_index_add(index, where, strcmp(where, "/") == 0 ? 0 : strlen(where), rule);
  }
  return index;
}

static void
match_paths(PathMatch *match, BtPolicy *policy, BtKind kind, const char *path)
{
  const GPtrArray *rules = bt_policy_path_rules(policy, kind);
  BtIndexed *indexed = &policy->path_indexes[kind];

  if (rules->len > MIN_INDEXED) {
    update(indexed, rules, index_paths);
    bt_rule_index_search(indexed->index, path, strlen(path), '/', match_path, match);
    return;
  }
  for (guint i = 0; i < rules->len; i++) {
    BtPathRule *rule = g_ptr_array_index(rules, i);
    const char *where = covered(rule);
    if (where != NULL && bt_path_is_below(path, where))
      match_path(rule, match);
  }
}

static void
match_fs(PathMatch *match, BtPolicy *policy, const char *path, BtFsPerms perms)
{
  *match = (PathMatch){ .wanted = perms };
  match_paths(match, policy, BT_KIND_READ, path);
  /* Whether a program runs is one question, whichever kind of rule speaks of it. */
  if ((perms & BT_FS_EXECUTE) != 0)
    match_paths(match, policy, BT_KIND_RUN, path);
}

static BtVerdict
verdict_of(const PathMatch *match, BtPolicy *policy, BtFsPerms perm)
{
  BtKind kind = perm == BT_FS_EXECUTE      ? BT_KIND_RUN
                : (perm & BT_FS_READ) != 0 ? BT_KIND_READ
                                           : BT_KIND_WRITE;
  return match_end(&match->perm[__builtin_ctz(perm)], policy, kind);
}

BtVerdict
bt_policy_check_path(BtPolicy *policy, const char *path, BtFsPerms perms)
{
  BtVerdict worst = { BT_ACTION_NONE, NULL };
  PathMatch match;

  match_fs(&match, policy, path, perms);
  for (guint perm = 1; perm <= BT_FS_ALL; perm <<= 1) {
    if ((perms & perm) == 0)
      continue;
    BtVerdict verdict = verdict_of(&match, policy, perm);
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
  PathMatch match;

  match_fs(&match, policy, path, BT_FS_ALL);
  for (guint perm = 1; perm <= BT_FS_ALL; perm <<= 1) {
    BtVerdict verdict = verdict_of(&match, policy, perm);
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
  return bt_policy_check_path(policy, path, BT_FS_EXECUTE);
}

/* Rules without permissions. */
static BtVerdict
check_plain(BtPolicy *policy, BtKind kind, const char *path)
{
  PathMatch match = { .wanted = 0 };

  match_paths(&match, policy, kind, path);
  return match_end(&match.perm[0], policy, kind);
}

BtVerdict
bt_policy_check_unix(BtPolicy *policy, const char *path)
{
  return check_plain(policy, BT_KIND_UNIX, path);
}

/* ---- variables ---- */

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

typedef struct {
  const char *name;
  gboolean hook;
  Match match;
} EnvMatch;

static void
match_env(gpointer data, gpointer user_data)
{
  const BtEnvRule *rule = data;
  EnvMatch *self = user_data;
  gboolean exact = strcmp(rule->pattern, self->name) == 0;
  /* Patterns take hooks away like anything else. */
  gboolean pattern = (!self->hook || rule->rule.action == BT_ACTION_DENY) &&
                     bt_glob_match(rule->pattern, self->name);

  if (exact || pattern)
    match_add(&self->match, &rule->rule);
}

static BtRuleIndex *
index_env(const GPtrArray *rules)
{
  BtRuleIndex *index = bt_rule_index_new();

  for (guint i = 0; i < rules->len; i++) {
    BtEnvRule *rule = g_ptr_array_index(rules, i);
    bt_rule_index_add(index, rule->pattern, strcspn(rule->pattern, "*?"), rule);
  }
  return index;
}

/* What a program is permitted is not for it to read, and its own buntime would take it up. */
static const BtOrigin own_variables = {
  .source = (char *)BT_SOURCE_SELF,
  .text = (char *)N_("buntime's own permissions are never shown"),
};

BtVerdict
bt_policy_check_env(BtPolicy *policy, const char *name)
{
  const GPtrArray *rules = policy->env_rules;
  BtIndexed *indexed = &policy->env_index;
  EnvMatch match = { .name = name, .hook = is_hook(name) };

  if (bt_policy_environ_is_own(name))
    return (BtVerdict){ BT_ACTION_DENY, &own_variables };
  if (rules->len > MIN_INDEXED) {
    update(indexed, rules, index_env);
    bt_rule_index_search(indexed->index, name, strlen(name), '\0', match_env, &match);
  } else {
    for (guint i = 0; i < rules->len; i++)
      match_env(g_ptr_array_index(rules, i), &match);
  }
  return match_end(&match.match, policy, BT_KIND_ENV);
}

BtVerdict
bt_policy_check_ffi(BtPolicy *policy, const char *path)
{
  return check_plain(policy, BT_KIND_FFI, path);
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
