/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The environment, one variable a line: what is taken is announced, and what is misspelt is not. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bt-json.h"
#include "policy/bt-policy-environ.h"
#include "policy/bt-policy-format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(gboolean holds)
{
  if (!holds)
    abort();
}

/* Has any rule become an allowing one? */
static gboolean
grants_something(BtPolicy *policy)
{
  g_auto(GStrv) lines = bt_policy_format_lines(policy);
  for (char **line = lines; *line != NULL; line++) {
    /* What follows "net: " is the action; a path can hold the same words. */
    const char *colon = strstr(*line, ": ");
    if (colon != NULL ? g_str_has_prefix(colon, ": allow ") : g_str_has_suffix(*line, "= allow"))
      return TRUE;
  }
  return FALSE;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > 4096)
    return 0;
  static const char *const folders[] = { NULL };
  g_autofree char *text = g_strndup((const char *)data, size);
  g_auto(GStrv) environment = g_strsplit(text, "\n", -1);
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(BtPolicyFiles) files = bt_policy_files_new(folders, "/nonexistent", "/nonexistent");
  g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;

  bt_policy_set_json_reader(bt_json_to_variant);
  gboolean ok = bt_policy_add_environment(policy, files, (const char *const *)environment,
                                          "/nonexistent", "/nonexistent", grants, &error);
  check(ok == (error == NULL));
  check(!ok || !grants_something(policy) || grants->len > 0);
  for (char **entry = environment; *entry != NULL; entry++) {
    g_autofree char *name = g_strdelimit(g_strdup(*entry), "=", '\0');
    check(!bt_policy_environ_is_own(name) ||
          bt_policy_check_env(policy, name).action == BT_ACTION_DENY);
  }
  return 0;
}
