/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines from and to clients of `buntime serve`. What is refused, and why, is told by the
 * server itself: tests/ipc/test_serve.py.
 */
#include <string.h>

#include "serve/bt-request.h"

/* What is written for a string of these bytes. */
static const struct {
  const char *bytes;
  gsize size;
  const char *written;
} strings[] = {
  { "", 0, "{\"text\":\"\"}" },
  { "abc", 3, "{\"text\":\"abc\"}" },
  { "\"\\/", 3, "{\"text\":\"\\\"\\\\/\"}" },
  { "\b\f\n\r\t", 5, "{\"text\":\"\\b\\f\\n\\r\\t\"}" },
  { "\0\x01\x1f\x7f", 4, "{\"text\":\"\\u0000\\u0001\\u001f\\u007f\"}" },
  { "\xc2\x85\xc2\x9b", 4, "{\"text\":\"\\u0085\\u009b\"}" },
  { "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae", 9, "{\"text\":\"\\u2028\\u2029\\u202e\"}" },
  { "h\xc3\xa9\xf0\x9f\x98\x80", 7, "{\"text\":\"h\xc3\xa9\xf0\x9f\x98\x80\"}" },
  { "\xff", 1, "{\"base64\":\"/w==\"}" },
  { "a\0\xc3", 3, "{\"base64\":\"YQDD\"}" },
  { "\xed\xa0\x80", 3, "{\"base64\":\"7aCA\"}" },
  { "\xc0\x80", 2, "{\"base64\":\"wIA=\"}" },
  { "\xf4\x90\x80\x80", 4, "{\"base64\":\"9JCAgA==\"}" },
};

static void
test_bytes(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    g_autoptr(GString) line = g_string_new("{");
    bt_put_bytes(line, strings[i].bytes, strings[i].size);
    g_string_append_c(line, '}');
    g_assert_cmpstr(line->str, ==, strings[i].written);
  }
}

/* No message becomes much longer than it is. */
static void
test_length(void)
{
  static const gsize size = 1 << 20;
  static const char units[] = { '\x01', '"', 'a', '\xff' };

  for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
    g_autofree char *bytes = g_malloc(size);
    g_autoptr(GString) line = g_string_new("{");
    memset(bytes, units[i], size);
    bt_put_bytes(line, bytes, size);
    g_assert_cmpuint(line->len, <, 2 * size + 100);
  }
}

/* Objects within objects, and the library's own JSON. */
static void
test_members(void)
{
  g_autoptr(GString) line = g_string_new("{");

  bt_put_int(line, "a", -7);
  bt_put_bool(line, "b", TRUE);
  bt_put_name(line, "c");
  g_string_append_c(line, '[');
  bt_put_string(line, NULL, "{", -1);
  bt_put_string(line, NULL, "[\xff", -1);
  g_string_append_c(line, ']');
  bt_put_json(line, "d", "{\n  \"x\": [\n    1\n  ]\n}\n");
  g_string_append_c(line, '}');
  g_assert_cmpstr(line->str, ==,
                  "{\"a\":-7,\"b\":true,\"c\":[\"{\",\"[\xef\xbf\xbd\"],\"d\":{\"x\": [1]}}");
}

/* Where each value is in the line, and what it is. */
static void
test_nodes(void)
{
  static const char text[] = " { \"a\" : [ 1 , -0.5e+3, 9007199254740993 ] , \"b\\u00e9\":\"x\\u0000y\"} ";
  g_autoptr(GError) error = NULL;
  g_autoptr(BtNode) node = bt_node_parse(text, strlen(text), &error);

  g_assert_no_error(error);
  const BtNode *a = bt_node_get(node, "a"), *b = bt_node_get(node, "b\xc3\xa9");
  g_assert_cmpmem(a->text, a->size, "[ 1 , -0.5e+3, 9007199254740993 ]", 33);
  g_assert_cmpuint(a->children->len, ==, 3);
  const BtNode *one = g_ptr_array_index(a->children, 0);
  g_assert_true(one->integral && one->number == 1);
  for (guint i = 1; i < 3; i++)
    g_assert_false(((const BtNode *)g_ptr_array_index(a->children, i))->integral);
  g_assert_cmpmem(b->string, b->length, "x\0y", 3);
  g_assert_null(bt_node_get(node, "c"));
}

/* As deep, and as many, as is allowed. */
static void
test_bounds(void)
{
  for (int more = 0; more < 2; more++) {
    g_autofree char *open = g_strnfill(BT_NODE_MAX_DEPTH + more, '[');
    g_autofree char *close = g_strnfill(BT_NODE_MAX_DEPTH + more, ']');
    g_autofree char *deep = g_strconcat(open, close, NULL);
    g_autoptr(BtNode) node = bt_node_parse(deep, strlen(deep), NULL);
    g_assert_true((node != NULL) == (more == 0));
    g_autoptr(GString) many = g_string_new("[0");
    for (int i = 2; i < BT_NODE_MAX_COUNT + more; i++)
      g_string_append(many, ",0");
    g_string_append_c(many, ']');
    g_autoptr(BtNode) wide = bt_node_parse(many->str, many->len, NULL);
    g_assert_true((wide != NULL) == (more == 0));
  }
}

/* The tables: names once, and no more parameters than there is room for. */
static void
test_tables(void)
{
  g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint i = 0; i < bt_n_methods; i++) {
    g_assert_true(g_hash_table_add(names, (gpointer)bt_methods[i].name));
    g_assert_null(bt_methods[i].params[BT_METHOD_MAX_PARAMS].name);
    g_assert_null(bt_methods[i].result[BT_METHOD_MAX_MEMBERS].name);
  }
  for (guint i = 0; i < bt_n_notifications; i++)
    g_assert_true(g_hash_table_add(names, (gpointer)bt_notifications[i].name));
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/serve-request/bytes", test_bytes);
  g_test_add_func("/serve-request/length", test_length);
  g_test_add_func("/serve-request/members", test_members);
  g_test_add_func("/serve-request/nodes", test_nodes);
  g_test_add_func("/serve-request/bounds", test_bounds);
  g_test_add_func("/serve-request/tables", test_tables);
  return g_test_run();
}
