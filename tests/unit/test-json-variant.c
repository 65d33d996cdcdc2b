/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "policy/bt-json.h"

/* What a tree holds, as one line: kinds, names, values and, after @, columns. */
static void
dump(const BtJsonNode *node, GString *out)
{
  static const char kinds[] = "0bns[{";

  if (node->name != NULL)
    g_string_append_printf(out, "%s:", node->name);
  g_string_append_c(out, kinds[node->kind]);
  if (node->kind == BT_JSON_BOOLEAN)
    g_string_append_printf(out, "%d", node->boolean);
  if (node->kind == BT_JSON_NUMBER)
    g_string_append_printf(out, "%g", node->number);
  if (node->kind == BT_JSON_STRING)
    g_string_append(out, node->string);
  g_string_append_printf(out, "@%u ", node->position.column);
  for (guint i = 0; node->children != NULL && i < node->children->len; i++)
    dump(g_ptr_array_index(node->children, i), out);
}

/* bytes become tree, or are refused where tree is NULL; n_places is what the scan noted. */
static void
check(GBytes *bytes, guint n_places, const char *tree)
{
  g_autoptr(GArray) places = g_array_new(FALSE, TRUE, sizeof(BtJsonPlace));
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) found = g_string_new(NULL);

  g_array_set_size(places, n_places);
  for (guint i = 0; i < n_places; i++)
    g_array_index(places, BtJsonPlace, i).value.column = i + 1;
  g_autoptr(BtJsonNode) root = bt_json_from_variant(bytes, places, &error);
  if (root != NULL) {
    g_assert_no_error(error);
    dump(root, found);
    g_assert_cmpstr(found->str, ==, tree);
  } else {
    g_assert_cmpstr(error->message, ==, "two readers disagree about this JSON");
    g_assert_null(tree);
  }
}

/* ---- what json-glib makes of a text ---- */

static void
test_text(void)
{
  static const struct {
    const char *text;
    guint n_places;
    const char *tree;
  } table[] = {
    { "{}", 1, "{@1 " },
    { "[]", 1, "[@1 " },
    { "null", 1, "0@1 " },
    { "true", 1, "b1@1 " },
    { "false", 1, "b0@1 " },
    { "7", 1, "n7@1 " },
    { "-7", 1, "n-7@1 " },
    { "7.5", 1, "n7.5@1 " },
    { "1e3", 1, "n1000@1 " },
    { "\"\"", 1, "s@1 " },
    { "\"\\u00e9\\ud83d\\ude00\\n\"", 1, "s\xc3\xa9\xf0\x9f\x98\x80\n@1 " },
    { "[null, [], {}, 1, \"s\", false]", 7, "[@1 0@2 [@3 {@4 n1@5 ss@6 b0@7 " },
    /* The order of the text, which is that of the places. */
    { "{\"z\": 1, \"a\": {\"m\": [2.0], \"b\": null}, \"\": true}", 7,
      "{@1 z:n1@2 a:{@3 m:[@4 n2@5 b:0@6 :b1@7 " },
    { "[1, 2]", 2, NULL },
    { "[1, 2]", 4, NULL },
    { "{\"a\": 1}", 1, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = bt_json_to_variant(table[i].text, strlen(table[i].text), &error);
    g_assert_no_error(error);
    check(bytes, table[i].n_places, table[i].tree);
  }
}

/* As deep and as large as the scan lets a text be. */
static void
test_bounds(void)
{
  static const char *const parts[][2] = { { "[", "]" }, { "{\"a\":", "}" } };

  for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
    for (guint depth = 0; depth < BT_JSON_MAX_DEPTH; depth++)
      g_string_append(text, parts[i][0]);
    if (i > 0)
      g_string_append_c(text, '0');
    for (guint depth = 0; depth < BT_JSON_MAX_DEPTH; depth++)
      g_string_append(text, parts[i][1]);
    g_assert_true(bt_json_scan(text->str, text->len, places, NULL));
    g_autoptr(GBytes) bytes = bt_json_to_variant(text->str, text->len, NULL);
    g_autoptr(BtJsonNode) root = bt_json_from_variant(bytes, places, NULL);
    g_assert_nonnull(root);
  }

  /* The most bytes a byte of text becomes. */
  g_autoptr(GString) text = g_string_new("[0");
  g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
  while (text->len < BT_JSON_MAX_SIZE - 2)
    g_string_append(text, ",0");
  g_string_append_c(text, ']');
  g_assert_true(bt_json_scan(text->str, text->len, places, NULL));
  g_autoptr(GBytes) bytes = bt_json_to_variant(text->str, text->len, NULL);
  g_assert_cmpuint(g_bytes_get_size(bytes), <=, BT_JSON_MAX_VARIANT);
  g_autoptr(BtJsonNode) root = bt_json_from_variant(bytes, places, NULL);
  g_assert_nonnull(root);
}

