/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "wire/bt-control.h"

static gboolean
parses(const char *text, BtControl *message_out)
{
  /* On the heap, so that a sanitizer sees a byte too many. */
  g_autofree char *copy = g_memdup2(text, strlen(text));
  return bt_control_parse(copy, strlen(text), message_out);
}

static void
test_messages(void)
{
  BtControl message;

  g_assert_true(parses("{\"type\":\"hello\",\"version\":1,\"client\":\"python\"}", &message));
  g_assert_cmpint(message.type, ==, BT_CONTROL_HELLO);
  g_assert_cmpuint(message.version, ==, 1);
  g_assert_cmpstr(message.name, ==, "python");
  g_assert_true(parses(" { \"type\" : \"ready\" } ", &message));
  g_assert_cmpint(message.type, ==, BT_CONTROL_READY);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *text =
      g_strdup_printf("{\"id\":4294967295,\"type\":\"state\",\"state\":\"%s\",\"exitCode\":-7}",
                      bt_control_states[i]);
    g_assert_true(parses(text, &message));
    g_assert_cmpint(message.state, ==, i);
    g_assert_cmpuint(message.id, ==, G_MAXUINT32);
    g_assert_cmpint(message.exit_code, ==, -7);
  }
}

static void
test_text(void)
{
  BtControl message;

  g_assert_true(parses("{\"type\":\"state\",\"state\":\"exception\",\"name\":\"\\u00e9\\ud83d\\ude00\","
                       "\"text\":\"a\\n\\\"\\\\/ü\"}",
                       &message));
  g_assert_cmpstr(message.name, ==, "é😀");
  g_assert_cmpstr(message.text, ==, "a\n\"\\/ü");
  /* Too much is cut between characters. */
  g_autofree char *many = g_strnfill(300, 'x');
  g_autofree char *text = g_strconcat("{\"type\":\"ready\",\"text\":\"", many, "\"}", NULL);
  g_assert_true(parses(text, &message));
  g_assert_cmpuint(strlen(message.text), ==, BT_CONTROL_MAX_TEXT - 1);
  many[BT_CONTROL_MAX_TEXT - 2] = '\0';
  g_autofree char *wide = g_strconcat("{\"type\":\"ready\",\"text\":\"", many, "éy\"}", NULL);
  g_assert_true(parses(wide, &message));
  g_assert_cmpuint(strlen(message.text), ==, BT_CONTROL_MAX_TEXT - 2);
}

static void
test_refused(void)
{
  static const char *const texts[] = {
    "", "{", "}", "{}", "[]", "null", "\"ready\"", "{\"type\"}", "{\"type\":}", "{\"type\":\"ready\"",
    "{\"type\":\"ready\",}", "{,\"type\":\"ready\"}", "{\"type\":\"ready\"}x", "{\"type\":\"ready\"}{}",
    "{\"type\":\"gone\"}", "{\"type\":7}", "{\"type\":\"ready\",\"type\":\"ready\"}",
    "{\"type\":\"state\"}", "{\"type\":\"state\",\"state\":\"running\"}", "{\"type\":\"hello\"}",
    "{\"type\":\"hello\",\"version\":-1}", "{\"type\":\"hello\",\"version\":1.5}",
    "{\"type\":\"hello\",\"version\":01}", "{\"type\":\"hello\",\"version\":1e3}",
    "{\"type\":\"hello\",\"version\":4294967296}", "{\"type\":\"hello\",\"version\":99999999999}",
    "{\"type\":\"hello\",\"version\":-}", "{\"type\":\"ready\",\"exitCode\":2147483648}",
    "{\"type\":\"ready\",\"x\":{}}", "{\"type\":\"ready\",\"x\":[]}", "{\"type\":\"ready\",\"x\":tru}",
    "{\"type\":\"ready\",\"x\":\"\n\"}", "{\"type\":\"ready\",\"x\":\"\\x41\"}",
    "{\"type\":\"ready\",\"x\":\"\\u0000\"}", "{\"type\":\"ready\",\"x\":\"\\ud800\"}",
    "{\"type\":\"ready\",\"x\":\"\\udc00\"}", "{\"type\":\"ready\",\"x\":\"\\ud800\\u0041\"}",
    "{\"type\":\"ready\",\"x\":\"\\u12\"}", "{\"type\":\"ready\",\"x\":\"\xff\"}",
    "{\"type\":\"ready\",\"x\":\"\xc0\x80\"}", "{\"type\":\"ready\",\"x\":\"\xed\xa0\x80\"}",
    "{\"type\":\"ready\",\"x\":\"\xc3", "{\"type\":\"ready\",\"x\":\"\\", "{\"type\" \"ready\"}",
  };
  BtControl message;

  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    if (parses(texts[i], &message)) {
      g_autofree char *shown = g_strescape(texts[i], NULL);
      g_error("was read: %s", shown);
    }
  g_assert_false(bt_control_parse("{\"type\":\"ready\"}\0", 17, &message));
  g_autofree char *blank = g_strnfill(BT_CONTROL_MAX_SIZE, ' ');
  g_autofree char *large = g_strconcat("{\"type\":\"ready\"}", blank, NULL);
  g_assert_false(parses(large, &message));
}

/* Every message cut short at any place. */
static void
test_cut(void)
{
  static const char text[] = "{\"type\":\"state\",\"state\":\"exception\",\"id\":3,\"name\":\"\\ud83d"
                             "\\ude00é\",\"text\":\"\"}";
  BtControl message;

  for (gsize size = 0; size < sizeof text - 1; size++) {
    g_autofree char *copy = g_memdup2(text, MAX(size, 1));
    g_assert_false(bt_control_parse(copy, size, &message));
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/control/messages", test_messages);
  g_test_add_func("/control/text", test_text);
  g_test_add_func("/control/refused", test_refused);
  g_test_add_func("/control/cut", test_cut);
  return g_test_run();
}
