/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/buntime-error.h"

#include "policy/bt-event.h"
#include "policy/bt-policy-private.h"

G_DEFINE_QUARK(buntime-error-quark, buntime_error)

int
buntime_error_exit_status(const GError *error)
{
  if (error == NULL || error->domain != BUNTIME_ERROR)
    return 125;
  switch ((BuntimeError)error->code) {
  case BUNTIME_ERROR_USAGE:
    return 2;
  case BUNTIME_ERROR_NOT_RUNNABLE:
    return 126;
  case BUNTIME_ERROR_NOT_FOUND:
    return 127;
  case BUNTIME_ERROR_ENDED:
  case BUNTIME_ERROR_FAILED:
  case BUNTIME_ERROR_TIMED_OUT:
  case BUNTIME_ERROR_BUSY:
  case BUNTIME_ERROR_POLICY:
  case BUNTIME_ERROR_SETUP:
    break;
  }
  return 125;
}

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
