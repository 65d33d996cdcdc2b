/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-help.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "cli/bt-options.h"

#define USAGE N_("usage: buntime [FLAGS] [run] ENTRY [ARGS...]")

static const char *
value_of(const BtOption *option)
{
  return option->value != NULL ? g_dgettext(GETTEXT_PACKAGE, option->value) : "";
}

/* "--allow-net[=HOST,…]" */
static char *
synopsis_of(const BtOption *option)
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

char *
bt_help_usage(void)
{
  return g_strdup_printf("%s\n  %s\n", g_dgettext(GETTEXT_PACKAGE, USAGE),
                         _("'buntime --help' explains"));
}

char *
bt_help_text(void)
{
  GString *text = g_string_new(g_dgettext(GETTEXT_PACKAGE, USAGE));
  glong width = 0;

  g_string_append_printf(
    text, "\n\n%s\n\n%s\n",
    _("Runs a Python, JavaScript, TypeScript or any other program in a sandbox that\n"
      "sees, reaches and changes nothing but what flags permit."),
    _("ENTRY is a file, a program on PATH, or '-' for a program on standard input.\n"
      "Flags end at ENTRY or at '--'. Values are written after '=', lists with commas;\n"
      "',,' is a comma in a path. What is denied wins over what is allowed."));
  for (guint i = 0; i < bt_n_options; i++) {
    g_autofree char *synopsis = synopsis_of(&bt_options[i]);
    width = MAX(width, g_utf8_strlen(synopsis, -1));
  }
  g_string_append_printf(text, "\n%s\n", _("Flags:"));
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    g_autofree char *synopsis = synopsis_of(option);
    char letter[] = { '-', option->letter, ',', '\0' };
    g_string_append_printf(text, "  %3s %s%*s  %s\n", option->letter != '\0' ? letter : "",
                           synopsis, (int)(width - g_utf8_strlen(synopsis, -1)), "",
                           g_dgettext(GETTEXT_PACKAGE, option->help));
  }
  g_string_append_printf(
    text, "\n%s\n",
    _("Exit status: the program's own, 128+n after signal n; 2 usage, 125 the sandbox\n"
      "could not be set up, 126 ENTRY cannot be run, 127 ENTRY or its interpreter is\n"
      "not there."));
  return g_string_free(text, FALSE);
}

/* ---- the manual page ---- */

static void
append_roff(GString *text, const char *words)
{
  for (const char *p = words; *p != '\0'; p++) {
    if (*p == '\\' || *p == '-')
      g_string_append_c(text, '\\');
    g_string_append_c(text, *p);
  }
}

char *
bt_help_manual(const char *version)
{
  GString *text = g_string_new(NULL);

  g_string_append_printf(
    text,
    ".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
    ".\\\" Made from the option table by buntime-gen-completions.\n"
    ".TH BUNTIME 1 \"\" \"buntime %s\" \"User Commands\"\n"
    ".SH NAME\nbuntime \\- run untrusted programs with permissions that the kernel enforces\n"
    ".SH SYNOPSIS\n.B buntime\n[\\fIFLAGS\\fR] [\\fBrun\\fR] \\fIENTRY\\fR [\\fIARGS\\fR...]\n"
    ".SH DESCRIPTION\n"
    "Runs a Python, JavaScript, TypeScript or any other program in a sandbox that sees,\n"
    "reaches and changes nothing but what flags permit. Every refusal is explained on\n"
    "standard error with the narrowest flag that would permit it.\n.PP\n"
    "\\fIENTRY\\fR is a file, a program on PATH, or \\(aq\\-\\(aq for a program on standard\n"
    "input. Flags end at \\fIENTRY\\fR or at \\(aq\\-\\-\\(aq. Values are written after\n"
    "\\(aq=\\(aq, lists with commas; \\(aq,,\\(aq is a comma in a path. What is denied wins\n"
    "over what is allowed.\n"
    ".SH OPTIONS\n",
    version);
  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    g_autofree char *synopsis = synopsis_of(option);
    g_string_append(text, ".TP\n\\fB");
    if (option->letter != '\0')
      g_string_append_printf(text, "\\-%c\\fR, \\fB", option->letter);
    append_roff(text, synopsis);
    g_string_append(text, "\\fR\n");
    append_roff(text, option->help);
    g_string_append(text, ".\n");
  }
  g_string_append(text,
                  ".SH EXIT STATUS\n"
                  "The program\\(aqs own, or 128+n if signal n ended it.\n"
                  ".TP\n2\nwrong usage\n"
                  ".TP\n125\nthe sandbox could not be set up\n"
                  ".TP\n126\nENTRY was found and cannot be run\n"
                  ".TP\n127\nENTRY or its interpreter is not there\n"
                  ".SH EXAMPLES\n.nf\nbuntime \\-\\-allow\\-net=github.com run w.py\n"
                  "buntime \\-R=. \\-W=out build.ts\n.fi\n");
  return g_string_free(text, FALSE);
}

