/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a page can ask for.
 */

#include "debug-ui/bt-ui.h"

G_BEGIN_DECLS

/* Does it and answers. FALSE with error set: it was not done, and nothing was answered. */
gboolean bt_ui_calls_run(BtUi *ui, BtPage *page, const BtNode *message, GError **error);

G_END_DECLS
