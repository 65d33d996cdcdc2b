/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program in C leaves out: NULL for no arguments, no message, no name and no interest in
 * the result; and where a text was to come from somewhere and did not, an error as for none.
 */
#include <stdlib.h>

#include "library-fixture.h"

static void
test_run(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;

  if (g_test_subprocess()) {
    /* A process may do that once. */
    buntime_sandbox_run(sandbox, "/bin/true", NULL, NULL, &error);
    g_assert_no_error(error);
    exit(0);
  }
  g_test_trap_subprocess(NULL, PATIENCE_SECONDS * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed();
}

/* In place of the process. */
static void
test_run_without_sandbox(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();

  if (g_test_subprocess()) {
    buntime_sandbox_set_isolated(sandbox, FALSE);
    buntime_sandbox_run(sandbox, "/bin/true", NULL, NULL, NULL);
    exit(1);
  }
  g_test_trap_subprocess(NULL, PATIENCE_SECONDS * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed();
}

static void
test_no_entry(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;

  g_assert_false(buntime_sandbox_run(sandbox, NULL, NULL, NULL, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
}

static void
test_messages(void)
{
  g_autoptr(BuntimeSandbox) sandbox = sandbox_new();
  g_autoptr(GError) error = NULL;
  GAsyncResult *result = NULL;
  Seen seen;

  seen_start(&seen, sandbox, BT_TEST_PEER, NULL);
  g_assert_true(buntime_worker_send(seen.worker, NULL, &error));
  g_assert_null(next_message(&seen)); /* it came, and has no bytes */
  buntime_worker_call(seen.worker, NULL, -1, NULL, on_answer, &result);
  g_assert_null(await_call(&seen, &result, FALSE, &error));
  g_assert_no_error(error);
  buntime_worker_run_code(seen.worker, NULL, -1, NULL, on_answer, &result);
  g_autofree char *value = await_call(&seen, &result, TRUE, &error);
  g_assert_cmpstr(value, ==, "42");
  /* Nobody wants to know. */
  buntime_worker_call(seen.worker, NULL, -1, NULL, NULL, NULL);
  g_assert_true(buntime_worker_reply(seen.worker, 1, NULL, &error));
  g_assert_true(buntime_worker_reply_error(seen.worker, 2, NULL, &error));
  g_assert_no_error(error);
  buntime_worker_stop(seen.worker, 0);
  seen_wait(&seen);
  seen_clear(&seen);
}

static void
test_launcher(void)
{
  /* Everything is denied then. */
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(NULL);
  static const char *const args[] = { "-c", "true >/etc/x || exit 3", NULL };
  g_autoptr(GError) error = NULL;
  Seen seen;

  g_assert_true(buntime_sandbox_set_events(sandbox, NULL, &error));
  g_assert_true(buntime_sandbox_set_events(sandbox, "/nonexistent/events", &error));
  g_assert_true(buntime_sandbox_set_events(sandbox, NULL, &error));
  g_assert_true(buntime_sandbox_set_capture(sandbox, "/nonexistent/capture", &error));
  g_assert_true(buntime_sandbox_set_capture(sandbox, NULL, &error));
  g_assert_false(buntime_sandbox_publish(sandbox, NULL, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  seen_start(&seen, sandbox, "/bin/sh", args);
  seen_wait(&seen);
  g_assert_null(buntime_worker_get_error(seen.worker));
  g_assert_cmpint(seen.status, ==, 3);
  seen_clear(&seen);
}

static void
assert_refused(gboolean result, GError **error, int code)
{
  g_assert_false(result);
  g_assert_error(*error, BUNTIME_ERROR, code);
  g_clear_error(error);
}

static void
test_policy(void)
{
  static const char policy[] = "{\"version\": 1, \"net\": {\"rules\": [{\"action\": \"allow\", "
                               "\"host\": \"granted.example\"}]}}";
  g_autoptr(BuntimePolicy) self = buntime_policy_new();
  GError *error = NULL;

  assert_refused(buntime_policy_load(NULL, &error) != NULL, &error, BUNTIME_ERROR_POLICY);
  assert_refused(buntime_policy_add_file(self, NULL, &error), &error, BUNTIME_ERROR_POLICY);
  assert_refused(buntime_policy_show(NULL, &error) != NULL, &error, BUNTIME_ERROR_POLICY);
  assert_refused(buntime_policy_add_json(self, NULL, "mine", &error), &error, BUNTIME_ERROR_POLICY);
  assert_refused(buntime_policy_set_limit(self, BUNTIME_LIMIT_MEMORY, NULL, &error), &error,
                 BUNTIME_ERROR_USAGE);
  assert_refused(buntime_policy_check(self, BUNTIME_PERMISSION_NET, NULL, &error) != NULL, &error,
                 BUNTIME_ERROR_USAGE);
  g_assert_true(buntime_policy_add_json(self, policy, NULL, &error));
  g_assert_no_error(error);
  g_autofree char *rules = buntime_policy_rules_to_json(self);
  g_assert_nonnull(strstr(rules, "\"source\":\"policy\",\"line\":1"));
}

static void
test_frees(void)
{
  buntime_policy_unref(NULL);
  buntime_sandbox_unref(NULL);
  buntime_verdict_free(NULL);
  buntime_event_free(NULL);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/library-nulls/run", test_run);
  g_test_add_func("/library-nulls/run-without-sandbox", test_run_without_sandbox);
  g_test_add_func("/library-nulls/no-entry", test_no_entry);
  g_test_add_func("/library-nulls/messages", test_messages);
  g_test_add_func("/library-nulls/launcher", test_launcher);
  g_test_add_func("/library-nulls/policy", test_policy);
  g_test_add_func("/library-nulls/frees", test_frees);
  return g_test_run();
}
