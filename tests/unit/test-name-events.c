/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What audit says of names. */
#include <string.h>

#include "names-fixture.h"

static void
on_event(gpointer data, const BtEvent *event)
{
  g_ptr_array_add(data, bt_event_copy(event));
}

/* A set-up with audit and somebody who reads it; events: BtEvent. */
static BtExplainer *
set_up_audited(Fixture *fixture, const char *allow, GPtrArray *events)
{
  const BtOrigin origin = { (char *)"command line", 0, (char *)"--audit" };
  BtExplainer *explainer = bt_explainer_new(-1, TRUE);

  set_up(fixture, allow);
  bt_names_free(fixture->names);
  bt_explainer_set_func(explainer, on_event, events);
  bt_policy_add_audit(fixture->policy, BT_AUDIT_CONNECT, &origin);
  fixture->names = bt_names_new(fixture->policy, explainer);
  bt_names_set_resolver(fixture->names, &fake_resolver, fixture->hosts);
  bt_names_set_answer_func(fixture->names, on_answer, fixture);
  return explainer;
}

/* addresses NULL: there is no word of an answer. */
static const BtEvent *
assert_event(GPtrArray *events, guint n, BtAction action, const char *name, const char *addresses,
             const char *reason)
{
  g_assert_cmpuint(events->len, ==, n);
  const BtEvent *event = g_ptr_array_index(events, n - 1);
  g_assert_cmpint(event->kind, ==, BT_EVENT_DNS);
  g_assert_cmpint(event->action, ==, action);
  g_assert_cmpstr(event->object, ==, name);
  g_assert_cmpstr(event->host, ==, name);
  g_assert_true((event->duration >= 0) == (addresses != NULL));
  g_autofree char *found = event->addresses != NULL ? g_strjoinv(" ", event->addresses) : NULL;
  g_assert_cmpstr(found, ==, addresses);
  if (reason == NULL)
    g_assert_null(event->reason);
  else
    g_assert_nonnull(strstr(event->reason, reason));
  return event;
}

/* Each look-up by itself and with its time, once it is over. */
static void
test_lookups(void)
{
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)bt_event_free);
  Fixture fixture;
  BtExplainer *explainer = set_up_audited(&fixture, "github.com,gone.example", events);

  bt_names_set_ipv6_func(fixture.names, with_ipv6);
  ask(&fixture, 1, BT_DNS_TYPE_A, "GitHub.com");
  ask(&fixture, 2, BT_DNS_TYPE_AAAA, "github.com");
  g_assert_cmpuint(events->len, ==, 0);
  g_usleep(30000);
  finish(BT_LOOKUP_FOUND, PUBLIC " 2001:db8::5");
  const BtEvent *event =
    assert_event(events, 1, BT_ACTION_ALLOW, "github.com", PUBLIC " 2001:db8::5", NULL);
  g_assert_cmpint(event->duration, >=, 30);
  g_assert_cmpstr(event->rule.text, ==, "--allow-net=github.com");
  /* By a kept answer. */
  ask(&fixture, 3, BT_DNS_TYPE_A, "github.com");
  event = assert_event(events, 2, BT_ACTION_ALLOW, "github.com", PUBLIC " 2001:db8::5", NULL);
  g_assert_cmpint(event->duration, ==, 0);
  /* These are one group. */
  ask(&fixture, 4, BT_DNS_TYPE_A, "github.com");
  g_assert_cmpuint(events->len, ==, 2);
  for (guint i = 0; i < 2; i++) {
    ask(&fixture, 5 + i, BT_DNS_TYPE_A, "gone.example");
    finish(i == 0 ? BT_LOOKUP_NO_NAME : BT_LOOKUP_FAILED, "");
    assert_event(events, 3 + i, BT_ACTION_ALLOW, "gone.example", "",
                 i == 0 ? "no such name" : "could not be");
  }
  ask(&fixture, 7, BT_DNS_TYPE_A, "gone.example");
  finish(BT_LOOKUP_NO_DATA, "");
  assert_event(events, 5, BT_ACTION_ALLOW, "gone.example", "", "no address");
  ask(&fixture, 8, BT_DNS_TYPE_A, "gone.example");
  finish(BT_LOOKUP_FOUND, "10.0.0.1");
  assert_event(events, 6, BT_ACTION_ALLOW, "gone.example", "", "10.0.0.1");
  /* The run ends. */
  ask(&fixture, 9, BT_DNS_TYPE_A, "gone.example");
  tear_down(&fixture);
  assert_event(events, 7, BT_ACTION_ALLOW, "gone.example", NULL, "ended");
  bt_explainer_free(explainer);
  event = assert_event(events, 8, BT_ACTION_ALLOW, "github.com", NULL, NULL);
  g_assert_cmpuint(event->count, ==, 1);
}

static void
test_refusals(void)
{
  g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)bt_event_free);
  Fixture fixture;
  BtExplainer *explainer = set_up_audited(&fixture, "github.com", events);

  ask(&fixture, 1, BT_DNS_TYPE_A, "evil.example");
  const BtEvent *event = assert_event(events, 1, BT_ACTION_DENY, "evil.example", NULL, NULL);
  g_assert_cmpstr(event->suggestion, ==, "--allow-net=evil.example");
  /* Of a closed address beside others, too. */
  ask(&fixture, 2, BT_DNS_TYPE_A, "github.com");
  finish(BT_LOOKUP_FOUND, PUBLIC " 10.0.0.1 10.0.0.2");
  assert_event(events, 3, BT_ACTION_ALLOW, "github.com", PUBLIC, NULL);
  event = g_ptr_array_index(events, 1);
  g_assert_cmpint(event->action, ==, BT_ACTION_DENY);
  g_assert_cmpuint(event->count, ==, 2);
  tear_down(&fixture);
  bt_explainer_free(explainer);
  g_assert_cmpuint(events->len, ==, 3);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/name-events/lookups", test_lookups);
  g_test_add_func("/name-events/refusals", test_refusals);
  return g_test_run();
}
