/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libbuntime's public interface: a policy and a launcher.
 * (Issue 5 makes both GObjects under the same names and adds workers, events
 * and rings.)
 */

#include <glib.h>

#include "policy/buntime-error.h"

G_BEGIN_DECLS

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
 * BuntimeWorkerKind:
 * @BUNTIME_WORKER_AUTO: by the entry's name
 * @BUNTIME_WORKER_PYTHON: by the Python that the caller would get
 * @BUNTIME_WORKER_BUN: by Bun
 * @BUNTIME_WORKER_EXEC: as a program of its own
 *
 * How the entry is run.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_WORKER_AUTO,
  BUNTIME_WORKER_PYTHON,
  BUNTIME_WORKER_BUN,
  BUNTIME_WORKER_EXEC,
} BuntimeWorkerKind;

/**
 * BuntimeNetBackend:
 * @BUNTIME_NET_AUTO: a tap device if /dev/net/tun opens, else a veth pair
 * @BUNTIME_NET_TAP: a tap device
 * @BUNTIME_NET_VETH: a veth pair and a packet socket
 *
 * How frames leave the sandbox.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_NET_AUTO,
  BUNTIME_NET_TAP,
  BUNTIME_NET_VETH,
} BuntimeNetBackend;

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
 * BuntimeSandbox:
 *
 * A launcher: the policy of one run and how to run it.
 *
 * Since: 1.0
 */
typedef struct _BuntimeSandbox BuntimeSandbox;

/**
 * buntime_sandbox_new:
 *
 * Makes a launcher with the built-in policy: everything denied. It takes the
 * working directory, environment and user of the process as they are now.
 *
 * Returns: (transfer full): a new launcher, freed with buntime_sandbox_free()
 *
 * Since: 1.0
 */
BuntimeSandbox *buntime_sandbox_new(void);

/**
 * buntime_sandbox_free:
 * @sandbox: (transfer full): a launcher
 *
 * Frees a launcher. A run of it must have ended.
 *
 * Since: 1.0
 */
void buntime_sandbox_free(BuntimeSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimeSandbox, buntime_sandbox_free)

/**
 * buntime_sandbox_add_permission:
 * @sandbox: a launcher
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
gboolean buntime_sandbox_add_permission(BuntimeSandbox *sandbox, BuntimePermission permission,
                                        gboolean allow, const char *items, GError **error);

/**
 * buntime_sandbox_allow_all:
 * @sandbox: a launcher
 *
 * Grants everything that can be granted inside the sandbox.
 *
 * Since: 1.0
 */
void buntime_sandbox_allow_all(BuntimeSandbox *sandbox);

/**
 * buntime_sandbox_set_limit:
 * @sandbox: a launcher
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
gboolean buntime_sandbox_set_limit(BuntimeSandbox *sandbox, BuntimeLimit limit, const char *value,
                                   GError **error);

/**
 * buntime_sandbox_add_policy:
 * @sandbox: a launcher
 * @value: a path (with a slash or ending in .json) or a preset's name
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
gboolean buntime_sandbox_add_policy(BuntimeSandbox *sandbox, const char *value, GError **error);

/**
 * buntime_sandbox_add_environment:
 * @sandbox: a launcher
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
 *   spellings, or to %BUNTIME_ERROR_POLICY as of buntime_sandbox_add_policy()
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_add_environment(BuntimeSandbox *sandbox, GError **error);

/**
 * buntime_environment_list:
 *
 * Returns: (transfer full) (array zero-terminated=1): the names of the
 *   variables that buntime_sandbox_add_environment() would take, or refuse;
 *   safe to print
 *
 * Since: 1.0
 */
char **buntime_environment_list(void);

