/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a program may do.
 */

#include <glib.h>

#include "buntime-error.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * BuntimePermission:
 * @BUNTIME_PERMISSION_NET: hosts and address ranges
 * @BUNTIME_PERMISSION_READ: paths to see and read
 * @BUNTIME_PERMISSION_WRITE: paths to write; does not include reading
 * @BUNTIME_PERMISSION_RUN: programs
 * @BUNTIME_PERMISSION_ENV: environment variables
 * @BUNTIME_PERMISSION_UNIX: Unix sockets of the host
 * @BUNTIME_PERMISSION_FFI: shared objects to load
 * @BUNTIME_PERMISSION_SYS: facts about the machine
 *
 * What a permission flag is about.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_PERMISSION_NET,
  BUNTIME_PERMISSION_READ,
  BUNTIME_PERMISSION_WRITE,
  BUNTIME_PERMISSION_RUN,
  BUNTIME_PERMISSION_ENV,
  BUNTIME_PERMISSION_UNIX,
  BUNTIME_PERMISSION_FFI,
  BUNTIME_PERMISSION_SYS,
} BuntimePermission;

/**
 * BuntimeLimit:
 * @BUNTIME_LIMIT_MEMORY: memory, a size
 * @BUNTIME_LIMIT_CPU: processors used at a time, like `0.5`, `2` or `50%`
 * @BUNTIME_LIMIT_PIDS: processes and threads, a number
 * @BUNTIME_LIMIT_WALL_TIME: how long the program may run, a time
 * @BUNTIME_LIMIT_CPU_TIME: how long it may compute, a time
 * @BUNTIME_LIMIT_OUTPUT: what it writes to stdout and stderr together, a size;
 *   both are pipes of buntime's then
 * @BUNTIME_LIMIT_TMP_SIZE: its private /tmp and /dev/shm each, a size
 * @BUNTIME_LIMIT_SHM_SIZE: /dev/shm where it is to be of another size
 * @BUNTIME_LIMIT_OPEN_FILES: open descriptors of each process, a number
 * @BUNTIME_LIMIT_NET_RATE: new connections a second, a number
 * @BUNTIME_LIMIT_NET_BYTES: what it sends and receives together, a size
 *
 * What can be limited. A size is a number of bytes, or of `K`, `M`, `G` or `T`
 * (also `KiB` …) for 1024 each; a time is a number of seconds, or of `ms`, `s`,
 * `m`, `h` or `d`, and at most 30 days.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_LIMIT_MEMORY,
  BUNTIME_LIMIT_CPU,
  BUNTIME_LIMIT_PIDS,
  BUNTIME_LIMIT_WALL_TIME,
  BUNTIME_LIMIT_CPU_TIME,
  BUNTIME_LIMIT_OUTPUT,
  BUNTIME_LIMIT_TMP_SIZE,
  BUNTIME_LIMIT_SHM_SIZE,
  BUNTIME_LIMIT_OPEN_FILES,
  BUNTIME_LIMIT_NET_RATE,
  BUNTIME_LIMIT_NET_BYTES,
} BuntimeLimit;

/**
 * BuntimePolicy:
 *
 * What a program may do: rules, limits, and what is read from policy files and
 * the environment.
 *
 * Since: 1.0
 */
typedef struct _BuntimePolicy BuntimePolicy;

/**
 * buntime_policy_new:
 *
 * Makes the built-in policy: everything denied. Paths in it are relative to the
 * working directory, and `~` is the user's home, as both are now. What is run
 * under it has that working directory.
 *
 * Returns: (transfer full): a new policy
 *
 * Since: 1.0
 */
BuntimePolicy *buntime_policy_new(void);

/**
 * buntime_policy_load:
 * @value: as for buntime_policy_add_file()
 * @error: return location for an error
 *
 * Makes a policy of a file or preset.
 *
 * Returns: (transfer full): a new policy with that file, or %NULL with @error
 *   set
 *
 * Since: 1.0
 */
