/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The socket that clients of the same user connect to: $XDG_RUNTIME_DIR/buntime/NAME.
 *
 * Whoever can connect can have programs run, so nobody else may: the folder is the user's alone
 * (0700) and made so, or refused; the socket is 0600 from its first moment; and each peer's
 * user is asked of the kernel (SO_PEERCRED).
 *
 * A socket that a dead server left is replaced, anything else in its place is not.  Which of
 * them it is only a connection tells: so servers that start take turns, by a lock on the
 * folder that is held until the new socket listens.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtListener BtListener;

/* Takes fd, a client's. */
typedef void (*BtListenerFunc)(gpointer data, int fd);

BtListener *bt_listener_new(const char *name, BtListenerFunc func, gpointer data, GError **error);
const char *bt_listener_get_path(const BtListener *listener);
/* Removes the socket, if it is still this one's. */
void bt_listener_free(BtListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtListener, bt_listener_free)

G_END_DECLS
