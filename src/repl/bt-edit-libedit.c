/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * By libedit's own copy of readline's interface, which is the one that can be driven by a main
 * loop.  It is one editor a process, so this is a file of statics.
 */
#include "repl/bt-edit.h"

#include <editline/readline.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* For a key that was there. */
#define WAIT_MS 50

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

static void
wake(int number)
{
}

/*
 * Ctrl-C takes away what was typed and not read yet, also after the main loop was told of that: then
 * libedit waits for the next key, and nobody hears of the interrupt.  So a timer ends its wait, again
 * and again, since the first time may be before it waits.
 */
static void
set_alarm(guint ms)
{
  const struct itimerval time = { .it_interval.tv_usec = (long)ms * 1000,
                                  .it_value.tv_usec = (long)ms * 1000 };
  const struct sigaction action = { .sa_handler = wake };

  if (ms > 0)
    sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &time, NULL);
}

gboolean
bt_edit_read(char **line_out)
{
  set_alarm(WAIT_MS);
  rl_callback_read_char();
  set_alarm(0);
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