static void
test_bad_text(void)
{
  static const char *const table[] = { "", "{", "[1", "nul", "{\"a\"}" };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(bt_json_to_variant(table[i], strlen(table[i]), &error));
    g_assert_nonnull(error);
  }
}

/* ---- what no json-glib sends ---- */

static void
test_variant(void)
{
  static const struct {
    const char *text; /* GVariant's */
    const char *tree;
  } table[] = {
    { "<int64 1>", "n1@1 " },
    { "<@mv nothing>", "0@1 " },
    { "<@mv just <1>>", NULL },
    { "<@ms nothing>", "0@1 " },
    { "<1>", NULL },
    { "<byte 0x31>", NULL },
    { "<objectpath '/'>", NULL },
    { "<signature 's'>", NULL },
    { "<[1, 2]>", NULL },
    { "<@as []>", NULL },
    { "<@a{ss} {}>", NULL },
    { "<(int64 1,)>", NULL },
    { "<<int64 1>>", NULL },
    { "<{'a': <1>}>", NULL },
    { "<[<byte 1>]>", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(GVariant) value = g_variant_parse(G_VARIANT_TYPE_VARIANT, table[i].text, NULL, NULL,
                                                NULL);
    g_assert_nonnull(value);
    g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(value);
    check(bytes, 1, table[i].tree);
  }
}

static void
test_bytes(void)
{
  static const struct {
    const char *bytes;
    gsize size;
    const char *tree;
  } table[] = {
    { "", 0, NULL },
    { "\0", 1, NULL },
    { "\0v", 2, NULL },
    { "\0s", 2, NULL },
    { "\1\0b", 3, "b1@1 " },
    { "\2\0b", 3, NULL },
    { "abc\0\0s", 6, "sabc@1 " },
    { "abc\0s", 5, NULL },
    { "ab\xff\0\0s", 6, NULL },
    { "\1\0\0\0\0\0\0\0\0x", 10, "n1@1 " },
    { "\1\0\0\0\0\0\0\0x", 9, NULL },
    { "\0av", 3, "[@1 " },
    { "\0a{sv}", 6, "{@1 " },
    { "\377\377\0av", 5, NULL },
    { "\0((((((((", 9, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(GBytes) bytes = g_bytes_new(table[i].bytes, table[i].size);
    check(bytes, 1, table[i].tree);
  }
  /* Zeroes are no document, however many. */
  g_autofree char *many = g_malloc0(BT_JSON_MAX_VARIANT + 1);
  g_autoptr(GBytes) bytes = g_bytes_new_static(many, BT_JSON_MAX_VARIANT + 1);
  check(bytes, 1, NULL);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json-variant/text", test_text);
  g_test_add_func("/json-variant/bounds", test_bounds);
  g_test_add_func("/json-variant/bad-text", test_bad_text);
  g_test_add_func("/json-variant/variant", test_variant);
  g_test_add_func("/json-variant/bytes", test_bytes);
  return g_test_run();
}
