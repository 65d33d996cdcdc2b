/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-node.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/buntime.h"

typedef struct {
  const char *start, *at, *end;
  guint depth, count;
  const char *reason; /* of the first fault; NULL: none yet */
  const char *where;
} Reader;

static BtNode *read_value(Reader *self);

void
bt_node_free(BtNode *node)
{
  if (node == NULL)
    return;
  g_clear_pointer(&node->children, g_ptr_array_unref);
  g_free(node->name);
  g_free(node->string);
  g_free(node);
}

/* For `return fail (…)`. */
static gpointer
fail(Reader *self, const char *reason)
{
  if (self->reason == NULL) {
    self->reason = reason;
    self->where = self->at;
  }
  return NULL;
}

static void
skip_blank(Reader *self)
{
  while (self->at < self->end && strchr(" \t\r\n", *self->at) != NULL)
    self->at++;
}

static gboolean
take(Reader *self, char byte)
{
  skip_blank(self);
  if (self->at == self->end || *self->at != byte)
    return FALSE;
  self->at++;
  return TRUE;
}

/* ---- strings ---- */

static gboolean
read_hex(Reader *self, guint *value_out)
{
  *value_out = 0;
  for (int i = 0; i < 4; i++) {
    int digit = self->at < self->end ? g_ascii_xdigit_value(*self->at) : -1;
    if (digit < 0)
      return FALSE;
    self->at++;
    *value_out = *value_out * 16 + (guint)digit;
  }
  return TRUE;
}

static gboolean
read_unicode(Reader *self, GString *text)
{
  guint c, low;

  if (!read_hex(self, &c) || (c >= 0xdc00 && c < 0xe000))
    return FALSE;
  if (c >= 0xd800 && c < 0xdc00) {
    if (self->end - self->at < 2 || self->at[0] != '\\' || self->at[1] != 'u')
      return FALSE;
    self->at += 2;
    if (!read_hex(self, &low) || low < 0xdc00 || low >= 0xe000)
      return FALSE;
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  /* g_string_append_unichar() leaves NUL out. */
  if (c == 0)
    g_string_append_c(text, '\0');
  else
    g_string_append_unichar(text, c);
  return TRUE;
}

static gboolean
read_escape(Reader *self, GString *text)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

  char kind = self->at < self->end ? *self->at++ : '\0';
  if (kind == 'u')
    return read_unicode(self, text);
  const char *found = kind != '\0' ? strchr(from, kind) : NULL;
  if (found == NULL)
    return FALSE;
  g_string_append_c(text, to[found - from]);
  return TRUE;
}

/* Behind its first quote. All of the line is valid UTF-8 already. */
static GString *
read_string(Reader *self)
{
  g_autoptr(GString) text = g_string_new(NULL);

  while (self->at < self->end && *self->at != '"') {
    const char *plain = self->at;
    while (self->at < self->end && *self->at != '"' && *self->at != '\\' && (guchar)*self->at >= 0x20)
      self->at++;
    g_string_append_len(text, plain, self->at - plain);
    if (self->at == self->end || *self->at == '"')
      break;
    if (*self->at != '\\')
      return fail(self, _("a control character in a string"));
    self->at++;
    if (!read_escape(self, text))
      return fail(self, _("an escape that is none"));
  }
  if (self->at == self->end)
    return fail(self, _("a string does not end"));
  self->at++;
  return g_steal_pointer(&text);
}

/* ---- the other kinds ---- */

/* As RFC 8259 writes them. FALSE: it is none. */
static gboolean
skip_number(Reader *self, gboolean *integral_out)
{
  const char *first = self->at += self->at < self->end && *self->at == '-';

  *integral_out = TRUE;
  while (self->at < self->end && g_ascii_isdigit(*self->at))
    self->at++;
  if (self->at == first || (*first == '0' && self->at - first > 1))
    return FALSE;
  if (self->at < self->end && *self->at == '.') {
    *integral_out = FALSE;
    first = ++self->at;
    while (self->at < self->end && g_ascii_isdigit(*self->at))
      self->at++;
    if (self->at == first)
      return FALSE;
  }
  if (self->at < self->end && (*self->at == 'e' || *self->at == 'E')) {
    *integral_out = FALSE;
    self->at++;
    self->at += self->at < self->end && (*self->at == '+' || *self->at == '-');
    first = self->at;
    while (self->at < self->end && g_ascii_isdigit(*self->at))
      self->at++;
    return self->at > first;
  }
  return TRUE;
}

static gboolean
read_number(Reader *self, BtNode *node)
{
  const char *first = self->at;
  gboolean integral;

  node->kind = BT_NODE_NUMBER;
  if (!skip_number(self, &integral)) {
    fail(self, _("a number that is none"));
    return FALSE;
  }
  /* 2^53: more of it is lost in JavaScript. */
  g_autofree char *digits = g_strndup(first, (gsize)(self->at - first));
  node->integral = integral && self->at - first <= 17;
  node->number = node->integral ? g_ascii_strtoll(digits, NULL, 10) : 0;
  node->integral = node->integral && ABS(node->number) <= G_GINT64_CONSTANT(9007199254740991);
  return TRUE;
}

