/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/bt-listener.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buntime.h"

#define BACKLOG 16
#define MAX_NAME 64
/* Until a client is looked at again that there were no descriptors for. */
#define PAUSE_MS 100

struct _BtListener {
  char *path;
  int folder_fd;
  int fd;
  struct stat status; /* of the socket's file */
  guint source;
  BtListenerFunc func;
  gpointer data;
};

/* ---- the folder ---- */

static gboolean
fail_errno(GError **error, const char *object, int number, const char *cure)
{
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(number), cure);
}

/* A folder that only this user can enter. */
static int
open_own_folder(const char *path, GError **error)
{
  struct stat status;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0 || fstat(fd, &status) != 0) {
    fail_errno(error, path, errno, NULL);
  } else if (status.st_uid != geteuid()) {
    bt_fail(error, BUNTIME_ERROR_SETUP, path, _("belongs to another user"), NULL);
  } else if ((status.st_mode & 077) != 0) {
    g_autofree char *cure = g_strdup_printf(_("chmod 700 %s"), path);
    bt_fail(error, BUNTIME_ERROR_SETUP, path, _("others can enter it"), cure);
  } else {
    return fd;
  }
  if (fd >= 0)
    close(fd);
  return -1;
}

/*
 * Held until the descriptor is closed or unlocked. Another server has it only while it starts,
 * and nothing is served here yet: a signal is our end (buntime-serve.c).
 */
static gboolean
lock_folder(int fd, const char *path, GError **error)
{
  return flock(fd, LOCK_EX) == 0 || fail_errno(error, path, errno, _("try it again"));
}

static char *
make_folder(int *fd_out, GError **error)
{
  const char *runtime = g_getenv("XDG_RUNTIME_DIR");

  if (runtime == NULL || runtime[0] != '/') {
    bt_fail(error, BUNTIME_ERROR_SETUP, "XDG_RUNTIME_DIR", _("not set to a folder"),
            _("log in, or set it to a folder of yours that others cannot enter"));
    return NULL;
  }
  int parent = open_own_folder(runtime, error);
  if (parent < 0)
    return NULL;
  close(parent);
  g_autofree char *path = g_build_filename(runtime, "buntime", NULL);
  if (mkdir(path, 0700) != 0 && errno != EEXIST) {
    fail_errno(error, path, errno, NULL);
    return NULL;
  }
  *fd_out = open_own_folder(path, error);
  return *fd_out >= 0 && lock_folder(*fd_out, path, error) ? g_steal_pointer(&path) : NULL;
}

/* ---- the socket ---- */

static gboolean
check_name(const char *name, GError **error)
{
  gsize length = strlen(name);
  gboolean good = length > 0 && length <= MAX_NAME && name[0] != '.';

  for (const char *p = name; good && *p != '\0'; p++)
    good = g_ascii_isalnum(*p) || strchr("._-", *p) != NULL;
  return good || bt_fail(error, BUNTIME_ERROR_USAGE, name, _("not a name for a socket"),
                         _("letters, digits, '.', '_' and '-' make one"));
}

/* /proc/self/fd keeps the folder that was looked at, and the path short. */
static void
set_address(const BtListener *self, const char *name, struct sockaddr_un *address_out)
{
  *address_out = (struct sockaddr_un){ .sun_family = AF_UNIX };
  g_snprintf(address_out->sun_path, sizeof address_out->sun_path, "/proc/self/fd/%d/%s",
             self->folder_fd, name);
}

/* Is there nobody behind a socket that is in the way? Under the lock. */
static gboolean
remove_stale(const BtListener *self, const char *name, GError **error)
{
  struct sockaddr_un address;
  struct stat status;

  if (fstatat(self->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || fail_errno(error, self->path, errno, NULL);
  if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid())
    return bt_fail(error, BUNTIME_ERROR_SETUP, self->path, _("in the way, and no socket of yours"),
                   _("remove it, or take another name"));
  set_address(self, name, &address);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return fail_errno(error, self->path, errno, NULL);
  int result = connect(fd, (const struct sockaddr *)&address, sizeof address);
  int number = errno;
  close(fd);
  if (result == 0 || number != ECONNREFUSED)
    return bt_fail(error, BUNTIME_ERROR_SETUP, self->path, _("a server has this socket already"),
                   _("use that one, or take another name: --socket=NAME"));
  return unlinkat(self->folder_fd, name, 0) == 0 || fail_errno(error, self->path, errno, NULL);
}

static gboolean
listen_at(BtListener *self, const char *name, GError **error)
{
  struct sockaddr_un address;

  set_address(self, name, &address);
  self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  mode_t mask = umask(0177);
  int bound = self->fd >= 0 ? bind(self->fd, (const struct sockaddr *)&address, sizeof address) : -1;
  int number = errno;
  umask(mask);
  if (bound != 0)
    return fail_errno(error, self->path, number, NULL);
  if (fstatat(self->folder_fd, name, &self->status, AT_SYMLINK_NOFOLLOW) != 0 ||
      listen(self->fd, BACKLOG) != 0)
    return fail_errno(error, self->path, errno, NULL);
  return TRUE;
}

/* ---- clients ---- */

static gboolean
is_own(int fd)
{
  struct ucred peer;
  socklen_t size = sizeof peer;

  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void listen_on(BtListener *self);

static gboolean
on_pause_over(gpointer data)
{
  listen_on(data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connection(int fd, GIOCondition condition, gpointer data)
{
  BtListener *self = data;
  int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (client < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
      return G_SOURCE_CONTINUE;
    /* Out of descriptors, say: it stays readable, and would keep us from sleeping. */
    self->source = g_timeout_add(PAUSE_MS, on_pause_over, self);
    return G_SOURCE_REMOVE;
  }
  if (is_own(client))
    self->func(self->data, client);
  else
    close(client);
  return G_SOURCE_CONTINUE;
}

static void
listen_on(BtListener *self)
{
  self->source = g_unix_fd_add(self->fd, G_IO_IN, on_connection, self);
}

/* ---- */

static gboolean
open_socket(BtListener *self, const char *name, GError **error)
{
  g_autofree char *folder = make_folder(&self->folder_fd, error);

  if (folder == NULL)
    return FALSE;
  self->path = g_build_filename(folder, name, NULL);
  if (!remove_stale(self, name, error) || !listen_at(self, name, error))
    return FALSE;
  flock(self->folder_fd, LOCK_UN);
  listen_on(self);
  return TRUE;
}

BtListener *
bt_listener_new(const char *name, BtListenerFunc func, gpointer data, GError **error)
{
  if (!check_name(name, error))
    return NULL;
  BtListener *self = g_new0(BtListener, 1);
  self->folder_fd = self->fd = -1;
  self->func = func;
  self->data = data;
  if (open_socket(self, name, error))
    return self;
  bt_listener_free(self);
  return NULL;
}

const char *
bt_listener_get_path(const BtListener *self)
{
  return self->path;
}

/* While it listens nobody takes it for a dead one's. */
static void
remove_own(const BtListener *self)
{
  g_autofree char *name = g_path_get_basename(self->path);
  struct stat status;

  if (fstatat(self->folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_ino == self->status.st_ino && status.st_dev == self->status.st_dev)
    unlinkat(self->folder_fd, name, 0);
}

void
bt_listener_free(BtListener *self)
{
  if (self->source != 0)
    g_source_remove(self->source);
  if (self->source != 0)
    remove_own(self);
  if (self->fd >= 0)
    close(self->fd);
  if (self->folder_fd >= 0)
    close(self->folder_fd);
  g_free(self->path);
  g_free(self);
}
