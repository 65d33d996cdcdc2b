/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

#include "cli/bt-run.h"

/* In the order of the words in the table of commands. */
static const BuntimePermission kinds[] = {
  BUNTIME_PERMISSION_NET, BUNTIME_PERMISSION_READ, BUNTIME_PERMISSION_WRITE,
  BUNTIME_PERMISSION_RUN, BUNTIME_PERMISSION_ENV,  BUNTIME_PERMISSION_FFI,
  BUNTIME_PERMISSION_SYS, BUNTIME_PERMISSION_UNIX,
};

static gboolean
find_kind(const BtCommandLine *line, BuntimePermission *kind_out, GError **error)
{
  const char *const *words = (const char *const *)line->words->pdata;
  g_auto(GStrv) choices = g_strsplit(line->command->choices, "|", -1);

  /* The last word is the list's end. */
  if (line->words->len != 3)
    return bt_fail(error, BUNTIME_ERROR_USAGE, "check", _("a kind and one value are needed"),
                   _("write it like: buntime check --allow-net=github.com net github.com:443"));
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (strcmp(choices[i], words[0]) == 0) {
      *kind_out = kinds[i];
      return TRUE;
    }
  g_autofree char *cure = g_strdup_printf(_("write one of %s"), line->command->choices);
  return bt_fail(error, BUNTIME_ERROR_USAGE, words[0], _("no kind of permission"), cure);
}

int
bt_check(const BtCommandLine *line, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  BuntimePermission kind = BUNTIME_PERMISSION_NET;

  if (!find_kind(line, &kind, error) || !bt_apply_all(policy, NULL, line, error) ||
      !buntime_policy_add_environment(policy, error))
    return -1;
  g_autoptr(BuntimeVerdict) verdict =
    buntime_policy_check(policy, kind, line->words->pdata[1], error);
  if (verdict == NULL)
    return -1;
  g_autofree char *text = bt_command_line_has(line, BT_OPTION_JSON)
                            ? buntime_verdict_to_json(verdict)
                            : buntime_verdict_format(verdict);
  int printed = bt_print(text, error);
  if (printed != 0)
    return printed;
  switch (buntime_verdict_get_action(verdict)) {
  case BUNTIME_ACTION_ALLOW:
    return 0;
  case BUNTIME_ACTION_WARN:
    return 3;
  case BUNTIME_ACTION_DENY:
    break;
  }
  return 1;
}
