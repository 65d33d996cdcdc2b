/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/bt-hosts.h"

static void
test_hosts_parse(void)
{
  static const struct {
    const char *text;
    guint expected;
  } cases[] = {
    { "", 0 },
    { "203.0.113.1 a", 1 },
    { "203.0.113.1 b a", 1 },
    { "203.0.113.1\n a", 0 },
    { "203.0.113.1 a#b\n", 1 },
    { "203.0.113.1 #a\n", 0 },
    { "#203.0.113.1 a\n", 0 },
    { "203.0.113.1 aa\n203.0.113.1 A\n203.0.113.2 a\r\n", 2 },
    { "::1 a\n", 0 },
    { "127.1 a\nx a\n203.0.113.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1 a\n", 0 },
    { "a\na a\n", 0 },
    { "203.0.113.1 a\n203.0.113.2 a\n203.0.113.3 a\n203.0.113.4 a", 3 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtAddr addrs[3];
    g_test_message("%s", cases[i].text);
    /* A copy of exactly the size, so that a sanitizer sees a step too far. */
    gsize length = strlen(cases[i].text);
    g_autofree char *copy = g_memdup2(cases[i].text, length);
    g_assert_cmpuint(bt_hosts_parse(copy != NULL ? copy : "", length, "a", FALSE, addrs, 3), ==,
                     cases[i].expected);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/hosts/parse", test_hosts_parse);
  return g_test_run();
}
