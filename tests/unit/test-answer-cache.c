/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-answer-cache.h"

#define PUBLIC "203.0.113.5"

static void
test_cache(void)
{
  const gint64 second = G_USEC_PER_SEC;
  BtAnswerCache *cache = bt_answer_cache_new();
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS + 1] = { { .bytes = { 0 } } };
  guint n_addrs, ttl;

  g_assert_null(bt_answer_cache_get(cache, "a", FALSE, second, &n_addrs, &ttl));
  g_assert_true(bt_addr_parse(PUBLIC, &addrs[0]));
  bt_answer_cache_add(cache, "a", FALSE, addrs, 1, second);
  const BtAddr *found = bt_answer_cache_get(cache, "a", FALSE, second, &n_addrs, &ttl);
  g_assert_true(found != NULL && bt_addr_equal(found, addrs));
  g_assert_cmpuint(n_addrs, ==, 1);
  g_assert_cmpuint(ttl, ==, BT_ANSWER_TTL);
  /* A lookup for IPv4 says nothing of IPv6; one for both kinds is one for IPv4, too. */
  g_assert_null(bt_answer_cache_get(cache, "a", TRUE, second, &n_addrs, &ttl));
  bt_answer_cache_add(cache, "a", TRUE, addrs, G_N_ELEMENTS(addrs), 2 * second);
  g_assert_nonnull(bt_answer_cache_get(cache, "a", FALSE, 31 * second + 1, &n_addrs, &ttl));
  g_assert_cmpuint(n_addrs, ==, BT_NET_MSG_MAX_ADDRS);
  g_assert_cmpuint(ttl, ==, 1);
  g_assert_null(bt_answer_cache_get(cache, "a", FALSE, 32 * second, &n_addrs, &ttl));
  /* The oldest makes room. */
  for (guint i = 0; i < BT_ANSWER_CACHE_MAX; i++) {
    g_autofree char *name = g_strdup_printf("n%u", i);
    bt_answer_cache_add(cache, name, FALSE, addrs, 1, 3 * second);
  }
  g_assert_null(bt_answer_cache_get(cache, "a", FALSE, 3 * second, &n_addrs, &ttl));
  g_assert_nonnull(bt_answer_cache_get(cache, "n0", FALSE, 3 * second, &n_addrs, &ttl));
  bt_answer_cache_free(cache);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/answer-cache", test_cache);
  return g_test_run();
}
