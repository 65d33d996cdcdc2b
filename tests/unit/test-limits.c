/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/bt-policy-format.h"
#include "policy/bt-policy.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

static const struct {
  BtLimit limit;
  const char *word;
  guint64 value;
  const char *written; /* NULL: as word */
} good[] = {
  { BT_LIMIT_MEMORY, "1M", MIB, NULL },
  { BT_LIMIT_MEMORY, "1048576", MIB, "1M" },
  { BT_LIMIT_MEMORY, "1048577", MIB + 1, NULL },
  { BT_LIMIT_MEMORY, "1024K", MIB, "1M" },
  { BT_LIMIT_MEMORY, "1025KiB", 1025 * KIB, "1025K" },
  { BT_LIMIT_MEMORY, "1536M", 1536 * MIB, NULL },
  { BT_LIMIT_MEMORY, "1.5G", 1536 * MIB, "1536M" },
  { BT_LIMIT_MEMORY, "2GiB", 2 * GIB, "2G" },
  { BT_LIMIT_MEMORY, "512T", 512 * TIB, NULL },
  { BT_LIMIT_MEMORY, "000001M", MIB, "1M" },
  { BT_LIMIT_CPU, "1", 1000, NULL },
  { BT_LIMIT_CPU, "0.5", 500, NULL },
  { BT_LIMIT_CPU, "0.50", 500, "0.5" },
  { BT_LIMIT_CPU, "2.125", 2125, NULL },
  { BT_LIMIT_CPU, "0.001", 1, NULL },
  { BT_LIMIT_CPU, "50%", 500, "0.5" },
  { BT_LIMIT_CPU, "250%", 2500, "2.5" },
  { BT_LIMIT_CPU, "12.5%", 125, "0.125" },
  { BT_LIMIT_CPU, "8192", 8192000, NULL },
  { BT_LIMIT_PIDS, "1", 1, NULL },
  { BT_LIMIT_PIDS, "4194304", 4194304, NULL },
  { BT_LIMIT_WALL_TIME, "1", 1000, "1s" },
  { BT_LIMIT_WALL_TIME, "0.5", 500, "500ms" },
  { BT_LIMIT_WALL_TIME, "1ms", 1, NULL },
  { BT_LIMIT_WALL_TIME, "90s", 90000, NULL },
  { BT_LIMIT_WALL_TIME, "60s", 60000, "1m" },
  { BT_LIMIT_WALL_TIME, "1.5h", 5400000, "90m" },
  { BT_LIMIT_WALL_TIME, "24h", 86400000, "1d" },
  { BT_LIMIT_WALL_TIME, "30d", 2592000000, NULL },
  { BT_LIMIT_CPU_TIME, "0.001", 1, "1ms" },
  { BT_LIMIT_OUTPUT, "1", 1, NULL },
  { BT_LIMIT_OUTPUT, "0.5K", 512, "512" },
  { BT_LIMIT_TMP_SIZE, "4K", 4 * KIB, NULL },
  { BT_LIMIT_SHM_SIZE, "64M", 64 * MIB, NULL },
  { BT_LIMIT_OPEN_FILES, "1048576", 1048576, NULL },
  { BT_LIMIT_NET_RATE, "50", 50, NULL },
  { BT_LIMIT_NET_BYTES, "10G", 10 * GIB, NULL },
};

