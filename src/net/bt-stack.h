/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libslirp in a GLib main loop.
 *
 * libslirp wants every socket of it offered before a poll and asked about
 * after it.  Both walks are over memory only here: an epoll instance mirrors
 * what it wants, a system call is made only where that changed, and the main
 * loop sees one descriptor.
 *
 *   frames in ─→ bt_stack_input ─→ dirty
 *   prepare: dirty? walk, compare with the mirror, set the timeout
 *   ready:   epoll_wait, note what is ready, let libslirp look, dirty
 *   settle:  the same two, at once after some frames
 *
 * Both walks are as long as there are sockets, and so is libslirp's search for
 * the one that a packet belongs to; one that is closed stays for ten seconds.
 * So there is not one libslirp, but many parts of it, each with the sockets of
 * some of the worker's ports, and only that one walks in which something
 * happens. A part is made when its first frame comes.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

typedef struct _BtStack BtStack;

/* A frame for the worker. */
typedef void (*BtStackOutputFunc)(gpointer data, const guint8 *frame, gsize size);

BtStack *bt_stack_new(const BtNetMsgConfig *config, BtStackOutputFunc output, gpointer data);
void bt_stack_free(BtStack *stack);
/*
 * Frees it, and resets every connection: what was cut off must not look to the
 * other end as if it had ended. Not from within its callbacks.
 */
void bt_stack_abort(BtStack *stack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtStack, bt_stack_free)

/* A frame that has passed the gate. */
void bt_stack_input(BtStack *stack, const guint8 *frame, gsize size);
/*
 * After some of them: what they led to may be there already (a connection that
 * was made at once, data of which more was there), and need not wait for the
 * main loop. FALSE: it is not.
 */
gboolean bt_stack_settle(BtStack *stack);

G_END_DECLS
