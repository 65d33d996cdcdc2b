/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/bt-language.h"

#include <glib.h>
#include <libintl.h>
#include <locale.h>

#include "lib/buntime-place.h"

/* Formats come from there: so it has to be where only the owner of this program can write. */
static char *
find_catalogues(void)
{
  gboolean library;
  g_autofree char *folder = bt_place_own_folder(&library);
  char *path = NULL;

  if (folder != NULL)
    bt_place_find(folder,
                  g_str_has_suffix(folder, "/" BT_LIBEXEC_SUBDIR) ? BT_LOCALE_FROM_LIBEXEC
                                                                   : BT_LOCALE_FROM_BIN,
                  BT_LOCALEDIR, &path);
  return path != NULL ? path : g_strdup(BT_LOCALEDIR);
}

void
bt_language_choose(void)
{
  /* All texts are UTF-8; another character set would load code to convert them. */
  setlocale(LC_CTYPE, "C.UTF-8");
  setlocale(LC_MESSAGES, "");
  g_autofree char *catalogues = find_catalogues();
  bindtextdomain(GETTEXT_PACKAGE, catalogues);
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
}
