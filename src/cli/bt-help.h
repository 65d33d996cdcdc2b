/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Texts made of the option table. All are (transfer full).
 */

#include <glib.h>

G_BEGIN_DECLS

char *bt_help_usage(void); /* one line and how to get more */
char *bt_help_text(void);  /* --help */
char *bt_help_manual(const char *version);
char *bt_help_bash(void);
char *bt_help_zsh(void);
char *bt_help_fish(void);

G_END_DECLS
