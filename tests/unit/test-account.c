/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <pwd.h>
#include <unistd.h>

#include "lib/bt-account.h"

static void
test_parse(void)
{
  static const struct {
    const char *line;
    const char *name, *home; /* NULL: refused */
    gid_t gid;
  } table[] = {
    { "u:x:1000:100:U,,,:/home/u:/bin/sh\n", "u", "/home/u", 100 },
    { "u:x:1000:0::/:", "u", "/", 0 },
    { "u:x:1000:100::/home/u:/bin/sh\nv:x:1000:7::/home/v:/bin/sh\n", "u", "/home/u", 100 },
    { "", NULL, NULL, 0 },
    { "\n", NULL, NULL, 0 },
    { "u", NULL, NULL, 0 },
    { "u:x:1000:100:/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:100::/home/u:/bin/sh:more", NULL, NULL, 0 },
    { ":x:1000:100::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1001:100::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x::100::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:4294968296:100::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:4294967295::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:-1::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:::/home/u:/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:100:::/bin/sh", NULL, NULL, 0 },
    { "u:x:1000:100::home/u:/bin/sh", NULL, NULL, 0 },
    { "u\xff:x:1000:100::/home/u:/bin/sh", NULL, NULL, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
    g_auto(BtAccount) account = BT_ACCOUNT_INIT;
    gboolean ok = bt_account_parse(table[i].line, 1000, &account);
    g_assert_cmpint(ok, ==, table[i].name != NULL);
    g_assert_cmpstr(account.name, ==, table[i].name);
    g_assert_cmpstr(account.home, ==, table[i].home);
    g_assert_cmpuint(account.gid, ==, table[i].gid);
  }
}

/* The same as the C library says. */
static void
test_look_up(void)
{
  static const uid_t uids[] = { 0, 65534, 4000000000u };

  for (gsize i = 0; i < G_N_ELEMENTS(uids); i++) {
    const struct passwd *record = getpwuid(uids[i]);
    g_auto(BtAccount) account = BT_ACCOUNT_INIT;
    gboolean ok = bt_account_look_up(uids[i], &account);
    g_assert_cmpint(ok, ==, record != NULL);
    g_assert_cmpstr(account.name, ==, record != NULL ? record->pw_name : NULL);
    g_assert_cmpstr(account.home, ==, record != NULL ? record->pw_dir : NULL);
    g_assert_cmpuint(account.gid, ==, record != NULL ? record->pw_gid : 0);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/account/parse", test_parse);
  g_test_add_func("/account/look-up", test_look_up);
  return g_test_run();
}
