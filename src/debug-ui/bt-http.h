/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is served: the page's files, which are in this program, templates, and WebSockets.
 *
 * Whoever can speak HTTP to the port reads what is in the program, and no more. Three kinds of
 * strangers are kept from the socket behind /ws, which is where programs are run:
 *
 *   - a site in the user's browser: its Origin is another, and no answer lets it read;
 *   - a site whose name was made to be this address (DNS rebinding): Host is its name;
 *   - another user, or a program: it has no token (bt-page.h).
 *
 * So Host and Origin must be exactly this server's, once each, and nothing but GET is answered.
 * A path is a name in a table, and no file's.
 */

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _BtHttp BtHttp;

typedef void (*BtHttpFunc)(gpointer data, SoupWebsocketConnection *socket, GSocketAddress *remote);

/* address: of this machine, without brackets; port 0: any that is free. */
BtHttp *bt_http_new(const char *address, guint16 port, BtHttpFunc func, gpointer data,
                    GError **error);
void bt_http_free(BtHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtHttp, bt_http_free)

/* Ends a connection at once. */
void bt_http_hang_up(BtHttp *http, GSocketAddress *remote);
/* Does it give up its place to nobody? */
void bt_http_hold(BtHttp *http, GSocketAddress *remote, gboolean held);

/* So many bytes are read of one until it is said again. */
void bt_http_allow(BtHttp *http, GSocketAddress *remote, gsize bytes);

guint16 bt_http_get_port(const BtHttp *http);
const char *bt_http_get_address(const BtHttp *http);
/* "http://127.0.0.1:3000" */
const char *bt_http_get_origin(const BtHttp *http);

G_END_DECLS
