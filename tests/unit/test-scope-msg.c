/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "wire/bt-scope-msg.h"

static const BtScopeRequest request = {
  .version = BT_SCOPE_VERSION,
  .pid = 72,
  .memory = 1 << 30,
  .cpu = BT_SCOPE_NOT_LIMITED,
  .pids = 64,
  .unit = "buntime-71-72.scope",
};
static const BtScopeAnswer answer = {
  .version = BT_SCOPE_VERSION,
  .result = BT_SCOPE_REFUSED,
  .reason = "Access denied",
};

static gboolean
is_request(BtScopeRequest message)
{
  BtScopeRequest parsed;
  return bt_scope_request_parse(&message, sizeof message, &parsed);
}

static gboolean
is_answer(BtScopeAnswer message)
{
  BtScopeAnswer parsed;
  return bt_scope_answer_parse(&message, sizeof message, &parsed);
}

static void
test_size(void)
{
  g_autofree guint8 *bytes = g_malloc0(sizeof(BtScopeRequest) + sizeof(BtScopeAnswer));
  BtScopeRequest parsed_request;
  BtScopeAnswer parsed_answer;

  for (gsize size = 0; size < sizeof request + sizeof answer; size++) {
    memcpy(bytes, &request, sizeof request);
    g_assert_true(bt_scope_request_parse(bytes, size, &parsed_request) == (size == sizeof request));
    memcpy(bytes, &answer, sizeof answer);
    g_assert_true(bt_scope_answer_parse(bytes, size, &parsed_answer) == (size == sizeof answer));
  }
  g_assert_cmpmem(&parsed_request, sizeof request, &request, sizeof request);
  g_assert_cmpmem(&parsed_answer, sizeof answer, &answer, sizeof answer);
}

#define IN(type, field) offsetof(type, field), sizeof(((type *)0)->field)

static void
test_request(void)
{
  static const struct {
    const char *what;
    gsize offset, size;
    guint64 value;
    gboolean valid;
  } cases[] = {
    { "version", IN(BtScopeRequest, version), BT_SCOPE_VERSION + 1, FALSE },
    { "no version", IN(BtScopeRequest, version), 0, FALSE },
    { "pid 0", IN(BtScopeRequest, pid), 0, FALSE },
    { "pid 1", IN(BtScopeRequest, pid), 1, FALSE },
    { "pid 2", IN(BtScopeRequest, pid), 2, TRUE },
    { "last pid", IN(BtScopeRequest, pid), G_MAXINT32, TRUE },
    { "negative pid", IN(BtScopeRequest, pid), 0xffffffff, FALSE },
    { "no memory", IN(BtScopeRequest, memory), 0, FALSE },
    { "any memory", IN(BtScopeRequest, memory), BT_SCOPE_NOT_LIMITED, TRUE },
    { "no processor", IN(BtScopeRequest, cpu), 0, FALSE },
    { "no processes", IN(BtScopeRequest, pids), 0, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtScopeRequest message = request;
    memcpy((guint8 *)&message + cases[i].offset, &cases[i].value, cases[i].size);
    g_test_message("%s", cases[i].what);
    g_assert_true(is_request(message) == cases[i].valid);
  }
}

/* A unit of ours, and no other. */
static void
test_unit(void)
{
  static const struct {
    const char *unit;
    gboolean valid;
  } cases[] = {
    { "buntime-1-2.scope", TRUE },
    { "buntime-2147483647-2147483647.scope", TRUE },
    { "", FALSE },
    { "buntime-.scope", FALSE },
    { "buntime-1.service", FALSE },
    { "dbus.service", FALSE },
    { "buntime-1-2.scope ", FALSE },
    { "buntime-1/2.scope", FALSE },
    { "buntime-a.scope", FALSE },
    { "buntime-1.2.scope", FALSE },
    { "xbuntime-1-2.scope", FALSE },
    { "buntime-1-2.scope\n", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    BtScopeRequest message = request;
    memset(message.unit, 0, sizeof message.unit);
    memcpy(message.unit, cases[i].unit, strlen(cases[i].unit));
    g_test_message("\"%s\"", cases[i].unit);
    g_assert_true(is_request(message) == cases[i].valid);
  }
  BtScopeRequest message = request;
  memset(message.unit, '1', sizeof message.unit);
  memcpy(message.unit, "buntime-", 8);
  memcpy(message.unit + sizeof message.unit - 6, ".scope", 6);
  g_assert_false(is_request(message));
}

static void
test_answer(void)
{
  BtScopeAnswer message = answer;

  for (message.result = 0; message.result < 10; message.result++)
    g_assert_true(is_answer(message) ==
                  (message.result >= BT_SCOPE_DONE && message.result <= BT_SCOPE_LAST));
  message.result = BT_SCOPE_DONE;
  g_assert_true(is_answer(message));
  message.version++;
  g_assert_false(is_answer(message));
  message = answer;
  memset(message.reason, 'x', sizeof message.reason);
  g_assert_false(is_answer(message));
  message.reason[sizeof message.reason - 1] = '\0';
  g_assert_true(is_answer(message));
  message.reason[0] = '\0';
  g_assert_true(is_answer(message));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/scope-msg/size", test_size);
  g_test_add_func("/scope-msg/request", test_request);
  g_test_add_func("/scope-msg/unit", test_unit);
  g_test_add_func("/scope-msg/answer", test_answer);
  return g_test_run();
}
