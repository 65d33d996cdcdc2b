/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walking a policy file's tree: where the reader is, what is wrong there, and
 * the tables that say which keys an object has.
 */
#include "policy/bt-policy-reader.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "policy/bt-event.h"
#include "policy/bt-policy-private.h"

char *
bt_reader_where(BtPolicyReader *self, const BtJsonPosition *position)
{
  g_autofree char *where =
    g_strdup_printf("%s:%u:%u%s%s", self->file, position->line, position->column,
                    self->path->len > 0 ? ": " : "", self->path->str);
  return bt_text_neutralise(where, -1);
}

void
bt_reader_take_fault(BtPolicyReader *self, const char *text)
{
  if (self->n_errors++ >= BT_READER_MAX_ERRORS)
    return;
  if (self->errors->len > 0)
    g_string_append_c(self->errors, '\n');
  g_string_append(self->errors, text);
}

void
bt_reader_complain_at(BtPolicyReader *self, const BtJsonPosition *position, const char *reason,
                      const char *cure)
{
  g_autofree char *where = bt_reader_where(self, position);
  g_autofree char *text = g_strconcat(where, ": ", reason, cure != NULL ? "; " : NULL, cure, NULL);
  g_autofree char *safe = bt_text_neutralise(text, -1);
  bt_reader_take_fault(self, safe);
}

void
bt_reader_complain(BtPolicyReader *self, const BtJsonNode *node, const char *reason,
                   const char *cure)
{
  bt_reader_complain_at(self, &node->position, reason, cure);
}

/* Takes cause: "reason\ncure". */
void
bt_reader_complain_because(BtPolicyReader *self, const BtJsonNode *node, GError *cause)
{
  g_auto(GStrv) lines = g_strsplit(cause->message, "\n", 2);
  bt_reader_complain(self, node, lines[0], lines[0] != NULL ? lines[1] : NULL);
  g_error_free(cause);
}

void
bt_reader_complain_choice(BtPolicyReader *self, const BtJsonPosition *position, const char *word,
                          const char *const *choices, const char *format, ...)
{
  const char *nearest = bt_nearest(word, choices);
  va_list args;
  va_start(args, format);
  g_autofree char *reason = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *list = g_strjoinv(", ", (char **)choices);
  g_autofree char *cure = nearest != NULL ? g_strdup_printf(_("did you mean \"%s\"?"), nearest)
                                          : g_strdup_printf(_("write one of %s"), list);
  bt_reader_complain_at(self, position, reason, cure);
}

gsize
bt_reader_enter_key(BtPolicyReader *self, const char *key)
{
  gsize length = self->path->len;
  g_string_append_printf(self->path, "%s%s", length > 0 ? "." : "", key);
  return length;
}

gsize
bt_reader_enter_index(BtPolicyReader *self, guint index)
{
  gsize length = self->path->len;
  g_string_append_printf(self->path, "[%u]", index);
  return length;
}

void
bt_reader_leave(BtPolicyReader *self, gsize length)
{
  g_string_truncate(self->path, length);
}

static const char *
kind_word(BtJsonKind kind)
{
  switch (kind) {
  case BT_JSON_BOOLEAN:
    return _("true or false");
  case BT_JSON_NUMBER:
    return _("a number");
  case BT_JSON_STRING:
    return _("a string");
  case BT_JSON_ARRAY:
    return _("a list in [ ]");
  case BT_JSON_OBJECT:
    return _("an object in { }");
  case BT_JSON_NULL:
    break;
  }
  return "null";
}

static const char *
found_word(const BtJsonNode *node)
{
  switch (node->kind) {
  case BT_JSON_BOOLEAN:
    return node->boolean ? "true" : "false";
  case BT_JSON_ARRAY:
    return _("a list");
  case BT_JSON_OBJECT:
    return _("an object");
  case BT_JSON_NULL:
  case BT_JSON_NUMBER:
  case BT_JSON_STRING:
    break;
  }
  return kind_word(node->kind);
}

