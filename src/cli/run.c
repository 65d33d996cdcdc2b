/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-run.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime-sandbox.h"

/* The place of value among the option's words, below count; parsing has checked it. */
static guint
word_index(const BtGiven *given, guint count)
{
  g_auto(GStrv) words = g_strsplit(given->option->value, "|", -1);
  for (guint i = 0; i < count && words[i] != NULL; i++)
    if (strcmp(words[i], given->value) == 0)
      return i;
  return 0;
}

static gboolean
set_status_fd(BuntimeSandbox *sandbox, const char *value, GError **error)
{
  guint64 fd;

  /* 0, 1 and 2 are the worker's, and this one must not be. */
  if (!g_ascii_string_to_unsigned(value, 10, 3, G_MAXINT, &fd, NULL) ||
      fcntl((int)fd, F_GETFD) < 0) {
    g_autofree char *object = g_strconcat("--json-status-fd=", value, NULL);
    return bt_fail(error, BUNTIME_ERROR_USAGE, object, _("not an open descriptor above 2"),
                   _("open it in the shell: --json-status-fd=3 3>status.json"));
  }
  buntime_sandbox_set_status_fd(sandbox, (int)fd);
  return TRUE;
}

static gboolean
apply(BuntimePolicy *policy, BuntimeSandbox *sandbox, const BtGiven *given, GError **error)
{
  static const BuntimeWorkerKind workers[] = { BUNTIME_WORKER_PYTHON, BUNTIME_WORKER_BUN,
                                               BUNTIME_WORKER_EXEC };
  static const BuntimeNetBackend backends[] = { BUNTIME_NET_AUTO, BUNTIME_NET_SLIRP,
                                                BUNTIME_NET_TAP, BUNTIME_NET_VETH };
  const BtOption *option = given->option;

  switch (option->id) {
  case BT_OPTION_PERMISSION:
    return buntime_policy_add_permission(policy, option->number, option->allow, given->value,
                                          error);
  case BT_OPTION_LIMIT:
    return buntime_policy_set_limit(policy, option->number, given->value, error);
  case BT_OPTION_ALLOW_ALL:
    buntime_policy_allow_all(policy);
    break;
  case BT_OPTION_POLICY:
    return buntime_policy_add_file(policy, given->value, error);
  case BT_OPTION_WORKER:
    buntime_sandbox_set_worker(sandbox, workers[word_index(given, G_N_ELEMENTS(workers))]);
    break;
  case BT_OPTION_NET:
    buntime_sandbox_set_net_backend(sandbox, backends[word_index(given, G_N_ELEMENTS(backends))]);
    break;
  case BT_OPTION_PUBLISH:
    return buntime_sandbox_publish(sandbox, given->value, error);
  case BT_OPTION_JSON_STATUS_FD:
    return set_status_fd(sandbox, given->value, error);
  case BT_OPTION_EVENTS:
    return buntime_sandbox_set_events(sandbox, given->value, error);
  case BT_OPTION_PCAP:
    return buntime_sandbox_set_capture(sandbox, given->value, error);
  case BT_OPTION_AUDIT:
    buntime_policy_set_audit(policy);
    return given->value == NULL || buntime_sandbox_set_events(sandbox, given->value, error);
  case BT_OPTION_NO_SANDBOX:
    buntime_sandbox_set_isolated(sandbox, FALSE);
    break;
  case BT_OPTION_QUIET:
    buntime_sandbox_set_quiet(sandbox, TRUE);
    break;
  case BT_OPTION_JSON:
  case BT_OPTION_MERGED:
  case BT_OPTION_VERSION:
  case BT_OPTION_HELP:
    break;
  }
  return TRUE;
}

/* Of policies that cannot be read all mistakes are told, not only the first one's. */
static void
add_lines(GError **first, GError *more)
{
  g_autoptr(GError) old = g_steal_pointer(first);
  g_set_error(first, old->domain, old->code, "%s\n%s", old->message, more->message);
  g_error_free(more);
}

gboolean
bt_apply_all(BuntimePolicy *policy, BuntimeSandbox *sandbox, const BtCommandLine *line,
             GError **error)
{
  GError *policies = NULL;

  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    GError *failure = NULL;
    if (apply(policy, sandbox, given, &failure))
      continue;
    if (given->option->id != BT_OPTION_POLICY) {
      g_clear_error(&policies);
      g_propagate_error(error, failure);
      return FALSE;
    }
    if (policies == NULL)
      policies = failure;
    else
      add_lines(&policies, failure);
  }
  if (policies != NULL)
    g_propagate_error(error, policies);
  return policies == NULL;
}

/* Does a word look as if it, and not the entry, were what is to run, or a flag before it? */
static gboolean
looks_like_entry(const char *word)
{
  return word != NULL && (strcmp(word, bt_commands[0].name) == 0 || word[0] == '-' ||
                          access(word, F_OK) == 0);
}

/*
 * `--allow-net github.com w.py`: what was meant as a value became the entry.
 * That cannot be known before the entry turned out to be no program.
 */
static void
explain_separate_value(const BtCommandLine *line, GError **error)
{
  if (line->bare == NULL || (!g_error_matches(*error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_FOUND) &&
                             !g_error_matches(*error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_RUNNABLE)))
    return;
  g_autoptr(GError) first = g_steal_pointer(error);
  if (looks_like_entry(line->args[0])) {
    g_autofree char *object = g_strconcat(line->bare, " ", line->entry, NULL);
    g_autofree char *cure = g_strdup_printf(_("write %s=%s"), line->bare, line->entry);
    bt_fail(error, BUNTIME_ERROR_USAGE, object, _("a value is not a word of its own"), cure);
    return;
  }
  /* The cure is replaced: it was one for a program. */
  g_autofree char *what = g_strndup(first->message, strcspn(first->message, "\n"));
  g_autofree char *cure = g_strdup_printf(_("if it is the value of %s: write %s=%s"), line->bare,
                                          line->bare, line->entry);
  g_set_error(error, first->domain, first->code, "%s\n%s", what, cure);
}

int
bt_run(const BtCommandLine *line, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  GError *failure = NULL;
  int exit_status;

  if (!bt_apply_all(policy, sandbox, line, error) || !buntime_policy_add_environment(policy, error))
    return -1;
  if (buntime_sandbox_run(sandbox, line->entry, line->args, &exit_status, &failure))
    return exit_status;
  explain_separate_value(line, &failure);
  g_propagate_error(error, failure);
  return -1;
}
