/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets of policies as the debug UI's page sends them: what they come to, what is wrong with them,
 * and where. tests/ipc/test_debug_ui.py has those that run.
 */
#include <string.h>

#include "debug-ui/bt-messages.h"
#include "debug-ui/bt-policy-set.h"

#define PART(text) "{\"name\":\"p\",\"text\":\"{\\\"version\\\":1," text "}\"}"
#define RULE(kind, rule) PART("\\\"" kind "\\\":{\\\"rules\\\":[{\\\"action\\\":" rule "}]}")

static BtPolicySet *
read_set(const char *policies, const char *flags, GError **error)
{
  g_autoptr(BtNode) policies_node = bt_node_parse(policies, strlen(policies), error);
  g_assert_no_error(*error);
  g_autoptr(BtNode) flags_node = bt_node_parse(flags, strlen(flags), error);
  g_assert_no_error(*error);
  return bt_policy_set_new(policies_node, flags_node, error);
}

/* ---- what they come to ---- */

static const struct {
  const char *policies, *flags;
  const char *summary; /* level, allow, deny, warn */
} sets[] = {
  { "[]", "[]", "strict 0 0 0" },
  { "[" PART("\\\"name\\\":\\\"x\\\"") "]", "[]", "strict 0 0 0" },
  { "[]", "[\"--allow-net=github.com,a.example:80\",\"--deny-read=/etc\"]", "scoped 2 1 0" },
  { "[" RULE("net", "\\\"warn\\\",\\\"proto\\\":\\\"tcp\\\",\\\"cidr\\\":\\\"10.0.0.0/8\\\"") "]",
    "[]", "scoped 0 0 1" },
  { "[" RULE("fs", "\\\"allow\\\",\\\"path\\\":\\\"/\\\",\\\"perms\\\":[\\\"read_file\\\"]") "]",
    "[]", "unrestricted 1 0 0" },
  { "[" RULE("fs", "\\\"allow\\\",\\\"path\\\":\\\"/srv\\\",\\\"perms\\\":[\\\"read_file\\\"]")
    "]", "[]", "scoped 1 0 0" },
  { "[" RULE("exec", "\\\"deny\\\",\\\"path\\\":\\\"/\\\"") "]", "[]", "strict 0 1 0" },
  { "[" PART("\\\"defaults\\\":{\\\"net\\\":\\\"allow\\\"}") "]", "[]", "open 0 0 0" },
  /* The stricter default holds. */
  { "[" PART("\\\"defaults\\\":{\\\"net\\\":\\\"allow\\\"}") ","
    PART("\\\"defaults\\\":{\\\"net\\\":\\\"deny\\\"}") "]", "[]", "strict 0 0 0" },
  { "[]", "[\"--allow-net\"]", "open 1 0 0" },
  { "[]", "[\"--allow-net=[::]/0:443\"]", "open 1 0 0" },
  { "[]", "[\"--allow-net=0.0.0.0/1\"]", "scoped 1 0 0" },
  { "[]", "[\"--allow-env\"]", "unrestricted 1 0 0" },
  { "[]", "[\"--allow-env=A_*\"]", "scoped 1 0 0" },
  { "[]", "[\"--memory=1G\",\"--timeout=5\"]", "strict 0 0 0" },
};

static void
test_summaries(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BtPolicySet) set = read_set(sets[i].policies, sets[i].flags, &error);
    g_assert_no_error(error);
    g_autoptr(GString) text = g_string_new("{");
    bt_policy_set_put(text, set, TRUE);
    g_string_append_c(text, '}');
    g_autoptr(BtNode) node = bt_node_parse(text->str, text->len, &error);
    g_assert_no_error(error);
    const BtNode *summary = bt_node_get(node, "summary");
    g_autofree char *found = g_strdup_printf(
      "%s %d %d %d", bt_node_get(summary, "level")->string,
      (int)bt_node_get(summary, "allow")->number, (int)bt_node_get(summary, "deny")->number,
      (int)bt_node_get(summary, "warn")->number);
    g_test_message("%s %s", sets[i].policies, sets[i].flags);
    g_assert_cmpstr(found, ==, sets[i].summary);
    g_assert_cmpuint(bt_node_get(node, "problems")->children->len, ==, 0);
    g_assert_cmpint(bt_node_get(node, "policy")->kind, ==, BT_NODE_STRING);
  }
}