BuntimePolicy *buntime_policy_load(const char *value, GError **error);

/**
 * buntime_policy_copy:
 * @policy: a policy
 *
 * Makes an independent copy.
 *
 * Returns: (transfer full): a new policy that says the same, to be changed by
 *   itself
 *
 * Since: 1.0
 */
BuntimePolicy *buntime_policy_copy(BuntimePolicy *policy);

/**
 * buntime_policy_ref:
 * @policy: a policy
 *
 * Holds a reference.
 *
 * Returns: (transfer full): the same policy
 *
 * Since: 1.0
 */
BuntimePolicy *buntime_policy_ref(BuntimePolicy *policy);

/**
 * buntime_policy_unref:
 * @policy: (transfer full) (nullable): a policy
 *
 * Gives a reference back; the policy is freed with the last one.
 *
 * Since: 1.0
 */
void buntime_policy_unref(BuntimePolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimePolicy, buntime_policy_unref)

/**
 * buntime_policy_add_permission:
 * @policy: a policy
 * @permission: what it is about
 * @allow: grant or refuse
 * @items: (nullable): the list after `=`, or %NULL for everything
 * @error: return location for an error
 *
 * Adds the rules of one permission flag. Where both speak of one object, a
 * refusal stands over a grant, whatever their order.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_USAGE if an item
 *   is malformed
 *
 * Since: 1.0
 */
gboolean buntime_policy_add_permission(BuntimePolicy *policy, BuntimePermission permission,
                                        gboolean allow, const char *items, GError **error);

/**
 * buntime_policy_allow_all:
 * @policy: a policy
 *
 * Grants everything that can be granted inside the sandbox.
 *
 * Since: 1.0
 */
void buntime_policy_allow_all(BuntimePolicy *policy);

/**
 * buntime_policy_set_limit:
 * @policy: a policy
 * @limit: what is limited
 * @value: how much of it, in the words of #BuntimeLimit
 * @error: return location for an error
 *
 * Sets a limit, which stands over those of policy files. A limit that cannot
 * be applied stops the run.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_USAGE if @value
 *   is malformed or out of bounds
 *
 * Since: 1.0
 */
gboolean buntime_policy_set_limit(BuntimePolicy *policy, BuntimeLimit limit, const char *value,
                                   GError **error);

/**
 * buntime_policy_add_file:
 * @policy: a policy
 * @value: a path (with a slash or ending in .json) or the name of a preset, also of the user's own
 * @error: return location for an error
 *
 * Reads a policy file and merges it into the file layer, which stands below
 * the permissions added one by one. The file is kept from the worker's writes.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_POLICY, with one
 *   line for each mistake
 *
 * Since: 1.0
 */
gboolean buntime_policy_add_file(BuntimePolicy *policy, const char *value, GError **error);

/**
 * buntime_policy_add_json:
 * @policy: a policy
 * @json: a policy file's text
 * @name: (nullable): what errors and events call it; %NULL: `policy`
 * @error: return location for an error
 *
 * Merges a policy that is in no file as buntime_policy_add_file() does. Its
 * paths are relative to the working directory.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_POLICY, with one
 *   line for each mistake
 *
 * Since: 1.0
 */
gboolean buntime_policy_add_json(BuntimePolicy *policy, const char *json, const char *name,
                                 GError **error);

/**
 * buntime_policy_merge:
 * @policy: a policy
 * @other: another one
 * @error: return location for an error
 *
 * Merges what @other says as if it were a policy file: the stricter default
 * holds, rules and sets are united.
 *
 * Returns: %TRUE, or %FALSE with @error set if a policy file cannot say what
 *   @other does
 *
 * Since: 1.0
 */
gboolean buntime_policy_merge(BuntimePolicy *policy, BuntimePolicy *other, GError **error);

