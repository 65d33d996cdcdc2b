/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens with write intent.
 *
 * Decided by what the kernel will do anyway: the mount that the object is on.
 * What is asked of the policy is only the words: which rule it was.  Paths are
 * resolved in the worker's own root, so that the event names what was really
 * meant.  Only for a file that is granted and not there yet does the policy decide
 * (bt-notify-make.c).
 *
 * With an opener (bt-notify-opener.c) the open has happened before anything is
 * decided: the event is about the open file, the same that the worker gets.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/major.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/bt-process.h"

/* As the filter has it, src/plan/bt-notify-filter.c. */
#define WRITE_INTENT (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

gboolean
bt_open_call_read(const BtCall *call, BtOpenCall *open_out)
{
  /* openat() has a directory before what open() takes. */
  const guint64 *args = call->number == SYS_openat ? call->args + 1 : call->args;

  *open_out = (BtOpenCall){
    .dirfd = call->number == SYS_openat ? (int)call->args[0] : AT_FDCWD,
    .flags = (guint)args[1],
    .mode = (guint)args[2],
  };
#ifdef SYS_creat
  if (call->number == SYS_creat) {
    open_out->flags = O_WRONLY | O_CREAT | O_TRUNC;
    open_out->mode = (guint)args[1];
  }
#endif
  open_out->path = bt_process_read_path(call->tid, args[0]);
  return open_out->path != NULL;
}

static void
open_call_clear(BtOpenCall *open)
{
  g_free(open->path);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtOpenCall, open_call_clear)

/*
 * A file that runs as its owner, for others on this machine: refused without a look at the
 * worker's memory, and as its chmod is (src/plan/gen-checks.c).
 */
