/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A worker of a client: what it does becomes notifications.
 */

#include "serve/bt-client.h"

G_BEGIN_DECLS

/* Takes worker. entry: NULL where it takes code. */
BtServed *bt_served_new(BtClient *client, BuntimeWorker *worker, const char *entry,
                        gboolean ready);
/* Kills what still runs. */
void bt_served_free(BtServed *served);
BuntimeWorker *bt_served_get_worker(const BtServed *served);
guint bt_served_get_number(const BtServed *served);
void bt_served_set_paused(BtServed *served, gboolean paused);
void bt_served_describe(const BtServed *served, GString *text);

/* Workers that were killed and are not gone yet. */
guint bt_served_count_dying(void);

G_END_DECLS
