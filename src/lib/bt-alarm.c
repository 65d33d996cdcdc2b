/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-alarm.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* None that a program or GLib uses; without SA_RESTART, or nothing would be interrupted. */
#define ALARM_SIGNAL (SIGRTMAX - 5)
#define ALARM_NANOSECONDS (5 * 1000000L)

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void
interrupt(int number)
{
}

gboolean
bt_alarm_init(BtAlarm *alarm_out)
{
  const struct sigaction action = { .sa_handler = interrupt };
  struct sigevent event;
  sigset_t set;

  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = ALARM_SIGNAL;
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  sigemptyset(&set);
  sigaddset(&set, ALARM_SIGNAL);
  alarm_out->made = sigaction(ALARM_SIGNAL, &action, NULL) == 0 &&
                    pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0 &&
                    timer_create(CLOCK_MONOTONIC, &event, &alarm_out->timer) == 0;
  return alarm_out->made;
}

void
bt_alarm_set(const BtAlarm *alarm)
{
  /* Repeated: the first may come just before the call that will wait. */
  const struct itimerspec repeated = {
    .it_value.tv_nsec = ALARM_NANOSECONDS,
    .it_interval.tv_nsec = ALARM_NANOSECONDS,
  };
  if (alarm->made)
    timer_settime(alarm->timer, 0, &repeated, NULL);
}

void
bt_alarm_unset(const BtAlarm *alarm)
{
  const struct itimerspec off = { .it_value.tv_nsec = 0 };
  if (alarm->made)
    timer_settime(alarm->timer, 0, &off, NULL);
}

void
bt_alarm_clear(BtAlarm *alarm)
{
  if (alarm->made)
    timer_delete(alarm->timer);
  alarm->made = FALSE;
}
