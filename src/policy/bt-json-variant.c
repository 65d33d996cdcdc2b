/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what buntime-json made of a text to the passive tree.
 *
 * A policy can be somebody else's, and json-glib reads it, so its answer is
 * checked like any: in normal form, of the types below only, and with as many
 * values as the scan counted.  Values come in document order, members
 * included, so the places that the scan noted are dealt out one by one.
 */
#include "policy/bt-json.h"
#include "policy/buntime-error.h"

typedef struct {
  GArray *places;
  guint next;
} Dealer;

static BtJsonNode *build(GVariant *from, Dealer *dealer);

static gboolean
build_members(GVariant *from, BtJsonNode *object, Dealer *dealer)
{
  gsize n_members = g_variant_n_children(from);

  for (gsize i = 0; i < n_members; i++) {
    g_autoptr(GVariant) value = NULL;
    const char *name;
    g_variant_get_child(from, i, "{&sv}", &name, &value);
    BtJsonNode *node = build(value, dealer);
    if (node == NULL)
      return FALSE;
    node->name = g_strdup(name);
    g_ptr_array_add(object->children, node);
  }
  return TRUE;
}

static gboolean
build_elements(GVariant *from, BtJsonNode *array, Dealer *dealer)
{
  gsize n_elements = g_variant_n_children(from);

  for (gsize i = 0; i < n_elements; i++) {
    g_autoptr(GVariant) value = NULL;
    g_variant_get_child(from, i, "v", &value);
    BtJsonNode *node = build(value, dealer);
    if (node == NULL)
      return FALSE;
    g_ptr_array_add(array->children, node);
  }
  return TRUE;
}

/* NULL: a type that no JSON value has. */
static BtJsonNode *
build_scalar(GVariant *from)
{
  BtJsonNode *node;

  switch (g_variant_classify(from)) {
  case G_VARIANT_CLASS_BOOLEAN:
    node = bt_json_node_new(BT_JSON_BOOLEAN);
    node->boolean = g_variant_get_boolean(from);
    return node;
  case G_VARIANT_CLASS_INT64:
    node = bt_json_node_new(BT_JSON_NUMBER);
    node->number = (double)g_variant_get_int64(from);
    return node;
  case G_VARIANT_CLASS_DOUBLE:
    node = bt_json_node_new(BT_JSON_NUMBER);
    node->number = g_variant_get_double(from);
    return node;
  case G_VARIANT_CLASS_STRING:
    node = bt_json_node_new(BT_JSON_STRING);
    node->string = g_variant_dup_string(from, NULL);
    return node;
  case G_VARIANT_CLASS_MAYBE:
    return g_variant_n_children(from) == 0 ? bt_json_node_new(BT_JSON_NULL) : NULL;
  default:
    return NULL;
  }
}

/* Not deeper than a GVariant in normal form can be. */
static BtJsonNode *
build(GVariant *from, Dealer *dealer)
{
  g_autoptr(BtJsonNode) node = NULL;

  if (dealer->next >= dealer->places->len)
    return NULL;
  BtJsonPlace place = g_array_index(dealer->places, BtJsonPlace, dealer->next++);
  if (g_variant_is_of_type(from, G_VARIANT_TYPE_VARDICT)) {
    node = bt_json_node_new(BT_JSON_OBJECT);
    if (!build_members(from, node, dealer))
      return NULL;
  } else if (g_variant_is_of_type(from, G_VARIANT_TYPE("av"))) {
    node = bt_json_node_new(BT_JSON_ARRAY);
    if (!build_elements(from, node, dealer))
      return NULL;
  } else {
    node = build_scalar(from);
    if (node == NULL)
      return NULL;
  }
  node->position = place.value;
  node->name_position = place.name;
  return g_steal_pointer(&node);
}

BtJsonNode *
bt_json_from_variant(GBytes *bytes, GArray *places, GError **error)
{
  g_autoptr(GVariant) boxed = g_variant_ref_sink(
    g_variant_new_from_bytes(G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  g_autoptr(BtJsonNode) tree = NULL;
  Dealer dealer = { places, 0 };

  if (g_bytes_get_size(bytes) <= BT_JSON_MAX_VARIANT && g_variant_is_normal_form(boxed)) {
    g_autoptr(GVariant) value = g_variant_get_variant(boxed);
    tree = build(value, &dealer);
  }
  /* The scan and json-glib must have read the same document. */
  if (tree == NULL || dealer.next != places->len) {
    bt_fail(error, BUNTIME_ERROR_POLICY, NULL, "two readers disagree about this JSON", NULL);
    return NULL;
  }
  return g_steal_pointer(&tree);
}
