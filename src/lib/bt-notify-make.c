/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are granted and were not there at the start.
 *
 * The worker sees their directory read-only, or not at all.  What it opens is
 * resolved in its own root; if that is the very path that was granted, the open is
 * carried out here, and the worker gets the file.  The call is never continued.
 *
 * What is opened is one name, fixed at the start, in one directory, pinned at the
 * start (plan/bt-plan-make.c says why nothing else can come under it).  A link
 * there is not followed, and only a regular file is given.  So it makes no
 * difference whether the path still means that when we look: a worker that changes
 * it gets the same file or an error.  The mount that it is opened on was made for
 * this: nosuid, nodev and noexec, and leading nowhere.
 */
#include "lib/bt-notify-make.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-notifier-private.h"
#include "lib/bt-process.h"
#include "lib/bt-watch.h"

#define RETRY_MS 5
/* Each is a thread that was kept from running just then. */
#define MAX_LATE 64

/* What openat() knows, without what is decided here. */
#define KNOWN_FLAGS                                                                              \
  (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT |   \
   O_DIRECTORY | O_NOATIME)

typedef struct {
  guint32 number; /* of the operation */
  int fd;         /* -1 until it comes */
  const char *path, *name;
} Place;

/* Opened, but the caller did not get to take it. */
typedef struct {
  BtCall call;
  int fd;
  gboolean close_on_exec;
  BtEvent *read, *written; /* NULL: nothing to tell */
} Late;

struct _BtMaker {
  GArray *places; /* Place */
  GQueue late;
  guint retry;
};

/* ---- what was lent ---- */

BtMaker *
bt_maker_new(const BtPlanView *plan)
{
  BtMaker *self = NULL;

  for (guint32 i = 0; i < plan->header->ops.count; i++) {
    if (plan->ops[i].kind != BT_PLAN_LEND)
      continue;
    if (self == NULL) {
      self = g_new0(BtMaker, 1);
      self->places = g_array_new(FALSE, FALSE, sizeof(Place));
      g_queue_init(&self->late);
    }
    const char *path = bt_plan_string(plan, plan->ops[i].target);
    const Place place = { .number = i, .fd = -1, .path = path, .name = strrchr(path, '/') + 1 };
    g_array_append_val(self->places, place);
  }
  return self;
}

static void
late_free(gpointer data)
{
  Late *late = data;

  if (late->fd >= 0)
    close(late->fd);
  g_clear_pointer(&late->read, bt_event_free);
  g_clear_pointer(&late->written, bt_event_free);
  g_free(late);
}

void
bt_maker_free(BtMaker *self)
{
  bt_watch_clear(&self->retry);
  g_queue_clear_full(&self->late, late_free);
  for (guint i = 0; i < self->places->len; i++) {
    const Place *place = &g_array_index(self->places, Place, i);
    if (place->fd >= 0)
      close(place->fd);
  }
  g_array_unref(self->places);
  g_free(self);
}

gboolean
bt_maker_take(BtMaker *self, guint32 number, int *fd)
{
  for (guint i = 0; i < self->places->len; i++) {
    Place *place = &g_array_index(self->places, Place, i);
    if (place->number != number || place->fd >= 0)
      continue;
    place->fd = g_steal_fd(fd);
    return TRUE;
  }
  return FALSE;
}

gboolean
bt_maker_is_whole(const BtMaker *self)
{
  for (guint i = 0; i < self->places->len; i++)
    if (g_array_index(self->places, Place, i).fd < 0)
      return FALSE;
  return TRUE;
}

static const Place *
find_place(const BtMaker *self, const char *path)
{
  for (guint i = 0; self != NULL && i < self->places->len; i++) {
    const Place *place = &g_array_index(self->places, Place, i);
    if (strcmp(place->path, path) == 0)
      return place;
  }
  return NULL;
}

gboolean
bt_maker_has(const BtMaker *self, const char *path)
{
  return find_place(self, path) != NULL;
}

/* ---- giving ---- */

static void give(BtNotifier *notifier, Late *late);

static gboolean
on_retry(gpointer data)
{
  BtNotifier *notifier = data;
  BtMaker *self = notifier->maker;

  self->retry = 0;
  for (guint n = self->late.length; n > 0; n--)
    give(notifier, g_queue_pop_head(&self->late));
  return G_SOURCE_REMOVE;
}

static void
tell(BtNotifier *notifier, BtEvent **event)
{
  if (*event != NULL)
    bt_explainer_add(notifier->explainer, g_steal_pointer(event));
}

