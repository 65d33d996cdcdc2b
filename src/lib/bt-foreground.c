/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run in the foreground, as of `buntime run`: on the caller's stdio, terminal
 * and signals, and explained on its stderr.
 *
 * Signals: the worker is in the caller's process group and gets what the
 * terminal sends by itself.  What another process sends to the supervisor
 * (kill, a service manager) is passed on to the worker.
 */
#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/bt-no-sandbox.h"
#include "lib/bt-sandbox-private.h"
#include "lib/bt-session.h"
#include "lib/bt-terminal.h"
#include "lib/bt-watch.h"
#include "lib/bt-write.h"
#include "lib/buntime-cure.h"
#include "policy/bt-event.h"

/* Even if quiet: the caller may not know what is in its environment. */
static void
announce_grants(const BuntimePolicy *self)
{
  for (guint i = 0; self->grants != NULL && i < self->grants->len; i++) {
    g_autofree char *text = g_strdup_printf(_("buntime: permissions from the environment: %s\n"),
                                            (char *)g_ptr_array_index(self->grants, i));
    (void)!bt_write_quietly(STDERR_FILENO, text, strlen(text));
  }
}

static void
tell_outcome(BtExplainer *explainer, const char *entry, const BtOutcome *outcome,
             const GError *failure)
{
  if (failure == NULL) {
    bt_session_tell_exit(explainer, entry, outcome);
    return;
  }
  BtEvent *event = bt_event_new_state("failed");
  event->object = g_strdup(entry);
  event->reason = g_strdup(failure->message);
  bt_explainer_add(explainer, event);
}

static void
report_status(const BuntimeSandbox *self, const BtOutcome *outcome)
{
  g_autofree char *limit = outcome->limit >= 0
                             ? g_strdup_printf(",\"limit\":\"%s\"", bt_limit_key(outcome->limit))
                             : NULL;
  g_autofree char *line = NULL;

  if (self->status_fd < 0)
    return;
  line = g_strdup_printf("{\"v\":1,\"started\":%s,\"exit\":%d%s}\n",
                         outcome->started ? "true" : "false", outcome->exit_status,
                         limit != NULL ? limit : "");
  /* Who asked for it and has gone does not change how the run ended. */
  (void)!bt_write_quietly(self->status_fd, line, strlen(line));
}

/* It would be wishes that nobody hears. */
static gboolean
check_unlimited(BtPolicy *policy, GError **error)
{
  for (guint i = 0; i < BT_N_LIMITS; i++) {
    const BtOrigin *origin;
    guint64 value;
    if (!bt_policy_get_limit(policy, i, &value, &origin))
      continue;
    g_autofree char *object = bt_origin_format(origin);
    return bt_fail(error, BUNTIME_ERROR_SETUP, object, _("nobody applies it without a sandbox"),
                   _("leave out the limit or --no-sandbox"));
  }
  return TRUE;
}

static gboolean
run_bare(BuntimeSandbox *self, const char *entry, const char *const *args, GError **error)
{
  BtPolicy *rules = self->policy->rules;
  g_auto(GStrv) environment = g_get_environ();
  BtPlanRequest request = {
    .policy = rules,
    .worker = self->worker,
    .entry = entry,
    .args = args,
    .cwd = self->policy->cwd,
    .home = self->policy->home,
    .environment = (const char *const *)environment,
    .terminal_fd = -1,
  };

  /* It would be this process that ended, and nobody left to report. */
  if (self->status_fd >= 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("the outcome cannot be reported without a sandbox"),
                   _("leave --json-status-fd out"));
  if (self->events != NULL || bt_policy_get_audit(rules) != 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("nobody could report events without a sandbox"),
                   _("leave --events and audit out"));
  if (self->published->len > 0)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("without a sandbox the program's ports are this machine's already"),
                   _("leave --publish out"));
  if (self->capture != NULL)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("nobody could record packets without a sandbox"), _("leave --pcap out"));
  if (self->policy->tier_chosen)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--no-sandbox",
                   _("without a sandbox no tier holds the program"), _("leave --tier out"));
  return check_unlimited(rules, error) && bt_run_without_sandbox(&request, error);
}

