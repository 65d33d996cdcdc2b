/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A page that is connected: one WebSocket.
 *
 *   waiting   it has 5 seconds to say the token, in a message of at most 4 KiB,
 *             and gives up its place to who comes when there are none left
 *   wrong     what it said is no hello, or not the token: it is closed a second later, and keeps
 *             its place among the few that may wait meanwhile, so that guesses take their time
 *   known     it asks and is told
 *
 * Flow: what workers tell goes out in batches, at most 30 a second and only when there is
 * something, of at most half a megabyte, and at most two that the page has not acknowledged. What
 * it is not told yet stays in the runs' scrollbacks, which it costs nothing to be behind of. That
 * a worker has ended is told when all that is kept of it was. Answers are small, but a page that
 * asks and never reads them would fill our memory: empty batches ask it for acknowledgements, and
 * it is hung up on where it owes too many.
 */

#include <libsoup/soup.h>

#include "debug-ui/bt-run.h"

G_BEGIN_DECLS

typedef struct _BtUi BtUi; /* bt-ui.h */
typedef struct _BtPage BtPage;

BtPage *bt_page_new(BtUi *ui, SoupWebsocketConnection *socket, GSocketAddress *remote);
void bt_page_free(BtPage *page);
gboolean bt_page_is_known(const BtPage *page);

/* Takes a message, but for its last brace. */
void bt_page_send(BtPage *page, GString *text);
/* A message that begins so. */
GString *bt_page_begin(const char *type);

/* A run began: the page knows it before it hears of it. */
void bt_page_introduce(BtPage *page, const BtRun *run);
/* A run changed. */
void bt_page_wake(BtPage *page);
/* A run is no more. */
void bt_page_forget(BtPage *page, guint number);

G_END_DECLS
