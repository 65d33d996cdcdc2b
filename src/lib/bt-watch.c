/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-watch.h"

static guint
attach(GSource *source, GSourceFunc func, gpointer data)
{
  g_source_set_callback(source, func, data, NULL);
  guint id = g_source_attach(source, g_main_context_get_thread_default());
  g_source_unref(source);
  return id;
}

guint
bt_watch_fd(int fd, GIOCondition condition, GUnixFDSourceFunc func, gpointer data)
{
  GSource *source = g_unix_fd_source_new(fd, condition);

  g_source_set_can_recurse(source, TRUE);
  return attach(source, G_SOURCE_FUNC(func), data);
}

guint
bt_watch_timeout(guint ms, GSourceFunc func, gpointer data)
{
  return attach(g_timeout_source_new(ms), func, data);
}

guint
bt_watch_idle(GSourceFunc func, gpointer data)
{
  return attach(g_idle_source_new(), func, data);
}

void
bt_watch_clear(guint *watch)
{
  if (*watch == 0)
    return;
  /* g_source_remove() knows the default context alone. */
  g_source_destroy(
    g_main_context_find_source_by_id(g_main_context_get_thread_default(), *watch));
  *watch = 0;
}
