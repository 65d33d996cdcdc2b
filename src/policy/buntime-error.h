/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * BUNTIME_ERROR:
 *
 * The one error domain of buntime. A message is the object and the reason in
 * one sentence ("w.py: no such file"); after a newline follows the cure, if
 * there is one.
 *
 * Since: 1.0
 */
#define BUNTIME_ERROR (buntime_error_quark())

/**
 * BuntimeError:
 * @BUNTIME_ERROR_USAGE: a flag or its value is wrong (exit status 2)
 * @BUNTIME_ERROR_POLICY: a policy cannot be read or enforced (125)
 * @BUNTIME_ERROR_SETUP: the sandbox could not be set up (125)
 * @BUNTIME_ERROR_NOT_RUNNABLE: the entry was found but cannot be run (126)
 * @BUNTIME_ERROR_NOT_FOUND: the entry or its interpreter does not exist (127)
 * @BUNTIME_ERROR_ENDED: the worker has ended
 * @BUNTIME_ERROR_FAILED: code or a request failed in the worker; the message is its own, and
 *   not safe to print
 * @BUNTIME_ERROR_TIMED_OUT: no answer came in time
 * @BUNTIME_ERROR_BUSY: the worker does not read what is sent to it
 *
 * What went wrong.
 *
 * Since: 1.0
 */
typedef enum {
  BUNTIME_ERROR_USAGE,
  BUNTIME_ERROR_POLICY,
  BUNTIME_ERROR_SETUP,
  BUNTIME_ERROR_NOT_RUNNABLE,
  BUNTIME_ERROR_NOT_FOUND,
  BUNTIME_ERROR_ENDED,
  BUNTIME_ERROR_FAILED,
  BUNTIME_ERROR_TIMED_OUT,
  BUNTIME_ERROR_BUSY,
} BuntimeError;

/**
 * buntime_error_quark:
 *
 * Names the error domain.
 *
 * Returns: the domain, %BUNTIME_ERROR
 *
 * Since: 1.0
 */
GQuark buntime_error_quark(void);

/**
 * buntime_error_exit_status:
 * @error: an error of any domain
 *
 * Says how `buntime` ends after an error.
 *
 * Returns: the exit status `buntime` ends with after @error
 *
 * Since: 1.0
 */
int buntime_error_exit_status(const GError *error);

/**
 * buntime_error_format:
 * @error: an error of any domain
 *
 * Makes the text for stderr: "buntime: OBJECT: REASON", then an indented line
 * with the cure. Control characters are neutralised.
 *
 * Returns: (transfer full): the text, its last newline included
 *
 * Since: 1.0
 */
char *buntime_error_format(const GError *error);

#ifndef __GI_SCANNER__
#ifdef BUNTIME_COMPILATION
/*
 * Sets *error to "object: reason\ncure". reason and cure are already
 * translated; cure may be NULL. Always returns FALSE, for `return bt_fail(…)`.
 */
gboolean bt_fail(GError **error, BuntimeError code, const char *object, const char *reason,
                 const char *cure);
/* Puts the object before cause's message; frees cause. Always returns FALSE. */
gboolean bt_fail_for(GError **error, BuntimeError code, const char *object, GError *cause);
/* The one of words (NULL-terminated) that is spelt most like word; NULL: none is close. */
const char *bt_nearest(const char *word, const char *const *words);
/* The paths of a flag's list (char *): split at commas; ",," is a comma in one (transfer full). */
GPtrArray *bt_split_paths(const char *list);
#endif
#endif

#pragma GCC visibility pop
G_END_DECLS
