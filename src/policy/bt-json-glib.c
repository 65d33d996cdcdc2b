/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one file that knows json-glib; a part of buntime-json, and of tests.
 *
 * The types are those of json_gvariant_deserialize(): x and d for numbers,
 * a{sv} for an object, av for an array, the mv of nothing for null. It is not
 * called, because it takes minutes for an array of a megabyte (1.6.6 walks a
 * list for each element).
 */
#include <json-glib/json-glib.h>

#include "policy/bt-json.h"

static GVariant *convert(JsonNode *from);

static void
add_member(JsonObject *object, const char *name, JsonNode *value, gpointer builder)
{
  g_variant_builder_add(builder, "{sv}", name, convert(value));
}

static void
add_element(JsonArray *array, guint index, JsonNode *value, gpointer builder)
{
  g_variant_builder_add(builder, "v", convert(value));
}

static GVariant *
convert_value(JsonNode *from)
{
  GType type = json_node_get_value_type(from);

  if (type == G_TYPE_STRING)
    return g_variant_new_string(json_node_get_string(from));
  if (type == G_TYPE_BOOLEAN)
    return g_variant_new_boolean(json_node_get_boolean(from));
  if (type == G_TYPE_INT64)
    return g_variant_new_int64(json_node_get_int(from));
  return g_variant_new_double(json_node_get_double(from));
}

/* Not deeper than BT_JSON_MAX_DEPTH: the scan saw to it. */
static GVariant *
convert(JsonNode *from)
{
  GVariantBuilder builder;

  switch (json_node_get_node_type(from)) {
  case JSON_NODE_OBJECT:
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    json_object_foreach_member(json_node_get_object(from), add_member, &builder);
    return g_variant_builder_end(&builder);
  case JSON_NODE_ARRAY:
    g_variant_builder_init(&builder, G_VARIANT_TYPE("av"));
    json_array_foreach_element(json_node_get_array(from), add_element, &builder);
    return g_variant_builder_end(&builder);
  case JSON_NODE_VALUE:
    return convert_value(from);
  case JSON_NODE_NULL:
    break;
  }
  return g_variant_new_maybe(G_VARIANT_TYPE_VARIANT, NULL);
}

GBytes *
bt_json_to_variant(const char *text, gsize length, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();

  if (!json_parser_load_from_data(parser, text, (gssize)length, error))
    return NULL;
  JsonNode *root = json_parser_get_root(parser);
  if (root == NULL) {
    g_set_error_literal(error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_PARSE, "no value");
    return NULL;
  }
  g_autoptr(GVariant) boxed = g_variant_ref_sink(g_variant_new_variant(convert(root)));
  return g_variant_get_data_as_bytes(boxed);
}
