/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A text and what fills it, in one string: each behind a separator, which no text has.  What fills
 * it may come from a worker and have one; the last takes all that is left.
 */
#include "policy/bt-reason.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define SEPARATOR '\x1f'
#define MAX_FILLED 2

char *
bt_reason_new(const char *text, ...)
{
  GString *reason = g_string_new(text);
  const char *word;
  va_list words;

  va_start(words, text);
  while ((word = va_arg(words, const char *)) != NULL) {
    g_string_append_c(reason, SEPARATOR);
    g_string_append(reason, word);
  }
  va_end(words);
  return g_string_free(reason, FALSE);
}

/* "%s" and "%2$s", as translators write them; the length of what stood there, 0: it is neither. */
static gsize
read_directive(const char *at, guint next, guint *which_out)
{
  if (g_str_has_prefix(at, "%s")) {
    *which_out = next;
    return strlen("%s");
  }
  if (at[0] == '%' && at[1] >= '1' && at[1] <= '0' + MAX_FILLED && g_str_has_prefix(at + 2, "$s")) {
    *which_out = (guint)(at[1] - '1');
    return strlen("%1$s");
  }
  return 0;
}

static guint
count_directives(const char *text)
{
  guint count = 0, which;

  for (const char *at = text; *at != '\0';) {
    gsize length = read_directive(at, 0, &which);
    count += length > 0;
    at += MAX(length, 1);
  }
  return MIN(count, MAX_FILLED);
}

/* n_words of words may be fewer than the text has places. */
static char *
fill(const char *text, char **words, guint n_words)
{
  GString *filled = g_string_new(NULL);
  guint next = 0, which = 0;

  for (const char *at = text; *at != '\0';) {
    gsize length = read_directive(at, next, &which);
    if (length == 0)
      g_string_append_c(filled, *at);
    else if (which < n_words)
      g_string_append(filled, words[which]);
    next += length > 0;
    at += MAX(length, 1);
  }
  return g_string_free(filled, FALSE);
}

char *
bt_reason_say(const char *reason, gboolean translated)
{
  const char separator[] = { SEPARATOR, '\0' };

  if (reason == NULL || reason[0] == '\0')
    return g_strdup(reason);
  gsize length = strcspn(reason, separator);
  g_autofree char *text = g_strndup(reason, length);
  const char *told = translated ? g_dgettext(GETTEXT_PACKAGE, text) : text;
  guint places = count_directives(text);
  if (reason[length] == '\0' || places == 0)
    return g_strdup(told);
  g_auto(GStrv) words = g_strsplit(reason + length + 1, separator, (int)places);
  return fill(told, words, g_strv_length(words));
}
