/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs at build time: prints a completion or the manual page from the option table. */
#include <stdio.h>
#include <string.h>

#include "cli/bt-help.h"

static char *
manual(void)
{
  return bt_help_manual(BT_VERSION);
}

static const struct {
  const char *name;
  char *(*make)(void);
} texts[] = {
  { "bash", bt_help_bash },
  { "zsh", bt_help_zsh },
  { "fish", bt_help_fish },
  { "man", manual },
};

int
main(int argc, char **argv)
{
  for (gsize i = 0; argc == 2 && i < G_N_ELEMENTS(texts); i++)
    if (strcmp(argv[1], texts[i].name) == 0) {
      g_autofree char *text = texts[i].make();
      return fputs(text, stdout) == EOF || fflush(stdout) != 0;
    }
  fputs("usage: buntime-gen-completions bash|zsh|fish|man\n", stderr);
  return 2;
}