/**
 * buntime_sandbox_set_worker:
 * @sandbox: a launcher
 * @kind: how to run the entry
 *
 * Runs the entry in this way whatever its name. %BUNTIME_WORKER_AUTO unless set.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_worker(BuntimeSandbox *sandbox, BuntimeWorkerKind kind);

/**
 * buntime_sandbox_set_net_backend:
 * @sandbox: a launcher
 * @backend: how frames leave the sandbox
 *
 * Chooses the back end; without a network grant it has no effect. If the one
 * chosen cannot be had, the run fails. %BUNTIME_NET_AUTO unless set.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_net_backend(BuntimeSandbox *sandbox, BuntimeNetBackend backend);

/**
 * buntime_sandbox_publish:
 * @sandbox: a launcher
 * @port: `PORT`, `PORT:PORT` or `ADDR:PORT:PORT`: an address and a port of this
 *   machine, `127.0.0.1` unless written, and the program's port, the same unless
 *   written; IPv6 addresses are written in brackets
 * @error: return location for an error
 *
 * Passes TCP connections to a port of this machine on to one that the program
 * listens on. May be called several times. If the port cannot be had, the run
 * fails before the program starts.
 *
 * Returns: %FALSE with @error set if @port is malformed
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_publish(BuntimeSandbox *sandbox, const char *port, GError **error);

/**
 * buntime_sandbox_set_quiet:
 * @sandbox: a launcher
 * @quiet: whether refusals and notices stay unsaid
 *
 * Refusals are enforced all the same.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_quiet(BuntimeSandbox *sandbox, gboolean quiet);

/**
 * buntime_sandbox_set_events:
 * @sandbox: a launcher
 * @where: a file, the number of a descriptor above 2, or `-` for stdout
 * @error: return location for an error
 *
 * Writes each event there as a line of JSON (event.schema.json), whether quiet
 * or not. A file is appended to, and refused at the start of the run if the
 * program could write to it. For `-` the program's stdout becomes stderr, and
 * so does the caller's.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_USAGE if another
 *   place was set before
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_set_events(BuntimeSandbox *sandbox, const char *where, GError **error);

/**
 * buntime_sandbox_set_capture:
 * @sandbox: a launcher
 * @file: a file
 * @error: return location for an error
 *
 * Records every packet that the program sends and receives, refused ones too,
 * as tcpdump and Wireshark read them (pcap, Ethernet). The file is replaced,
 * takes at most 1 GiB, and is refused at the start of the run if the program
 * could write to it. What goes to the host's loopback by a grant is no packet.
 *
 * Returns: %TRUE, or %FALSE with @error set to %BUNTIME_ERROR_USAGE if another
 *   file was set before
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_set_capture(BuntimeSandbox *sandbox, const char *file, GError **error);

/**
 * buntime_sandbox_set_audit:
 * @sandbox: a launcher
 *
 * Reports opens, connections and programs that were allowed, too, and reads
 * that were refused: in the stream of events, or else on stderr.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_audit(BuntimeSandbox *sandbox);

/**
 * buntime_sandbox_set_isolated:
 * @sandbox: a launcher
 * @isolated: whether the program runs in a sandbox; %TRUE unless set
 *
 * Without isolation buntime_sandbox_run() says so on stderr, even if quiet,
 * and executes the program in place of the calling process. It refuses where
 * a policy file asks for namespaces, and where the outcome was to be reported.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_isolated(BuntimeSandbox *sandbox, gboolean isolated);

/**
 * buntime_sandbox_set_status_fd:
 * @sandbox: a launcher
 * @fd: a descriptor of the caller's, or -1 for none
 *
 * At the end of the run one line of JSON is written there, {"v":1,"started":
 * true,"exit":7}: "started" tells the program's own status from buntime's, and
 * "limit":"wallTime" says that the program was ended for that limit. The
 * descriptor becomes close-on-exec, so that the worker does not get it, and
 * stays the caller's to close.
 *
 * Since: 1.0
 */
void buntime_sandbox_set_status_fd(BuntimeSandbox *sandbox, int fd);

/**
 * buntime_sandbox_run:
 * @sandbox: a launcher
 * @entry: the program, as on the command line
 * @args: (array zero-terminated=1): its arguments
 * @exit_status_out: (out): the worker's status as a shell would report it, or
 *   124 if its time was up
 * @error: return location for an error
 *
 * Runs the program to its end on the caller's stdin, stdout and stderr.
 * Denials are explained on stderr. A process may call this once.
 *
 * Must be called from a thread that runs the default main context, which is
 * run until the program has ended. While it does, SIGHUP, SIGINT, SIGQUIT,
 * SIGTERM, SIGUSR1 and SIGUSR2 are passed on to the program.
 *
 * Returns: %TRUE, or %FALSE with @error set if the program was not started, or
 *   was ended because something can no longer be denied to it:
 *   %BUNTIME_ERROR_NOT_FOUND or %BUNTIME_ERROR_NOT_RUNNABLE for the entry,
 *   %BUNTIME_ERROR_USAGE or %BUNTIME_ERROR_POLICY for what was granted,
 *   %BUNTIME_ERROR_SETUP if a layer of the sandbox cannot be had, or kept
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_run(BuntimeSandbox *sandbox, const char *entry, const char *const *args,
                             int *exit_status_out, GError **error);

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
 * buntime_sandbox_check:
 * @sandbox: a launcher, of which nothing is run afterwards
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
BuntimeVerdict *buntime_sandbox_check(BuntimeSandbox *sandbox, BuntimePermission permission,
                                      const char *value, GError **error);

/**
 * buntime_verdict_free:
 * @verdict: (transfer full): a verdict
 *
 * Since: 1.0
 */
void buntime_verdict_free(BuntimeVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimeVerdict, buntime_verdict_free)

/**
 * buntime_verdict_get_action:
 * @verdict: a verdict
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
 * Returns: (transfer full): one line of JSON with the keys v, kind, action,
 *   object, rule {source, line, text} and suggestion
 *
 * Since: 1.0
 */
char *buntime_verdict_to_json(const BuntimeVerdict *verdict);

/**
 * buntime_sandbox_to_json:
 * @sandbox: a launcher
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
char *buntime_sandbox_to_json(BuntimeSandbox *sandbox, GError **error);

/**
 * buntime_sandbox_list_rules:
 * @sandbox: a launcher
 *
 * Returns: (transfer full) (array zero-terminated=1): a line for each rule,
 *   default and setting, sorted
 *
 * Since: 1.0
 */
char **buntime_sandbox_list_rules(BuntimeSandbox *sandbox);

/**
 * buntime_policy_list:
 * @json: in JSON, one line a preset, instead of for people
 * @error: return location for an error
 *
 * Returns: (transfer full): the presets with path and description, or %NULL
 *   with @error set if one cannot be read
 *
 * Since: 1.0
 */
char *buntime_policy_list(gboolean json, GError **error);

/**
 * buntime_policy_show:
 * @value: a preset's name or a file's path, "-" for standard input
 * @error: return location for an error
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
 * Returns: (transfer full): the JSON schema of policy files, or %NULL with
 *   @error set
 *
 * Since: 1.0
 */
char *buntime_policy_schema(GError **error);

/**
 * buntime_error_format:
 * @error: an error of any domain
 *
 * Makes the text for stderr: "buntime: OBJECT: REASON", then an indented line
 * with the cure. Control characters are neutralised.
 *
 * Returns: (transfer full): the text, its last newline included
 *
 * Since: 1.0
 */
char *buntime_error_format(const GError *error);

G_END_DECLS
