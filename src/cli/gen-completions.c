/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs at build time: prints a completion or the manual page, its source with the tables' parts. */
#include <stdio.h>
#include <string.h>

#include "cli/bt-help.h"

static char *
make_manual(const char *source, GError **error)
{
  return bt_help_manual(source, BT_VERSION, error);
}

static const struct {
  const char *name;
  char *(*make)(const char *source, GError **error);
} texts[] = {
  { "bash", bt_help_bash },
  { "zsh", bt_help_zsh },
  { "fish", bt_help_fish },
  { "man", make_manual },
};

int
main(int argc, char **argv)
{
  for (gsize i = 0; argc == 3 && i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *source = NULL, *text = NULL;
    if (strcmp(argv[1], texts[i].name) != 0)
      continue;
    if (g_file_get_contents(argv[2], &source, NULL, &error))
      text = texts[i].make(source, &error);
    if (text != NULL)
      return fputs(text, stdout) == EOF || fflush(stdout) != 0;
    fprintf(stderr, "%s: %s\n", argv[2], error->message);
    return 1;
  }
  fputs("usage: buntime-gen-completions bash|zsh|fish|man SOURCE\n", stderr);
  return 2;
}
