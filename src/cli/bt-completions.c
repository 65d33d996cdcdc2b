/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Completions for shells, made of the option table at build time.
 */
#include <string.h>

#include "cli/bt-help.h"
#include "cli/bt-options.h"

static char *
words_of(const BtOption *option, const char *prefix)
{
  g_auto(GStrv) words = g_strsplit(option->value, "|", -1);
  GString *text = g_string_new(NULL);
  for (guint i = 0; words[i] != NULL; i++)
    g_string_append_printf(text, "%s%s%s", i > 0 ? " " : "", prefix, words[i]);
  return g_string_free(text, FALSE);
}

/* "net|read" as "net read". */
static char *
choices_of(const BtCommand *command)
{
  char *text = g_strdup(command->choices != NULL ? command->choices : "");
  return g_strdelimit(text, "|", ' ');
}

static void
append_bash_flags(GString *text, const BtCommand *command)
{
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (!bt_command_takes(command, option))
      continue;
    g_string_append_printf(text, " --%s%s", option->name,
                           option->use == BT_VALUE_REQUIRED ? "=" : "");
    if (option->use == BT_VALUE_OPTIONAL)
      g_string_append_printf(text, " --%s=", option->name);
    if (option->letter != '\0')
      g_string_append_printf(text, " -%c", option->letter);
  }
}

/* One line of a case for each command: its flags and what its first word can be. */
static char *
bash_commands(void)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < bt_n_commands; i++) {
    g_autofree char *choices = choices_of(&bt_commands[i]);
    g_string_append_printf(text, "    %s) choices='%s' flags='", bt_commands[i].name, choices);
    append_bash_flags(text, &bt_commands[i]);
    g_string_append(text, "' ;;\n");
  }
  return g_string_free(text, FALSE);
}

static char *
command_names(void)
{
  GString *text = g_string_new(bt_commands[0].name);
  for (guint i = 1; i < bt_n_commands; i++)
    g_string_append_printf(text, " %s", bt_commands[i].name);
  return g_string_free(text, FALSE);
}

char *
bt_help_bash(void)
{
  g_autoptr(GString) files = g_string_new(NULL), words = g_string_new(NULL);
  g_autofree char *commands = bash_commands(), *names = command_names();

  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    if (option->completion == BT_COMPLETE_FILES)
      g_string_append_printf(files, "%s--%s", files->len > 0 ? "|" : "", option->name);
    if (option->completion == BT_COMPLETE_WORDS) {
      g_autofree char *list = words_of(option, "");
      g_string_append_printf(words, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n",
                             option->name, list);
    }
  }
  return g_strdup_printf(
    "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
    "# Made from the option table by buntime-gen-completions.\n"
    "_buntime() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} flag= i word command= choices flags names='%s'\n"
    "  COMPREPLY=()\n"
    "  # '=' and ',' part words for readline: join what belongs to one flag.\n"
    "  if [[ $cur == = ]]; then flag=${COMP_WORDS[COMP_CWORD-1]}; cur=\n"
    "  elif [[ ${COMP_WORDS[COMP_CWORD-1]} == = ]]; then flag=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
    "  case $flag in\n"
    "    %s)\n"
    "      local head=\n"
    "      if [[ $cur == *,* ]]; then head=${cur%%,*},; cur=${cur##*,}; fi\n"
    "      compopt -o filenames -o nospace\n"
    "      mapfile -t COMPREPLY < <(compgen -P \"$head\" -f -- \"$cur\")\n"
    "      return ;;\n"
    "%s"
    "  esac\n"
    "  [[ -n $flag ]] && return\n"
    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "    word=${COMP_WORDS[i]}\n"
    "    case $word in\n"
    "      =) ((i++)) ;;\n"
    "      -*) ;;\n"
    "      *) if [[ -z $command && \" $names \" == *\" $word \"* ]]; then command=$word\n"
    "         else compopt -o default; return; fi ;;\n"
    "    esac\n"
    "  done\n"
    "  case ${command:-run} in\n"
    "%s"
    "  esac\n"
    "  if [[ $cur == -* ]]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n"
    "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "  elif [[ -n $choices ]]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$choices\" -- \"$cur\")\n"
    "  else\n"
    "    compopt -o filenames\n"
    "    [[ -n $command ]] && names=\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$names\" -- \"$cur\"; compgen -f -- \"$cur\")\n"
    "  fi\n"
    "}\n"
    "complete -F _buntime buntime\n",
    names, files->str, words->str, commands);
}

