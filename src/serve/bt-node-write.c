/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-node.h"

#include <string.h>

/* Of which a host's own code could make a line's end, or a terminal an order. */
static gboolean
is_unsafe(gunichar c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
         (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

static void
append_unsafe(GString *text, gunichar c)
{
  static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
  const char *found = c != 0 && c < 0x20 ? strchr(from, (int)c) : NULL;

  if (found != NULL) {
    g_string_append_c(text, '\\');
    g_string_append_c(text, to[found - from]);
  } else {
    g_string_append_printf(text, "\\u%04x", c);
  }
}

/* value: valid UTF-8, but for NULs in it. */
static void
append_quoted(GString *text, const char *value, gsize length)
{
  const char *plain = value, *end = value + length;

  g_string_append_c(text, '"');
  while (value < end) {
    gunichar c = (guchar)*value < 0x80 ? (guchar)*value : g_utf8_get_char(value);
    const char *next = value + ((guchar)*value < 0x80 ? 1 : g_utf8_skip[(guchar)*value]);
    gboolean quoted = c == '"' || c == '\\', unsafe = is_unsafe(c);
    if (quoted || unsafe) {
      g_string_append_len(text, plain, value - plain);
      plain = next;
    }
    if (quoted) {
      g_string_append_c(text, '\\');
      g_string_append_c(text, (char)c);
    } else if (unsafe) {
      append_unsafe(text, c);
    }
    value = next;
  }
  g_string_append_len(text, plain, end - plain);
  g_string_append_c(text, '"');
}

/* Is it UTF-8, NULs counting as characters? */
static gboolean
is_text(const char *bytes, gsize size)
{
  const char *end = bytes + size, *bad;

  while (bytes < end && !g_utf8_validate_len(bytes, (gsize)(end - bytes), &bad)) {
    if (*bad != '\0')
      return FALSE;
    bytes = bad + 1;
  }
  return TRUE;
}

void
bt_put_name(GString *text, const char *name)
{
  char last = text->len > 0 ? text->str[text->len - 1] : '{';

  if (last != '{' && last != '[')
    g_string_append_c(text, ',');
  if (name == NULL)
    return;
  append_quoted(text, name, strlen(name));
  g_string_append_c(text, ':');
}

void
bt_put_string(GString *text, const char *name, const char *value, gssize length)
{
  gsize size = length < 0 ? strlen(value) : (gsize)length;

  bt_put_name(text, name);
  if (is_text(value, size)) {
    append_quoted(text, value, size);
    return;
  }
  g_autofree char *valid = g_utf8_make_valid(value, (gssize)size);
  append_quoted(text, valid, strlen(valid));
}

void
bt_put_int(GString *text, const char *name, gint64 value)
{
  bt_put_name(text, name);
  g_string_append_printf(text, "%" G_GINT64_FORMAT, value);
}

void
bt_put_bool(GString *text, const char *name, gboolean value)
{
  bt_put_name(text, name);
  g_string_append(text, value ? "true" : "false");
}

void
bt_put_json(GString *text, const char *name, const char *json)
{
  bt_put_name(text, name);
  /* In JSON's strings there is no newline: it parts tokens, as what follows it does. */
  for (gsize length; *json != '\0'; json += length, json += strspn(json, "\r\n \t")) {
    length = strcspn(json, "\r\n");
    g_string_append_len(text, json, (gssize)length);
  }
}

/* How long the text is between its quotes. */
static gsize
quoted_size(const char *bytes, gsize size)
{
  gsize total = 0;

  for (const char *at = bytes, *next; at < bytes + size; at = next) {
    gunichar c = (guchar)*at < 0x80 ? (guchar)*at : g_utf8_get_char(at);
    next = at + ((guchar)*at < 0x80 ? 1 : g_utf8_skip[(guchar)*at]);
    total += c == '"' || c == '\\' ? 2 : is_unsafe(c) ? 6 : (gsize)(next - at);
  }
  return total;
}

void
bt_put_bytes_as(GString *text, const char *name, const void *bytes, gsize size)
{
  if (is_text(bytes, size) && quoted_size(bytes, size) <= 2 * size + 64) {
    bt_put_name(text, name);
    append_quoted(text, bytes, size);
    return;
  }
  g_autofree char *encoded = g_base64_encode(bytes, size);
  bt_put_name(text, "base64");
  g_string_append_c(text, '"');
  g_string_append(text, encoded);
  g_string_append_c(text, '"');
}

void
bt_put_bytes(GString *text, const void *bytes, gsize size)
{
  bt_put_bytes_as(text, "text", bytes, size);
}
