/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The policy object: rules of every kind with where each came from, and the
 * matcher, which is the only place that decides.  Enforcement (src/plan,
 * src/lib), `check`, events and the UI all ask here.
 *
 * Layers: 0 is the command line, 1 the environment's variables, 2 the merged
 * policy files; then the defaults.  The first layer with a matching rule
 * decides, by deny > warn > allow among its matching rules.
 */

#include <glib.h>
#include <sys/types.h>

#include "buntime-error.h"
#include "wire/bt-net-policy.h"

G_BEGIN_DECLS

typedef enum {
  BT_LAYER_FLAGS = 0,
  BT_LAYER_VARIABLES = 1,
  BT_LAYER_FILES = 2,
} BtLayer;

/* What a flag or a request is about. */
typedef enum {
  BT_KIND_NET,
  BT_KIND_READ,
  BT_KIND_WRITE,
  BT_KIND_RUN,
  BT_KIND_ENV,
  BT_KIND_UNIX,
  BT_KIND_FFI,
  BT_KIND_SYS,
  BT_N_KINDS,
} BtKind;

/* Filesystem permissions, numbered as the kernel's LANDLOCK_ACCESS_FS_*. */
typedef enum {
  BT_FS_EXECUTE = 1 << 0,
  BT_FS_WRITE_FILE = 1 << 1,
  BT_FS_READ_FILE = 1 << 2,
  BT_FS_READ_DIR = 1 << 3,
  BT_FS_REMOVE_DIR = 1 << 4,
  BT_FS_REMOVE_FILE = 1 << 5,
  BT_FS_MAKE_CHAR = 1 << 6,
  BT_FS_MAKE_DIR = 1 << 7,
  BT_FS_MAKE_REG = 1 << 8,
  BT_FS_MAKE_SOCK = 1 << 9,
  BT_FS_MAKE_FIFO = 1 << 10,
  BT_FS_MAKE_BLOCK = 1 << 11,
  BT_FS_MAKE_SYM = 1 << 12,
  BT_FS_REFER = 1 << 13,
  BT_FS_TRUNCATE = 1 << 14,
} BtFsPerms;

#define BT_FS_READ ((BtFsPerms)(BT_FS_READ_FILE | BT_FS_READ_DIR))
/* The policy key write_dir. */
#define BT_FS_WRITE_DIR                                                                          \
  ((BtFsPerms)(BT_FS_MAKE_REG | BT_FS_MAKE_DIR | BT_FS_MAKE_SYM | BT_FS_MAKE_SOCK |               \
               BT_FS_MAKE_FIFO | BT_FS_REMOVE_DIR | BT_FS_REMOVE_FILE | BT_FS_REFER))
/* What --allow-write grants. */
#define BT_FS_WRITE ((BtFsPerms)(BT_FS_WRITE_FILE | BT_FS_TRUNCATE | BT_FS_WRITE_DIR))
#define BT_N_FS_PERMS 15
#define BT_FS_ALL ((BtFsPerms)((1 << BT_N_FS_PERMS) - 1))

/* What a program can learn of the machine; the words are Deno's (bt_sys_words). */
typedef enum {
  BT_SYS_HOSTNAME = 1 << 0,
  BT_SYS_LOADAVG = 1 << 1,
  BT_SYS_NETWORK_INTERFACES = 1 << 2,
  BT_SYS_SYSTEM_MEMORY_INFO = 1 << 3,
  /* These cannot be hidden: denying them is refused, allowing them changes nothing. */
  BT_SYS_OS_RELEASE = 1 << 4,
  BT_SYS_OS_UPTIME = 1 << 5,
  BT_SYS_UID = 1 << 6,
  BT_SYS_GID = 1 << 7,
} BtSys;

#define BT_SYS_ALL ((BtSys)((1 << 8) - 1))
#define BT_SYS_HIDDEN                                                                             \
  ((BtSys)(BT_SYS_HOSTNAME | BT_SYS_LOADAVG | BT_SYS_NETWORK_INTERFACES |                         \
           BT_SYS_SYSTEM_MEMORY_INFO))
#define BT_N_SYS 8

/* The layers that a policy file can turn off. */
typedef enum {
  BT_PLUGIN_NAMESPACES = 1 << 0,
  BT_PLUGIN_LANDLOCK = 1 << 1,
  BT_PLUGIN_SECCOMP = 1 << 2,
} BtPlugins;

#define BT_N_PLUGINS 3
#define BT_PLUGINS_ALL ((BtPlugins)((1 << BT_N_PLUGINS) - 1))

