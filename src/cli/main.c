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
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bt-help.h"
#include "cli/bt-options.h"
#include "cli/bt-run.h"
#include "lib/buntime.h"

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

static void
choose_language(void)
{
  if (speaks_english())
    return;
  setlocale(LC_CTYPE, "");
  setlocale(LC_MESSAGES, "");
  bindtextdomain(GETTEXT_PACKAGE, BT_LOCALEDIR);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
}

static int
show_error(const GError *error)
{
  g_autofree char *text = buntime_error_format(error);
  fputs(text, stderr);
  return buntime_error_exit_status(error);
}

static int
show(FILE *file, char *text)
{
  gboolean failed = fputs(text, file) == EOF || fflush(file) != 0;
  g_free(text);
  return failed;
}

int
main(int argc, char **argv)
{
  g_auto(BtCommandLine) line = BT_COMMAND_LINE_INIT;
  g_autoptr(GError) error = NULL;

  fill_standard_descriptors();
  choose_language();
  if (!bt_command_line_parse((const char *const *)argv, &line, &error))
    return show_error(error);
  if (line.given->len > 0) {
    BtOptionId last = g_array_index(line.given, BtGiven, line.given->len - 1).option->id;
    if (last == BT_OPTION_HELP)
      return show(stdout, bt_help_text());
    if (last == BT_OPTION_VERSION)
      return show(stdout, g_strdup("buntime " BT_VERSION "\n"));
  }
  if (line.entry == NULL) {
    show(stderr, bt_help_usage());
    return 2;
  }
  int status = bt_run(&line, &error);
  return status >= 0 ? status : show_error(error);
}
