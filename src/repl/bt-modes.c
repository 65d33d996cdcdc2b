/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repl/bt-modes.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

static gboolean kept;
static struct termios modes;

/* Also within a signal handler. */
void
bt_modes_give_back(void)
{
  sigset_t stop, before;
  pid_t foreground = kept ? tcgetpgrp(STDIN_FILENO) : 0;

  /* In the background the terminal is another job's; -1: it is no session's, and so ours. */
  if (!kept || (foreground >= 0 && foreground != getpgrp()))
    return;
  /* The foreground may change in between: SIGTTOU would stop us. */
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  tcflush(STDIN_FILENO, TCIFLUSH);
  tcsetattr(STDIN_FILENO, TCSANOW, &modes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* It is the default's turn then. */
static void
on_fatal(int number)
{
  bt_modes_give_back();
  raise(number);
}

void
bt_modes_keep(void)
{
  static const int fatal[] = { SIGTERM, SIGHUP, SIGQUIT };
  struct sigaction action = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND }, before;

  kept = tcgetattr(STDIN_FILENO, &modes) == 0;
  for (gsize i = 0; i < G_N_ELEMENTS(fatal); i++)
    /* Whoever has it ignored, as nohup, wants us to live. */
    if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(fatal[i], &action, NULL);
}
