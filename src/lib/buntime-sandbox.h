/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How a program is run.
 */

#include "buntime-policy.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

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
 * @BUNTIME_NET_AUTO: as %BUNTIME_NET_SLIRP, but TCP connections that an address rule opens are
 *   made by the supervisor and handed to the program
 * @BUNTIME_NET_TAP: all as packets, by a tap device
 * @BUNTIME_NET_VETH: all as packets, by a veth pair and a packet socket
 * @BUNTIME_NET_SLIRP: all as packets, by a tap device if /dev/net/tun opens, else a veth pair
 *
 * How connections leave the sandbox.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_NET_AUTO,
  BUNTIME_NET_TAP,
  BUNTIME_NET_VETH,
  BUNTIME_NET_SLIRP,
} BuntimeNetBackend;

/**
 * BuntimeSandbox:
 *
 * A launcher: a policy, and how programs are run under it.
 *
 * Since: 1.0
 */
typedef struct _BuntimeSandbox BuntimeSandbox;

/**
 * buntime_sandbox_new:
 * @policy: (nullable): what the program may do; what is added to it later counts, too; %NULL:
 *   nothing, as of buntime_policy_new()
 *
 * Makes a launcher. It takes the environment and user of the process as they
 * are when something is run.
 *
 * Returns: (transfer full): a new launcher, freed with buntime_sandbox_unref()
 *
 * Since: 1.0
 */
BuntimeSandbox *buntime_sandbox_new(BuntimePolicy *policy);

/**
 * buntime_sandbox_ref:
 * @sandbox: a launcher
 *
 * Holds a reference.
 *
 * Returns: (transfer full): the same launcher
 *
 * Since: 1.0
 */
BuntimeSandbox *buntime_sandbox_ref(BuntimeSandbox *sandbox);

/**
 * buntime_sandbox_unref:
 * @sandbox: (transfer full) (nullable): a launcher
 *
 * Gives a reference back; the launcher is freed with the last one.
 *
 * Since: 1.0
 */
void buntime_sandbox_unref(BuntimeSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BuntimeSandbox, buntime_sandbox_unref)

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
 * @backend: how connections leave the sandbox
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
 * @where: (nullable): a file, the number of a descriptor above 2, or `-` for stdout; %NULL:
 *   nowhere, unless it is set again
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
 * @file: (nullable): a file; %NULL: none, unless it is set again
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
 * @args: (nullable) (array zero-terminated=1): its arguments
 * @exit_status_out: (out) (optional): the worker's status as a shell would report it, or
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

#pragma GCC visibility pop
G_END_DECLS
