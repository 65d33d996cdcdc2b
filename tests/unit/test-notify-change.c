/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever audit has the kernel notify somebody must answer. */
#include "lib/bt-notifier-private.h"
#include "plan/bt-seccomp.h"
#include "plan/change-calls.h"

static const char *const changes[] = { BT_CHANGE_CALLS };

static void
test_each_is_answered(void)
{
  guint known = 0;

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    int number = bt_seccomp_open_call(changes[i]);
    g_test_message("%s: %d", changes[i], number);
    g_assert_true(bt_seccomp_knows_call(changes[i]));
    /* Another architecture may know fewer. */
    if (number < 0)
      continue;
    known++;
    g_assert_true(bt_notify_is_change(number));
  }
  g_assert_cmpuint(known, >=, 14);
  g_assert_false(bt_notify_is_change(bt_seccomp_open_call("openat")));
  g_assert_false(bt_notify_is_change(bt_seccomp_open_call("stat")));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/notify-change/each-is-answered", test_each_is_answered);
  return g_test_run();
}