static gboolean
makes_set_uid(const BtCall *call)
{
  guint flags, mode;

  switch (call->number) {
  case SYS_openat:
    flags = (guint)call->args[2], mode = (guint)call->args[3];
    break;
#ifdef SYS_open
  case SYS_open:
    flags = (guint)call->args[1], mode = (guint)call->args[2];
    break;
  case SYS_creat:
    flags = O_CREAT, mode = (guint)call->args[1];
    break;
#endif
  default:
    return FALSE;
  }
  return (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0 && (mode & S_ISUID) != 0;
}

static gboolean
is_write(const BtOpenCall *open)
{
  return (open->flags & WRITE_INTENT) != 0;
}

/* Of an object that exists; a new one is a file. */
static mode_t
kind_of(const BtResolved *object)
{
  struct stat info;
  if (object->fd < 0)
    return S_IFREG;
  return fstat(object->fd, &info) == 0 ? info.st_mode & S_IFMT : 0;
}

/*
 * What the open needs of the policy besides reading. An object that is there is not made; what has
 * no name needs no leave to make one, as Landlock sees it.
 */
static BtFsPerms
perms_of(guint flags, gboolean exists)
{
  BtFsPerms perms = 0;

  if ((flags & O_ACCMODE) != O_RDONLY)
    perms |= BT_FS_WRITE_FILE;
  if ((flags & O_TRUNC) != 0 && exists)
    perms |= BT_FS_TRUNCATE;
  if ((flags & O_CREAT) != 0 && !exists)
    perms |= BT_FS_MAKE_REG;
  return perms;
}

/* Where a path leads nowhere, or to what its mount does not govern, the kernel decides alone: FALSE. */
static gboolean
find_written(const BtCall *call, const BtOpenCall *open, BtResolved *object_out)
{
  gboolean new = (open->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  gboolean follow = !new && (open->flags & O_NOFOLLOW) == 0;

  /* Nor does it help to look at what must not exist. */
  if (open->path[0] == '\0' ||
      !bt_process_resolve(call->tid, open->dirfd, open->path, follow, object_out) ||
      (object_out->fd < 0 && (open->flags & O_CREAT) == 0) || (object_out->fd >= 0 && new))
    return FALSE;
  /*
   * Writing to a device, pipe or socket is not stopped by a read-only mount,
   * but by Landlock. Below the private /tmp Landlock alone would let a host's
   * pipe be written that was granted for reading: hence it is asked here.
   */
  mode_t kind = kind_of(object_out);
  return kind == S_IFREG || kind == S_IFDIR || kind == S_IFIFO;
}

/*
 * What is not there can be granted alone where the worker cannot bring it about otherwise
 * (plan/bt-plan-make.c); else the directory that it would be made in.
 */
static const char *
place_to_grant(const BtNotifier *self, const BtResolved *object)
{
  gboolean alone = object->parent == NULL ||
                   (object->read_only && !self->flat && strcmp(object->parent, "/tmp") != 0 &&
                    self->plan->header->uid == geteuid());
  return alone ? object->path : object->parent;
}

/* TRUE: it was refused, and the call answered. Else what speaks for it. */
static gboolean
refuse_write(BtNotifier *self, const BtCall *call, const BtResolved *object, BtFsPerms perms,
             BtVerdict *verdict_out)
{
  const BtVerdict given = { BT_ACTION_ALLOW, NULL };
  /* Without namespaces it is the host that mounted so, which the kernel says better. */
  gboolean read_only = object->read_only && kind_of(object) != S_IFIFO && !self->flat;
  gboolean own = !read_only && bt_notifier_owns_device(self, object->device);

  *verdict_out = own ? given : bt_policy_check_path(self->policy, object->path, perms);
  if (own || (!read_only && verdict_out->action != BT_ACTION_DENY))
    return FALSE;
  /* No flag opens what is kept read-only within a grant. */
  gboolean denied = verdict_out->action == BT_ACTION_DENY;
  const char *place = place_to_grant(self, object);
  bt_call_deny_place(self, call, BT_KIND_WRITE, verdict_out, g_strdup(object->path),
                     denied ? bt_call_suggest(self, BT_KIND_WRITE, place) : NULL,
                     place != object->path, denied ? NULL : N_("kept read-only by buntime"));
  return TRUE;
}

/* TRUE: it is one of the files that are made for the worker, and the call answered. */
static gboolean
make_for(BtNotifier *self, const BtCall *call, const BtOpenCall *open, const BtResolved *object,
         BtFsPerms perms)
{
  if (self->maker == NULL)
    return FALSE;
  g_autofree char *folder = g_path_get_dirname(object->path);
  return bt_notify_make(self, call, open, object->path, folder, perms);
}

/* ---- opens that the kernel carries out ---- */

/* Notified for audit alone; never refused here. */
static void
let_read(BtNotifier *self, const BtCall *call, const BtOpenCall *open)
{
  if ((self->audit & BT_AUDIT_OPENAT) != 0)
    bt_notify_read(self, call, open->dirfd, open->path);
  else
    bt_call_continue(self, call);
}

void
bt_notify_open(BtNotifier *self, const BtCall *call)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_auto(BtOpenCall) open = { .path = NULL };
  BtVerdict verdict;

  if (makes_set_uid(call)) {
    bt_call_return(self, call, EPERM);
    return;
  }
  bt_notify_count_files(self, call);
  if (self->opener != NULL) {
    bt_opener_ask(self->opener, call);
    return;
  }
  if (!bt_open_call_read(call, &open)) {
    bt_call_return(self, call, errno);
    return;
  }
  if (!bt_call_is_valid(self, call))
    return;
  if (!is_write(&open)) {
    let_read(self, call, &open);
    return;
  }
  if (!find_written(call, &open, &object)) {
    bt_call_continue(self, call);
    return;
  }
  BtFsPerms perms = perms_of(open.flags, object.fd >= 0);
  if (perms == 0)
    let_read(self, call, &open);
  else if (!make_for(self, call, &open, &object, perms) &&
           !refuse_write(self, call, &object, perms, &verdict) && bt_call_continue(self, call))
    bt_call_tell(self, call, BT_KIND_WRITE, &verdict, g_strdup(object.path), TRUE);
}

/* ---- opens that the opener carries out ---- */

gboolean
bt_notify_refuse_open(BtNotifier *self, const BtCall *call, BtOpenCall *open)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  BtVerdict verdict;
  struct stat info;

  if (!is_write(open) || !find_written(call, open, &object))
    return FALSE;
  if (object.fd >= 0 && fstat(object.fd, &info) == 0) {
    open->seen_device = info.st_dev;
    open->seen_inode = info.st_ino;
  }
  BtFsPerms perms = perms_of(open->flags, object.fd >= 0);
  return perms != 0 && (make_for(self, call, open, &object, perms) ||
                        refuse_write(self, call, &object, perms, &verdict));
}

/* What the caller gave may be opened anew, wherever it is: Landlock's rules for it say how. */
static gboolean
is_stdio(const struct stat *object)
{
  struct stat info;

  for (int fd = 0; fd < 3; fd++)
    if (fstat(fd, &info) == 0 && info.st_dev == object->st_dev && info.st_ino == object->st_ino)
      return TRUE;
  return FALSE;
}

/* As in find_written(); but this pipe is the one that would be written. */
static gboolean
withhold_pipe(BtNotifier *self, const BtCall *call, const char *path, const struct stat *info)
{
  if (!S_ISFIFO(info->st_mode) || bt_notifier_owns_device(self, info->st_dev) || is_stdio(info))
    return FALSE;
  BtVerdict verdict = bt_policy_check_path(self->policy, path, BT_FS_WRITE_FILE);
  if (verdict.action != BT_ACTION_DENY)
    return FALSE;
  bt_call_deny(self, call, BT_KIND_WRITE, &verdict, g_strdup(path),
               bt_call_suggest(self, BT_KIND_WRITE, path), NULL);
  return TRUE;
}