/* ---- what is wrong ---- */

static const struct {
  const char *policies, *flags;
  const char *problems[4]; /* part, line, column, object */
} wrong[] = {
  { "[]", "[\"--allow-nett\"]", { "-1 0 0 --allow-nett" } },
  { "[]", "[\"w.py\"]", { "-1 0 0 w.py" } },
  { "[]", "[\"--no-sandbox\"]", { "-1 0 0 --no-sandbox" } },
  { "[]", "[\"--policy=nonesuch\"]", { "-1 0 0 nonesuch" } },
  { "[{\"preset\":\"strict\"},{\"preset\":\"nonesuch\"}]", "[]", { "1 0 0 nonesuch" } },
  { "[{\"name\":\"p\",\"text\":\"{\"}]", "[]", { "0 1 2 " } },
  { "[{\"name\":\"p: 1:2: q\",\"text\":\"\"}]", "[]", { "0 1 1 " } },
  { "[{\"name\":\"p\",\"text\":\"{\\\"version\\\":1,\\n \\\"a\\\":1,\\n\\\"b\\\":2}\"}]", "[\"-x\"]",
    { "0 2 2 a", "0 3 1 b", "-1 0 0 -x" } },
  /* A mistake in what it extends is no place in this text. */
  { "[" PART("\\\"extends\\\":[\\\"nonesuch\\\"]") "]", "[]", { "0 1 25 extends[0]" } },
};

static void
test_problems(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BtPolicySet) set = read_set(wrong[i].policies, wrong[i].flags, &error);
    g_assert_no_error(error);
    for (guint j = 0; j < set->problems->len; j++) {
      const BtProblem *problem = g_ptr_array_index(set->problems, j);
      g_autofree char *found =
        g_strdup_printf("%d %d %d %s", problem->part, (int)problem->line, (int)problem->column,
                        problem->object);
      g_assert_cmpuint(j, <, G_N_ELEMENTS(wrong[i].problems));
      g_test_message("%s: %s", found, problem->reason);
      g_assert_cmpstr(found, ==, wrong[i].problems[j]);
      g_assert_cmpstr(problem->reason, !=, "");
    }
    g_assert_true(set->problems->len == 4 || wrong[i].problems[set->problems->len] == NULL);
  }
}

/* What the page would not send. */
static const struct {
  const char *policies, *flags;
} malformed[] = {
  { "{}", "[]" },
  { "7", "[]" },
  { "[7]", "[]" },
  { "[{}]", "[]" },
  { "[[]]", "[]" },
  { "[{\"preset\":7}]", "[]" },
  { "[{\"preset\":\"\"}]", "[]" },
  { "[{\"preset\":\"/etc/passwd\"}]", "[]" },
  { "[{\"preset\":\"../a\"}]", "[]" },
  { "[{\"preset\":\"a.json\"}]", "[]" },
  { "[{\"preset\":\"-\"}]", "[]" },
  { "[{\"preset\":\"a\\u0000b\"}]", "[]" },
  { "[{\"preset\":\"strict\",\"text\":\"\"}]", "[]" },
  { "[{\"name\":\"a\"}]", "[]" },
  { "[{\"text\":\"{}\"}]", "[]" },
  { "[{\"name\":\"a\",\"text\":{}}]", "[]" },
  { "[{\"name\":\"\",\"text\":\"{}\"}]", "[]" },
  { "[{\"name\":\"a\\nb\",\"text\":\"{}\"}]", "[]" },
  { "[{\"name\":\"a\",\"text\":\"{}\\u0000\"}]", "[]" },
  { "[]", "{}" },
  { "[]", "[7]" },
  { "[]", "[[]]" },
  { "[]", "[\"--allow-net\\u0000\"]" },
  { "[]", "\"--allow-net\"" },
};

