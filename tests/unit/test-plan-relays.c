/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which ports of the host's loopback a policy lets a plan relay, and what is said of the others. */
#include <glib.h>
#include <string.h>

#include "plan/bt-plan-compile.h"

static const char *const nothing[] = { NULL };

/* flags: "-a=localhost:80" allows, "-d" denies. NULL: an error. */
static BtPlan *
compile_published(const char *const *flags, const BtPlanPublished *published, guint n_published,
                  gboolean fast_path, GError **error)
{
  BtPolicy *policy = bt_policy_new();

  for (; *flags != NULL; flags++) {
    const char *value = strchr(*flags, '=');
    g_assert_true(bt_policy_add_flag(policy, BT_LAYER_FLAGS, BT_KIND_NET,
                                     (*flags)[1] == 'a' ? BT_ACTION_ALLOW : BT_ACTION_DENY, "-n",
                                     value != NULL ? value + 1 : NULL, "/", "/", NULL));
  }
  g_assert_true(bt_policy_resolve(policy, "/usr/bin:/bin", NULL, NULL));
  const BtPlanRequest request = {
    .policy = policy,
    .entry = "/bin/true",
    .args = nothing,
    .cwd = "/",
    .home = "/home/nobody-has-this",
    .user_name = "jane",
    .environment = nothing,
    .uid = 1234,
    .gid = 1234,
    .published = published,
    .n_published = n_published,
    .fast_path = fast_path,
    .terminal_fd = -1,
  };
  BtPlan *plan = bt_plan_compile(&request, error);
  bt_policy_unref(policy);
  return plan;
}

static BtPlan *
compile(const char *const *flags, GError **error)
{
  return compile_published(flags, NULL, 0, FALSE, error);
}

/* "port families", in order. */
static char *
format_relays(const BtPlan *plan)
{
  GString *text = g_string_new(NULL);
  BtPlanView view;
  gsize size;
  const void *bytes = g_bytes_get_data(plan->bytes, &size);

  g_assert_cmpint(bt_plan_open(bytes, size, &view), ==, BT_PLAN_OK);
  for (guint i = 0; i < view.header->relays.count; i++)
    g_string_append_printf(text, "%s%u %s%s", i > 0 ? ", " : "", view.relays[i].port,
                           view.relays[i].families & BT_PLAN_RELAY_IPV4 ? "4" : "",
                           view.relays[i].families & BT_PLAN_RELAY_IPV6 ? "6" : "");
  return g_string_free(text, FALSE);
}