/* For zsh's _arguments: '[', ']' and ':' are its own, the quote the shell's. */
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

static void
append_zsh_action(GString *text, const BtOption *option)
{
  if (option->use == BT_VALUE_NONE)
    return;
  /* Two colons: the value may be left out. */
  g_string_append(text, option->use == BT_VALUE_OPTIONAL ? "::" : ":");
  append_zsh_text(text, option->completion == BT_COMPLETE_WORDS ? option->name : option->value);
  g_string_append_c(text, ':');
  if (option->completion == BT_COMPLETE_FILES)
    g_string_append(text, "_sequence _files");
  if (option->completion == BT_COMPLETE_WORDS) {
    g_autofree char *list = words_of(option, "");
    g_string_append_printf(text, "(%s)", list);
  }
}

char *
bt_help_zsh(void)
{
  GString *text = g_string_new("#compdef buntime\n"
                               "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                               "# Made from the option table by buntime-gen-completions.\n"
                               "_arguments -s -S \\\n");

  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    const char *end = option->use != BT_VALUE_NONE ? "=-" : "";
    char letter[] = { '-', option->letter, '\0' };
    g_autofree char *flag = g_strconcat("--", option->name, NULL);
    const char *names[] = { flag, option->letter != '\0' ? letter : NULL };
    for (guint name = 0; name < G_N_ELEMENTS(names) && names[name] != NULL; name++) {
      g_string_append_printf(text, "  '*%s%s[", names[name], end);
      append_zsh_text(text, option->help);
      g_string_append_c(text, ']');
      append_zsh_action(text, option);
      g_string_append(text, "' \\\n");
    }
  }
  g_autofree char *names = command_names();
  g_string_append_printf(text,
                         "  '1:program or command:_alternative \"commands:command:(%s)\" "
                         "\"files:program:_files\"' \\\n  '*::arguments:_files'\n",
                         names);
  return g_string_free(text, FALSE);
}

char *
bt_help_fish(void)
{
  GString *text = g_string_new("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                               "# Made from the option table by buntime-gen-completions.\n");

  for (guint i = 0; i < bt_n_commands; i++) {
    g_autofree char *choices = choices_of(&bt_commands[i]);
    g_string_append_printf(text, "complete -c buntime -n __fish_use_subcommand -a %s -d '%s'\n",
                           bt_commands[i].name, bt_commands[i].help);
    if (choices[0] != '\0')
      g_string_append_printf(text,
                             "complete -c buntime -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                             bt_commands[i].name, choices);
  }
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    g_autofree char *help = g_strescape(option->help, NULL);
    g_string_append_printf(text, "complete -c buntime -l %s", option->name);
    if (option->letter != '\0')
      g_string_append_printf(text, " -s %c", option->letter);
    if (option->use == BT_VALUE_REQUIRED)
      g_string_append(text, " -x");
    if (option->completion == BT_COMPLETE_WORDS) {
      g_autofree char *list = words_of(option, "");
      g_string_append_printf(text, " -a '%s'", list);
    }
    if (option->completion == BT_COMPLETE_FILES && option->use == BT_VALUE_REQUIRED)
      g_string_append(text, " -a '(__fish_complete_path)'");
    g_string_append_printf(text, " -d \"%s\"\n", help);
  }
  return g_string_free(text, FALSE);
}
