/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-waker.h"

#include <signal.h>
#include <string.h>

gboolean
bt_waker_init(timer_t *waker_out)
{
  struct sigevent event;

  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  return timer_create(CLOCK_MONOTONIC, &event, waker_out) == 0;
}

static struct timespec
timespec_of(guint64 ms)
{
  return (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
}

void
bt_waker_set(timer_t waker, guint64 ms, guint64 repeat_ms)
{
  const struct itimerspec times = { .it_value = timespec_of(ms),
                                    .it_interval = timespec_of(repeat_ms) };
  timer_settime(waker, 0, &times, NULL);
}