static gboolean
read_word(Reader *self, BtNode *node)
{
  static const struct {
    const char *word;
    BtNodeKind kind;
    gboolean boolean;
  } words[] = {
    { "true", BT_NODE_BOOLEAN, TRUE },
    { "false", BT_NODE_BOOLEAN, FALSE },
    { "null", BT_NODE_NULL, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    gsize length = strlen(words[i].word);
    if ((gsize)(self->end - self->at) < length || memcmp(self->at, words[i].word, length) != 0)
      continue;
    self->at += length;
    node->kind = words[i].kind;
    node->boolean = words[i].boolean;
    return TRUE;
  }
  fail(self, _("a value is missing"));
  return FALSE;
}

static gboolean
read_elements(Reader *self, BtNode *node)
{
  if (take(self, ']'))
    return TRUE;
  do {
    BtNode *child = read_value(self);
    if (child == NULL)
      return FALSE;
    g_ptr_array_add(node->children, child);
  } while (take(self, ','));
  if (take(self, ']'))
    return TRUE;
  fail(self, _("',' or ']' is missing"));
  return FALSE;
}

static char *
read_key(Reader *self)
{
  if (!take(self, '"'))
    return fail(self, _("a key is missing"));
  GString *key = read_string(self);
  if (key == NULL)
    return NULL;
  gboolean whole = strlen(key->str) == key->len;
  g_autofree char *name = g_string_free(key, FALSE);
  return whole ? g_steal_pointer(&name) : fail(self, _("a NUL in a key"));
}

static gboolean
read_members(Reader *self, BtNode *node)
{
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

  if (take(self, '}'))
    return TRUE;
  do {
    g_autofree char *name = read_key(self);
    if (name != NULL && g_hash_table_contains(names, name))
      fail(self, _("a key is there twice"));
    else if (name != NULL && !take(self, ':'))
      fail(self, _("':' is missing"));
    BtNode *child = name != NULL && self->reason == NULL ? read_value(self) : NULL;
    if (child == NULL)
      return FALSE;
    child->name = g_steal_pointer(&name);
    g_hash_table_add(names, child->name);
    g_ptr_array_add(node->children, child);
  } while (take(self, ','));
  if (take(self, '}'))
    return TRUE;
  fail(self, _("',' or '}' is missing"));
  return FALSE;
}

static gboolean
read_container(Reader *self, BtNode *node, gboolean object)
{
  gboolean ok = FALSE;

  node->kind = object ? BT_NODE_OBJECT : BT_NODE_ARRAY;
  node->children = g_ptr_array_new_with_free_func((GDestroyNotify)bt_node_free);
  if (self->depth == BT_NODE_MAX_DEPTH) {
    fail(self, _("too deep"));
    return FALSE;
  }
  self->depth++;
  ok = object ? read_members(self, node) : read_elements(self, node);
  self->depth--;
  return ok;
}

static gboolean
read_text(Reader *self, BtNode *node)
{
  GString *text = read_string(self);

  node->kind = BT_NODE_STRING;
  if (text == NULL)
    return FALSE;
  node->length = text->len;
  node->string = g_string_free(text, FALSE);
  return TRUE;
}

static BtNode *
read_value(Reader *self)
{
  gboolean ok;

  skip_blank(self);
  if (self->count++ == BT_NODE_MAX_COUNT)
    return fail(self, _("too many values"));
  BtNode *node = g_new0(BtNode, 1);
  node->text = self->at;
  if (self->at < self->end && (*self->at == '-' || g_ascii_isdigit(*self->at)))
    ok = read_number(self, node);
  else if (take(self, '"'))
    ok = read_text(self, node);
  else if (take(self, '['))
    ok = read_container(self, node, FALSE);
  else
    ok = take(self, '{') ? read_container(self, node, TRUE) : read_word(self, node);
  node->size = (gsize)(self->at - node->text);
  if (ok)
    return node;
  bt_node_free(node);
  return NULL;
}

/* ---- */

static BtNode *
read_all(Reader *self)
{
  const char *bad;

  /* A NUL is none, either. */
  if (!g_utf8_validate_len(self->at, (gsize)(self->end - self->at), &bad)) {
    self->at = bad;
    return fail(self, _("not UTF-8"));
  }
  BtNode *node = read_value(self);
  skip_blank(self);
  if (node == NULL || self->at == self->end)
    return node;
  bt_node_free(node);
  return fail(self, _("more than one value"));
}

BtNode *
bt_node_parse(const char *text, gsize length, GError **error)
{
  Reader self = { .start = text, .at = text, .end = text + length };
  BtNode *node = read_all(&self);

  if (node != NULL)
    return node;
  g_autofree char *object =
    g_strdup_printf(_("column %zu"), (gsize)(self.where - self.start) + 1);
  bt_fail(error, BUNTIME_ERROR_USAGE, object, self.reason, NULL);
  return NULL;
}

const BtNode *
bt_node_get(const BtNode *node, const char *name)
{
  for (guint i = 0; node->kind == BT_NODE_OBJECT && i < node->children->len; i++) {
    const BtNode *child = g_ptr_array_index(node->children, i);
    if (strcmp(child->name, name) == 0)
      return child;
  }
  return NULL;
}
