/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `buntime policy`: looking at policies. Nothing here runs a program.
 */
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

#include "cli/bt-run.h"

static int
list(const BtCommandLine *line, const char *const *values, GError **error)
{
  g_autofree char *text =
    buntime_policy_list(bt_command_line_has(line, BT_OPTION_JSON), error);
  return text != NULL ? bt_print(text, error) : -1;
}

static int
show(const BtCommandLine *line, const char *const *values, GError **error)
{
  g_autofree char *text = NULL;

  if (bt_command_line_has(line, BT_OPTION_MERGED)) {
    g_autoptr(BuntimePolicy) policy = buntime_policy_load(values[0], error);
    text = policy != NULL ? buntime_policy_to_json(policy, error) : NULL;
  } else {
    text = buntime_policy_show(values[0], error);
  }
  return text != NULL ? bt_print(text, error) : -1;
}

/* Both lists are sorted. */
static gboolean
append_difference(GString *text, const char *const *left, const char *const *right)
{
  gsize before = text->len;

  while (*left != NULL || *right != NULL) {
    int order = *left == NULL ? 1 : *right == NULL ? -1 : strcmp(*left, *right);
    if (order < 0)
      g_string_append_printf(text, "- %s\n", *left);
    else if (order > 0)
      g_string_append_printf(text, "+ %s\n", *right);
    left += order <= 0;
    right += order >= 0;
  }
  return text->len > before;
}

static int
diff(const BtCommandLine *line, const char *const *values, GError **error)
{
  g_autoptr(BuntimePolicy) left = buntime_policy_load(values[0], error);
  g_autoptr(BuntimePolicy) right = left != NULL ? buntime_policy_load(values[1], error) : NULL;
  g_autoptr(GString) text = g_string_new(NULL);

  if (right == NULL)
    return -1;
  g_auto(GStrv) left_rules = buntime_policy_list_rules(left);
  g_auto(GStrv) right_rules = buntime_policy_list_rules(right);
  gboolean differ = append_difference(text, (const char *const *)left_rules,
                                      (const char *const *)right_rules);
  int printed = bt_print(text->str, error);
  return printed != 0 ? printed : differ;
}

static int
validate(const BtCommandLine *line, const char *const *values, GError **error)
{
  int status = 0;

  for (; *values != NULL; values++) {
    g_autoptr(GError) failure = NULL;
    g_autoptr(BuntimePolicy) policy = buntime_policy_load(*values, &failure);
    if (policy != NULL) {
      g_autofree char *text = g_strdup_printf(_("%s: valid\n"), *values);
      if (bt_print(text, error) != 0)
        return -1;
      continue;
    }
    g_autofree char *text = buntime_error_format(failure);
    fputs(text, stderr);
    status = 1;
  }
  return status;
}

static int
schema(const BtCommandLine *line, const char *const *values, GError **error)
{
  g_autofree char *text = buntime_policy_schema(error);
  return text != NULL ? bt_print(text, error) : -1;
}

static const struct {
  const char *name;
  guint least, most; /* values */
  int (*run)(const BtCommandLine *line, const char *const *values, GError **error);
} verbs[] = {
  { "list", 0, 0, list },
  { "show", 1, 1, show },
  { "diff", 2, 2, diff },
  { "validate", 1, 1000, validate },
  { "schema", 0, 0, schema },
};

int
bt_policy(const BtCommandLine *line, GError **error)
{
  const char *const *words = (const char *const *)line->words->pdata;
  guint n_values = line->words->len >= 2 ? line->words->len - 2 : 0;

  for (guint i = 0; words[0] != NULL && i < G_N_ELEMENTS(verbs); i++) {
    if (strcmp(verbs[i].name, words[0]) != 0)
      continue;
    if (n_values >= verbs[i].least && n_values <= verbs[i].most)
      return verbs[i].run(line, words + 1, error);
    bt_fail(error, BUNTIME_ERROR_USAGE, words[0], _("too many or too few words after it"),
            _("'buntime policy --help' shows what to write"));
    return -1;
  }
  g_autofree char *cure = g_strdup_printf(_("write one of %s"), line->command->choices);
  bt_fail(error, BUNTIME_ERROR_USAGE, words[0] != NULL ? words[0] : "policy",
          _("what to do with policies is not said"), cure);
  return -1;
}