static void
test_good(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(GError) error = NULL;
  guint64 value = 0, again = 0;

  g_assert_true(bt_limit_parse(good[n].limit, good[n].word, &value, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(value, ==, good[n].value);
  g_autofree char *written = bt_limit_format(good[n].limit, value);
  g_assert_cmpstr(written, ==, good[n].written != NULL ? good[n].written : good[n].word);
  g_assert_true(bt_limit_parse(good[n].limit, written, &again, NULL));
  g_assert_cmpuint(again, ==, value);
}

static const struct {
  BtLimit limit;
  const char *word, *reason, *cure;
} bad[] = {
  { BT_LIMIT_MEMORY, "", "not a size", "512M" },
  { BT_LIMIT_MEMORY, "M", "not a size", "512M" },
  { BT_LIMIT_MEMORY, "512m", "not a size", "K, M, G or T" },
  { BT_LIMIT_MEMORY, "512Mi", "not a size", "K, M, G or T" },
  { BT_LIMIT_MEMORY, "512 M", "not a size", NULL },
  { BT_LIMIT_MEMORY, " 512M", "not a size", NULL },
  { BT_LIMIT_MEMORY, "512M ", "not a size", NULL },
  { BT_LIMIT_MEMORY, "-512M", "not a size", NULL },
  { BT_LIMIT_MEMORY, "+512M", "not a size", NULL },
  { BT_LIMIT_MEMORY, "0x100000", "not a size", NULL },
  { BT_LIMIT_MEMORY, "1e9", "not a size", NULL },
  { BT_LIMIT_MEMORY, "1.G", "not a size", NULL },
  { BT_LIMIT_MEMORY, ".5G", "not a size", NULL },
  { BT_LIMIT_MEMORY, "1,5G", "not a size", NULL },
  { BT_LIMIT_MEMORY, "1.5", "not a size", "whole bytes" },
  { BT_LIMIT_MEMORY, "10.1M", "not a size", "whole bytes" },
  { BT_LIMIT_MEMORY, "1.1234G", "not a size", NULL },
  { BT_LIMIT_MEMORY, "512KB", "KB can mean 1000 or 1024", "KiB" },
  { BT_LIMIT_MEMORY, "512MB", "MB can mean 1000 or 1024", "MiB" },
  { BT_LIMIT_MEMORY, "1kB", "kB can mean 1000 or 1024", "K" },
  { BT_LIMIT_MEMORY, "0", "too small", "at least 1M" },
  { BT_LIMIT_MEMORY, "0T", "too small", "at least 1M" },
  { BT_LIMIT_MEMORY, "1023K", "too small", "at least 1M" },
  { BT_LIMIT_MEMORY, "513T", "too large", "at most 512T" },
  { BT_LIMIT_MEMORY, "18446744073709551616", "too large", NULL },
  { BT_LIMIT_MEMORY, "18446744073709551615", "too large", NULL },
  { BT_LIMIT_MEMORY, "18014398509481984K", "too large", NULL },
  { BT_LIMIT_MEMORY, "16777217T", "too large", NULL },
  { BT_LIMIT_MEMORY, "99999999999999999999999999999.5M", "too large", NULL },
  { BT_LIMIT_CPU, "0", "too small", "at least 0.001" },
  { BT_LIMIT_CPU, "0.0005", "not a number of processors", "50%" },
  { BT_LIMIT_CPU, "0.05%", "not a number of processors", NULL },
  { BT_LIMIT_CPU, "%", "not a number of processors", NULL },
  { BT_LIMIT_CPU, "50%%", "not a number of processors", NULL },
  { BT_LIMIT_CPU, "8193", "too large", "at most 8192" },
  { BT_LIMIT_PIDS, "0", "too small", "at least 1" },
  { BT_LIMIT_PIDS, "1.5", "not a whole number", "64" },
  { BT_LIMIT_PIDS, "1K", "not a whole number", NULL },
  { BT_LIMIT_PIDS, "4194305", "too large", "at most 4194304" },
  { BT_LIMIT_WALL_TIME, "0", "too small", "at least 1ms" },
  { BT_LIMIT_WALL_TIME, "0.0001", "not a time", "90s" },
  { BT_LIMIT_WALL_TIME, "1.5ms", "not a time", NULL },
  { BT_LIMIT_WALL_TIME, "5min", "not a time", "ms, s, m, h or d" },
  { BT_LIMIT_WALL_TIME, "1h30m", "not a time", NULL },
  { BT_LIMIT_WALL_TIME, "1M", "not a time", NULL },
  { BT_LIMIT_WALL_TIME, "31d", "too large", "at most 30d" },
  { BT_LIMIT_WALL_TIME, "9223372036854775807d", "too large", NULL },
  { BT_LIMIT_OUTPUT, "0", "too small", "at least 1" },
  { BT_LIMIT_TMP_SIZE, "4095", "too small", "at least 4K" },
  { BT_LIMIT_OPEN_FILES, "1048577", "too large", NULL },
  { BT_LIMIT_NET_RATE, "50/s", "not a whole number", NULL },
  { BT_LIMIT_NET_BYTES, "unlimited", "not a size", NULL },
};

/* As a flag, so that the whole error is seen. */
static void
test_bad(gconstpointer data)
{
  gsize n = GPOINTER_TO_SIZE(data);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  guint64 value;

  g_autofree char *start = g_strdup_printf("--%s=%s: %s\n", bt_limit_flag(bad[n].limit),
                                           bad[n].word, bad[n].reason);
  g_assert_false(
    bt_policy_add_limit(policy, BT_LAYER_FLAGS, bad[n].limit, bad[n].word, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  g_assert_true(g_str_has_prefix(error->message, start));
  g_assert_true(bad[n].cure == NULL || strstr(error->message, bad[n].cure) != NULL);
  g_assert_false(bt_policy_get_limit(policy, bad[n].limit, &value, NULL));
}

static void
test_suggestions(void)
{
  static const struct {
    BtLimit limit;
    guint64 value;
    const char *flag;
  } cases[] = {
    { BT_LIMIT_WALL_TIME, 30000, "--timeout=1m" },
    { BT_LIMIT_MEMORY, 512 * MIB, "--memory=1G" },
    { BT_LIMIT_CPU, 500, "--cpu=1" },
    { BT_LIMIT_PIDS, 3000000, "--pids=4194304" },
    { BT_LIMIT_PIDS, 4194304, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *flag = bt_suggest_limit(cases[i].limit, cases[i].value);
    g_assert_cmpstr(flag, ==, cases[i].flag);
  }
}

/* ---- which counts ---- */

static void
add_file(BtPolicy *policy, const char *name, const char *limits)
{
  g_autofree char *text = g_strdup_printf("{\"version\": 1,\n \"limits\": {%s}}", limits);
  g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
  g_autoptr(GError) error = NULL;

  bt_policy_set_json_reader(bt_json_to_variant);
  bt_policy_add_json(policy, BT_LAYER_FILES, bytes, name, "/home/u", NULL, &error);
  g_assert_no_error(error);
}

static void
assert_limit(BtPolicy *policy, BtLimit limit, guint64 value, const char *source, guint line,
             const char *text)
{
  const BtOrigin *origin;
  guint64 found;

  g_assert_true(bt_policy_get_limit(policy, limit, &found, &origin));
  g_assert_cmpuint(found, ==, value);
  g_assert_cmpstr(origin->source, ==, source);
  g_assert_cmpuint(origin->line, ==, line);
  g_assert_cmpstr(origin->text, ==, text);
}

static void
test_layers(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  guint64 value;

  g_assert_false(bt_policy_get_limit(policy, BT_LIMIT_PIDS, &value, NULL));
  add_file(policy, "/a.json", "\"pids\": 50, \"memory\": \"64M\", \"wallTime\": 1.5");
  add_file(policy, "/b.json", "\"pids\": 20, \"memory\": \"65M\"");
  assert_limit(policy, BT_LIMIT_PIDS, 20, "/b.json", 2, "limits.pids");
  assert_limit(policy, BT_LIMIT_MEMORY, 64 * MIB, "/a.json", 2, "limits.memory");
  assert_limit(policy, BT_LIMIT_WALL_TIME, 1500, "/a.json", 2, "limits.wallTime");
  bt_policy_add_limit(policy, BT_LAYER_FLAGS, BT_LIMIT_PIDS, "30", NULL);
  bt_policy_add_limit(policy, BT_LAYER_FLAGS, BT_LIMIT_PIDS, "40", NULL);
  add_file(policy, "/c.json", "\"pids\": 10");
  assert_limit(policy, BT_LIMIT_PIDS, 40, "command line", 0, "--pids=40");
}

/* What is written is read as the same. */
static void
test_file(void)
{
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(BtPolicy) again = bt_policy_new();
  g_autoptr(GError) error = NULL;

  bt_policy_set_json_reader(bt_json_to_variant);
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
    bt_policy_add_limit(policy, BT_LAYER_FLAGS, good[i].limit, good[i].word, NULL);
  g_autofree char *text = bt_policy_format_json(policy, &error);
  g_assert_no_error(error);
  g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
  bt_policy_add_json(again, BT_LAYER_FILES, bytes, "/p.json", "/", NULL, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < BT_N_LIMITS; i++) {
    guint64 value = 0, read = 0;
    g_assert_true(bt_policy_get_limit(policy, i, &value, NULL));
    g_assert_true(bt_policy_get_limit(again, i, &read, NULL));
    g_assert_cmpuint(value, ==, read);
  }
  g_auto(GStrv) lines = bt_policy_format_lines(policy);
  g_auto(GStrv) lines_again = bt_policy_format_lines(again);
  g_autofree char *joined = g_strjoinv("\n", lines);
  g_autofree char *joined_again = g_strjoinv("\n", lines_again);
  g_assert_cmpstr(joined, ==, joined_again);
  g_assert_nonnull(strstr(joined, "limits.wallTime = 30d"));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *path = g_strdup_printf("/limits/good/%zu", i);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_good);
  }
  for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *path = g_strdup_printf("/limits/bad/%zu", i);
    g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_bad);
  }
  g_test_add_func("/limits/suggestions", test_suggestions);
  g_test_add_func("/limits/layers", test_layers);
  g_test_add_func("/limits/file", test_file);
  return g_test_run();
}
