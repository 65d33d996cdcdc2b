/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The page's texts in the user's language: it has no catalogues of its own.
 */

#include <glib.h>

G_BEGIN_DECLS

/* The members locale and messages. */
void bt_messages_put(GString *text);

/* "pt_BR.UTF-8" as BCP 47 has it (transfer full): "pt-BR". */
char *bt_messages_locale(const char *name);

G_END_DECLS
