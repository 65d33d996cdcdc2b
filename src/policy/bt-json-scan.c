/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A strict reader of RFC 8259 that keeps nothing but positions.
 *
 * It comes before json-glib, which takes comments, crashes on deep nesting
 * and keeps the last of duplicate keys. Recursion is bounded by
 * BT_JSON_MAX_DEPTH, memory by the text's size.
 *
 * Some faults leave no doubt about the rest: a comment, a key's second value, a
 * comma too many. Where all faults are asked for these are noted, overwritten
 * with spaces in a copy, and the scan goes on; what it says of the rest then
 * holds for the copy.
 */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/buntime-error.h"

/* json-glib makes -1 of a whole number that does not fit, and doubles are exact to here. */
#define MAX_DIGITS 15

typedef struct {
  const char *next, *end;
  BtJsonPosition position; /* of next */
  guint depth;
  GArray *places;
  const char *text;
  gsize length;
  GPtrArray *faults; /* NULL: the first one is the error */
  char *mended;      /* the copy; NULL without faults */
  GError **error;
} Scan;

static gboolean scan_value(Scan *scan, const BtJsonPosition *name);

static gboolean
fail_at(Scan *scan, const BtJsonPosition *position, const char *reason, const char *cure)
{
  g_autofree char *object = g_strdup_printf("%u:%u", position->line, position->column);
  return bt_fail(scan->error, BUNTIME_ERROR_POLICY, object, reason, cure);
}

static gboolean
fail(Scan *scan, const char *reason, const char *cure)
{
  return fail_at(scan, &scan->position, reason, cure);
}

/* The byte at the cursor; NUL (which no valid text has) at the end. */
static char
peek(const Scan *scan)
{
  return scan->next < scan->end ? *scan->next : '\0';
}

/* The text is valid UTF-8, so continuation bytes are what starts no character. */
static void
advance(Scan *scan)
{
  guchar byte = (guchar)*scan->next++;
  if (byte == '\n') {
    scan->position.line++;
    scan->position.column = 1;
  } else if ((byte & 0xc0) != 0x80) {
    scan->position.column++;
  }
}

/* What lies between start and the cursor is a fault, noted if the scan may go on. */
static gboolean
mend(Scan *scan, const char *start, const BtJsonPosition *position, const char *reason,
     const char *cure)
{
  if (scan->faults == NULL || scan->faults->len >= BT_JSON_MAX_FAULTS)
    return fail_at(scan, position, reason, cure);
  g_ptr_array_add(scan->faults, g_strdup_printf("%u:%u: %s; %s", position->line, position->column,
                                                reason, cure));
  if (scan->mended == NULL)
    scan->mended = g_strndup(scan->text, scan->length);
  memset(scan->mended + (start - scan->text), ' ', scan->next - start);
  return TRUE;
}

/* To the end of the line, or to the next star and slash. */
static gboolean
skip_comment(Scan *scan)
{
  const char *start = scan->next;
  BtJsonPosition position = scan->position;
  gsize left = scan->end - start;
  gboolean block = left >= 4 && memcmp(start, "/*", 2) == 0;
  const char *close =
    block ? g_strstr_len(start + 2, left - 2, "*/") : memchr(start, '\n', left);

  while (scan->next < (close != NULL ? close + (block ? 2 : 0) : scan->end))
    advance(scan);
  return mend(scan, start, &position, _("a comment, which JSON does not have"),
              _("leave it out; \"description\" is there for words"));
}

static gboolean
skip_space(Scan *scan)
{
  for (;;) {
    while (scan->next < scan->end && strchr(" \t\r\n", *scan->next) != NULL)
      advance(scan);
    if (peek(scan) != '/' && peek(scan) != '#')
      return TRUE;
    if (!skip_comment(scan))
      return FALSE;
  }
}

static gboolean
is_digit(char c)
{
  return c >= '0' && c <= '9';
}

static gboolean
scan_hex4(Scan *scan, guint *unit_out)
{
  *unit_out = 0;
  for (guint i = 0; i < 4; i++) {
    gint digit = g_ascii_xdigit_value(peek(scan));
    if (digit < 0)
      return fail(scan, _("\"\\u\" without four hexadecimal digits"), NULL);
    *unit_out = *unit_out << 4 | (guint)digit;
    advance(scan);
  }
  return TRUE;
}

