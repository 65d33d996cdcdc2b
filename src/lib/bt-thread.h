/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The supervisor's own thread in a host program.
 *
 * A worker's connect() or open() waits for an answer, so what answers must not
 * wait for a host program that is busy in a callback of its own.  The thread
 * also never ends, as PR_SET_PDEATHSIG of what it spawns asks for.  There is one
 * in a process, whatever number of workers; it runs one main context, which is
 * its default one, and gets no signals.
 */

#include <glib.h>

G_BEGIN_DECLS

/* Calls func in that thread, in the order of these calls. */
void bt_thread_invoke(GSourceOnceFunc func, gpointer data);

G_END_DECLS
