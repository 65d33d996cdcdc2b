/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-language.h"

#include <libintl.h>
#include <locale.h>

void
bt_language_choose(void)
{
  /* All texts are UTF-8; another character set would load code to convert them. */
  setlocale(LC_CTYPE, "C.UTF-8");
  setlocale(LC_MESSAGES, "");
  bindtextdomain(GETTEXT_PACKAGE, BT_LOCALEDIR);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
}