/* After "\u". */
static gboolean
scan_unicode(Scan *scan, GString *decoded)
{
  guint unit, low;

  if (!scan_hex4(scan, &unit))
    return FALSE;
  if (unit == 0)
    return fail(scan, _("a NUL character, which no path or name has"), NULL);
  if (unit >= 0xd800 && unit < 0xdc00) {
    gboolean pair = scan->end - scan->next >= 2 && scan->next[0] == '\\' && scan->next[1] == 'u';
    if (!pair)
      return fail(scan, _("half of a surrogate pair"), NULL);
    advance(scan);
    advance(scan);
    if (!scan_hex4(scan, &low))
      return FALSE;
    if (low < 0xdc00 || low > 0xdfff)
      return fail(scan, _("half of a surrogate pair"), NULL);
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  } else if (unit >= 0xdc00 && unit <= 0xdfff) {
    return fail(scan, _("half of a surrogate pair"), NULL);
  }
  g_string_append_unichar(decoded, unit);
  return TRUE;
}

/* After the backslash. */
static gboolean
scan_escape(Scan *scan, GString *decoded)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  char letter = peek(scan);
  const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

  if (letter == 'u') {
    advance(scan);
    return scan_unicode(scan, decoded);
  }
  if (found == NULL)
    return fail(scan, _("an unknown escape after \"\\\""), _("write \"\\\\\" for a backslash"));
  g_string_append_c(decoded, meanings[found - letters]);
  advance(scan);
  return TRUE;
}

/* At the opening quote. */
static gboolean
scan_string(Scan *scan, GString *decoded)
{
  BtJsonPosition start = scan->position;

  advance(scan);
  while (scan->next < scan->end) {
    char c = *scan->next;
    if (c == '"') {
      advance(scan);
      return TRUE;
    }
    if ((guchar)c < 0x20)
      return fail(scan, _("a line break or control character inside a string"),
                  _("close the string, or write \"\\n\" for a line break"));
    if (c == '\\') {
      advance(scan);
      if (!scan_escape(scan, decoded))
        return FALSE;
      continue;
    }
    g_string_append_c(decoded, c);
    advance(scan);
  }
  return fail_at(scan, &start, _("a string that does not end"), NULL);
}

static gboolean
scan_digits(Scan *scan)
{
  if (!is_digit(peek(scan)))
    return fail(scan, _("a number without digits"), NULL);
  while (is_digit(peek(scan)))
    advance(scan);
  return TRUE;
}

static gboolean
scan_number(Scan *scan)
{
  if (peek(scan) == '-')
    advance(scan);
  BtJsonPosition start = scan->position;
  if (peek(scan) == '0') {
    advance(scan);
    if (is_digit(peek(scan)))
      return fail(scan, _("a number that starts with 0"), NULL);
  } else if (!scan_digits(scan)) {
    return FALSE;
  }
  if (scan->position.column - start.column > MAX_DIGITS)
    return fail_at(scan, &start, _("a number of more than 15 digits"), NULL);
  if (peek(scan) == '.') {
    advance(scan);
    if (!scan_digits(scan))
      return FALSE;
  }
  if (peek(scan) == 'e' || peek(scan) == 'E') {
    advance(scan);
    if (peek(scan) == '+' || peek(scan) == '-')
      advance(scan);
    return scan_digits(scan);
  }
  return TRUE;
}

static gboolean
scan_word(Scan *scan)
{
  static const char *const words[] = { "true", "false", "null" };

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    gsize length = strlen(words[i]);
    if ((gsize)(scan->end - scan->next) < length || memcmp(scan->next, words[i], length) != 0)
      continue;
    while (length-- > 0)
      advance(scan);
    if (!g_ascii_isalnum(peek(scan)))
      return TRUE;
    break;
  }
  if (peek(scan) == '\'')
    return fail(scan, _("a single quote"), _("JSON strings are in double quotes"));
  if (scan->next == scan->end)
    return fail(scan, _("the file ends where a value should be"), NULL);
  return fail(scan, _("no JSON value"),
              _("write a string in double quotes, a number, true, false, [ or {"));
}

/* At a comma or the end of an array or object; *more_out: another one follows. */
static gboolean
scan_separator(Scan *scan, char close, gboolean *more_out)
{
  if (!skip_space(scan))
    return FALSE;
  if (peek(scan) == close) {
    advance(scan);
    *more_out = FALSE;
    return TRUE;
  }
  if (peek(scan) != ',') {
    g_autofree char *cure = g_strdup_printf(_("write \",\" or \"%c\" here"), close);
    return fail(scan, _("something is missing between two values"), cure);
  }
  BtJsonPosition position = scan->position;
  const char *comma = scan->next;
  advance(scan);
  if (!skip_space(scan))
    return FALSE;
  *more_out = peek(scan) != close;
  if (*more_out)
    return TRUE;
  if (!mend(scan, comma, &position, _("a comma after the last value"), _("leave it out")))
    return FALSE;
  advance(scan);
  return TRUE;
}

static gboolean
scan_array(Scan *scan)
{
  gboolean more = TRUE;

  advance(scan);
  if (!skip_space(scan))
    return FALSE;
  if (peek(scan) == ']') {
    advance(scan);
    return TRUE;
  }
  while (more)
    if (!scan_value(scan, NULL) || !scan_separator(scan, ']', &more))
      return FALSE;
  return TRUE;
}