/**
 * buntime_policy_add_environment:
 * @policy: a policy
 * @error: return location for an error
 *
 * Takes permissions from the environment of the process: `POD_ALLOW_NET` to
 * `POD_DENY_UNIX`, `POD_POLICY_JSON` (a policy in base64), and the same with
 * `BUNTIME_`. They stand below the permissions added one by one and above
 * policy files. A run says on stderr what they grant, even if quiet. The program
 * never sees them, whether this is called or not.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_USAGE if a
 *   variable is misspelt, empty or malformed, or has different values in both
 *   spellings, or to %BUNTIME_ERROR_POLICY as of buntime_policy_add_file()
 *
 * Since: 1.0
 */
gboolean buntime_policy_add_environment(BuntimePolicy *policy, GError **error);

/**
 * buntime_environment_list:
 *
 * Lists the variables of the environment that are about permissions.
 *
 * Returns: (transfer full) (array zero-terminated=1): the names of the
 *   variables that buntime_policy_add_environment() would take, or refuse;
 *   safe to print
 *
 * Since: 1.0
 */
char **buntime_environment_list(void);

/**
 * buntime_policy_set_audit:
 * @policy: a policy
 *
 * Reports opens, connections and programs that were allowed, too, and reads
 * that were refused: in the stream of events, or else on stderr.
 *
 * Since: 1.0
 */
void buntime_policy_set_audit(BuntimePolicy *policy);

/**
 * BuntimeTier:
 * @BUNTIME_TIER_NAMESPACES: by namespaces, mounts, Landlock and seccomp
 * @BUNTIME_TIER_LANDLOCK: by Landlock and seccomp alone, for where no namespace can be made;
 *   weaker, see buntime-policy(5)
 *
 * What holds a program to its policy.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_TIER_NAMESPACES,
  BUNTIME_TIER_LANDLOCK,
} BuntimeTier;

/**
 * buntime_policy_set_tier:
 * @policy: a policy
 * @tier: what holds programs to it
 *
 * Chooses what holds programs to the policy. It is no part of what
 * buntime_policy_to_json() gives: a policy means the same everywhere. What @tier
 * cannot hold is refused when something is run or checked.
 *
 * Since: 1.0
 */
void buntime_policy_set_tier(BuntimePolicy *policy, BuntimeTier tier);

/**
 * BuntimeAction:
 * @BUNTIME_ACTION_ALLOW: permitted
 * @BUNTIME_ACTION_WARN: permitted, and an event says so
 * @BUNTIME_ACTION_DENY: refused
 *
 * What a policy decides.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_ACTION_ALLOW,
  BUNTIME_ACTION_WARN,
  BUNTIME_ACTION_DENY,
} BuntimeAction;

/**
 * BuntimeVerdict:
 *
 * What would become of one operation, and why.
 *
 * Since: 1.0
 */
typedef struct _BuntimeVerdict BuntimeVerdict;

/**
 * buntime_policy_check:
 * @policy: a policy
 * @permission: what it is about
 * @value: one object as an item of that permission's flag names it
 * @error: return location for an error
 *
 * Says what a run would do about @value, by the rules and by what is mounted
 * where. Only what the entry itself brings, its file and its interpreter, is
 * not looked at. A host without a port means every port of it.
 *
 * Returns: (transfer full): the verdict, or %NULL with @error set if @value is
 *   malformed or the policy cannot be enforced
 *
 * Since: 1.0
 */
BuntimeVerdict *buntime_policy_check(BuntimePolicy *policy, BuntimePermission permission,
                                      const char *value, GError **error);

/**
 * buntime_verdict_copy:
 * @verdict: a verdict
 *
 * Copies a verdict.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
BuntimeVerdict *buntime_verdict_copy(const BuntimeVerdict *verdict);

/**
 * buntime_verdict_free:
 * @verdict: (transfer full) (nullable): a verdict
 *
 * Frees a verdict.
 *
 * Since: 1.0
 */
void buntime_verdict_free(BuntimeVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimeVerdict, buntime_verdict_free)

/**
 * buntime_verdict_get_action:
 * @verdict: a verdict
 *
 * Says what was decided.
 *
 * Returns: what was decided
 *
 * Since: 1.0
 */
