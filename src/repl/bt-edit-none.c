/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repl/bt-edit.h"

gboolean
bt_edit_is_possible(void)
{
  return FALSE;
}

void
bt_edit_begin(const char *prompt)
{
}

gboolean
bt_edit_read(char **line_out)
{
  *line_out = NULL;
  return TRUE;
}

void
bt_edit_cancel(void)
{
}