void
bt_reader_complain_kind(BtPolicyReader *self, const BtJsonNode *node, const char *cure)
{
  g_autofree char *reason = g_strdup_printf(_("a value of the wrong type, %s"), found_word(node));
  bt_reader_complain(self, node, reason, cure);
}

gboolean
bt_reader_has_kind(BtPolicyReader *self, const BtJsonNode *node, BtJsonKind kind)
{
  if (node->kind == kind)
    return TRUE;
  g_autofree char *cure = g_strdup_printf(_("write %s"), kind_word(kind));
  bt_reader_complain_kind(self, node, cure);
  return FALSE;
}

static const BtReaderKey *
find_key(const BtReaderKey *keys, gsize n_keys, const char *name)
{
  for (gsize i = 0; i < n_keys; i++)
    if (strcmp(keys[i].name, name) == 0)
      return &keys[i];
  return NULL;
}

static void
complain_unknown(BtPolicyReader *self, const BtJsonNode *member, const BtReaderKey *keys,
                 gsize n_keys)
{
  g_autofree const char **names = g_new0(const char *, n_keys + 1);
  for (gsize i = 0; i < n_keys; i++)
    names[i] = keys[i].name;
  bt_reader_complain_choice(self, &member->name_position, member->name, names,
                            _("an unknown key"));
}

/* Checks every member against the table and reads it. FALSE: node is no object. */
gboolean
bt_reader_read_object(BtPolicyReader *self, const BtJsonNode *node, const BtReaderKey *keys,
                      gsize n_keys)
{
  if (!bt_reader_has_kind(self, node, BT_JSON_OBJECT))
    return FALSE;
  for (guint i = 0; i < node->children->len; i++) {
    const BtJsonNode *member = g_ptr_array_index(node->children, i);
    const BtReaderKey *key = find_key(keys, n_keys, member->name);
    gsize outside = bt_reader_enter_key(self, member->name);
    if (key == NULL)
      complain_unknown(self, member, keys, n_keys);
    else if (key->kind == BT_JSON_NULL || bt_reader_has_kind(self, member, key->kind))
      if (key->read != NULL)
        key->read(self, member);
    bt_reader_leave(self, outside);
  }
  return TRUE;
}

const BtJsonNode *
bt_reader_get(const BtJsonNode *node, const char *name, BtJsonKind kind)
{
  for (guint i = 0; i < node->children->len; i++) {
    const BtJsonNode *member = g_ptr_array_index(node->children, i);
    if (strcmp(member->name, name) == 0)
      return member->kind == kind ? member : NULL;
  }
  return NULL;
}

gboolean
bt_reader_has(const BtJsonNode *node, const char *name)
{
  for (guint i = 0; i < node->children->len; i++)
    if (strcmp(((BtJsonNode *)g_ptr_array_index(node->children, i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

const char *
bt_reader_get_string(const BtJsonNode *node, const char *name)
{
  const BtJsonNode *member = bt_reader_get(node, name, BT_JSON_STRING);
  return member != NULL ? member->string : NULL;
}

gboolean
bt_reader_read_action_word(BtPolicyReader *self, const BtJsonNode *node, gboolean warn,
                           BtAction *action_out)
{
  const char *words[] = { "allow", "deny", warn ? "warn" : NULL, NULL };
  static const BtAction actions[] = { BT_ACTION_ALLOW, BT_ACTION_DENY, BT_ACTION_WARN };

  for (gsize i = 0; words[i] != NULL; i++) {
    if (strcmp(node->string, words[i]) == 0) {
      *action_out = actions[i];
      return TRUE;
    }
  }
  bt_reader_complain_choice(
    self, &node->position, node->string, words,
    warn ? _("\"%s\" is not allow, warn or deny") : _("\"%s\" is not allow or deny"), node->string);
  return FALSE;
}

void
bt_reader_read_list(BtPolicyReader *self, const BtJsonNode *node, BtReaderFunc read)
{
  for (guint i = 0; i < node->children->len; i++) {
    gsize outside = bt_reader_enter_index(self, i);
    read(self, g_ptr_array_index(node->children, i));
    bt_reader_leave(self, outside);
  }
}
