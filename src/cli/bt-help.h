/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Texts made of the option table. All are (transfer full).
 */

#include <glib.h>

#include "cli/bt-options.h"

G_BEGIN_DECLS

char *bt_help_usage(const BtCommand *command); /* one line and how to get more */
char *bt_help_text(const BtCommand *command);  /* --help; the first command's is for all */
/* On a terminal: a sign of East Asia takes two columns, one that is put over another none. */
glong bt_help_columns(const char *text);
char *bt_help_synopsis(const BtOption *option); /* "--allow-net[=HOST[:PORT],…]" */
/*
 * The manual page: its source (man/buntime.1.in), in which lines "@SYNOPSIS@",
 * "@COMMANDS@" and "@OPTIONS@" stand for what the tables say. NULL with error
 * set if one of them is missing, twice there or unknown. (bt-manual.c)
 */
char *bt_help_manual(const char *source, const char *version, GError **error);
/* The same for a command's own page (man/buntime-check.1.in). */
char *bt_help_command_manual(const char *name, const char *source, const char *version,
                             GError **error);
/* The same for a page with other parts. */
typedef struct {
  const char *name; /* the line that stands for it, "@OPTIONS@" */
  void (*append)(GString *text, const BtCommand *command);
} BtManualPart;
/* command: what the page is about; NULL: about all. */
char *bt_manual_fill(const char *source, const char *version, const BtManualPart *parts,
                     guint count, const BtCommand *command, GError **error);
/* Words in man(7), in ASCII. */
void bt_manual_append(GString *text, const char *words);
/* The shells' completions, of data/completions in the same way. (bt-completions.c) */
char *bt_help_bash(const char *source, GError **error);
char *bt_help_zsh(const char *source, GError **error);
char *bt_help_fish(const char *source, GError **error);

G_END_DECLS
