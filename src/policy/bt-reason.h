/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Why an event happened, where that is more than a rule, is said twice: to programs in English, to
 * people in their language. So it is kept as a text of the catalogue, marked by N_(), and behind it
 * what stands for each "%s" in it.
 */

#include <glib.h>

G_BEGIN_DECLS

/* Fills "%s" of a text, at most two, by what follows (transfer full). Of a text without, it is a copy. */
char *bt_reason_new(const char *text, ...) G_GNUC_NULL_TERMINATED;
/* In English, or in the user's language (transfer full); NULL if reason is. */
char *bt_reason_say(const char *reason, gboolean translated);

G_END_DECLS
