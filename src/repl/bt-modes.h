/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The modes of the terminal, which whoever edits lines changes: as they were found they are left,
 * also where a signal ends us, even in the middle of writing what nobody reads.
 */

#include <glib.h>

G_BEGIN_DECLS

/* From now on a signal that ends us gives them back before. */
void bt_modes_keep(void);
/*
 * What is typed and was not read is dropped: it may be what the terminal answered to the worker,
 * and would be the shell's next command.
 */
void bt_modes_give_back(void);

G_END_DECLS
