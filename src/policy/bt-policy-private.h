/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the files of src/policy share and nobody else sees.
 */

#include "policy/bt-net-item.h"
#include "policy/bt-policy.h"
#include "policy/bt-rule-index.h"

G_BEGIN_DECLS

#define BT_SOURCE_VARIABLES "environment"

#define BT_N_LAYERS 3

/* An index of a list of rules, as long as the list was when it was made. */
typedef struct {
  BtRuleIndex *index;
  guint n_rules;
} BtIndexed;

/* Net items by the names they speak of. */
typedef struct {
  BtIndexed by_name;     /* from the name's end */
  GStringChunk *texts;   /* what by_name borrows */
  GPtrArray *unnamed;    /* BtNetItem: wide ones and those for localhost */
} BtNameIndex;

struct _BtPolicy {
  gatomicrefcount refs;
  GPtrArray *fs_rules, *run_rules, *unix_rules, *ffi_rules; /* BtPathRule */
  GPtrArray *net_items;                         /* BtNetItem */
  GPtrArray *env_rules;                         /* BtEnvRule */
  GPtrArray *env_set;                           /* BtEnvSet */
  GPtrArray *sys_rules;                         /* BtSysRule */
  GPtrArray *deny_syscalls;                     /* BtDenySyscall */
  guint n_net_rules, n_net_ports;               /* what net_items compile to, at most */
  gboolean has_files;                           /* a policy file set the defaults */
  BtAction defaults[BT_N_KINDS];
  BtOrigin default_origins[BT_N_KINDS];
  /* Made when needed (bt-matcher.c, bt-policy-net.c). */
  BtIndexed path_indexes[BT_N_KINDS], env_index;
  BtNameIndex name_index;
  BtPlugins plugins;
  gboolean has_plugins; /* a file has spoken */
  BtOrigin plugin_origins[BT_N_PLUGINS]; /* of those that are off */
  gboolean weaker_tier; /* namespaces are off, whatever files say */
  BtOrigin tier_origin; /* then: of who chose it */
  struct {
    gboolean set;
    BtLayer layer;
    guint64 value;
    BtOrigin origin;
  } limits[BT_N_LIMITS];
  BtAudit audit;
  BtOrigin audit_origins[BT_N_AUDIT];
  BtOrigin closure; /* the origin of what address closure denies */
  /* The compiled net rules; NULL when they have changed since. */
  GBytes *net_bytes;
  BtNetPolicy net;
  GPtrArray *net_sources; /* compiled rule → BtNetItem (not owned) */
};

void bt_rule_init(BtRule *rule, BtAction action, BtLayer layer, const char *source, guint line,
                  const char *text);
void bt_origin_init(BtOrigin *origin, const char *source, guint line, const char *text);
void bt_origin_clear(BtOrigin *origin);
/* The layer's word for where its rules come from; for files it is the file. */
const char *bt_layer_source(BtLayer layer);

BtPathRule *bt_path_rule_new(BtFsPerms perms);
BtPathRule *bt_path_rule_copy(const BtPathRule *rule);
void bt_path_rule_free(BtPathRule *rule);
BtEnvRule *bt_env_rule_new(const char *pattern);
void bt_env_rule_free(BtEnvRule *rule);
BtEnvSet *bt_env_set_new(const char *name, const char *value);
void bt_env_set_free(BtEnvSet *set);
BtSysRule *bt_sys_rule_new(BtSys kinds);
void bt_sys_rule_free(BtSysRule *rule);
BtDenySyscall *bt_deny_syscall_new(const char *name);
void bt_deny_syscall_free(BtDenySyscall *syscall);
void bt_policy_settings_clear(BtPolicy *policy);
void bt_name_index_clear(BtNameIndex *index);
/* Before rules are replaced or freed. */
void bt_policy_drop_indexes(BtPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPathRule, bt_path_rule_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtEnvRule, bt_env_rule_free)

/* Takes the item; FALSE (and frees it) if the compiled policy would be too large. */
gboolean bt_policy_take_net_item(BtPolicy *policy, BtNetItem *item);
/* The list that a kind's path rules are kept in. */
GPtrArray *bt_policy_path_rules(BtPolicy *policy, BtKind kind);
/* A file's word on a default: of several files the most restrictive counts. */
void bt_policy_set_default(BtPolicy *policy, BtKind kind, BtAction action, const char *source,
                           guint line);
BtVerdict bt_policy_default_verdict(BtPolicy *policy, BtKind kind);

/* Adds the rule of a bare flag. */
void bt_policy_add_bare(BtPolicy *policy, BtLayer layer, BtKind kind, BtAction action,
                        const char *flag);
/* Is this a name or a pattern for names of variables? The error has no object yet. */
gboolean bt_env_pattern_check(const char *pattern, GError **error);

/* Of all programs with a sum together; they go into the plan. */
#define BT_SUMS_MAX_SIZE (256u << 20)

/* Reads what rules with a sum speak of, and drops those that do not apply (bt-policy-sums.c). */
gboolean bt_policy_check_sums(BtPolicy *policy, GPtrArray *notices, GError **error);
/* An error: a grant goes through a link that the program may have made. (bt-policy-links.c) */
gboolean bt_policy_check_links(BtPolicy *policy, GError **error);

/* What one of a file's words for permissions stands for; 0: there is no such word. */
BtFsPerms bt_fs_perms_parse(const char *word);
/* All of them, NULL-terminated (transfer container). */
const char **bt_fs_perms_list(void);

/* How many rules one item compiles to. */
guint bt_net_item_count_rules(const BtNetItem *item);

G_END_DECLS
