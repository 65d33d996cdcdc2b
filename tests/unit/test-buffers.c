/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory as libslirp asks for it: 128 KiB, then a little more, then away with it. */
#include <glib.h>
#include <string.h>

#include "net/bt-buffers.h"

#define FIRST (128u << 10)
#define GROWN ((128u << 10) + 65368) /* at an MTU of 65520 */
#define MANY 300u

static void
test_grows(void)
{
  guint8 *one = g_realloc(NULL, FIRST), *other = g_realloc(NULL, FIRST);

  memset(one, 1, FIRST);
  memset(other, 2, FIRST);
  one = g_realloc(one, GROWN);
  other = g_realloc(other, GROWN);
  for (gsize i = 0; i < FIRST; i += 97) {
    g_assert_cmpuint(one[i], ==, 1);
    g_assert_cmpuint(other[i], ==, 2);
  }
  memset(one, 3, GROWN);
  memset(other, 4, GROWN);
  g_assert_cmpuint(one[0], ==, 3);
  g_assert_cmpuint(one[GROWN - 1], ==, 3);
  g_assert_cmpuint(other[0], ==, 4);
  g_free(one);
  g_free(other);
}

/* More than may keep their pages, in any order, and each is one's own. */
static void
test_many(void)
{
  guint32 *buffers[MANY];

  for (guint round = 0; round < 3; round++) {
    for (guint i = 0; i < MANY; i++) {
      buffers[i] = g_realloc(g_realloc(NULL, FIRST), GROWN);
      buffers[i][0] = buffers[i][GROWN / 4 - 1] = i;
    }
    for (guint i = 0; i < MANY; i++) {
      guint j = (i * 7 + round) % MANY;
      g_assert_cmpuint(buffers[j][0], ==, j);
      g_assert_cmpuint(buffers[j][GROWN / 4 - 1], ==, j);
      g_free(buffers[j]);
    }
  }
}

/* What no connection of libslirp's asks for is GLib's business as before. */
static void
test_others(void)
{
  guint8 *bytes = g_realloc(NULL, 10);

  memcpy(bytes, "0123456789", 10);
  bytes = g_realloc(bytes, FIRST);
  g_assert_cmpmem(bytes, 10, "0123456789", 10);
  bytes = g_realloc(bytes, 5);
  g_assert_cmpmem(bytes, 5, "01234", 5);
  g_assert_null(g_realloc(bytes, 0));
  g_assert_null(g_realloc(NULL, 0));
  g_free(NULL);
  g_free(g_strdup("GLib's own"));
}

/* More than a place has room for, and nothing at all. */
static void
test_leaves(void)
{
  guint8 *bytes = g_realloc(NULL, FIRST);

  memset(bytes, 5, FIRST);
  bytes = g_realloc(bytes, 1 << 20);
  for (gsize i = 0; i < FIRST; i += 97)
    g_assert_cmpuint(bytes[i], ==, 5);
  g_free(bytes);
  g_assert_null(g_realloc(g_realloc(NULL, FIRST), 0));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/buffers/unreserved", test_others);
  bt_buffers_reserve();
  g_test_add_func("/buffers/grows", test_grows);
  g_test_add_func("/buffers/many", test_many);
  g_test_add_func("/buffers/others", test_others);
  g_test_add_func("/buffers/leaves", test_leaves);
  return g_test_run();
}
