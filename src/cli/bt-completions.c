/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of the shells' completions (data/completions) that the tables of
 * options and commands make, at build time. Descriptions are not translated.
 */
#include <string.h>

#include "cli/bt-help.h"
#include "cli/bt-options.h"

/* "tap|veth" as "tap veth". */
static char *
spaced(const char *words)
{
  return g_strdelimit(g_strdup(words != NULL ? words : ""), "|", ' ');
}

/* ---- bash ---- */

/* What _buntime_reply() is asked for. */
static const char *const bash_kinds[] = {
  [BT_COMPLETE_NOTHING] = "",
  [BT_COMPLETE_FILES] = "files",
  [BT_COMPLETE_WORDS] = "words",
  [BT_COMPLETE_POLICIES] = "policies",
  [BT_COMPLETE_VARIABLES] = "variables",
};

static void
append_bash_names(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++)
    g_string_append_printf(text, "  names+='%s '\n", bt_commands[i].name);
}

static void
append_bash_flags(GString *text, const BtCommand *command)
{
  const char *space = "";

  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (!bt_command_takes(command, option))
      continue;
    g_string_append_printf(text, "%s--%s%s", space, option->name,
                           option->use == BT_VALUE_REQUIRED ? "=" : "");
    if (option->use == BT_VALUE_OPTIONAL)
      g_string_append_printf(text, " --%s=", option->name);
    if (option->letter != '\0')
      g_string_append_printf(text, " -%c", option->letter);
    space = " ";
  }
}

/* One line of a case for each command: its flags, its first word's choices and what follows. */
static void
append_bash_commands(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++) {
    g_autofree char *choices = spaced(bt_commands[i].choices);
    g_string_append_printf(text, "  %s) after='%s' choices='%s' flags='", bt_commands[i].name,
                           bash_kinds[bt_commands[i].completion], choices);
    append_bash_flags(text, &bt_commands[i]);
    g_string_append(text, "' ;;\n");
  }
}

static void
append_bash_values(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (option->completion == BT_COMPLETE_NOTHING)
      continue;
    g_string_append_printf(text, "    --%s", option->name);
    if (option->letter != '\0')
      g_string_append_printf(text, " | -%c", option->letter);
    g_string_append_printf(text, ") kind=%s listed=%s", bash_kinds[option->completion],
                           bt_option_takes_list(option) ? "yes" : "''");
    if (option->completion == BT_COMPLETE_WORDS) {
      g_autofree char *choices = spaced(option->value);
      g_string_append_printf(text, " choices='%s'", choices);
    }
    g_string_append(text, " ;;\n");
  }
}

/* ---- zsh ---- */

/* For _arguments and _describe: '[', ']' and ':' are theirs, the quote is the shell's. */
static void
append_zsh_text(GString *text, const char *words)
{
  for (const char *p = words; *p != '\0'; p++) {
    if (*p == '\'') {
      g_string_append(text, "'\\''");
      continue;
    }
    if (strchr("[]:\\", *p) != NULL)
      g_string_append_c(text, '\\');
    g_string_append_c(text, *p);
  }
}

static const char *
zsh_function(BtCompletion completion)
{
  switch (completion) {
  case BT_COMPLETE_FILES:
    return "_files";
  case BT_COMPLETE_POLICIES:
    return "_buntime_policies";
  case BT_COMPLETE_VARIABLES:
    return "_parameters -g \"*export*\"";
  case BT_COMPLETE_NOTHING:
  case BT_COMPLETE_WORDS:
    break;
  }
  return " "; /* nothing but the description */
}

static void
append_zsh_action(GString *text, const BtOption *option)
{
  if (option->use == BT_VALUE_NONE)
    return;
  /* Two colons: the value may be left out. */
  g_string_append(text, option->use == BT_VALUE_OPTIONAL ? "::" : ":");
  append_zsh_text(text, option->completion == BT_COMPLETE_WORDS ? option->name : option->value);
  if (option->completion == BT_COMPLETE_WORDS) {
    g_autofree char *choices = spaced(option->value);
    g_string_append_printf(text, ":(%s)", choices);
    return;
  }
  if (bt_option_takes_list(option) && option->completion == BT_COMPLETE_FILES)
    g_string_append(text, ":_buntime_files");
  else
    g_string_append_printf(text, ":%s%s",
                           option->completion == BT_COMPLETE_VARIABLES ? "_sequence " : "",
                           zsh_function(option->completion));
}

static void
append_zsh_option(GString *text, const BtOption *option)
{
  const char *end = option->use != BT_VALUE_NONE ? "=-" : "";
  char letter[] = { '-', option->letter, '\0' };
  g_autofree char *flag = g_strconcat("--", option->name, NULL);
  const char *names[] = { flag, option->letter != '\0' ? letter : NULL };

  for (guint name = 0; name < G_N_ELEMENTS(names) && names[name] != NULL; name++) {
    g_string_append_printf(text, "      '*%s%s[", names[name], end);
    append_zsh_text(text, option->help);
    g_string_append_c(text, ']');
    append_zsh_action(text, option);
    g_string_append(text, "'\n");
  }
}

static void
append_zsh_names(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++) {
    g_string_append_printf(text, "    '%s:", bt_commands[i].name);
    append_zsh_text(text, bt_commands[i].help);
    g_string_append(text, "'\n");
  }
}

