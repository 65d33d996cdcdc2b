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
} BuntimePermission;

/**
 * BuntimeWorkerKind:
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
 * Adds the rules of one permission flag.
 *
 * Returns: %FALSE with @error set if an item is malformed
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
 * buntime_sandbox_add_policy:
 * @sandbox: a launcher
 * @value: a path (with a slash or ending in .json) or a preset's name
 * @error: return location for an error
 *
 * Reads a policy file and merges it into the file layer.
 *
 * Returns: %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_add_policy(BuntimeSandbox *sandbox, const char *value, GError **error);

void buntime_sandbox_set_worker(BuntimeSandbox *sandbox, BuntimeWorkerKind kind);
void buntime_sandbox_set_net_backend(BuntimeSandbox *sandbox, BuntimeNetBackend backend);
void buntime_sandbox_set_quiet(BuntimeSandbox *sandbox, gboolean quiet);
/* File descriptor that receives {"exit": …} or {"error": …} as a JSON line at the end; -1: none. */
void buntime_sandbox_set_status_fd(BuntimeSandbox *sandbox, int fd);

/**
 * buntime_sandbox_run:
 * @sandbox: a launcher
 * @entry: the program, as on the command line
 * @args: (array zero-terminated=1): its arguments
 * @exit_status_out: (out): the worker's status as a shell would report it
 * @error: return location for an error
 *
 * Runs the program to its end on the caller's stdin, stdout and stderr.
 * Denials are explained on stderr. A process may call this once.
 *
 * Returns: %FALSE with @error set if the program was not started
 *
 * Since: 1.0
 */
gboolean buntime_sandbox_run(BuntimeSandbox *sandbox, const char *entry, const char *const *args,
                             int *exit_status_out, GError **error);

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
