/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-deadline.h"

#include <signal.h>
#include <string.h>
#include <time.h>

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
  self->source = g_timeout_add(BT_DEADLINE_GRACE_MS, on_time, self);
  self->ask(self->data);
  return G_SOURCE_REMOVE;
}

/* Repeated, as who was stopped once may be again. */
static gboolean
make_waker(guint64 ms, timer_t *timer_out)
{
  const struct itimerspec times = {
    .it_value = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 },
    .it_interval = { .tv_sec = BT_DEADLINE_GRACE_MS / 1000 },
  };
  struct sigevent event;

  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  if (timer_create(CLOCK_MONOTONIC, &event, timer_out) != 0)
    return FALSE;
  timer_settime(*timer_out, 0, &times, NULL);
  return TRUE;
}

BtDeadline *
bt_deadline_new(guint64 ms, BtDeadlineFunc ask, BtDeadlineFunc end, gpointer data)
{
  timer_t waker;

  if (!make_waker(ms, &waker))
    return NULL;
  BtDeadline *self = g_new0(BtDeadline, 1);
  self->waker = waker;
  self->ask = ask;
  self->end = end;
  self->data = data;
  self->source = g_timeout_add((guint)MIN(ms, G_MAXUINT), on_time, self);
  return self;
}

void
bt_deadline_free(BtDeadline *self)
{
  timer_delete(self->waker);
  g_clear_handle_id(&self->source, g_source_remove);
  g_free(self);
}
