/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-run.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>

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
  static const BuntimeTier tiers[] = { BUNTIME_TIER_NAMESPACES, BUNTIME_TIER_LANDLOCK };
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
  case BT_OPTION_TIER:
    buntime_policy_set_tier(policy, tiers[word_index(given, G_N_ELEMENTS(tiers))]);
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
  case BT_OPTION_HOST:
  case BT_OPTION_INTERACTIVE:
  case BT_OPTION_DEBUG_UI:
  case BT_OPTION_JSON:
  case BT_OPTION_MERGED:
  case BT_OPTION_SOCKET:
  case BT_OPTION_PORT:
  case BT_OPTION_LISTEN:
  case BT_OPTION_OPEN:
  case BT_OPTION_PRINT_APPARMOR:
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
