/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a verdict costs, and how it grows with the rules:
 *
 *   bench-matcher     one line a number of rules, ns a request of each kind
 */
#include <stdio.h>
#include <string.h>

#include "policy/bt-policy.h"

#define REQUESTS 20000u

static const guint sizes[] = { 10, 100, 1000, 10000 };

static char *
random_path(GRand *rand, guint depth)
{
  GString *path = g_string_new(NULL);
  for (guint i = 0; i < depth; i++)
    g_string_append_printf(path, "/folder-%u", g_rand_int_range(rand, 0, 40));
  return g_string_free(path, FALSE);
}

static void
add(BtPolicy *policy, BtKind kind, BtAction action, const char *items)
{
  g_autoptr(GError) error = NULL;
  if (!bt_policy_add_flag(policy, BT_LAYER_FLAGS, kind, action, "--flag", items, "/", "/", &error))
    g_error("%s", error->message);
}

static BtAction
random_action(GRand *rand)
{
  return g_rand_int_range(rand, 0, 4) == 0 ? BT_ACTION_DENY : BT_ACTION_ALLOW;
}

static BtPolicy *
make_policy(GRand *rand, guint rules)
{
  BtPolicy *policy = bt_policy_new();

  for (guint i = 0; i < rules; i++) {
    g_autofree char *path = random_path(rand, g_rand_int_range(rand, 2, 6));
    g_autofree char *env = g_strdup_printf("NAME_%u_%s", g_rand_int_range(rand, 0, 1 << 20),
                                           i % 3 == 0 ? "*" : "X");
    g_autofree char *host =
      g_strdup_printf("%shost-%u.example.net:443", i % 4 == 0 ? "*." : "",
                      g_rand_int_range(rand, 0, 1 << 20));
    guint32 bits = g_rand_int(rand);
    g_autofree char *block = g_strdup_printf("%u.%u.%u.0/24:443", 1 + bits % 200,
                                             (bits >> 8) & 0xff, (bits >> 16) & 0xff);
    add(policy, BT_KIND_READ, random_action(rand), path);
    add(policy, BT_KIND_ENV, random_action(rand), env);
    /* Half and half, so that there are as many net rules as others. */
    add(policy, BT_KIND_NET, random_action(rand), i % 2 == 0 ? host : block);
  }
  return policy;
}

static gint64
now(void)
{
  return g_get_monotonic_time();
}

static double
per_request(gint64 since)
{
  return (double)(now() - since) * 1000 / REQUESTS;
}

static double
measure_paths(BtPolicy *policy, GRand *rand)
{
  char *paths[64];
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
    paths[i] = random_path(rand, 7);
  bt_policy_check_path(policy, paths[0], BT_FS_READ_FILE);
  gint64 since = now();
  for (guint i = 0; i < REQUESTS; i++)
    bt_policy_check_path(policy, paths[i % G_N_ELEMENTS(paths)], BT_FS_READ_FILE);
  double cost = per_request(since);
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
    g_free(paths[i]);
  return cost;
}

static double
measure_env(BtPolicy *policy)
{
  static const char *const names[] = { "NAME_123456_Y", "PATH", "AWS_SECRET_ACCESS_KEY",
                                       "NAME_99_X" };
  bt_policy_check_env(policy, names[0]);
  gint64 since = now();
  for (guint i = 0; i < REQUESTS; i++)
    bt_policy_check_env(policy, names[i % G_N_ELEMENTS(names)]);
  return per_request(since);
}

static double
measure_names(BtPolicy *policy)
{
  static const char *const names[] = { "host-123.example.net", "www.example.org",
                                       "a.b.host-77.example.net", "github.com" };
  bt_policy_check_name(policy, names[0], NULL);
  gint64 since = now();
  for (guint i = 0; i < REQUESTS; i++)
    bt_policy_check_name(policy, names[i % G_N_ELEMENTS(names)], NULL);
  return per_request(since);
}

static double
measure_flows(BtPolicy *policy, GRand *rand)
{
  BtAddr addrs[64];
  for (guint i = 0; i < G_N_ELEMENTS(addrs); i++)
    addrs[i] = bt_addr_from_ipv4(g_rand_int(rand));
  bt_policy_check_flow(policy, NULL, &addrs[0], BT_PROTO_TCP, 443, NULL, NULL);
  gint64 since = now();
  for (guint i = 0; i < REQUESTS; i++)
    bt_policy_check_flow(policy, NULL, &addrs[i % G_N_ELEMENTS(addrs)], BT_PROTO_TCP, 443, NULL,
                         NULL);
  return per_request(since);
}

int
main(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);

  printf("%8s %10s %10s %10s %10s   ns a request\n", "rules", "path", "env", "name", "flow");
  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    g_autoptr(BtPolicy) policy = make_policy(rand, sizes[i]);
    printf("%8u %10.0f %10.0f %10.0f %10.0f\n", sizes[i], measure_paths(policy, rand),
           measure_env(policy), measure_names(policy), measure_flows(policy, rand));
  }
  return 0;
}