static BtEvent *
event_of_write(BtNotifier *self, const BtCall *call, const char *path, const struct stat *info,
               BtFsPerms perms)
{
  BtVerdict verdict = { BT_ACTION_ALLOW, NULL };

  /* Each by itself, as one that no rule names must not hide another's warning. */
  for (BtFsPerms perm = 1; perm <= perms && verdict.action != BT_ACTION_WARN; perm <<= 1) {
    if ((perms & perm) == 0 || bt_notifier_owns_device(self, info->st_dev))
      continue;
    BtVerdict one = bt_policy_check_path(self->policy, path, perm);
    /* A denial that the kernel did not keep: of what the caller gave as a descriptor. */
    if (one.action != BT_ACTION_DENY)
      verdict = one;
  }
  return bt_call_event(self, call, BT_KIND_WRITE, &verdict, g_strdup(path), FALSE);
}

/* Audit has one event for an open; a warning of reading is not left out for it. */
static BtEvent *
event_of_read(BtNotifier *self, const BtCall *call, const char *path, int fd, gboolean written)
{
  BtVerdict verdict = bt_notify_verdict_of_read(self, fd, path);
  BtEvent *fact =
    (self->audit & BT_AUDIT_OPENAT) != 0 ? bt_notify_event_of_fact(self, path) : NULL;

  if (fact != NULL) {
    bt_process_identify(call->tid, &fact->program, &fact->pid);
    return fact;
  }
  if (written && verdict.action != BT_ACTION_WARN)
    return NULL;
  if (verdict.action == BT_ACTION_DENY)
    verdict = (BtVerdict){ BT_ACTION_ALLOW, NULL };
  return bt_call_event(self, call, BT_KIND_READ, &verdict, g_strdup(path), FALSE);
}

static void
add_event(BtNotifier *self, BtEvent **event)
{
  if (*event != NULL)
    bt_explainer_add(self->explainer, g_steal_pointer(event));
}

/* Was it there before? If another has come in its place, it may have been made. */
static gboolean
is_seen(const BtOpenCall *open, const struct stat *info)
{
  return info->st_dev == open->seen_device && info->st_ino == open->seen_inode;
}

gboolean
bt_notify_opened(BtNotifier *self, const BtCall *call, const BtOpenCall *open, int *fd)
{
  g_autoptr(BtEvent) read = NULL;
  g_autoptr(BtEvent) written = NULL;
  struct stat info;

  int error = fstat(*fd, &info) != 0 ? EIO : 0;
  g_autofree char *path = error == 0 ? bt_process_path_of(*fd) : NULL;
  /* No rule can speak of what has a path longer than can be told. */
  if (path == NULL && errno != 0)
    error = errno;
  if (error != 0) {
    bt_call_return(self, call, error);
    return TRUE;
  }
  BtFsPerms perms = perms_of(open->flags, is_seen(open, &info));
  /* It is the opener's, and the caller's too unless it has left the session. */
  if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(TTYAUX_MAJOR, 0) &&
      !bt_process_has_terminal(call->tid)) {
    bt_call_return(self, call, ENXIO);
    return TRUE;
  }
  if (path != NULL && perms != 0) {
    if ((perms & BT_FS_WRITE_FILE) != 0 && withhold_pipe(self, call, path, &info))
      return TRUE;
    written = event_of_write(self, call, path, &info, perms);
  }
  if (path != NULL && (open->flags & O_ACCMODE) != O_WRONLY)
    read = event_of_read(self, call, path, *fd, perms != 0);
  error = bt_call_give(self, call, fd, (open->flags & O_CLOEXEC) != 0);
  if (error == EINTR)
    return FALSE;
  if (error == 0) {
    add_event(self, &read);
    add_event(self, &written);
  }
  return TRUE;
}

void
bt_notify_not_opened(BtNotifier *self, const BtCall *call, const BtOpenCall *open, int error)
{
  g_autoptr(BtEvent) event = NULL;

  if (!is_write(open) && (self->audit & BT_AUDIT_OPENAT) != 0) {
    event = bt_notify_unread(self, call, open->dirfd, open->path);
    /* What could be read is not what was opened, or has come there since. */
    if (event != NULL && event->action != BT_ACTION_DENY && event->reason == NULL)
      g_clear_pointer(&event, bt_event_free);
  }
  if (bt_call_return(self, call, error))
    add_event(self, &event);
}