/* ---- completions ---- */

static char *
words_of(const BtOption *option, const char *prefix)
{
  g_auto(GStrv) words = g_strsplit(option->value, "|", -1);
  GString *text = g_string_new(NULL);
  for (guint i = 0; words[i] != NULL; i++)
    g_string_append_printf(text, "%s%s%s", i > 0 ? " " : "", prefix, words[i]);
  return g_string_free(text, FALSE);
}

char *
bt_help_bash(void)
{
  GString *flags = g_string_new(NULL), *files = g_string_new(NULL), *words = g_string_new(NULL);

  for (guint i = 0; i < bt_n_options; i++) {
    const BtOption *option = &bt_options[i];
    g_string_append_printf(flags, " --%s%s", option->name,
                           option->use == BT_VALUE_REQUIRED ? "=" : "");
    if (option->use == BT_VALUE_OPTIONAL)
      g_string_append_printf(flags, " --%s=", option->name);
    if (option->letter != '\0')
      g_string_append_printf(flags, " -%c", option->letter);
    if (option->completion == BT_COMPLETE_FILES)
      g_string_append_printf(files, "%s--%s", files->len > 0 ? "|" : "", option->name);
    if (option->completion == BT_COMPLETE_WORDS) {
      g_autofree char *list = words_of(option, "");
      g_string_append_printf(words, "    --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n",
                             option->name, list);
    }
  }
  char *text = g_strdup_printf(
    "# SPDX-License-Identifier: LGPL-2.1-or-later\n"
    "# Made from the option table by buntime-gen-completions.\n"
    "_buntime() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} flag= i word\n"
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
    "      run | -*) ;;\n"
    "      *) compopt -o default; return ;;\n"
    "    esac\n"
    "  done\n"
    "  if [[ $cur == -* ]]; then\n"
    "    mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n"
    "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "  else\n"
    "    compopt -o filenames\n"
    "    mapfile -t COMPREPLY < <(compgen -W run -- \"$cur\"; compgen -f -- \"$cur\")\n"
    "  fi\n"
    "}\n"
    "complete -F _buntime buntime\n",
    files->str, words->str, flags->str + 1);
  g_string_free(flags, TRUE);
  g_string_free(files, TRUE);
  g_string_free(words, TRUE);
  return text;
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
  g_string_append(text, "  '1:program:_files' \\\n  '*::arguments:_files'\n");
  return g_string_free(text, FALSE);
}

char *
bt_help_fish(void)
{
  GString *text = g_string_new("# SPDX-License-Identifier: LGPL-2.1-or-later\n"
                               "# Made from the option table by buntime-gen-completions.\n");

  for (guint i = 0; i < bt_n_commands; i++)
    g_string_append_printf(text, "complete -c buntime -n __fish_use_subcommand -a %s -d '%s'\n",
                           bt_commands[i].name, bt_commands[i].help);
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
