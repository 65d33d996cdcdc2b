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
char *bt_help_manual(const char *version);
char *bt_help_bash(void);
char *bt_help_zsh(void);
char *bt_help_fish(void);

G_END_DECLS
