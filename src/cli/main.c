/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command buntime.
 *
 * Whatever is not needed for a plain run is not done: messages are looked up
 * in a catalogue only where the user's language is another than English, and
 * the program is linked to nothing but GLib (DESIGN 11).
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bt-help.h"
#include "cli/bt-language.h"
#include "cli/bt-options.h"
#include "cli/bt-run.h"
#include "lib/buntime-sandbox.h"

/* A descriptor 0-2 that is missing would be given to the next file opened. */
static void
fill_standard_descriptors(void)
{
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
      _exit(125);
}

/* The variables in the order that setlocale() asks them. */
static gboolean
speaks_english(void)
{
  static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
  for (gsize i = 0; i < G_N_ELEMENTS(variables); i++) {
    const char *value = g_getenv(variables[i]);
    if (value != NULL && value[0] != '\0')
      return strcmp(value, "C") == 0 || g_str_has_prefix(value, "C.") ||
             strcmp(value, "POSIX") == 0 || g_str_has_prefix(value, "en");
  }
  return TRUE;
}

static int
show_error(const GError *error)
{
  g_autofree char *text = buntime_error_format(error);
  fputs(text, stderr);
  return buntime_error_exit_status(error);
}

int
bt_print(const char *text, GError **error)
{
  if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
    return 0;
  bt_fail(error, BUNTIME_ERROR_SETUP, _("standard output"), g_strerror(errno), NULL);
  return -1;
}

static int
show(char *text, GError **error)
{
  g_autofree char *own = text;
  return bt_print(own, error);
}

/* In the order of the table of commands. */
static int (*const commands[])(const BtCommandLine *line, GError **error) = {
  bt_run,
  bt_init_policy,
  bt_check,
  bt_policy,
  bt_serve,
  bt_ui,
  bt_doctor,
};

static int
run_command(BtCommandLine *line, GError **error)
{
  if (bt_command_line_has(line, BT_OPTION_HELP))
    return show(bt_help_text(line->command), error);
  if (bt_command_line_has(line, BT_OPTION_VERSION))
    return bt_print("buntime " BT_VERSION "\n", error);
  if (bt_command_line_has(line, BT_OPTION_HOST))
    return bt_host(line, error);
  gboolean run = line->command == &bt_commands[0];
  if (run && !bt_run_find_entry(line, error))
    return -1;
  if (run ? line->entry == NULL && !bt_command_line_has(line, BT_OPTION_INTERACTIVE) : line->command->words[0] != '\0' && line->words->len == 1) {
    g_autofree char *usage = bt_help_usage(line->command);
    fputs(usage, stderr);
    return 2;
  }
  return commands[line->command - bt_commands](line, error);
}

int
main(int argc, char **argv)
{
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(GError) error = NULL;

  fill_standard_descriptors();
  if (!speaks_english())
    bt_language_choose();
  if (!bt_command_line_parse((const char *const *)argv, &line, &error))
    return show_error(error);
  int status = run_command(&line, &error);
  return status >= 0 ? status : show_error(error);
}
