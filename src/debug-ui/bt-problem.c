/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-problem.h"

#include <string.h>

#include "lib/buntime.h"
#include "serve/bt-node.h"

void
bt_problem_free(BtProblem *self)
{
  g_free(self->object);
  g_free(self->reason);
  g_free(self->cure);
  g_free(self);
}

GPtrArray *
bt_problems_new(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)bt_problem_free);
}

/* ---- from an error's words ---- */

/* "NAME:3:14: " at the beginning of a line: what follows it; NULL: there is none. */
static const char *
skip_place(const char *line, const char *end, gsize *name_out, guint64 *line_out,
           guint64 *column_out)
{
  for (const char *at = line; (at = memchr(at, ':', (gsize)(end - at))) != NULL; at++) {
    char *next;
    if (!g_ascii_isdigit(at[1]))
      continue;
    *line_out = g_ascii_strtoull(at + 1, &next, 10);
    if (*next != ':' || !g_ascii_isdigit(next[1]))
      continue;
    *column_out = g_ascii_strtoull(next + 1, &next, 10);
    if (next[0] != ':' || next[1] != ' ' || next > end)
      continue;
    *name_out = (gsize)(at - line);
    return next + 2;
  }
  return NULL;
}

/* "object: reason". */
static void
set_words(BtProblem *self, const char *text, gsize length)
{
  const char *colon = g_strstr_len(text, (gssize)length, ": ");

  if (colon != NULL) {
    self->object = g_strndup(text, (gsize)(colon - text));
    self->reason = g_strndup(colon + 2, length - (gsize)(colon + 2 - text));
  } else {
    self->object = g_strdup("");
    self->reason = g_strndup(text, length);
  }
}

/* "object: reason; cure" of a policy's text. */
static BtProblem *
mistake(const char *text, const char *end)
{
  BtProblem *self = g_new0(BtProblem, 1);
  const char *cure = g_strrstr_len(text, end - text, "; ");

  set_words(self, text, (gsize)((cure != NULL ? cure : end) - text));
  if (cure != NULL)
    self->cure = g_strndup(cure + 2, (gsize)(end - cure - 2));
  return self;
}

static BtProblem *
read_line(const char *line, const char *end, int part, const char *source)
{
  guint64 row = 0, column = 0;
  gsize length = 0;
  const char *rest = skip_place(line, end, &length, &row, &column);

  if (rest == NULL) {
    BtProblem *plain = g_new0(BtProblem, 1);
    plain->part = part;
    set_words(plain, line, (gsize)(end - line));
    return plain;
  }
  BtProblem *self = mistake(rest, end);
  self->part = part;
  if (source != NULL && strlen(source) == length && strncmp(source, line, length) == 0) {
    self->line = row;
    self->column = column;
  } else {
    /* Of a file, which the page does not have. */
    g_autofree char *object = self->object;
    self->object = g_strdup_printf("%.*s: %s", (int)(rest - 2 - line), line, object);
  }
  return self;
}

/* Does a line begin a problem, or is it the cure of the one before? */
static gboolean
begins(const char *line, const char *end)
{
  guint64 row, column;
  gsize length;
  return skip_place(line, end, &length, &row, &column) != NULL;
}

void
bt_problems_add(GPtrArray *problems, const GError *error, int part, const char *source)
{
  BtProblem *last = NULL;

  for (const char *line = error->message, *end; line != NULL; line = *end != '\0' ? end + 1 : NULL) {
    end = line + strcspn(line, "\n");
    if (last == NULL || begins(line, end)) {
      last = read_line(line, end, part, source);
      g_ptr_array_add(problems, last);
    } else {
      g_autofree char *before = last->cure;
      last->cure = before != NULL
                     ? g_strdup_printf("%s\n%.*s", before, (int)(end - line), line)
                     : g_strndup(line, (gsize)(end - line));
    }
  }
}

/* ---- as JSON ---- */

static void
put_number(GString *text, const char *name, gboolean is, gint64 number)
{
  if (is)
    bt_put_int(text, name, number);
  else
    bt_put_json(text, name, "null");
}

void
bt_problem_put(GString *text, const char *name, const BtProblem *self)
{
  bt_put_name(text, name);
  g_string_append_c(text, '{');
  bt_put_string(text, "object", self->object, -1);
  bt_put_string(text, "reason", self->reason, -1);
  if (self->cure != NULL)
    bt_put_string(text, "cure", self->cure, -1);
  else
    bt_put_json(text, "cure", "null");
  put_number(text, "part", self->part >= 0, self->part);
  put_number(text, "line", self->line > 0, (gint64)self->line);
  put_number(text, "column", self->column > 0, (gint64)self->column);
  g_string_append_c(text, '}');
}

void
bt_problems_put(GString *text, const char *name, const GPtrArray *problems)
{
  bt_put_name(text, name);
  g_string_append_c(text, '[');
  for (guint i = 0; i < problems->len; i++)
    bt_problem_put(text, NULL, g_ptr_array_index(problems, i));
  g_string_append_c(text, ']');
}

void
bt_problem_put_error(GString *text, const char *name, const GError *error)
{
  g_autoptr(GPtrArray) problems = bt_problems_new();

  bt_problems_add(problems, error, -1, NULL);
  bt_problem_put(text, name, g_ptr_array_index(problems, 0));
}