/* What can be limited, with the unit of its value. */
typedef enum {
  BT_LIMIT_MEMORY,     /* bytes */
  BT_LIMIT_CPU,        /* thousandths of one processor */
  BT_LIMIT_PIDS,       /* processes and threads */
  BT_LIMIT_WALL_TIME,  /* ms */
  BT_LIMIT_CPU_TIME,   /* ms */
  BT_LIMIT_OUTPUT,     /* bytes of stdout and stderr together */
  BT_LIMIT_TMP_SIZE,   /* bytes of /tmp and /dev/shm each */
  BT_LIMIT_SHM_SIZE,   /* bytes of /dev/shm, where it is another */
  BT_LIMIT_OPEN_FILES, /* descriptors a process */
  BT_LIMIT_NET_RATE,   /* new connections a second */
  BT_LIMIT_NET_BYTES,  /* bytes sent and received together */
  BT_N_LIMITS,
} BtLimit;

/* The calls that audit reports, allowed ones too. */
typedef enum {
  BT_AUDIT_CONNECT = 1 << 0,
  BT_AUDIT_OPENAT = 1 << 1,
  BT_AUDIT_EXECVE = 1 << 2,
} BtAudit;

#define BT_N_AUDIT 3
#define BT_AUDIT_ALL ((BtAudit)((1 << BT_N_AUDIT) - 1))

/* Where a rule came from: "--deny-net=x (command line)", "p.json:12: net.rules[3]". */
typedef struct {
  char *source; /* "command line", "built-in", a file's path */
  guint line;   /* 0: not from a file */
  char *text;   /* "--deny-net=x", "net.rules[3]", "defaults.net = deny" */
} BtOrigin;

#define BT_SOURCE_FLAGS "command line"
#define BT_SOURCE_BUILT_IN "built-in"
/* What buntime does by itself, and no flag changes. */
#define BT_SOURCE_SELF "buntime"

/*
 * Every rule starts like this. A rule is made for each item of a flag's list.
 */
typedef struct {
  BtAction action;
  BtLayer layer;
  BtOrigin origin;
} BtRule;

/* fs rules, and the paths of run, ffi and unix rules. */
typedef struct {
  BtRule rule;
  BtFsPerms perms; /* BT_FS_EXECUTE for run, 0 for ffi and unix */
  char *written;   /* as the user wrote it */
  char *path;      /* absolute, without dots; NULL for a run item without a slash before resolving */
  char *real;      /* canonical (realpath) after bt_policy_resolve(); NULL if nothing is there */
  gboolean to_make; /* nothing is there yet: real is where this one file may be made */
  char *sha256;        /* run: lower-case hex of the only bytes it speaks of; NULL: any */
  GBytes *bytes;       /* run: of a grant with a sum, after bt_policy_resolve(): what runs */
  gboolean everything; /* a bare flag */
} BtPathRule;

typedef struct {
  BtRule rule;
  char *host;     /* lower-cased IDNA name without the last dot; NULL for address rules */
  gboolean below; /* "*.host": names below it, not itself */
  BtAddr addr;
  guint prefix;   /* 0-128 */
  guint proto;    /* BT_PROTO_* set */
  GArray *ports;  /* BtPortRange; empty: every port */
  guint flags;    /* BT_NET_RULE_* */
  gboolean everything;
  guint32 id;     /* of its first compiled rule, once compiled */
} BtNetItem;

typedef struct {
  BtRule rule;
  char *pattern; /* NAME or PREFIX* ; "*" for a bare flag */
} BtEnvRule;

/* A variable that the policy sets, whatever the caller has. */
typedef struct {
  BtRule rule;
  char *name;
  char *value;
} BtEnvSet;

typedef struct {
  BtRule rule;
  BtSys kinds; /* BT_SYS_ALL for a bare flag */
} BtSysRule;

/* A system call that antiEscape.denySyscalls adds to those refused anyway. */
typedef struct {
  BtOrigin origin;
  char *name;
} BtDenySyscall;

/* A preset or file that a policy file adds before itself. */
typedef struct {
  char *value; /* as written, never empty */
  char *where; /* "/p.json:3:14: extends[0]", for errors; safe to print */
} BtPolicyExtends;

void bt_policy_extends_free(BtPolicyExtends *extends);

typedef struct _BtPolicy BtPolicy;

/* What decided: the action and where the deciding rule or default came from (transfer none). */
typedef struct {
  BtAction action; /* never BT_ACTION_NONE */
  const BtOrigin *origin;
} BtVerdict;

