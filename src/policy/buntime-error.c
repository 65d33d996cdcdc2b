/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/buntime-error.h"

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
