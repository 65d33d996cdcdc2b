/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-json-writer.h"

#include <string.h>

#include "policy/bt-event.h"

static void
append_escape(GString *text, gunichar c)
{
  if (c >= 0x10000) {
    c -= 0x10000;
    g_string_append_printf(text, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
  } else {
    g_string_append_printf(text, "\\u%04x", c);
  }
}

static void
append_character(GString *text, gunichar c)
{
  switch (c) {
  case '"':
    g_string_append(text, "\\\"");
    break;
  case '\\':
    g_string_append(text, "\\\\");
    break;
  case '\n':
    g_string_append(text, "\\n");
    break;
  case '\r':
    g_string_append(text, "\\r");
    break;
  case '\t':
    g_string_append(text, "\\t");
    break;
  default:
    if (c < 0x20 || c == 0x7f || bt_text_is_deceptive(c))
      append_escape(text, c);
    else
      g_string_append_unichar(text, c);
  }
}

static void
append_string(GString *text, const char *value, gsize length)
{
  const char *end = value + length;

  g_string_append_c(text, '"');
  while (value < end) {
    /* A NUL is a character here, and for GLib an end. */
    gunichar c =
      *value == '\0' ? 0 : g_utf8_get_char_validated(value, (gssize)MIN(end - value, 6));
    if (c == (gunichar)-1 || c == (gunichar)-2) {
      g_string_append_unichar(text, 0xfffd);
      value++;
      continue;
    }
    append_character(text, c);
    value = *value == '\0' ? value + 1 : g_utf8_next_char(value);
  }
  g_string_append_c(text, '"');
}

static void
append_line(BtJsonWriter *self)
{
  if (self->indent == 0)
    return;
  g_string_append_c(self->text, '\n');
  for (guint i = 0; i < self->depth * self->indent; i++)
    g_string_append_c(self->text, ' ');
}

/* What stands before a value: the comma, the line, the key. */
static void
append_before(BtJsonWriter *self, const char *name)
{
  if (self->depth > 0) {
    if (self->levels[self->depth - 1].used)
      g_string_append_c(self->text, ',');
    self->levels[self->depth - 1].used = TRUE;
    append_line(self);
  }
  if (name == NULL)
    return;
  append_string(self->text, name, strlen(name));
  g_string_append(self->text, self->indent > 0 ? ": " : ":");
}

static void
begin(BtJsonWriter *self, const char *name, char open, char close)
{
  /* Depth is the program's own, not its input's. */
  g_return_if_fail(self->depth < BT_JSON_WRITER_MAX_DEPTH);
  append_before(self, name);
  g_string_append_c(self->text, open);
  self->levels[self->depth].close = close;
  self->levels[self->depth].used = FALSE;
  self->depth++;
}

void
bt_json_begin_object(BtJsonWriter *self, const char *name)
{
  begin(self, name, '{', '}');
}

void
bt_json_begin_array(BtJsonWriter *self, const char *name)
{
  begin(self, name, '[', ']');
}

void
bt_json_end(BtJsonWriter *self)
{
  g_return_if_fail(self->depth > 0);
  self->depth--;
  if (self->levels[self->depth].used)
    append_line(self);
  g_string_append_c(self->text, self->levels[self->depth].close);
}

void
bt_json_put_string(BtJsonWriter *self, const char *name, const char *value)
{
  if (value == NULL)
    bt_json_put_null(self, name);
  else
    bt_json_put_bytes(self, name, value, strlen(value));
}

void
bt_json_put_bytes(BtJsonWriter *self, const char *name, const char *value, gsize length)
{
  append_before(self, name);
  append_string(self->text, value, length);
}

void
bt_json_put_int(BtJsonWriter *self, const char *name, gint64 value)
{
  append_before(self, name);
  g_string_append_printf(self->text, "%" G_GINT64_FORMAT, value);
}

void
bt_json_put_bool(BtJsonWriter *self, const char *name, gboolean value)
{
  append_before(self, name);
  g_string_append(self->text, value ? "true" : "false");
}

void
bt_json_put_null(BtJsonWriter *self, const char *name)
{
  append_before(self, name);
  g_string_append(self->text, "null");
}