static void
test_relays(void)
{
  static const struct {
    const char *flags[3];
    const char *relays;
    guint n_notices;
  } cases[] = {
    { { "-a=localhost:80" }, "80 46", 0 },
    { { "-a=localhost:80,443,8000-8002" }, "80 46, 443 46, 8000 46, 8001 46, 8002 46", 0 },
    { { "-a=127.0.0.1:80" }, "80 4", 0 },
    { { "-a=[::1]:80" }, "80 6", 0 },
    { { "-a=127.0.0.1:80,[::1]:80,localhost:80" }, "80 46", 0 },
    { { "-a=127.0.0.0/8:80" }, "80 4", 0 },
    { { "-a=localhost:80-82", "-d=localhost:81" }, "80 46, 82 46", 0 },
    { { "-a=localhost:80", "-d=[::1]" }, "80 4", 0 },
    { { "-a=localhost:80", "-d" }, "", 0 },
    { { "-a=localhost" }, "", 1 },
    { { "-a=localhost:80/udp" }, "", 1 },
    { { "-a=localhost:80/any" }, "80 46", 1 },
    { { "-a=localhost:53" }, "", 1 },
    { { "-a=127.0.0.2:80" }, "", 1 },
    { { "-a=0.0.0.0:80" }, "", 1 },
    { { "-a" }, "", 0 },
    { { "-a=10.0.0.0/8:80" }, "", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(BtPlan) plan = compile(cases[i].flags, NULL);
    g_autofree char *relays = format_relays(plan);
    if (g_strcmp0(relays, cases[i].relays) != 0 || plan->notices->len != cases[i].n_notices)
      g_error("%s: %s, %u notices", cases[i].flags[0], relays, plan->notices->len);
  }
}

/* Only where an address may be reached by TCP, and no name is denied. */
static void
test_fast_path(void)
{
  static const struct {
    const char *flags[3];
    gboolean fast;
  } cases[] = {
    { { "-a=192.0.2.1" }, TRUE },
    { { "-a=192.0.2.0/24:80,github.com" }, TRUE },
    { { "-a" }, TRUE },
    { { "-a=localhost" }, TRUE },
    { { "-a=localhost:80" }, TRUE },
    { { "-a=192.0.2.1", "-d=192.0.2.1" }, TRUE },
    { { "-a=192.0.2.1/udp" }, FALSE },
    { { "-a=github.com" }, FALSE },
    { { "-a", "-d=github.com" }, FALSE },
    { { "-d=192.0.2.1" }, FALSE },
    { { NULL }, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    for (gboolean wanted = FALSE; wanted <= TRUE; wanted++) {
      g_autoptr(BtPlan) plan = compile_published(cases[i].flags, NULL, 0, wanted, NULL);
      gsize size;
      const void *bytes = g_bytes_get_data(plan->bytes, &size);
      BtPlanView view;
      g_assert_cmpint(bt_plan_open(bytes, size, &view), ==, BT_PLAN_OK);
      gboolean fast = (view.header->flags & BT_PLAN_FAST_PATH) != 0;
      if (fast != (wanted && cases[i].fast))
        g_error("%s: %d", cases[i].flags[0] != NULL ? cases[i].flags[0] : "nothing", fast);
    }
}

/* By it all of the loopback can be had, so that nothing is to be said. */
static void
test_whole_loopback(void)
{
  static const char *const flags[] = { "-a=localhost", NULL };
  g_autoptr(BtPlan) without = compile_published(flags, NULL, 0, FALSE, NULL);
  g_autoptr(BtPlan) with = compile_published(flags, NULL, 0, TRUE, NULL);

  g_assert_cmpuint(without->notices->len, ==, 1);
  g_assert_cmpuint(with->notices->len, ==, 0);
}

static void
test_bound(void)
{
  static const char *const many[] = { "-a=localhost:1000-1063", NULL };
  static const char *const too_many[] = { "-a=localhost:1000-1064", NULL };
  static const char *const denied[] = { "-a=localhost:1000-1064", "-d=localhost:1001", NULL };
  g_autoptr(GError) error = NULL;

  g_autoptr(BtPlan) plan = compile(many, &error);
  g_assert_no_error(error);
  g_assert_nonnull(plan);
  g_assert_null(compile(too_many, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
  g_clear_error(&error);
  g_autoptr(BtPlan) fewer = compile(denied, &error);
  g_assert_no_error(error);
  g_assert_nonnull(fewer);
}

/* What is published is the program's, not what stands for the host's, or the resolver. */
static void
test_published(void)
{
  static const struct {
    guint16 port;
    const char *flag;
    gboolean good;
  } cases[] = {
    { 80, "-a=localhost:80", FALSE },    { 80, "-a=127.0.0.1:79-81", FALSE },
    { 80, "-a=[::1]:80", FALSE },        { 53, "-a=localhost:80", FALSE },
    { 81, "-a=localhost:80", TRUE },     { 80, "-a=192.0.2.1:80", TRUE },
    { 80, "-a=localhost:80/udp", TRUE }, { 80, "-a", TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    const char *const flags[] = { cases[i].flag, NULL };
    const BtPlanPublished published = { cases[i].port, "--publish=x" };
    g_autoptr(GError) error = NULL;
    g_autoptr(BtPlan) plan = compile_published(flags, &published, 1, FALSE, &error);
    g_assert_cmpint(plan != NULL, ==, cases[i].good);
    if (plan == NULL)
      g_assert_nonnull(strstr(error->message, "--publish=x"));
  }
}

/* Nothing of it needs an interface. */
static void
test_no_network(void)
{
  static const char *const alone[] = { "-a=localhost:80", NULL };
  static const char *const beside[] = { "-a=localhost:80,example.com", NULL };
  g_autoptr(BtPlan) without = compile(alone, NULL);
  g_autoptr(BtPlan) with = compile(beside, NULL);

  g_assert_false(without->network);
  g_assert_true(with->network);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/plan-relays/relays", test_relays);
  g_test_add_func("/plan-relays/fast-path", test_fast_path);
  g_test_add_func("/plan-relays/whole-loopback", test_whole_loopback);
  g_test_add_func("/plan-relays/bound", test_bound);
  g_test_add_func("/plan-relays/published", test_published);
  g_test_add_func("/plan-relays/no-network", test_no_network);
  return g_test_run();
}
