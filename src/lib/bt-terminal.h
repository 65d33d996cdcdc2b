/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The caller's terminal, which the worker shares: its settings are put back
 * at the end, and what was typed or answered into it meanwhile is thrown
 * away, so that a worker leaves no command for the shell behind.
 */

#include <stdbool.h>
#include <termios.h>

typedef struct {
  int fd; /* 0, 1 or 2; -1: no terminal */
  struct termios settings;
  pid_t foreground;
  int flags[3]; /* of 0-2, which whoever started us shares; -1: closed */
} BtTerminal;

void bt_terminal_save(BtTerminal *terminal_out);
void bt_terminal_restore(const BtTerminal *terminal);