BtPolicy *bt_policy_new(void);
/* All that it says; to be resolved, compiled and asked by itself (transfer full). */
BtPolicy *bt_policy_copy(const BtPolicy *policy);
BtPolicy *bt_policy_ref(BtPolicy *policy);
void bt_policy_unref(BtPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPolicy, bt_policy_unref)

/* ---- building (bt-policy-flags.c, bt-policy-json.c) ---- */

/*
 * Adds one flag's rules. items is the text after '=', NULL for a bare flag.
 * Paths are made absolute against cwd; "~" is home. flag is what errors and
 * events show ("--allow-net").
 */
gboolean bt_policy_add_flag(BtPolicy *policy, BtLayer layer, BtKind kind, BtAction action,
                            const char *flag, const char *items, const char *cwd,
                            const char *home, GError **error);
void bt_policy_add_everything(BtPolicy *policy, BtLayer layer, const char *flag);
/*
 * Reads and merges one policy file of bytes (bt-policy-json.c). Its rules are
 * of that layer; defaults and settings are merged whatever it is. extends_out
 * (element-type BtPolicyExtends) receives what it extends, for the caller to
 * find and add, after an error too; NULL: a file that extends others is refused.
 */
gboolean bt_policy_add_json(BtPolicy *policy, BtLayer layer, GBytes *bytes, const char *file_path,
                            const char *home, GPtrArray *extends_out, GError **error);

/* What a policy file says of itself, "" if nothing; NULL: it is no JSON (transfer full). */
char *bt_policy_json_describe(GBytes *bytes, const char *file_path, GError **error);

/* ---- looking at the host (bt-policy-resolve.c) ---- */

/*
 * Fills `real` of every path rule, expands globs, finds run items on PATH.
 * A missing path of a flag is an error; of a file, a line in notices.
 */
gboolean bt_policy_resolve(BtPolicy *policy, const char *search_path, GPtrArray *notices,
                           GError **error);

/* The real path of the program that a name without a slash means, or NULL (transfer full). */
char *bt_program_find(const char *name, const char *search_path);

/* ---- the rules, for src/plan (transfer none) ---- */

GPtrArray *bt_policy_get_fs_rules(BtPolicy *policy);   /* BtPathRule */
GPtrArray *bt_policy_get_run_rules(BtPolicy *policy);  /* BtPathRule */
GPtrArray *bt_policy_get_unix_rules(BtPolicy *policy); /* BtPathRule */
GPtrArray *bt_policy_get_ffi_rules(BtPolicy *policy);  /* BtPathRule */
GPtrArray *bt_policy_get_net_items(BtPolicy *policy);  /* BtNetItem */
GPtrArray *bt_policy_get_env_rules(BtPolicy *policy);  /* BtEnvRule */
GPtrArray *bt_policy_get_env_set(BtPolicy *policy);    /* BtEnvSet; of one name the last counts */
GPtrArray *bt_policy_get_sys_rules(BtPolicy *policy);  /* BtSysRule */
GPtrArray *bt_policy_get_deny_syscalls(BtPolicy *policy); /* BtDenySyscall */
BtAction bt_policy_get_default(BtPolicy *policy, BtKind kind);
/* Could any flow past the loopback be allowed? False: the sandbox needs no interface. */
gboolean bt_policy_grants_net(BtPolicy *policy);
/*
 * Could any TCP flow be opened by an address rule or the default, so that no name has to hold on
 * the wire? Never, if a name is denied. The loopback counts.
 */
gboolean bt_policy_grants_plain_net(BtPolicy *policy);

/* ---- what is no rule (bt-policy-settings.c) ---- */

/* The layers that are on. */
BtPlugins bt_policy_get_plugins(BtPolicy *policy);
/* What turned a layer off that is off. */
const BtOrigin *bt_policy_get_plugin_origin(BtPolicy *policy, BtPlugins plugin);
/*
 * Without namespaces, whatever files say: not a part of the policy, but of how it is held here.
 * NULL: as files say.
 */
void bt_policy_set_weaker_tier(BtPolicy *policy, const BtOrigin *origin);
gboolean bt_policy_has_weaker_tier(BtPolicy *policy);
/* Only a layer that every policy file turns off is off. origins: BT_N_PLUGINS, of those off. */
void bt_policy_merge_plugins(BtPolicy *policy, BtPlugins on, const BtOrigin *origins);
/* Has a policy file been read that leaves namespaces on? Silence means on. */
gboolean bt_policy_wants_namespaces(BtPolicy *policy);

/* The union of what files and flags ask for; 0: no audit. */
BtAudit bt_policy_get_audit(BtPolicy *policy);
/* The first word on an event stays its origin. */
void bt_policy_add_audit(BtPolicy *policy, BtAudit events, const BtOrigin *origin);

