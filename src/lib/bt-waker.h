/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Being there at a time. A supervisor that was stopped, be it by Ctrl-Z or
 * because the worker stopped itself (bt-supervisor.c), hears of no timer of its
 * main loop: so one of the kernel's sends it SIGCONT, which ends the stop and
 * does nothing else. Time spent asleep with the machine does not count.
 */

#include <glib.h>
#include <time.h>

G_BEGIN_DECLS

/* FALSE with errno set. */
gboolean bt_waker_init(timer_t *waker_out);
/* In ms from now, and then every repeat_ms, unless 0; instead of what was set before. */
void bt_waker_set(timer_t waker, guint64 ms, guint64 repeat_ms);

G_END_DECLS
