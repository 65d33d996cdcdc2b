/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The time that a run may take, and what becomes of it then:
 *
 *   ask   at the deadline: the program is asked to end
 *   end   BT_DEADLINE_GRACE_MS later, if the deadline is still there: it is ended
 *
 * Both come from the main loop, also where the supervisor was stopped
 * (bt-waker.h). Time spent asleep with the machine does not count.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_DEADLINE_GRACE_MS 2000

typedef struct _BtDeadline BtDeadline;

typedef void (*BtDeadlineFunc)(gpointer data);

/* From now on. NULL with errno set. Neither function may free the deadline. */
BtDeadline *bt_deadline_new(guint64 ms, BtDeadlineFunc ask, BtDeadlineFunc end, gpointer data);
void bt_deadline_free(BtDeadline *deadline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtDeadline, bt_deadline_free)

G_END_DECLS
