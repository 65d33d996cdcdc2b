/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs at build time: prints a completion, or the manual page's source with the tables' parts. */
#include <stdio.h>
#include <string.h>

#include "cli/bt-help.h"

static const struct {
  const char *name;
  char *(*make)(void);
} texts[] = {
  { "bash", bt_help_bash },
  { "zsh", bt_help_zsh },
  { "fish", bt_help_fish },
};

static char *
make_manual(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *source = NULL;
  char *text = NULL;

  if (g_file_get_contents(path, &source, NULL, &error))
    text = bt_help_manual(source, BT_VERSION, &error);
  if (text == NULL)
    fprintf(stderr, "%s: %s\n", path, error->message);
  return text;
}

int
main(int argc, char **argv)
{
  g_autofree char *text = NULL;

  for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS(texts); i++)
    if (strcmp(argv[1], texts[i].name) == 0)
      text = texts[i].make();
  if (argc == 3 && strcmp(argv[1], "man") == 0)
    text = make_manual(argv[2]);
  if (text != NULL)
    return fputs(text, stdout) == EOF || fflush(stdout) != 0;
  fputs("usage: buntime-gen-completions bash|zsh|fish|man SOURCE\n", stderr);
  return 2;
}
