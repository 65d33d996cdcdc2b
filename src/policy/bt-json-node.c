/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bt-json.h"

BtJsonNode *
bt_json_node_new(BtJsonKind kind)
{
  BtJsonNode *node = g_new0(BtJsonNode, 1);
  node->kind = kind;
  if (kind == BT_JSON_ARRAY || kind == BT_JSON_OBJECT)
    node->children = g_ptr_array_new_with_free_func((GDestroyNotify)bt_json_node_free);
  return node;
}

void
bt_json_node_free(BtJsonNode *node)
{
  g_free(node->name);
  g_free(node->string);
  g_clear_pointer(&node->children, g_ptr_array_unref);
  g_free(node);
}
