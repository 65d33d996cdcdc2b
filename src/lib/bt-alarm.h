/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <time.h>

G_BEGIN_DECLS

/*
 * A system call on a worker's socket that must not wait, whatever the worker
 * does to the socket meanwhile: between set and clear a signal interrupts this
 * thread (EINTR) when a call took long, and again until it returns.
 *
 * O_NONBLOCK is no protection, since the file is shared: another thread of the
 * worker takes the flag away after we set it, and connect() to a full queue
 * waits without end. The last close() of a socket with SO_LINGER waits, too.
 */
typedef struct {
  timer_t timer;
  gboolean made;
} BtAlarm;

/* For the thread that calls it. Without a timer nothing is interrupted: FALSE. */
gboolean bt_alarm_init(BtAlarm *alarm_out);
void bt_alarm_set(const BtAlarm *alarm);
void bt_alarm_unset(const BtAlarm *alarm);
void bt_alarm_clear(BtAlarm *alarm);

G_END_DECLS
