/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/buntime.h"
#include "policy/bt-event.h"

/*
 * Names in an error are anybody's, so escape sequences must not reach the terminal. A policy
 * file's errors are one a line; every line but the first is indented, so that none looks like ours.
 */
char *
buntime_error_format(const GError *error)
{
  g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
  GString *text = g_string_new(NULL);

  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree char *line = bt_text_neutralise(lines[i], -1);
    g_string_append_printf(text, i == 0 ? "buntime: %s\n" : "  %s\n", line);
  }
  return g_string_free(text, FALSE);
}