/* Takes what is late. */
static void
give(BtNotifier *notifier, Late *late)
{
  BtMaker *self = notifier->maker;
  int error = bt_call_give(notifier, &late->call, &late->fd, late->close_on_exec);

  if (error == EINTR && self->late.length < MAX_LATE) {
    g_queue_push_tail(&self->late, late);
    if (self->retry == 0)
      self->retry = bt_watch_timeout(RETRY_MS, on_retry, notifier);
    return;
  }
  if (error == EINTR)
    bt_call_return(notifier, &late->call, EIO);
  if (error == 0) {
    tell(notifier, &late->read);
    tell(notifier, &late->written);
  }
  late_free(late);
}

/* ---- opening ---- */

/* The host may have moved the directory, and put another in its place: then it is not this one. */
static gboolean
is_in_its_place(BtNotifier *self, const BtCall *call, const Place *place, const char *folder)
{
  g_auto(BtResolved) found = BT_RESOLVED_INIT;
  struct stat info, own;

  if (!bt_process_resolve(call->tid, AT_FDCWD, folder, TRUE, &found) || found.fd < 0 ||
      fstat(found.fd, &info) != 0 || fstat(place->fd, &own) != 0)
    return FALSE;
  /* Where it is not seen, there is an empty one of the sandbox's. */
  return (info.st_dev == own.st_dev && info.st_ino == own.st_ino) ||
         (found.read_only && bt_notifier_owns_device(self, found.device));
}

/* A regular file; or -1 with errno. */
static int
open_place(BtNotifier *self, const Place *place, const BtOpenCall *open, mode_t umask)
{
  struct open_how how = {
    .flags = (open->flags & KNOWN_FLAGS) | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
    /* Ours takes away what it does, too: no more than both leave. */
    .mode = (open->flags & O_CREAT) != 0 ? open->mode & 0777 & ~umask : 0,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  struct stat info;

  /* A file server that does not answer must not keep us. */
  bt_alarm_set(&self->alarm);
  int fd = (int)syscall(SYS_openat2, place->fd, place->name, &how, sizeof how);
  int error = errno;
  bt_alarm_unset(&self->alarm);
  if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    if ((open->flags & O_NONBLOCK) == 0)
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
  }
  if (fd >= 0)
    close(fd);
  errno = fd >= 0 ? EACCES : error;
  return -1;
}

static gboolean
is_made(BtNotifier *self, const Place *place)
{
  bt_alarm_set(&self->alarm);
  gboolean made = faccessat(place->fd, place->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  bt_alarm_unset(&self->alarm);
  return made;
}

/* Granted to write is not granted to read. TRUE: answered. */
static gboolean
refuse_read(BtNotifier *self, const BtCall *call, const BtOpenCall *open, const Place *place,
            BtVerdict *verdict_out)
{
  const char *path = place->path;

  *verdict_out = (BtVerdict){ BT_ACTION_ALLOW, NULL };
  if ((open->flags & O_ACCMODE) == O_WRONLY)
    return FALSE;
  *verdict_out = bt_policy_check_path(self->policy, path, BT_FS_READ_FILE);
  if (verdict_out->action != BT_ACTION_DENY)
    return FALSE;
  /* A flag for what is not there stops the next run. */
  gboolean made = is_made(self, place);
  g_autofree char *folder = g_path_get_dirname(path);
  bt_call_deny_place(self, call, BT_KIND_READ, verdict_out, g_strdup(path),
                     bt_call_suggest(self, BT_KIND_READ, made ? path : folder), !made,
                     N_("it may be made and written, not read"));
  return TRUE;
}

gboolean
bt_notify_make(BtNotifier *self, const BtCall *call, const BtOpenCall *open, const char *path,
               const char *folder, BtFsPerms perms)
{
  const Place *place = find_place(self->maker, path);
  BtVerdict read, written;
  BtOpenFacts facts;

  if (place == NULL || !is_in_its_place(self, call, place, folder))
    return FALSE;
  written = bt_policy_check_path(self->policy, path, perms);
  if (written.action == BT_ACTION_DENY)
    return FALSE;
  if (refuse_read(self, call, open, place, &read))
    return TRUE;
  if (!bt_process_open_facts(call->tid, &facts) || !bt_call_is_valid(self, call))
    return TRUE; /* the caller is gone */
  int fd = open_place(self, place, open, facts.umask);
  if (fd < 0) {
    bt_call_return(self, call, errno);
    return TRUE;
  }
  Late *late = g_new0(Late, 1);
  late->call = *call;
  late->fd = fd;
  late->close_on_exec = (open->flags & O_CLOEXEC) != 0;
  if (read.action == BT_ACTION_WARN)
    late->read = bt_call_event(self, call, BT_KIND_READ, &read, g_strdup(path), FALSE);
  late->written = bt_call_event(self, call, BT_KIND_WRITE, &written, g_strdup(path), FALSE);
  give(self, late);
  return TRUE;
}
