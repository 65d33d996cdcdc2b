/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "debug-ui/bt-folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buntime.h"

#define ATTEMPTS 8
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct _BtFolder {
  int parent_fd;
  char *name, *path;
  int fd; /* with the lock that says it is in use */
};

static gboolean
fail_errno(GError **error, const char *object)
{
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(errno), NULL);
}

static gboolean
is_own(int fd, struct stat *status_out)
{
  return fstat(fd, status_out) == 0 && status_out->st_uid == geteuid() &&
         (status_out->st_mode & 077) == 0;
}

/* ---- removing ---- */

typedef void (*NameFunc)(int fd, const char *name, gpointer data);

/* Each name in a folder but "." and ".."; takes a copy of the descriptor. */
static void
for_each(int fd, NameFunc func, gpointer data)
{
  int copy = openat(fd, ".", DIRECTORY);
  DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;

  if (folder == NULL) {
    if (copy >= 0)
      close(copy);
    return;
  }
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      func(fd, entry->d_name, data);
  closedir(folder);
}

static void
remove_file(int fd, const char *name, gpointer data)
{
  unlinkat(fd, name, 0);
}

/* A run's folder, or what else is in its place. */
static void
remove_run(int fd, const char *name, gpointer data)
{
  int run = openat(fd, name, DIRECTORY);

  if (run >= 0) {
    for_each(run, remove_file, NULL);
    close(run);
  }
  if (unlinkat(fd, name, AT_REMOVEDIR) != 0)
    unlinkat(fd, name, 0);
}

/* One that nobody has the lock of. data: how names begin. */
static void
remove_left(int parent, const char *name, gpointer data)
{
  struct stat status;

  if (!g_str_has_prefix(name, data))
    return;
  int fd = openat(parent, name, DIRECTORY);
  if (fd < 0)
    return;
  if (is_own(fd, &status) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    for_each(fd, remove_run, NULL);
    unlinkat(parent, name, AT_REMOVEDIR);
  }
  close(fd);
}

/* ---- making ---- */

/* -1: there is none that is ours alone. */
static int
open_own(int parent, const char *name)
{
  struct stat status;
  int fd = openat(parent, name, DIRECTORY);

  if (fd < 0 || is_own(fd, &status))
    return fd;
  close(fd);
  return -1;
}

/* $XDG_RUNTIME_DIR/buntime, if both are ours alone. */
static int
open_runtime(char **path_out)
{
  const char *runtime = g_getenv("XDG_RUNTIME_DIR");
  int parent = runtime != NULL && runtime[0] == '/' ? open_own(AT_FDCWD, runtime) : -1;

  if (parent < 0)
    return -1;
  gboolean made = mkdirat(parent, "buntime", 0700) == 0 || errno == EEXIST;
  int fd = made ? open_own(parent, "buntime") : -1;
  close(parent);
  if (fd >= 0)
    *path_out = g_build_filename(runtime, "buntime", NULL);
  return fd;
}

/* Under the lock, if nobody took it for one that is left. */
static gboolean
make(BtFolder *self, const char *parent, const char *prefix)
{
  struct stat status;

  for (int i = 0; i < ATTEMPTS; i++) {
    g_free(self->name);
    self->name = g_strdup_printf("%s%d-%08x", prefix, (int)getpid(), g_random_int());
    if (mkdirat(self->parent_fd, self->name, 0700) != 0)
      continue;
    self->fd = openat(self->parent_fd, self->name, DIRECTORY);
    if (self->fd >= 0 && is_own(self->fd, &status) && flock(self->fd, LOCK_EX | LOCK_NB) == 0 &&
        fstat(self->fd, &status) == 0 && status.st_nlink > 0) {
      self->path = g_build_filename(parent, self->name, NULL);
      return TRUE;
    }
    if (self->fd >= 0)
      close(self->fd);
    self->fd = -1;
  }
  return FALSE;
}

BtFolder *
bt_folder_new(GError **error)
{
  BtFolder *self = g_new0(BtFolder, 1);
  g_autofree char *parent = NULL;
  const char *prefix = "ui-";

  self->fd = -1;
  self->parent_fd = open_runtime(&parent);
  if (self->parent_fd < 0) {
    parent = g_strdup(g_get_tmp_dir());
    prefix = "buntime-ui-";
    self->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (self->parent_fd >= 0) {
    for_each(self->parent_fd, remove_left, (gpointer)prefix);
    if (make(self, parent, prefix))
      return self;
  }
  fail_errno(error, parent);
  bt_folder_free(self);
  return NULL;
}

void
bt_folder_free(BtFolder *self)
{
  if (self->fd >= 0) {
    for_each(self->fd, remove_run, NULL);
    unlinkat(self->parent_fd, self->name, AT_REMOVEDIR);
    close(self->fd);
  }
  if (self->parent_fd >= 0)
    close(self->parent_fd);
  g_free(self->name);
  g_free(self->path);
  g_free(self);
}

/* ---- programs ---- */

static gboolean
write_all(int fd, const char *text)
{
  for (gsize left = strlen(text); left > 0;) {
    gssize written = write(fd, text, left);
    if (written < 0)
      return FALSE;
    text += written;
    left -= (gsize)written;
  }
  return TRUE;
}

static gboolean
write_file(int folder, const char *name, const char *text)
{
  int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  gboolean ok = fd >= 0 && write_all(fd, text);

  if (fd >= 0)
    close(fd);
  return ok;
}

char *
bt_folder_write(BtFolder *self, guint number, const char *name, const char *text, GError **error)
{
  g_autofree char *run = g_strdup_printf("%u", number);
  int fd = mkdirat(self->fd, run, 0700) == 0 ? openat(self->fd, run, DIRECTORY) : -1;
  gboolean ok = fd >= 0 && write_file(fd, name, text);

  if (!ok)
    fail_errno(error, self->path);
  if (fd >= 0)
    close(fd);
  if (ok)
    return g_build_filename(self->path, run, name, NULL);
  remove_run(self->fd, run, NULL);
  return NULL;
}

void
bt_folder_remove(BtFolder *self, guint number)
{
  g_autofree char *run = g_strdup_printf("%u", number);
  remove_run(self->fd, run, NULL);
}
