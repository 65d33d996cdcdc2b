/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By itself: programs that have the rest of the library as a shared object need it, too. */
#include "policy/buntime-error.h"

/* object may be NULL: bt_fail_for() adds it where it is known. */
gboolean
bt_fail(GError **error, BuntimeError code, const char *object, const char *reason, const char *cure)
{
  g_set_error(error, BUNTIME_ERROR, code, "%s%s%s%s%s", object != NULL ? object : "",
              object != NULL ? ": " : "", reason, cure != NULL ? "\n" : "",
              cure != NULL ? cure : "");
  return FALSE;
}

gboolean
bt_fail_for(GError **error, BuntimeError code, const char *object, GError *cause)
{
  bt_fail(error, code, object, cause->message, NULL);
  g_error_free(cause);
  return FALSE;
}
