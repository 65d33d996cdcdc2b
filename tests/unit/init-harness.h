/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan made by hand, and the supervisor's part in a run of buntime-init. */

#include <glib.h>

#include "lib/bt-spawn.h"
#include "wire/bt-plan.h"
#include "wire/bt-status.h"

#define PATIENCE_MS 20000
#define SEALS (F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

typedef struct {
  GByteArray *bytes; /* the header, then strings and tables */
  GArray *ops;
  GArray *landlock;
  BtPlanHeader header;
} Plan;

/* The view that every test starts from: /usr, /proc, /tmp and a little /dev; sh -c SCRIPT. */
Plan *plan_new(const char *script);
/* The same without namespaces: the host's tree, of which /usr, /proc/self and /dev/null are read. */
Plan *plan_new_flat(const char *script);
guint32 plan_add_bytes(Plan *plan, gconstpointer data, gsize size);
guint32 plan_add_string(Plan *plan, const char *text);
BtPlanTable plan_add_table(Plan *plan, gconstpointer records, gsize count, gsize size);
void plan_add_rule(Plan *plan, const char *path, guint64 access);
/* Valid until the next one is added. */
BtPlanOp *plan_add_op(Plan *plan, BtPlanOpKind kind, const char *source, const char *target,
                      guint attr);

typedef struct {
  BtHelper init;
  int status_fd;
  int output_fd;
  int worker;   /* pidfd */
  int listener; /* number in the worker, then ours */
  gboolean taken;
  guint net_mode;
  int net_fds[3]; /* udp, tcp, frame */
  int opener;     /* its socket; -1 */
  guint stops;
  guint answers;
  BtStatus last; /* FAILED or EXITED */
} Run;

/* Takes the plan. */
void run_start(Run *run, Plan *plan);
/* The same as a helper that was told to make no namespaces. */
void run_start_flat(Run *run, Plan *plan);
void run_start_sealed(Run *run, Plan *plan, int seals);
/* Answers one notified call: it may go on. */
void run_answer(Run *run);
/* Until FAILED, EXITED, or the condition, if one is given. */
void run_until(Run *run, gboolean (*enough)(Run *run));
gboolean run_has_network_and_listener(Run *run); /* such a condition */
gboolean run_has_started(Run *run);              /* another: its execve was answered */
const char *run_output(Run *run);
void run_clear(Run *run);
void run_await_end(int pidfd);

/* What a worker sees: the output of a script. */
typedef struct {
  const char *name;
  const char *script;
  const char *output;
} View;

/* Takes the plan of its script. */
void assert_view(const View *view, Plan *plan, void (*begin)(Run *run, Plan *plan));

/* A plan that cannot be carried out, and where that is noticed. */
typedef struct {
  const char *name;
  void (*change)(Plan *plan);
  BtStage stage;
  int error;
  const char *object;
} Failure;

/* Takes the plan, and changes it first. */
void assert_failure(const Failure *failure, Plan *plan, void (*begin)(Run *run, Plan *plan));
/* A plan that is not to be carried out is refused. Clears the run. */
void assert_refused(Run *run);
