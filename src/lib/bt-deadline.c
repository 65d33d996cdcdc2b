/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-deadline.h"

#include "lib/bt-waker.h"
#include "lib/bt-watch.h"

struct _BtDeadline {
  timer_t waker;
  guint source;
  gboolean asked;
  BtDeadlineFunc ask, end;
  gpointer data;
};

static gboolean
on_time(gpointer data)
{
  BtDeadline *self = data;

  self->source = 0;
  if (self->asked) {
    self->end(self->data);
    return G_SOURCE_REMOVE;
  }
  self->asked = TRUE;
  self->source = bt_watch_timeout(BT_DEADLINE_GRACE_MS, on_time, self);
  self->ask(self->data);
  return G_SOURCE_REMOVE;
}

BtDeadline *
bt_deadline_new(guint64 ms, BtDeadlineFunc ask, BtDeadlineFunc end, gpointer data)
{
  timer_t waker;

  if (!bt_waker_init(&waker))
    return NULL;
  /* Repeated, as who was stopped once may be again. */
  bt_waker_set(waker, ms, BT_DEADLINE_GRACE_MS);
  BtDeadline *self = g_new0(BtDeadline, 1);
  self->waker = waker;
  self->ask = ask;
  self->end = end;
  self->data = data;
  self->source = bt_watch_timeout((guint)MIN(ms, G_MAXUINT), on_time, self);
  return self;
}

void
bt_deadline_free(BtDeadline *self)
{
  timer_delete(self->waker);
  bt_watch_clear(&self->source);
  g_free(self);
}