/* ---- with one ---- */

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

/*
 * Blocked before the worker is made, so that none is lost; init gives it an
 * empty mask.
 */
static int
block_signals(sigset_t *before_out)
{
  sigset_t handled;

  sigemptyset(&handled);
  for (gsize i = 0; i < G_N_ELEMENTS(passed_on); i++)
    sigaddset(&handled, passed_on[i]);
  pthread_sigmask(SIG_BLOCK, &handled, before_out);
  return signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
}

static gboolean
on_signal(int fd, GIOCondition condition, gpointer data)
{
  struct signalfd_siginfo info;

  if (read(fd, &info, sizeof info) == sizeof info)
    bt_supervisor_take_signal(data, &info);
  return G_SOURCE_CONTINUE;
}

static gboolean
run_session(const BtSessionSetup *setup, BtOutcome *outcome_out, GError **error)
{
  g_autoptr(BtSession) session = bt_session_prepare(setup, error);
  g_autoptr(GMainLoop) loop = g_main_loop_new(g_main_context_get_thread_default(), FALSE);
  sigset_t before;

  if (session == NULL)
    return FALSE;
  int signal_fd = block_signals(&before);
  /* Nothing else would hear them. */
  gboolean ok =
    signal_fd >= 0 ||
    bt_fail(error, BUNTIME_ERROR_SETUP, "signalfd", g_strerror(errno), bt_call_cure(errno));
  ok = ok && bt_session_start(session, (BtSupervisorFunc)g_main_loop_quit, loop, error);
  if (ok) {
    guint source =
      bt_watch_fd(signal_fd, G_IO_IN, on_signal, bt_session_get_supervisor(session));
    g_main_loop_run(loop);
    bt_watch_clear(&source);
    ok = bt_session_finish(session, outcome_out, error);
  }
  if (signal_fd >= 0)
    close(signal_fd);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return ok;
}

gboolean
buntime_sandbox_run(BuntimeSandbox *self, const char *entry, const char *const *args,
                    int *exit_status_out, GError **error)
{
  static const char *const none[] = { NULL };
  g_autoptr(BtExplainer) explainer = bt_explainer_new(STDERR_FILENO, self->quiet);
  g_auto(BtCaller) caller = BT_CALLER_INIT;
  g_autoptr(GError) failure = NULL;
  BtOutcome outcome = BT_OUTCOME_INIT;
  BtTerminal terminal;

  args = args != NULL ? args : none;
  if (entry == NULL || entry[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, "ENTRY", _("the program's name is empty"), NULL);
  if (strcmp(entry, "-") == 0 && self->policy->files != NULL &&
      bt_policy_files_used_stdin(self->policy->files))
    return bt_fail(error, BUNTIME_ERROR_USAGE, "--policy=-",
                   _("standard input cannot be both the policy and the program"),
                   _("put one of them into a file"));
  if (!self->isolated)
    return run_bare(self, entry, args, error);
  announce_grants(self->policy);
  bt_terminal_save(&terminal);
  BtSessionSetup setup = {
    .sandbox = self,
    .caller = &caller,
    .entry = entry,
    .args = args,
    .explainer = explainer,
    .fds = { { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO }, { -1, -1, -1 } },
    .terminal_fd = terminal.fd,
    .foreground = TRUE,
  };
  gboolean ok = bt_caller_settle(entry, &caller, explainer, &failure) &&
                run_session(&setup, &outcome, &failure);
  bt_terminal_restore(&terminal);
  if (!ok)
    outcome.exit_status = buntime_error_exit_status(failure);
  report_status(self, &outcome);
  tell_outcome(explainer, entry, &outcome, failure);
  if (exit_status_out != NULL)
    *exit_status_out = outcome.exit_status;
  if (!ok)
    g_propagate_error(error, g_steal_pointer(&failure));
  return ok;
}