/* "hostname", ...: the word of bit number i. */
extern const char *const bt_sys_words[BT_N_SYS + 1];
extern const char *const bt_plugin_words[BT_N_PLUGINS + 1];
extern const char *const bt_audit_words[BT_N_AUDIT + 1];
/* Of one fact. */
const char *bt_sys_word(BtSys kind);
/* 0: told. The error has no object yet. */
BtSys bt_sys_parse(const char *word, BtAction action, GError **error);

/* ---- limits (bt-policy-limits.c) ---- */

/* FALSE: not limited by the policy. origin_out may be NULL (transfer none). */
gboolean bt_policy_get_limit(BtPolicy *policy, BtLimit limit, guint64 *value_out,
                             const BtOrigin **origin_out);
/* A higher layer's word stands; of two files the smaller, of two flags the last. */
void bt_policy_set_limit(BtPolicy *policy, BtLayer layer, BtLimit limit, guint64 value,
                         const BtOrigin *origin);
/* The text after a flag's "=". */
gboolean bt_policy_add_limit(BtPolicy *policy, BtLayer layer, BtLimit limit, const char *word,
                             GError **error);
/* "512M", "90s", "0.5": what a flag or a file's string says. The error has no object yet. */
gboolean bt_limit_parse(BtLimit limit, const char *word, guint64 *value_out, GError **error);
/* What a file's number says. */
gboolean bt_limit_from_number(BtLimit limit, double number, guint64 *value_out, GError **error);
/* What bt_limit_parse() reads as value (transfer full). */
char *bt_limit_format(BtLimit limit, guint64 value);
/* "--timeout=60s" for one of 30 s; NULL: there is no larger one (transfer full). */
char *bt_suggest_limit(BtLimit limit, guint64 value);
/* Is it a plain number, which a file does not write as a string? */
gboolean bt_limit_is_count(BtLimit limit);
/* The policy file's key, "wallTime", and the flag without dashes, "timeout". */
const char *bt_limit_key(BtLimit limit);
const char *bt_limit_flag(BtLimit limit);

/* ---- the matcher (bt-matcher.c). Paths are canonical. ---- */

/* Of several permissions the worst verdict. */
BtVerdict bt_policy_check_path(BtPolicy *policy, const char *path, BtFsPerms perms);
/* All permissions granted at path; *denied_out those a deny rule took away. */
BtFsPerms bt_policy_path_perms(BtPolicy *policy, const char *path, BtFsPerms *denied_out);
BtVerdict bt_policy_check_run(BtPolicy *policy, const char *path);
BtVerdict bt_policy_check_unix(BtPolicy *policy, const char *path);
/* Variables addressed to buntime itself are denied above all layers. */
BtVerdict bt_policy_check_env(BtPolicy *policy, const char *name);
/* May the file at path be mapped executable, besides the system's and the interpreter's own? */
BtVerdict bt_policy_check_ffi(BtPolicy *policy, const char *path);
BtVerdict bt_policy_check_sys(BtPolicy *policy, BtSys kind);
/*
 * May name be resolved? ALLOW or WARN if a rule could let some flow to it
 * pass. rules_out (element-type guint32, may be NULL) receives the ids of
 * compiled name rules to pin its addresses to.
 */
BtVerdict bt_policy_check_name(BtPolicy *policy, const char *name, GArray *rules_out);
/* name: what the address was looked up as, NULL if unknown; it is for the verdict of a denied name. */
BtVerdict bt_policy_check_flow(BtPolicy *policy, const char *name, const BtAddr *addr, guint proto,
                               guint16 port, BtNetPinsFunc pins, gpointer data);
/*
 * The worst verdict of all flows that an item of a flag would grant: to each of
 * its ports (every one, if it has none) by each of its protocols. It is of one
 * host or address. *port_out, *proto_out: of the flow that decided.
 */
BtVerdict bt_policy_check_net_item(BtPolicy *policy, const BtNetItem *item, guint *proto_out,
                                   guint16 *port_out);
/* The encoded BtNetPolicy (transfer full); rule ids are its indices. Cached until rules change. */
GBytes *bt_policy_compile_net(BtPolicy *policy);
/* The same without the index of addresses: smaller, and slower to match. */
GBytes *bt_policy_compile_net_plain(BtPolicy *policy);
/* The origin behind a BtNetVerdict.rule (transfer none); never NULL. */
const BtOrigin *bt_policy_net_origin(BtPolicy *policy, int rule);

G_END_DECLS
