/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By itself: programs that have the rest of the library as a shared object need it, too. */
#include "policy/buntime-error.h"

/* object may be NULL: bt_fail_for() adds it where it is known. */
gboolean
bt_fail(GError **error, BuntimeError code, const char *object, const char *reason, const char *cure)
{
  /* A newline in it, which a name can have, would be where the cure begins. */
  g_auto(GStrv) lines = g_strsplit(object != NULL ? object : "", "\n", -1);
  g_autofree char *line = g_strjoinv("\\x0a", lines);

  g_set_error(error, BUNTIME_ERROR, code, "%s%s%s%s%s", line, object != NULL ? ": " : "", reason,
              cure != NULL ? "\n" : "", cure != NULL ? cure : "");
  return FALSE;
}

gboolean
bt_fail_for(GError **error, BuntimeError code, const char *object, GError *cause)
{
  bt_fail(error, code, object, cause->message, NULL);
  g_error_free(cause);
  return FALSE;
}
