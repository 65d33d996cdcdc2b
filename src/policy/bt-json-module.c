/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-json.so: the one file that knows json-glib.
 *
 * It reads only text that bt_json_scan() has passed: bounded, strict, without
 * duplicate keys. Values come in document order, members included, so the
 * places that the scan noted are dealt out one by one.
 */
#include <json-glib/json-glib.h>

#include "policy/bt-json.h"
#include "policy/buntime-error.h"

typedef struct {
  GArray *places;
  guint next;
} Dealer;

static BtJsonNode *build(JsonNode *from, Dealer *dealer);

static void
build_member(JsonObject *object, const char *name, JsonNode *value, gpointer data)
{
  gpointer *context = data;
  BtJsonNode *parent = context[0], *node = build(value, context[1]);
  node->name = g_strdup(name);
  g_ptr_array_add(parent->children, node);
}

static void
build_element(JsonArray *array, guint index, JsonNode *value, gpointer data)
{
  gpointer *context = data;
  BtJsonNode *parent = context[0];
  g_ptr_array_add(parent->children, build(value, context[1]));
}

static BtJsonNode *
build_value(JsonNode *from)
{
  BtJsonNode *node;

  if (!JSON_NODE_HOLDS_VALUE(from))
    return bt_json_node_new(BT_JSON_NULL);
  GType type = json_node_get_value_type(from);
  if (type == G_TYPE_STRING) {
    node = bt_json_node_new(BT_JSON_STRING);
    node->string = json_node_dup_string(from);
  } else if (type == G_TYPE_BOOLEAN) {
    node = bt_json_node_new(BT_JSON_BOOLEAN);
    node->boolean = json_node_get_boolean(from);
  } else {
    node = bt_json_node_new(BT_JSON_NUMBER);
    node->number =
      type == G_TYPE_INT64 ? (double)json_node_get_int(from) : json_node_get_double(from);
  }
  return node;
}

/* Not deeper than BT_JSON_MAX_DEPTH: the scan saw to it. */
static BtJsonNode *
build(JsonNode *from, Dealer *dealer)
{
  BtJsonNode *node;
  BtJsonPlace place = { { 0, 0 }, { 0, 0 } };

  if (dealer->next < dealer->places->len)
    place = g_array_index(dealer->places, BtJsonPlace, dealer->next);
  dealer->next++;
  if (JSON_NODE_HOLDS_OBJECT(from)) {
    node = bt_json_node_new(BT_JSON_OBJECT);
    gpointer context[] = { node, dealer };
    json_object_foreach_member(json_node_get_object(from), build_member, context);
  } else if (JSON_NODE_HOLDS_ARRAY(from)) {
    node = bt_json_node_new(BT_JSON_ARRAY);
    gpointer context[] = { node, dealer };
    json_array_foreach_element(json_node_get_array(from), build_element, context);
  } else {
    node = build_value(from);
  }
  node->position = place.value;
  node->name_position = place.name;
  return node;
}

__attribute__((visibility("default"))) BtJsonNode *
bt_json_read(const char *text, gsize length, GArray *places, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  Dealer dealer = { places, 0 };

  if (!json_parser_load_from_data(parser, text, (gssize)length, error))
    return NULL;
  JsonNode *root = json_parser_get_root(parser);
  g_autoptr(BtJsonNode) tree = root != NULL ? build(root, &dealer) : NULL;
  /* The scan and json-glib must have read the same document. */
  if (tree == NULL || dealer.next != places->len) {
    bt_fail(error, BUNTIME_ERROR_POLICY, NULL, "two readers disagree about this JSON", NULL);
    return NULL;
  }
  return g_steal_pointer(&tree);
}
