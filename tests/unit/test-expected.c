/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom the door to the resolver lets in: who was sent there, once, and not for ever. */
#include "lib/bt-expected.h"

#define NOW ((gint64)1000 * G_USEC_PER_SEC)
#define HERE 0x0100007fu  /* 127.0.0.1 */
#define THERE 0x0200007fu /* 127.0.0.2 */

static void
test_once(void)
{
  g_autofree BtExpected *expected = g_new0(BtExpected, 1);

  g_assert_false(bt_expected_take(expected, HERE, 4000, NOW));
  g_assert_false(bt_expected_take(expected, 0, 0, NOW));
  bt_expected_add(expected, HERE, 4000, NOW);
  g_assert_false(bt_expected_take(expected, HERE, 4001, NOW));
  g_assert_true(bt_expected_take(expected, HERE, 4000, NOW));
  g_assert_false(bt_expected_take(expected, HERE, 4000, NOW));
  g_assert_false(bt_expected_take(expected, HERE, 0, NOW));
}

/* Another program may have the same port at another address of the loopback. */
static void
test_another_address(void)
{
  g_autofree BtExpected *expected = g_new0(BtExpected, 1);

  bt_expected_add(expected, HERE, 4000, NOW);
  g_assert_false(bt_expected_take(expected, THERE, 4000, NOW));
  g_assert_true(bt_expected_take(expected, HERE, 4000, NOW));
}

/* And the same one at the same address, after a connection that was reset and never accepted. */
static void
test_age(void)
{
  g_autofree BtExpected *expected = g_new0(BtExpected, 1);

  bt_expected_add(expected, HERE, 4000, NOW);
  bt_expected_add(expected, HERE, 4001, NOW);
  g_assert_true(bt_expected_take(expected, HERE, 4000, NOW + BT_EXPECTED_AGE - 1));
  g_assert_false(bt_expected_take(expected, HERE, 4001, NOW + BT_EXPECTED_AGE));
  bt_expected_add(expected, HERE, 4001, NOW + 2 * BT_EXPECTED_AGE);
  g_assert_true(bt_expected_take(expected, HERE, 4001, NOW + 2 * BT_EXPECTED_AGE));
}

static void
test_bound(void)
{
  g_autofree BtExpected *expected = g_new0(BtExpected, 1);

  for (guint i = 0; i <= BT_EXPECTED_MAX; i++)
    bt_expected_add(expected, HERE, (in_port_t)(1000 + i), NOW);
  g_assert_false(bt_expected_take(expected, HERE, 1000, NOW));
  for (guint i = 1; i <= BT_EXPECTED_MAX; i++)
    g_assert_true(bt_expected_take(expected, HERE, (in_port_t)(1000 + i), NOW));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/expected/once", test_once);
  g_test_add_func("/expected/another-address", test_another_address);
  g_test_add_func("/expected/age", test_age);
  g_test_add_func("/expected/bound", test_bound);
  return g_test_run();
}
