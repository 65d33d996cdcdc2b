/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-templates.h"

#include <string.h>

#include "debug-ui/bt-fields.h"
#include "serve/bt-node.h"

#define TEMPLATES "/io/github/buntime/debug-ui/templates/"
#define LIST "/examples"

static GBytes *
look_up(const char *name)
{
  g_autofree char *path = g_strconcat(TEMPLATES, name, NULL);
  return g_resources_lookup_data(path, 0, NULL);
}

/* The members as they are in the list, and the code. */
static GBytes *
make(const BtNode *node)
{
  const char *file;
  g_autoptr(GBytes) code = bt_field_text(node, "file", 256, &file, NULL) ? look_up(file) : NULL;
  gsize size;

  if (code == NULL)
    return NULL;
  GString *text = g_string_new("{");
  for (guint i = 0; i < node->children->len; i++) {
    const BtNode *child = g_ptr_array_index(node->children, i);
    g_autofree char *json = g_strndup(child->text, child->size);
    bt_put_json(text, child->name, json);
  }
  const char *data = g_bytes_get_data(code, &size);
  bt_put_string(text, "code", data, (gssize)size);
  return g_string_free_to_bytes(g_string_append_c(text, '}'));
}

GBytes *
bt_templates_answer(const char *path)
{
  if (strcmp(path, LIST) == 0)
    return look_up("index.json");
  if (!g_str_has_prefix(path, LIST "/"))
    return NULL;
  g_autoptr(GBytes) list = look_up("index.json");
  gsize size = 0;
  const char *text = list != NULL ? g_bytes_get_data(list, &size) : NULL;
  g_autoptr(BtNode) node = text != NULL ? bt_node_parse(text, size, NULL) : NULL;
  for (guint i = 0; node != NULL && i < node->children->len; i++) {
    const BtNode *child = g_ptr_array_index(node->children, i);
    const char *id;
    if (bt_field_text(child, "id", 256, &id, NULL) && strcmp(id, path + strlen(LIST "/")) == 0)
      return make(child);
  }
  return NULL;
}
