/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs at build time: prints a completion or a manual page, its source with the tables' parts; or
 * AppArmor's profile for a program.
 */
#include <stdio.h>
#include <string.h>

#include "cli/bt-apparmor.h"
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

/* NULL with error set. */
static char *
make(int argc, char **argv, GError **error)
{
  g_autofree char *source = NULL;

  if (argc == 3 && strcmp(argv[1], "apparmor") == 0) {
    char *profile = bt_apparmor_profile_of(argv[2]);
    if (profile == NULL)
      g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "AppArmor cannot name it");
    return profile;
  }
  if (!g_file_get_contents(argv[2], &source, NULL, error))
    return NULL;
  if (argc == 4 && strcmp(argv[1], "man") == 0)
    return bt_help_command_manual(argv[3], source, BT_VERSION, error);
  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
    if (argc == 3 && strcmp(argv[1], texts[i].name) == 0)
      return texts[i].make(source, error);
  g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: nobody makes this", argv[1]);
  return NULL;
}

int
main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  if (argc < 3) {
    fputs("usage: buntime-gen-completions bash|zsh|fish|man SOURCE | man SOURCE COMMAND |"
          " apparmor PROGRAM\n",
          stderr);
    return 2;
  }
  g_autofree char *text = make(argc, argv, &error);
  if (text != NULL)
    return fputs(text, stdout) == EOF || fflush(stdout) != 0;
  fprintf(stderr, "%s: %s\n", argv[2], error->message);
  return 1;
}