BuntimeAction buntime_verdict_get_action(const BuntimeVerdict *verdict);

/**
 * buntime_verdict_format:
 * @verdict: a verdict
 *
 * Writes the verdict for people.
 *
 * Returns: (transfer full): the verdict, the deciding rule and the narrowest
 *   flag that would permit it, one a line; safe to print
 *
 * Since: 1.0
 */
char *buntime_verdict_format(const BuntimeVerdict *verdict);

/**
 * buntime_verdict_to_json:
 * @verdict: a verdict
 *
 * Writes the verdict for programs.
 *
 * Returns: (transfer full): one line of JSON with the keys v, kind, action,
 *   object, rule {source, line, text} and suggestion
 *
 * Since: 1.0
 */
char *buntime_verdict_to_json(const BuntimeVerdict *verdict);

/**
 * buntime_policy_to_json:
 * @policy: a policy
 * @error: return location for an error
 *
 * Writes the policy as a policy file: a run with it permits what a run with
 * the same permissions permits.
 *
 * Returns: (transfer full): the text, or %NULL with @error set if a policy
 *   file cannot say it
 *
 * Since: 1.0
 */
char *buntime_policy_to_json(BuntimePolicy *policy, GError **error);

/**
 * buntime_policy_list_rules:
 * @policy: a policy
 *
 * Says what the policy holds, for people to compare.
 *
 * Returns: (transfer full) (array zero-terminated=1): a line for each rule,
 *   default and setting, sorted
 *
 * Since: 1.0
 */
char **buntime_policy_list_rules(BuntimePolicy *policy);

/**
 * buntime_policy_rules_to_json:
 * @policy: a policy
 *
 * Says what the policy holds, and where each part of it came from, for programs.
 *
 * Each object is about one rule, default or setting. Its keys are kind (a policy file's: `fs`,
 * `net`, `exec`, `env`, `ffi`, `sys`, `unix`, `limits`, `defaults`, `plugins`, `audit`,
 * `antiEscape`), action (`allow`, `warn`, `deny`; null of a setting), text (as of
 * buntime_policy_list_rules()) and rule {source, line, text}, as events have it. source is
 * `command line`, `environment`, `built-in`, a file's path or a name given to
 * buntime_policy_add_json(); line is null where there is none. Of a default or limit only the one
 * that holds is told; rules stand as they were added, the same one once for each source.
 *
 * Returns: (transfer full): a JSON array, on one line
 *
 * Since: 1.0
 */
char *buntime_policy_rules_to_json(BuntimePolicy *policy);

/**
 * buntime_policy_list:
 * @json: in JSON, one line a preset, instead of for people
 * @error: return location for an error
 *
 * Lists the presets, by name: those that all have, and the user's own, which are the files in
 * `$XDG_CONFIG_HOME/buntime/policies`. A file there does not stand in for another preset of its
 * name: that name is refused then, and the file is not listed.
 *
 * In JSON each is an object with the keys name, path, description and user (whether it is the
 * user's own). If that cannot be read, it has error, too.
 *
 * Returns: (transfer full): the presets with path and description, or %NULL
 *   with @error set if one that all have cannot be read
 *
 * Since: 1.0
 */
char *buntime_policy_list(gboolean json, GError **error);

/**
 * buntime_policy_show:
 * @value: a preset's name or a file's path, "-" for standard input
 * @error: return location for an error
 *
 * Shows a policy file.
 *
 * Returns: (transfer full): the file as it is, or %NULL with @error set
 *
 * Since: 1.0
 */
char *buntime_policy_show(const char *value, GError **error);

/**
 * buntime_policy_schema:
 * @error: return location for an error
 *
 * Shows what may stand in a policy file.
 *
 * Returns: (transfer full): the JSON schema of policy files, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
char *buntime_policy_schema(GError **error);

#pragma GCC visibility pop
G_END_DECLS
