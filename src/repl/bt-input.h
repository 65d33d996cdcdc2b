/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lines of standard input, one at a time: at a terminal as it lets them be edited, else as
 * they come.  While nobody wants one, nothing is read.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtInput BtInput;

/* line: without its newline; NULL: there are no more. */
typedef void (*BtInputFunc)(gpointer data, const char *line);

BtInput *bt_input_new(BtInputFunc func, gpointer data);
void bt_input_free(BtInput *input);
/*
 * The next line is told to func, in a later turn of the main loop. prompt: shown before, at a
 * terminal.
 */
void bt_input_want(BtInput *input, const char *prompt);
/* What was typed and not told is dropped, and no line is wanted any more. */
void bt_input_discard(BtInput *input);
gboolean bt_input_is_terminal(const BtInput *input);

G_END_DECLS
