/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gi18n-lib.h>

#include "cli/bt-run.h"
#include "lib/buntime-program.h"
#include "lib/buntime-sandbox.h"

#define PROGRAM "buntime-debug-ui"

int
bt_ui(const BtCommandLine *line, GError **error)
{
  g_autoptr(GPtrArray) words = bt_list_words(line);
  g_autoptr(GError) failure = NULL;

  if (line->words->pdata[0] != NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, line->words->pdata[0], _("a word that is no flag"),
            _("'buntime run --debug-ui ENTRY' opens a program in the debug UI"));
    return -1;
  }
  g_ptr_array_add(words, NULL);
  bt_program_exec(PROGRAM, (const char *const *)words->pdata, &failure);
  /* It is left out of a build without libsoup or npm. */
  bt_fail(error, BUNTIME_ERROR_SETUP, PROGRAM, _("not a part of this buntime"),
          _("install buntime's debug UI; or build buntime where libsoup 3 and npm are, with "
            "-Ddebug_ui=enabled"));
  return -1;
}
