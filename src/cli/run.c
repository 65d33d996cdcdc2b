/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-run.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buntime-program.h"
#include "lib/buntime-sandbox.h"

#define ENTRY_VARIABLE "BUNTIME_ENTRY"

/* Even if quiet, as grants from there are. What is shown of an error is safe to show. */
static void
announce_entry(const char *entry)
{
  g_autofree char *text =
    g_strdup_printf(_("program from the environment: %s=%s"), ENTRY_VARIABLE, entry);
  g_autoptr(GError) notice = g_error_new_literal(BUNTIME_ERROR, BUNTIME_ERROR_FAILED, text);
  g_autofree char *shown = buntime_error_format(notice);
  fputs(shown, stderr);
}

gboolean
bt_run_find_entry(BtCommandLine *line, GError **error)
{
  static const char *const no_args[] = { NULL };
  const char *entry = g_getenv(ENTRY_VARIABLE);

  if (line->entry != NULL || entry == NULL || bt_command_line_has(line, BT_OPTION_INTERACTIVE))
    return TRUE;
  if (entry[0] == '\0')
    return bt_fail(error, BUNTIME_ERROR_USAGE, ENTRY_VARIABLE, _("the program's name is empty"),
                   NULL);
  announce_entry(entry);
  line->entry = entry;
  line->args = no_args;
  /* No word was meant as the value of the last flag. */
  line->bare = NULL;
  return TRUE;
}

/* Does a word look as if it, and not the entry, were what is to run, or a flag before it? */
static gboolean
looks_like_entry(const char *word)
{
  return word != NULL && (strcmp(word, bt_commands[0].name) == 0 || word[0] == '-' ||
                          access(word, F_OK) == 0);
}

/*
 * `--allow-net github.com w.py`: what was meant as a value became the entry.
 * That cannot be known before the entry turned out to be no program.
 */
static void
explain_separate_value(const BtCommandLine *line, GError **error)
{
  if (line->bare == NULL || (!g_error_matches(*error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_FOUND) &&
                             !g_error_matches(*error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_RUNNABLE)))
    return;
  g_autoptr(GError) first = g_steal_pointer(error);
  if (looks_like_entry(line->args[0])) {
    g_autofree char *object = g_strconcat(line->bare, " ", line->entry, NULL);
    g_autofree char *cure = g_strdup_printf(_("write %s=%s"), line->bare, line->entry);
    bt_fail(error, BUNTIME_ERROR_USAGE, object, _("a value is not a word of its own"), cure);
    return;
  }
  /* The cure is replaced: it was one for a program. */
  g_autofree char *what = g_strndup(first->message, strcspn(first->message, "\n"));
  g_autofree char *cure = g_strdup_printf(_("if it is the value of %s: write %s=%s"), line->bare,
                                          line->bare, line->entry);
  g_set_error(error, first->domain, first->code, "%s\n%s", what, cure);
}

GPtrArray *
bt_list_flags(const BtCommandLine *line)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < line->given->len; i++) {
    const BtGiven *given = &g_array_index(line->given, BtGiven, i);
    if (given->option->id == BT_OPTION_HOST)
      continue;
    g_ptr_array_add(words, g_strconcat("--", given->option->name,
                                       given->value != NULL ? "=" : NULL, given->value, NULL));
  }
  return words;
}

GPtrArray *
bt_list_words(const BtCommandLine *line)
{
  GPtrArray *words = bt_list_flags(line);

  g_ptr_array_insert(words, 0, g_strdup(line->command->name));
  for (guint i = 0; i + 1 < line->words->len; i++)
    g_ptr_array_add(words, g_strdup(line->words->pdata[i]));
  if (line->entry == NULL)
    return words;
  g_ptr_array_add(words, g_strdup("--"));
  g_ptr_array_add(words, g_strdup(line->entry));
  for (const char *const *arg = line->args; *arg != NULL; arg++)
    g_ptr_array_add(words, g_strdup(*arg));
  return words;
}

/* The same flags, for the program that does it. */
static int
run_interactively(const BtCommandLine *line, GError **error)
{
  g_autoptr(GPtrArray) words = bt_list_flags(line);

  if (line->entry != NULL) {
    bt_fail(error, BUNTIME_ERROR_USAGE, line->entry, _("no program is run with --interactive"),
            _("leave one of both out"));
    return -1;
  }
  g_ptr_array_add(words, NULL);
  bt_program_exec("buntime-repl", (const char *const *)words->pdata, error);
  return -1;
}

int
bt_run(const BtCommandLine *line, GError **error)
{
  if (bt_command_line_has(line, BT_OPTION_INTERACTIVE))
    return run_interactively(line, error);
  if (bt_command_line_has(line, BT_OPTION_DEBUG_UI))
    return bt_ui(line, error);
  g_autoptr(BuntimePolicy) policy = buntime_policy_new();
  g_autoptr(BuntimeSandbox) sandbox = buntime_sandbox_new(policy);
  GError *failure = NULL;
  int exit_status;

  if (!bt_apply_all(policy, sandbox, line, error) || !buntime_policy_add_environment(policy, error))
    return -1;
  if (buntime_sandbox_run(sandbox, line->entry, line->args, &exit_status, &failure))
    return exit_status;
  explain_separate_value(line, &failure);
  g_propagate_error(error, failure);
  return -1;
}
