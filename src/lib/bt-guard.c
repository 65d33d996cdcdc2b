/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/bt-guard.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-watch.h"
#include "policy/bt-event.h"

/* An object that loses a name has its attributes changed; whether it was this one is looked up. */
#define CHANGES (IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW)

typedef struct {
  char *path;
  dev_t device;
  ino_t inode;
} Guarded;

struct _BtGuard {
  int fd;
  GArray *guarded; /* Guarded */
  guint source;
  BtGuardFunc lost;
  gpointer data;
};

static void
guarded_clear(gpointer data)
{
  g_free(((Guarded *)data)->path);
}

static void
tell(GPtrArray *notices, const char *path, int error)
{
  g_autofree char *safe = bt_text_neutralise(path, -1);
  g_ptr_array_add(notices,
                  g_strdup_printf(_("%s cannot be watched (%s): if it is replaced on the host, "
                                    "what denies it goes with it"), safe, g_strerror(error)));
}

static void
add(BtGuard *self, const char *path, GPtrArray *notices)
{
  struct stat info;

  /* Watched first: what happens from here on is told. */
  if (inotify_add_watch(self->fd, path, CHANGES) < 0) {
    if (errno != EACCES)
      tell(notices, path, errno);
    return;
  }
  if (lstat(path, &info) != 0)
    info = (struct stat){ 0 };
  Guarded one = { .path = g_strdup(path), .device = info.st_dev, .inode = info.st_ino };
  g_array_append_val(self->guarded, one);
}

BtGuard *
bt_guard_new(GPtrArray *paths, GPtrArray *notices)
{
  if (paths->len == 0)
    return NULL;
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) {
    tell(notices, g_ptr_array_index(paths, 0), errno);
    return NULL;
  }
  BtGuard *self = g_new0(BtGuard, 1);
  self->fd = fd;
  self->guarded = g_array_new(FALSE, FALSE, sizeof(Guarded));
  g_array_set_clear_func(self->guarded, guarded_clear);
  for (guint i = 0; i < paths->len; i++)
    add(self, g_ptr_array_index(paths, i), notices);
  return self;
}

static gboolean
is_there(const Guarded *one)
{
  struct stat info;
  return lstat(one->path, &info) == 0 && info.st_dev == one->device && info.st_ino == one->inode;
}

/* Which it was does not matter: each is looked for, and few changes come. */
static gboolean
on_change(int fd, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  BtGuard *self = data;
  char buffer[4096];

  while (read(fd, buffer, sizeof buffer) > 0)
    continue;
  for (guint i = 0; i < self->guarded->len; i++) {
    const Guarded *one = &g_array_index(self->guarded, Guarded, i);
    if (is_there(one))
      continue;
    self->source = 0;
    self->lost(self->data, one->path);
    return G_SOURCE_REMOVE;
  }
  return G_SOURCE_CONTINUE;
}

void
bt_guard_start(BtGuard *self, BtGuardFunc lost, gpointer data)
{
  self->lost = lost;
  self->data = data;
  self->source = bt_watch_fd(self->fd, G_IO_IN, on_change, self);
}

void
bt_guard_free(BtGuard *self)
{
  bt_watch_clear(&self->source);
  g_array_unref(self->guarded);
  close(self->fd);
  g_free(self);
}
