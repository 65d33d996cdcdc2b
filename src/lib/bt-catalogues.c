/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of the shared library alone: takes the place of what buntime-policy.c has. */
#include "lib/bt-catalogues.h"

#include <libintl.h>

#include "lib/buntime-place.h"

/* No program has a domain of this name: it is where all are that nobody has told of. */
#define NOBODYS_DOMAIN GETTEXT_PACKAGE "-unbound"

/* Formats come from there, as in bt-language.c: nobody else may have put them there. */
static char *
find(void)
{
  gboolean library;
  g_autofree char *folder = bt_place_own_folder(&library);
  char *path = NULL;

  if (folder != NULL && library)
    bt_place_find(folder, BT_LOCALE_FROM_LIB, BT_LOCALEDIR, &path);
  return path != NULL ? path : g_strdup(BT_LOCALEDIR);
}

void
bt_catalogues_find(void)
{
  static gsize done;

  if (!g_once_init_enter(&done))
    return;
  /* A host program may have catalogues of its own for all that it brings along. */
  if (g_strcmp0(bindtextdomain(GETTEXT_PACKAGE, NULL), bindtextdomain(NOBODYS_DOMAIN, NULL)) == 0) {
    g_autofree char *catalogues = find();
    bindtextdomain(GETTEXT_PACKAGE, catalogues);
  }
  /* Errors are UTF-8 whatever the locale says. */
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
  g_once_init_leave(&done, 1);
}
