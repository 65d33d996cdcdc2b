/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A connection's input, of which no more than a budget is read until somebody says that something
 * came of it.
 *
 * libsoup 3.2 bounds a frame of a WebSocket, but not how many of them make a message, and reads
 * for as long as there is something before it looks at any. So what has used up its budget is
 * first told to come back: perhaps there are messages in what was read, by which it gets another.
 * If there are none it fails, and the connection with it.
 */

#include <gio/gio.h>

G_BEGIN_DECLS

#define BT_TYPE_METER (bt_meter_get_type())
G_DECLARE_FINAL_TYPE(BtMeter, bt_meter, BT, METER, GFilterInputStream)

/* base: can be polled. */
BtMeter *bt_meter_new(GInputStream *base, gsize budget);
/* So much from now on. */
void bt_meter_allow(BtMeter *meter, gsize budget);

G_END_DECLS
