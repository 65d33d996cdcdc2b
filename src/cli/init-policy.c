/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>
#include <stdio.h>

#include "cli/bt-run.h"

/* They stand above the file: written into it, they would be another layer's. */
static void
tell_of_environment(void)
{
  g_auto(GStrv) names = buntime_environment_list();

  for (char **name = names; *name != NULL; name++)
    fprintf(stderr, _("buntime: %s is not written: each run reads it from its environment\n"),
            *name);
}

int
bt_init_policy(const BtCommandLine *line, GError **error)
{
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();

  if (line->words->pdata[0] != NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, line->words->pdata[0], _("a word that is no flag"),
            _("'buntime init-policy --help' shows what to write"));
    return -1;
  }
  if (!bt_apply_all(policy, NULL, line, error))
    return -1;
  g_autofree char *text = buntime_policy_to_json(policy, error);
  if (text == NULL)
    return -1;
  tell_of_environment();
  return bt_print(text, error);
}