/* start: where the member before ended, so that the comma between them counts to this one. */
static gboolean
scan_member(Scan *scan, GHashTable *keys, const char *start)
{
  BtJsonPosition name = scan->position;
  guint n_places = scan->places->len;
  g_autoptr(GString) key = g_string_new(NULL);

  if (peek(scan) != '"')
    return fail(scan, _("no key"), _("write the key in double quotes"));
  if (!scan_string(scan, key))
    return FALSE;
  gboolean second = !g_hash_table_add(keys, g_strdup(key->str));
  g_autofree char *reason = g_strdup_printf(_("the key \"%s\" a second time"), key->str);
  if (second && scan->faults == NULL)
    return fail_at(scan, &name, reason, _("keep one of the two"));
  if (!skip_space(scan))
    return FALSE;
  if (peek(scan) != ':')
    return fail(scan, _("no \":\" after the key"), NULL);
  advance(scan);
  if (!skip_space(scan) || !scan_value(scan, &name))
    return FALSE;
  if (!second)
    return TRUE;
  g_array_set_size(scan->places, n_places);
  return mend(scan, start, &name, reason, _("keep one of the two"));
}

static gboolean
scan_object(Scan *scan)
{
  g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gboolean more = TRUE;

  advance(scan);
  if (!skip_space(scan))
    return FALSE;
  if (peek(scan) == '}') {
    advance(scan);
    return TRUE;
  }
  for (const char *start = scan->next, *next; more; start = next) {
    if (!scan_member(scan, keys, start))
      return FALSE;
    next = scan->next;
    if (!scan_separator(scan, '}', &more))
      return FALSE;
  }
  return TRUE;
}

static gboolean
scan_nested(Scan *scan)
{
  if (scan->depth == BT_JSON_MAX_DEPTH)
    return fail(scan, _("nested more than 32 levels deep"), NULL);
  scan->depth++;
  gboolean ok = peek(scan) == '[' ? scan_array(scan) : scan_object(scan);
  scan->depth--;
  return ok;
}

/* At the value's first byte. name is the position of its key, or NULL. */
static gboolean
scan_value(Scan *scan, const BtJsonPosition *name)
{
  BtJsonPlace place = { .value = scan->position };
  char c = peek(scan);

  if (name != NULL)
    place.name = *name;
  g_array_append_val(scan->places, place);
  if (c == '[' || c == '{')
    return scan_nested(scan);
  if (c == '"') {
    g_autoptr(GString) unused = g_string_new(NULL);
    return scan_string(scan, unused);
  }
  if (c == '-' || is_digit(c))
    return scan_number(scan);
  return scan_word(scan);
}

/* Faults of bytes, before anything looks at characters. */
static gboolean
check_bytes(Scan *scan, gsize length)
{
  const char *bad = NULL;

  if (length > BT_JSON_MAX_SIZE)
    return fail(scan, _("a file of more than 1 MiB"), NULL);
  if (length >= 3 && memcmp(scan->next, "\xef\xbb\xbf", 3) == 0)
    return fail(scan, _("a byte order mark"), _("save the file as UTF-8 without one"));
  if (g_utf8_validate_len(scan->next, length, &bad))
    return TRUE;
  Scan at = *scan;
  while (at.next < bad)
    advance(&at);
  return fail(&at, *bad == '\0' ? _("a NUL byte") : _("a byte that is no UTF-8"),
              _("save the file as UTF-8"));
}

static gboolean
scan_text(Scan *scan)
{
  scan->next = scan->text;
  scan->end = scan->text + scan->length;
  scan->position = (BtJsonPosition){ 1, 1 };
  if (!check_bytes(scan, scan->length) || !skip_space(scan) || !scan_value(scan, NULL) ||
      !skip_space(scan))
    return FALSE;
  if (scan->next != scan->end)
    return fail(scan, _("something after the end of the value"), _("leave it out"));
  return TRUE;
}

gboolean
bt_json_scan(const char *text, gsize length, GArray *places_out, GError **error)
{
  /* An empty GBytes has no address. */
  Scan scan = { .text = text != NULL ? text : "",
                .length = length,
                .places = places_out,
                .error = error };

  return scan_text(&scan);
}

gboolean
bt_json_scan_all(const char *text, gsize length, GArray *places_out, GPtrArray *faults_out,
                 char **mended_out, GError **error)
{
  Scan scan = { .text = text != NULL ? text : "",
                .length = length,
                .places = places_out,
                .faults = faults_out,
                .error = error };

  gboolean ok = scan_text(&scan);
  *mended_out = scan.mended;
  return ok;
}
