/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "wire/bt-status.h"

static const BtStatus failed = {
  .kind = BT_STATUS_FAILED,
  .stage = BT_STAGE_MOUNTS,
  .error = ENOENT,
  .object = "/etc/hosts",
};

static gboolean
parses(BtStatus status)
{
  BtStatus out;
  return bt_status_parse(&status, sizeof status, &out);
}

static void
test_parse(void)
{
  BtStatus out, status = failed;

  g_assert_true(bt_status_parse(&failed, sizeof failed, &out));
  g_assert_cmpmem(&out, sizeof out, &failed, sizeof failed);
  for (status.kind = 0; status.kind < 10; status.kind++)
    g_assert_true(parses(status) ==
                  (status.kind >= BT_STATUS_FAILED && status.kind <= BT_STATUS_EXITED));
  status.kind = G_MAXUINT32;
  g_assert_false(parses(status));
  status.kind = BT_STATUS_FAILED;
  for (status.stage = 0; status.stage < 30; status.stage++)
    g_assert_true(parses(status) == (status.stage >= 1 && status.stage <= BT_STAGE_LAST));
  status.stage = G_MAXUINT32;
  g_assert_false(parses(status));
  /* The stage is read of FAILED alone. */
  status.kind = BT_STATUS_EXITED;
  g_assert_true(parses(status));
}

static void
test_size(void)
{
  g_autofree guint8 *bytes = g_malloc0(2 * sizeof failed);
  BtStatus out;

  memcpy(bytes, &failed, sizeof failed);
  for (gsize size = 0; size < 2 * sizeof failed; size++)
    g_assert_true(bt_status_parse(bytes, size, &out) == (size == sizeof failed));
}

static void
test_object(void)
{
  BtStatus status = failed;

  memset(status.object, 'x', sizeof status.object);
  g_assert_false(parses(status));
  status.object[sizeof status.object - 1] = '\0';
  g_assert_true(parses(status));
  status.object[0] = '\0';
  g_assert_true(parses(status));
}

static void
test_stage_name(void)
{
  for (guint32 a = 1; a <= BT_STAGE_LAST; a++) {
    g_assert_cmpstr(bt_stage_name(a), !=, "unknown");
    for (guint32 b = 1; b < a; b++)
      g_assert_cmpstr(bt_stage_name(a), !=, bt_stage_name(b));
  }
  g_assert_cmpstr(bt_stage_name(BT_STAGE_MOUNTS), ==, "mounts");
  g_assert_cmpstr(bt_stage_name(BT_STAGE_EXEC), ==, "exec");
  g_assert_cmpstr(bt_stage_name(0), ==, "unknown");
  g_assert_cmpstr(bt_stage_name(BT_STAGE_LAST + 1), ==, "unknown");
  g_assert_cmpstr(bt_stage_name(G_MAXUINT32), ==, "unknown");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/status/parse", test_parse);
  g_test_add_func("/status/size", test_size);
  g_test_add_func("/status/object", test_object);
  g_test_add_func("/status/stage-name", test_stage_name);
  return g_test_run();
}
