/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of buntime(1) and of the commands' own pages that the tables of
 * options and commands make, at build time. The rest is written by hand.
 */
#include <string.h>

#include "cli/bt-help.h"

/* Readers of old know no other input. */
void
bt_manual_append(GString *text, const char *words)
{
  for (const char *p = words; *p != '\0'; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (c == '\\')
      g_string_append(text, "\\e");
    else if (c == '-')
      g_string_append(text, "\\-");
    else if (c == '\'')
      g_string_append(text, "\\(aq");
    else if (c < 0x80)
      g_string_append_c(text, (char)c);
    else
      g_string_append_printf(text, "\\[u%04X]", c);
  }
}

static void
append_synopsis(GString *text, const BtCommand *about)
{
  g_string_append(text, ".B buntime\n[\\fIFLAGS\\fR] [\\fBrun\\fR] \\fIENTRY\\fR [\\fIARGS\\fR...]\n");
  for (guint i = 1; i < bt_n_commands; i++) {
    g_string_append(text, ".br\n.B buntime ");
    bt_manual_append(text, bt_commands[i].name);
    g_string_append(text, "\n[\\fIFLAGS\\fR]");
    if (bt_commands[i].words[0] != '\0')
      g_string_append_c(text, ' ');
    bt_manual_append(text, bt_commands[i].words);
    g_string_append_c(text, '\n');
  }
}

static void
append_commands(GString *text, const BtCommand *about)
{
  for (guint i = 0; i < bt_n_commands; i++) {
    const char *words = bt_commands[i].words;
    g_string_append(text, ".TP\n\\fB");
    bt_manual_append(text, bt_commands[i].name);
    g_string_append_printf(text, "\\fR%s", words[0] != '\0' ? " " : "");
    bt_manual_append(text, words);
    g_string_append_c(text, '\n');
    bt_manual_append(text, bt_commands[i].help);
    g_string_append(text, ".\n");
    bt_manual_append(text, bt_commands[i].more);
    g_string_append_c(text, '\n');
  }
}

/* The commands that take the option, where it is not run alone. */
static void
append_option_commands(GString *text, const BtOption *option)
{
  if (option->commands == 0 || option->commands == BT_IN_ALL)
    return;
  g_string_append(text, "(");
  for (guint i = 0, n = 0; i < bt_n_commands; i++)
    if (bt_command_takes(&bt_commands[i], option)) {
      g_string_append(text, n++ > 0 ? ", " : "");
      bt_manual_append(text, bt_commands[i].name);
    }
  g_string_append(text, ")\n");
}

static void
append_options(GString *text, const BtCommand *command)
{
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (command != NULL && !bt_command_takes(command, option))
      continue;
    g_autofree char *synopsis = bt_help_synopsis(option);
    g_string_append(text, ".TP\n\\fB");
    if (option->letter != '\0')
      g_string_append_printf(text, "\\-%c\\fR, \\fB", option->letter);
    bt_manual_append(text, synopsis);
    g_string_append(text, "\\fR\n");
    bt_manual_append(text, option->help);
    g_string_append(text, ".\n");
    if (command == NULL)
      append_option_commands(text, option);
  }
}

static void
append_command_synopsis(GString *text, const BtCommand *command)
{
  g_string_append(text, ".B buntime ");
  bt_manual_append(text, command->name);
  g_string_append(text, "\n[\\fIFLAGS\\fR]\n");
  if (command->words[0] != '\0') {
    bt_manual_append(text, command->words);
    g_string_append_c(text, '\n');
  }
}

static void
append_command_text(GString *text, const BtCommand *command)
{
  if (command->more != NULL) {
    bt_manual_append(text, command->more);
    g_string_append_c(text, '\n');
  }
}

static const BtManualPart parts[] = {
  { "@SYNOPSIS@", append_synopsis },
  { "@COMMANDS@", append_commands },
  { "@OPTIONS@", append_options },
};
static const BtManualPart command_parts[] = {
  { "@SYNOPSIS@", append_command_synopsis },
  { "@MORE@", append_command_text },
  { "@OPTIONS@", append_options },
};

/* The part that a line stands for; -1: the line stands for itself. */
static int
find_part(const BtManualPart *all, guint count, const char *line)
{
  for (guint i = 0; i < count; i++)
    if (strcmp(all[i].name, line) == 0)
      return (int)i;
  return -1;
}

char *
bt_manual_fill(const char *source, const char *version, const BtManualPart *all, guint count,
               const BtCommand *command, GError **error)
{
  g_auto(GStrv) lines = g_strsplit(source, "\n", -1);
  GString *text = g_string_new(NULL);
  guint32 seen = 0; /* a bit for each part */
  gboolean twice = FALSE;

  for (char **line = lines; *line != NULL; line++) {
    int part = find_part(all, count, *line);
    if (part >= 0) {
      twice = twice || (seen & 1u << part) != 0;
      seen |= 1u << part;
      all[part].append(text, command);
    } else if (line[1] != NULL || **line != '\0') {
      g_string_append_printf(text, "%s\n", *line);
    }
  }
  g_string_replace(text, "@VERSION@", version, 0);
  if (!twice && seen == (1u << count) - 1 && !g_regex_match_simple("@[A-Z]+@", text->str, 0, 0))
    return g_string_free(text, FALSE);
  g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                      "it does not have each part once, or one that nobody makes");
  g_string_free(text, TRUE);
  return NULL;
}

char *
bt_help_manual(const char *source, const char *version, GError **error)
{
  return bt_manual_fill(source, version, parts, G_N_ELEMENTS(parts), NULL, error);
}

char *
bt_help_command_manual(const char *name, const char *source, const char *version, GError **error)
{
  for (guint i = 0; i < bt_n_commands; i++)
    if (strcmp(bt_commands[i].name, name) == 0)
      return bt_manual_fill(source, version, command_parts, G_N_ELEMENTS(command_parts),
                            &bt_commands[i], error);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s is no command", name);
  return NULL;
}
