/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-help.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "cli/bt-options.h"

static const char *
value_of(const BtOption *option)
{
  return option->value != NULL ? g_dgettext(GETTEXT_PACKAGE, option->value) : "";
}

glong
bt_help_columns(const char *text)
{
  glong columns = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    columns += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
  }
  return columns;
}

char *
bt_help_synopsis(const BtOption *option)
{
  switch (option->use) {
  case BT_VALUE_OPTIONAL:
    return g_strdup_printf("--%s[=%s]", option->name, value_of(option));
  case BT_VALUE_REQUIRED:
    return g_strdup_printf("--%s=%s", option->name, value_of(option));
  case BT_VALUE_NONE:
    break;
  }
  return g_strdup_printf("--%s", option->name);
}

/* "usage: buntime check [FLAGS] KIND VALUE" */
static char *
usage_of(const BtCommand *command)
{
  const char *words = command->words[0] != '\0' ? g_dgettext(GETTEXT_PACKAGE, command->words) : "";
  /* The first one's word may be left out. */
  return g_strdup_printf(command == &bt_commands[0] ? _("usage: buntime [FLAGS] [%s]%s%s")
                                                    : _("usage: buntime %s [FLAGS]%s%s"),
                         command->name, words[0] != '\0' ? " " : "", words);
}

char *
bt_help_usage(const BtCommand *command)
{
  g_autofree char *usage = usage_of(command);
  g_autofree char *more =
    command == &bt_commands[0]
      ? g_strdup(_("'buntime --help' explains"))
      : g_strdup_printf(_("'buntime %s --help' explains"), command->name);
  return g_strdup_printf("%s\n  %s\n", usage, more);
}

static void
append_flags(GString *text, const BtCommand *command)
{
  glong width = 0;

  for (guint i = 0; i < bt_n_options; i++) {
    g_autofree char *synopsis = bt_help_synopsis(&bt_options[i]);
    if (bt_command_takes(command, &bt_options[i]))
      width = MAX(width, bt_help_columns(synopsis));
  }
  g_string_append_printf(text, "\n%s\n", _("Flags:"));
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (!bt_command_takes(command, option))
      continue;
    g_autofree char *synopsis = bt_help_synopsis(option);
    char letter[] = { '-', option->letter, ',', '\0' };
    g_string_append_printf(text, "  %3s %s%*s  %s\n", option->letter != '\0' ? letter : "",
                           synopsis, (int)(width - bt_help_columns(synopsis)), "",
                           g_dgettext(GETTEXT_PACKAGE, option->help));
  }
}

static void
append_commands(GString *text)
{
  g_string_append_printf(text, "\n%s\n", _("Commands ('buntime COMMAND --help' explains each):"));
  for (guint i = 0; i < bt_n_commands; i++)
    g_string_append_printf(text, "  %-12s %s\n", bt_commands[i].name,
                           g_dgettext(GETTEXT_PACKAGE, bt_commands[i].help));
}

char *
bt_help_text(const BtCommand *command)
{
  gboolean run = command == &bt_commands[0];
  g_autofree char *usage = usage_of(command);
  GString *text = g_string_new(usage);

  if (run) {
    g_string_append_printf(
      text, "\n\n%s\n",
      _("Runs a Python, JavaScript, TypeScript or any other program in a sandbox that\n"
        "sees, reaches and changes nothing but what flags permit."));
    append_commands(text);
  } else {
    g_string_append_printf(text, "\n\n%s\n", g_dgettext(GETTEXT_PACKAGE, command->help));
  }
  g_string_append_printf(
    text, "\n%s\n", g_dgettext(GETTEXT_PACKAGE, command->more));
  if (bt_command_takes(command, &bt_options[0]))
    g_string_append_printf(
      text, "%s\n",
      _("Values are written after '=', lists with commas; ',,' is a comma in a path.\n"
        "What is denied wins over what is allowed."));
  append_flags(text, command);
  if (run)
    g_string_append_printf(
      text, "\n%s\n",
      _("Exit status: the program's own, 128+n after signal n; 2 usage, 124 the time of\n"
        "--timeout was up, 125 the sandbox could not be set up, 126 ENTRY cannot be run,\n"
        "127 ENTRY or its interpreter is not there."));
  return g_string_free(text, FALSE);
}
