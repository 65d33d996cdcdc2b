/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A line that is edited at a terminal, with those before it at hand: by libedit, or not at all.
 * Between begin and its end the terminal is the editor's.
 */

#include <glib.h>

G_BEGIN_DECLS

/* FALSE: nobody edits here. */
gboolean bt_edit_is_possible(void);
void bt_edit_begin(const char *prompt);
/* There is something to be read. TRUE: the line is whole; *line_out: NULL if there are no more. */
gboolean bt_edit_read(char **line_out);
/* What was typed is dropped. */
void bt_edit_cancel(void);

G_END_DECLS
