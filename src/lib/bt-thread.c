/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-thread.h"

#include <pthread.h>
#include <signal.h>

typedef struct {
  GSourceOnceFunc func;
  gpointer data;
} Call;

static gpointer
run(gpointer data)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new(data, FALSE);

  g_main_context_push_thread_default(data);
  g_main_loop_run(loop);
  return NULL;
}

static GMainContext *
context(void)
{
  static GMainContext *made;

  if (g_once_init_enter(&made)) {
    GMainContext *own = g_main_context_new();
    sigset_t all, before;
    /* The host's handlers run in its own threads. The new one inherits the mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    g_thread_unref(g_thread_new("buntime", run, own));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    g_once_init_leave(&made, own);
  }
  return made;
}

static gboolean
call(gpointer data)
{
  Call *self = data;
  self->func(self->data);
  return G_SOURCE_REMOVE;
}

void
bt_thread_invoke(GSourceOnceFunc func, gpointer data)
{
  const Call self = { func, data };
  GSource *source = g_idle_source_new();

  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, call, g_memdup2(&self, sizeof self), g_free);
  g_source_attach(source, context());
  g_source_unref(source);
}