static void
append_zsh_commands(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++) {
    const BtCommand *command = &bt_commands[i];
    const char *function = zsh_function(command->completion);
    g_autofree char *choices = spaced(command->choices);
    g_string_append_printf(text, "  %s)\n    first=", command->name);
    if (command->choices != NULL)
      g_string_append_printf(text, "'1:what:(%s)'", choices);
    else
      g_string_append_printf(text, "'1:program:%s'", function);
    g_string_append_printf(text, " after='*:argument:%s'\n    options=(\n", function);
    for (guint j = 0; j < bt_n_options; j++)
      if (bt_command_takes(command, &bt_options[j]))
        append_zsh_option(text, &bt_options[j]);
    g_string_append(text, "    )\n    ;;\n");
  }
}

/* ---- fish ---- */

static void
append_fish_text(GString *text, const char *words)
{
  g_string_append_c(text, '\'');
  for (const char *p = words; *p != '\0'; p++) {
    if (strchr("'\\", *p) != NULL)
      g_string_append_c(text, '\\');
    g_string_append_c(text, *p);
  }
  g_string_append_c(text, '\'');
}

static const char *
fish_function(BtCompletion completion)
{
  switch (completion) {
  case BT_COMPLETE_FILES:
    return "__buntime_files";
  case BT_COMPLETE_POLICIES:
    return "__buntime_policies";
  case BT_COMPLETE_VARIABLES:
    return "set -nx";
  case BT_COMPLETE_NOTHING:
  case BT_COMPLETE_WORDS:
    break;
  }
  return "true"; /* offers nothing */
}

static void
append_fish_names(GString *text, const BtCommand *about)
{
  g_string_append(text, "       ");
  for (guint i = 0; i < bt_n_commands; i++)
    g_string_append_printf(text, " %s", bt_commands[i].name);
  g_string_append_c(text, '\n');
}

static void
append_fish_commands(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++) {
    const BtCommand *command = &bt_commands[i];
    g_string_append_printf(
      text, "complete -c buntime -n '__buntime_in run; and __buntime_given 0' -a %s -d ",
      command->name);
    append_fish_text(text, command->help);
    g_string_append_c(text, '\n');
    if (command->completion == BT_COMPLETE_FILES && command->choices == NULL)
      continue; /* as fish does by itself */
    g_string_append_printf(text, "complete -c buntime -n '__buntime_in %s' -f\n", command->name);
    if (command->choices == NULL)
      continue;
    g_autofree char *choices = spaced(command->choices);
    g_string_append_printf(
      text, "complete -c buntime -n '__buntime_in %s; and __buntime_given 1' -a '%s'\n",
      command->name, choices);
    g_string_append_printf(
      text, "complete -c buntime -n '__buntime_in %s; and not __buntime_given 1' -a '(%s)'\n",
      command->name, fish_function(command->completion));
  }
}

static void
append_fish_option(GString *text, const BtOption *option)
{
  g_string_append(text, "complete -c buntime -n '__buntime_in");
  for (guint i = 0; i < bt_n_commands; i++)
    if (bt_command_takes(&bt_commands[i], option))
      g_string_append_printf(text, " %s", bt_commands[i].name);
  g_string_append_printf(text, "' -f -l %s", option->name);
  if (option->letter != '\0')
    g_string_append_printf(text, " -s %c", option->letter);
  /* Never -r: fish would take the next word for the value, and buntime does not. */
  if (option->completion == BT_COMPLETE_WORDS) {
    g_autofree char *choices = spaced(option->value);
    g_string_append_printf(text, " -a '%s'", choices);
  } else if (option->use != BT_VALUE_NONE) {
    g_string_append_printf(text, " -a '(%s%s)'", bt_option_takes_list(option) ? "__buntime_list " : "",
                           fish_function(option->completion));
  }
  g_string_append(text, " -d ");
  append_fish_text(text, option->help);
  g_string_append_c(text, '\n');
}

static void
append_fish_options(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_options; i++)
    append_fish_option(text, &bt_options[i]);
}

/* ---- */

static const BtManualPart bash_parts[] = {
  { "@NAMES@", append_bash_names },
  { "@COMMANDS@", append_bash_commands },
  { "@VALUES@", append_bash_values },
};
static const BtManualPart zsh_parts[] = {
  { "@NAMES@", append_zsh_names },
  { "@COMMANDS@", append_zsh_commands },
};
static const BtManualPart fish_parts[] = {
  { "@NAMES@", append_fish_names },
  { "@COMMANDS@", append_fish_commands },
  { "@OPTIONS@", append_fish_options },
};

char *
bt_help_bash(const char *source, GError **error)
{
  return bt_manual_fill(source, "", bash_parts, G_N_ELEMENTS(bash_parts), NULL, error);
}

char *
bt_help_zsh(const char *source, GError **error)
{
  return bt_manual_fill(source, "", zsh_parts, G_N_ELEMENTS(zsh_parts), NULL, error);
}

char *
bt_help_fish(const char *source, GError **error)
{
  return bt_manual_fill(source, "", fish_parts, G_N_ELEMENTS(fish_parts), NULL, error);
}