static void
test_malformed(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(malformed); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BtPolicySet) set = read_set(malformed[i].policies, malformed[i].flags, &error);
    g_test_message("%" G_GSIZE_FORMAT, i);
    g_assert_null(set);
    g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_USAGE);
  }
}

/* ---- errors' words ---- */

static const struct {
  BuntimeError code;
  const char *message, *source;
  const char *problems[3]; /* object | reason | cure | line:column */
} errors[] = {
  { BUNTIME_ERROR_USAGE, "a: b\nc", NULL, { "a|b|c|0:0" } },
  { BUNTIME_ERROR_USAGE, "a: b: c\nd\ne", NULL, { "a|b: c|d\ne|0:0" } },
  { BUNTIME_ERROR_SETUP, "words", NULL, { "|words|-|0:0" } },
  { BUNTIME_ERROR_POLICY, "p:1:2: a.b: c; d", "p", { "a.b|c|d|1:2" } },
  { BUNTIME_ERROR_POLICY, "p:1:2: a.b: c; d", "q", { "p:1:2: a.b|c|d|0:0" } },
  { BUNTIME_ERROR_POLICY, "p:1:2: a: b; c; d\np:3:4: e: f", "p",
    { "a|b; c|d|1:2", "e|f|-|3:4" } },
  { BUNTIME_ERROR_POLICY, "plugins: x\ncure", NULL, { "plugins|x|cure|0:0" } },
  { BUNTIME_ERROR_POLICY, "p:99999999999999999999:2: a: b", "p",
    { "a|b|-|18446744073709551615:2" } },
  { BUNTIME_ERROR_POLICY, "p:1: a: b", "p", { "p:1|a: b|-|0:0" } },
  { BUNTIME_ERROR_POLICY, "p:1:2:", "p", { "|p:1:2:|-|0:0" } },
  { BUNTIME_ERROR_POLICY, "", NULL, { "||-|0:0" } },
};

static void
test_errors(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(errors); i++) {
    g_autoptr(GError) error =
      g_error_new_literal(BUNTIME_ERROR, (int)errors[i].code, errors[i].message);
    g_autoptr(GPtrArray) problems = bt_problems_new();
    bt_problems_add(problems, error, 0, errors[i].source);
    for (guint j = 0; j < problems->len; j++) {
      const BtProblem *problem = g_ptr_array_index(problems, j);
      g_autofree char *found = g_strdup_printf(
        "%s|%s|%s|%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, problem->object, problem->reason,
        problem->cure != NULL ? problem->cure : "-", problem->line, problem->column);
      g_assert_cmpuint(j, <, G_N_ELEMENTS(errors[i].problems));
      g_assert_cmpstr(found, ==, errors[i].problems[j]);
    }
    g_assert_null(errors[i].problems[problems->len]);
  }
}

static const struct {
  const char *name, *locale;
} locales[] = {
  { "C", "en" },           { "C.UTF-8", "en" },      { "POSIX", "en" },
  { "", "en" },            { "de", "de" },           { "de_AT.UTF-8", "de-AT" },
  { "pt_BR", "pt-BR" },    { "ca_ES@valencia", "ca-ES" }, { "sr_RS@latin", "sr-Latn-RS" },
  { "sr@latin", "sr-Latn" }, { "de_DE.ISO-8859-15@euro", "de-DE" },
};

static void
test_locales(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(locales); i++) {
    g_autofree char *found = bt_messages_locale(locales[i].name);
    g_assert_cmpstr(found, ==, locales[i].locale);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/policy-set/summaries", test_summaries);
  g_test_add_func("/policy-set/problems", test_problems);
  g_test_add_func("/policy-set/malformed", test_malformed);
  g_test_add_func("/policy-set/errors", test_errors);
  g_test_add_func("/policy-set/locales", test_locales);
  return g_test_run();
}
