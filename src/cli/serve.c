/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>

#include "cli/bt-run.h"
#include "lib/buntime-program.h"

#define DEFAULT_NAME "serve"

int
bt_serve(const BtCommandLine *line, GError **error)
{
  const char *args[] = { NULL, NULL };

  if (line->words->pdata[0] != NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, line->words->pdata[0], _("a word that is no flag"),
            _("'buntime serve --help' shows what to write"));
    return -1;
  }
  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    if (given->option->id == BT_OPTION_SOCKET)
      args[0] = given->value != NULL ? given->value : DEFAULT_NAME;
  }
  bt_program_exec("buntime-serve", args, error);
  return -1;
}
