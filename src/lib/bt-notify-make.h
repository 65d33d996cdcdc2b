/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The directories that init lent for files which are not there yet; see bt-notify-make.c.
 */

#include "wire/bt-plan.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtMaker BtMaker;

/* NULL: the plan lends nothing. Borrows the plan. */
BtMaker *bt_maker_new(const BtPlanView *plan);
void bt_maker_free(BtMaker *maker);
/* The mount of an operation of the plan, which it takes; FALSE: none that is still awaited. */
gboolean bt_maker_take(BtMaker *maker, guint32 number, int *fd);
/* Has everything been lent? */
gboolean bt_maker_is_whole(const BtMaker *maker);
/* Is it one of the files? NULL has none. */
gboolean bt_maker_has(const BtMaker *maker, const char *path);

G_END_DECLS
