/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-fields.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "lib/buntime.h"

static gboolean
fail(GError **error, const char *name, const char *reason)
{
  return bt_fail(error, BUNTIME_ERROR_USAGE, name, reason, NULL);
}

gboolean
bt_fields_check(const BtNode *node, const char *const *keys, GError **error)
{
  if (node->kind != BT_NODE_OBJECT)
    return fail(error, node->name != NULL ? node->name : _("message"), _("not an object"));
  for (guint i = 0; i < node->children->len; i++) {
    const BtNode *child = g_ptr_array_index(node->children, i);
    if (!g_strv_contains(keys, child->name))
      return fail(error, child->name, _("not a key of this message"));
  }
  return TRUE;
}

static const BtNode *
get(const BtNode *node, const char *name, GError **error)
{
  const BtNode *child = bt_node_get(node, name);

  if (child == NULL)
    fail(error, name, _("a key that is missing"));
  return child;
}

static gboolean
is_text(const BtNode *node)
{
  return node->kind == BT_NODE_STRING && strlen(node->string) == node->length;
}

gboolean
bt_field_text(const BtNode *node, const char *name, gsize max, const char **text_out,
              GError **error)
{
  const BtNode *child = get(node, name, error);

  if (child == NULL)
    return FALSE;
  if (!is_text(child))
    return fail(error, name, _("not a string without NUL"));
  if (child->length > max) {
    g_autofree char *reason =
      g_strdup_printf(_("longer than %zu bytes"), max);
    return fail(error, name, reason);
  }
  *text_out = child->string;
  return TRUE;
}

gboolean
bt_field_number(const BtNode *node, const char *name, gint64 *number_out, GError **error)
{
  const BtNode *child = get(node, name, error);

  if (child == NULL)
    return FALSE;
  if (!child->integral || child->number < 0)
    return fail(error, name, _("not a whole number"));
  *number_out = child->number;
  return TRUE;
}

gboolean
bt_field_boolean(const BtNode *node, const char *name, gboolean *value_out, GError **error)
{
  const BtNode *child = get(node, name, error);

  if (child == NULL)
    return FALSE;
  if (child->kind != BT_NODE_BOOLEAN)
    return fail(error, name, _("not true or false"));
  *value_out = child->boolean;
  return TRUE;
}

gboolean
bt_field_texts(const BtNode *node, const char *name, guint max, GStrv *texts_out, GError **error)
{
  g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

  if (node->kind != BT_NODE_ARRAY || node->children->len > max)
    return fail(error, name, _("not an array of strings"));
  for (guint i = 0; i < node->children->len; i++) {
    const BtNode *child = g_ptr_array_index(node->children, i);
    if (!is_text(child) || child->length > BT_FIELD_MAX_TEXT)
      return fail(error, name, _("not an array of strings"));
    g_ptr_array_add(texts, g_strdup(child->string));
  }
  g_ptr_array_add(texts, NULL);
  *texts_out = (GStrv)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
  return TRUE;
}
