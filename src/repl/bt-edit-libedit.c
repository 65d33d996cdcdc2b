/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By libedit's own copy of readline's interface, which is the one that can be driven by a main
 * loop.  It is one editor a process, so this is a file of statics.
 */
#include "repl/bt-edit.h"

#include <editline/readline.h>
#include <stdlib.h>
#include <unistd.h>

static gboolean whole;
static char *line; /* NULL: there are no more */

gboolean
bt_edit_is_possible(void)
{
  const char *terminal = g_getenv("TERM");

  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal != NULL &&
         g_strcmp0(terminal, "dumb") != 0;
}

static void
on_line(char *typed)
{
  line = g_strdup(typed);
  free(typed);
  whole = TRUE;
  /* The terminal is the code's and its interrupts', until the next one is wanted. */
  rl_callback_handler_remove();
}

void
bt_edit_begin(const char *prompt)
{
  rl_catch_signals = 0;
  rl_inhibit_completion = 1;
  whole = FALSE;
  rl_callback_handler_install(prompt, on_line);
}

gboolean
bt_edit_read(char **line_out)
{
  rl_callback_read_char();
  if (!whole)
    return FALSE;
  if (line != NULL && line[0] != '\0')
    add_history(line);
  *line_out = g_steal_pointer(&line);
  return TRUE;
}

void
bt_edit_cancel(void)
{
  rl_replace_line("", 0);
  rl_callback_handler_remove();
}
