/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-json-writer.h"
#include "policy/bt-json.h"

static const struct {
  const char *value;
  gsize length; /* 0: up to the NUL */
  const char *text;
} strings[] = {
  { "", 0, "\"\"" },
  { "plain text", 0, "\"plain text\"" },
  { "a\"b\\c/d", 0, "\"a\\\"b\\\\c/d\"" },
  { "\n\r\t\b\f\x01\x1f", 0, "\"\\n\\r\\t\\u0008\\u000c\\u0001\\u001f\"" },
  { "a\0b", 3, "\"a\\u0000b\"" },
  { "\x1b[2J", 0, "\"\\u001b[2J\"" },
  { "\x7f", 0, "\"\\u007f\"" },
  { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 0, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
  /* C1, line separator, bidi override, tag beyond the first plane */
  { "\xc2\x9b", 0, "\"\\u009b\"" },
  { "\xe2\x80\xa8", 0, "\"\\u2028\"" },
  { "\xe2\x80\xae", 0, "\"\\u202e\"" },
  { "\xf3\xa0\x81\x81", 0, "\"\\udb40\\udc41\"" },
  /* a stray byte, an overlong NUL, a surrogate, one cut off, too high */
  { "a\xff"
    "b",
    0, "\"a\xef\xbf\xbd"
       "b\"" },
  { "\xc0\x80", 0, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
  { "\xed\xa0\x80", 0, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
  { "\xe2\x82", 0, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
  { "\xf4\x90\x80\x80", 0, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
  /* the length is the end, not the NUL behind */
  { "\xe2\x82\xac", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void
test_strings(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(strings); i++) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(BtJsonPlace));
    BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);
    gsize length = strings[i].length > 0 ? strings[i].length : strlen(strings[i].value);
    bt_json_put_bytes(&json, NULL, strings[i].value, length);
    g_assert_cmpstr(text->str, ==, strings[i].text);
    /* Policy files may not have a NUL; all else that is written can be read. */
    if (memchr(strings[i].value, '\0', length) == NULL)
      bt_json_scan(text->str, text->len, places, &error);
    g_assert_no_error(error);
  }
}

static void
write_all(BtJsonWriter *json)
{
  bt_json_begin_object(json, NULL);
  bt_json_put_string(json, "s", "x");
  bt_json_put_string(json, "none", NULL);
  bt_json_begin_array(json, "a");
  bt_json_put_int(json, NULL, G_MININT64);
  bt_json_put_int(json, NULL, G_MAXINT64);
  bt_json_begin_array(json, NULL);
  bt_json_end(json);
  bt_json_begin_object(json, NULL);
  bt_json_end(json);
  bt_json_put_null(json, NULL);
  bt_json_end(json);
  bt_json_put_bool(json, "t", TRUE);
  bt_json_put_bool(json, "\n", FALSE);
  bt_json_end(json);
}

static void
test_structure(void)
{
  g_autoptr(GString) line = g_string_new("> "), lines = g_string_new(NULL);
  BtJsonWriter one = BT_JSON_WRITER_INIT(line, 0), many = BT_JSON_WRITER_INIT(lines, 2);

  write_all(&one);
  g_assert_cmpuint(one.depth, ==, 0);
  g_assert_cmpstr(line->str, ==,
                  "> {\"s\":\"x\",\"none\":null,\"a\":[-9223372036854775808,9223372036854775807,"
                  "[],{},null],\"t\":true,\"\\n\":false}");
  write_all(&many);
  g_assert_cmpstr(lines->str, ==,
                  "{\n  \"s\": \"x\",\n  \"none\": null,\n  \"a\": [\n"
                  "    -9223372036854775808,\n    9223372036854775807,\n    [],\n    {},\n"
                  "    null\n  ],\n  \"t\": true,\n  \"\\n\": false\n}");
}

static void
test_depth(void)
{
  g_autoptr(GString) text = g_string_new(NULL);
  BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);

  for (guint i = 0; i < BT_JSON_WRITER_MAX_DEPTH; i++)
    bt_json_begin_array(&json, NULL);
  g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "*depth*");
  bt_json_begin_array(&json, NULL);
  g_test_assert_expected_messages();
  for (guint i = 0; i < BT_JSON_WRITER_MAX_DEPTH; i++)
    bt_json_end(&json);
  g_assert_cmpuint(text->len, ==, 2 * BT_JSON_WRITER_MAX_DEPTH);
  g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "*depth*");
  bt_json_end(&json);
  g_test_assert_expected_messages();
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json-writer/strings", test_strings);
  g_test_add_func("/json-writer/structure", test_structure);
  g_test_add_func("/json-writer/depth", test_depth);
  return g_test_run();
}
