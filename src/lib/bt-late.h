/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where the helpers are, and the module that is loaded only when needed:
 * linking GIO costs more than half of a run's start (DESIGN 11).
 */

#include <glib.h>

G_BEGIN_DECLS

/* Absolute path of "buntime-init", "buntime-net" or "buntime-json" (transfer full). */
char *bt_helper_path(const char *name, GError **error);

/* A symbol of the module "buntime-resolver", which stays loaded. */
gpointer bt_late_symbol(const char *module, const char *symbol, GError **error);

G_END_DECLS
