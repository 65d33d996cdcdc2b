/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-cpu-time.h"

#include <errno.h>
#include <unistd.h>

#include "lib/bt-cgroup.h"
#include "lib/bt-waker.h"
#include "lib/bt-watch.h"

/* A group that cannot be read any more has ended with all that was in it. */
#define KEY "usage_usec"

struct _BtCpuTime {
  int fd;
  guint64 end; /* µs of the group at which it is used up */
  guint n_processors;
  timer_t waker;
  guint source;
  BtCpuTimeFunc used_up;
  gpointer data;
};

static gboolean look(gpointer data);

static void
look_again(BtCpuTime *self, guint64 left)
{
  guint64 ms = MAX(left / 1000 / self->n_processors, BT_CPU_TIME_MIN_MS);

  self->source = bt_watch_timeout((guint)MIN(ms, G_MAXUINT), look, self);
  bt_waker_set(self->waker, ms, 0);
}

static gboolean
look(gpointer data)
{
  BtCpuTime *self = data;
  guint64 used;

  self->source = 0;
  if (!bt_cgroup_read_count(self->fd, KEY, &used))
    return G_SOURCE_REMOVE;
  if (used >= self->end)
    self->used_up(self->data);
  else
    look_again(self, self->end - used);
  return G_SOURCE_REMOVE;
}

BtCpuTime *
bt_cpu_time_new(int fd, guint64 ms, guint n_processors, BtCpuTimeFunc used_up, gpointer data)
{
  guint64 used;
  timer_t waker;

  if (!bt_cgroup_read_count(fd, KEY, &used)) {
    close(fd);
    errno = EINVAL;
    return NULL;
  }
  if (!bt_waker_init(&waker)) {
    close(fd);
    return NULL;
  }
  BtCpuTime *self = g_new0(BtCpuTime, 1);
  self->fd = fd;
  self->end = used + ms * 1000;
  self->n_processors = MAX(n_processors, 1);
  self->waker = waker;
  self->used_up = used_up;
  self->data = data;
  look_again(self, ms * 1000);
  return self;
}

void
bt_cpu_time_free(BtCpuTime *self)
{
  bt_watch_clear(&self->source);
  timer_delete(self->waker);
  close(self->fd);
  g_free(self);
}
