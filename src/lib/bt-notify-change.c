/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls that make, remove, rename and change files by their names.
 *
 * Mounts and Landlock decide them, and each is continued.  What is said of one is
 * what they will do, looked at once; so all of it is observed.  What is allowed
 * without a warning is told under audit alone.
 *
 * What fails for another reason is not told: what is to be made is there already,
 * what is to be removed is not.  Of two paths one event speaks, of the first that
 * is refused.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/bt-process.h"
#include "policy/bt-path.h"

/* Since 6.6; not in Debian 12's headers. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* SOURCE: nothing is done to it, but where it is decides about the second path. */
typedef enum { SOURCE, MAKE, REMOVE, CHANGE } Way;

#define NONE (-1)
#define WORKING_DIRECTORY (-1)

/* One path of a call. */
typedef struct {
  long number;
  int dirfd, path; /* which arguments */
  int flags;       /* AT_*; NONE */
  gboolean follow; /* unless the flags say not to */
  Way way;
  BtFsPerms perms; /* 0: the call's arguments or the object say which */
} Path;

#define PATHS(number, dirfd, path, flags, follow, way, perms)                                     \
  { SYS_##number, dirfd, path, flags, follow, way, perms }
#define HERE WORKING_DIRECTORY
#define NEW(number, dirfd, path, perms) PATHS(number, dirfd, path, NONE, FALSE, MAKE, perms)
#define FROM(number, dirfd, path) PATHS(number, dirfd, path, NONE, FALSE, SOURCE, 0)
#define GONE(number, dirfd, path, perms) PATHS(number, dirfd, path, NONE, FALSE, REMOVE, perms)
#define META(number, dirfd, path, flags, follow)                                                  \
  PATHS(number, dirfd, path, flags, follow, CHANGE, BT_FS_WRITE_FILE)

static const Path paths[] = {
  NEW(mkdirat, 0, 1, BT_FS_MAKE_DIR),
  NEW(mknodat, 0, 1, 0),
  NEW(symlinkat, 1, 2, BT_FS_MAKE_SYM),
  FROM(linkat, 0, 1),
  NEW(linkat, 2, 3, BT_FS_MAKE_REG),
  GONE(unlinkat, 0, 1, 0),
  GONE(renameat2, 0, 1, 0),
  NEW(renameat2, 2, 3, 0),
  PATHS(truncate, HERE, 0, NONE, TRUE, CHANGE, BT_FS_TRUNCATE),
  META(fchmodat, 0, 1, NONE, TRUE),
  META(fchmodat2, 0, 1, 3, TRUE),
  META(fchownat, 0, 1, 4, TRUE),
  META(utimensat, 0, 1, 3, TRUE),
  META(setxattr, HERE, 0, NONE, TRUE),
  META(lsetxattr, HERE, 0, NONE, FALSE),
  META(removexattr, HERE, 0, NONE, TRUE),
  META(lremovexattr, HERE, 0, NONE, FALSE),
#ifdef SYS_renameat
  GONE(renameat, 0, 1, 0),
  NEW(renameat, 2, 3, 0),
#endif
#ifdef SYS_mkdir
  NEW(mkdir, HERE, 0, BT_FS_MAKE_DIR),
  NEW(mknod, HERE, 0, 0),
  NEW(symlink, HERE, 1, BT_FS_MAKE_SYM),
  FROM(link, HERE, 0),
  NEW(link, HERE, 1, BT_FS_MAKE_REG),
  GONE(rmdir, HERE, 0, BT_FS_REMOVE_DIR),
  GONE(unlink, HERE, 0, BT_FS_REMOVE_FILE),
  GONE(rename, HERE, 0, 0),
  NEW(rename, HERE, 1, 0),
  META(chmod, HERE, 0, NONE, TRUE),
  META(chown, HERE, 0, NONE, TRUE),
  META(lchown, HERE, 0, NONE, FALSE),
  META(utime, HERE, 0, NONE, TRUE),
  META(utimes, HERE, 0, NONE, TRUE),
  META(futimesat, 0, 1, NONE, TRUE),
#endif
};

static BtFsPerms
perm_of_mode(mode_t mode)
{
  switch (mode & S_IFMT) {
  case S_IFDIR:
    return BT_FS_MAKE_DIR;
  case S_IFLNK:
    return BT_FS_MAKE_SYM;
  case S_IFSOCK:
    return BT_FS_MAKE_SOCK;
  case S_IFIFO:
    return BT_FS_MAKE_FIFO;
  case S_IFCHR:
    return BT_FS_MAKE_CHAR;
  case S_IFBLK:
    return BT_FS_MAKE_BLOCK;
  default:
    return BT_FS_MAKE_REG;
  }
}

static gboolean
is_rename(long number)
{
#ifdef SYS_rename
  if (number == SYS_rename)
    return TRUE;
#endif
#ifdef SYS_renameat
  if (number == SYS_renameat)
    return TRUE;
#endif
  return number == SYS_renameat2;
}

/* mode: of what is there; of a rename's new name that of the old. 0: it fails for another reason. */
static BtFsPerms
perms_of(const Path *path, const BtCall *call, mode_t mode)
{
  BtFsPerms perms = path->perms;

  if (perms == 0 && path->way == MAKE)
    return perm_of_mode(is_rename(path->number) ? mode : (mode_t)call->args[path->path + 1]);
  if (path->number == SYS_unlinkat)
    perms = (call->args[2] & AT_REMOVEDIR) != 0 ? BT_FS_REMOVE_DIR : BT_FS_REMOVE_FILE;
  if (path->way != REMOVE)
    return perms;
  BtFsPerms fitting = S_ISDIR(mode) ? BT_FS_REMOVE_DIR : BT_FS_REMOVE_FILE;
  return perms == 0 || perms == fitting ? fitting : 0;
}

/* What Landlock gives to the program's own places is in the plan alone. */
static gboolean
landlock_lets(const BtPlanView *plan, const char *path, BtFsPerms perms)
{
  guint64 missing = perms & plan->header->landlock_fs;

  for (guint32 i = 0; i < plan->header->landlock.count; i++)
    if (bt_path_is_below(path, bt_plan_string(plan, plan->landlock[i].path)))
      missing &= ~plan->landlock[i].access;
  return missing == 0;
}

/* A name is its directory's: a grant of what it stands for alone makes and removes none. */
static BtVerdict
check(BtNotifier *self, const Path *path, const char *object, const char *folder, BtFsPerms perms)
{
  BtVerdict verdict = bt_policy_check_path(self->policy, object, perms);

  if (path->way == CHANGE || verdict.action == BT_ACTION_DENY)
    return verdict;
  BtVerdict of_folder = bt_policy_check_path(self->policy, folder, perms);
  return of_folder.action == BT_ACTION_DENY ? of_folder : verdict;
}

static BtEvent *
event_of(BtNotifier *self, const BtResolved *object, const Path *path, BtFsPerms perms)
{
  g_autofree char *folder = g_path_get_dirname(object->path);
  gboolean read_only = object->read_only && !self->flat;
  gboolean own = !read_only && bt_notifier_owns_device(self, object->device);
  BtVerdict verdict = check(self, path, object->path, folder, perms);
  gboolean kept = read_only && verdict.action != BT_ACTION_DENY;

  if (own && landlock_lets(self->plan, path->way == CHANGE ? object->path : folder, perms))
    verdict = (BtVerdict){ BT_ACTION_ALLOW, NULL };
  gboolean denied = kept || verdict.action == BT_ACTION_DENY;
  BtEvent *event = bt_event_new(BT_EVENT_WRITE, denied ? BT_ACTION_DENY : verdict.action);
  event->observed = TRUE;
  event->object = g_strdup(object->path);
  bt_event_set_rule(event, verdict.origin);
  if (kept && bt_maker_has(self->maker, object->path)) {
    /* What is not opened goes by the directory's mount. */
    event->reason = g_strdup(N_("it may be made and written, not changed otherwise"));
    event->suggestion = bt_call_suggest(self, BT_KIND_WRITE, folder);
    event->wider = TRUE;
  } else if (kept) {
    event->reason = g_strdup(N_("kept read-only by buntime"));
  } else if (denied && bt_origin_yields_to_flags(verdict.origin) && !own) {
    /* A name is its directory's, and who may do one thing in that may do all. */
    event->suggestion =
      bt_call_suggest(self, BT_KIND_WRITE, path->way == CHANGE ? object->path : folder);
    event->wider = path->way != CHANGE;
  }
  return event;
}

/* Of the first path, for the second. */
typedef struct {
  mode_t mode;
  char *folder; /* NULL: there was none */
} Looked;

/* FALSE: it fails anyway, and there is nothing to say. */
static gboolean
look(BtNotifier *self, const BtCall *call, const Path *path, Looked *looked, BtEvent **event_out)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_autofree char *text = bt_process_read_path(call->tid, call->args[path->path]);
  int dirfd = path->dirfd >= 0 ? (int)call->args[path->dirfd] : AT_FDCWD;
  gboolean follow = path->follow && (path->flags == NONE ||
                                     (call->args[path->flags] & AT_SYMLINK_NOFOLLOW) == 0);
  struct stat info;

  if (text == NULL || text[0] == '\0' ||
      !bt_process_resolve(call->tid, dirfd, text, follow, &object))
    return FALSE;
  /* What a new name replaces is another's loss, not another kind of call. */
  if (object.fd >= 0 && path->way == MAKE && !is_rename(path->number))
    return FALSE;
  if (path->way != MAKE) {
    if (object.fd < 0 || fstat(object.fd, &info) != 0)
      return FALSE;
    /* As with opens, a mount does not govern what is behind a device. */
    if (path->way == CHANGE && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
      return FALSE;
    looked->mode = info.st_mode;
  }
  g_autofree char *folder = g_path_get_dirname(object.path);
  BtFsPerms perms = path->way == SOURCE ? 0 : perms_of(path, call, looked->mode);
  if (perms != 0 && looked->folder != NULL && strcmp(folder, looked->folder) != 0)
    perms |= BT_FS_REFER;
  if (perms != 0)
    *event_out = event_of(self, &object, path, perms);
  g_free(looked->folder);
  looked->folder = g_steal_pointer(&folder);
  return perms != 0 || path->way == SOURCE;
}

void
bt_notify_change(BtNotifier *self, const BtCall *call)
{
  g_autoptr(BtEvent) event = NULL;
  Looked looked = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
    if (paths[i].number != call->number || (event != NULL && event->action == BT_ACTION_DENY))
      continue;
    g_clear_pointer(&event, bt_event_free);
    if (!look(self, call, &paths[i], &looked, &event))
      break;
  }
  g_free(looked.folder);
  if (event != NULL && event->action == BT_ACTION_ALLOW && (self->audit & BT_AUDIT_OPENAT) == 0)
    g_clear_pointer(&event, bt_event_free);
  if (event != NULL)
    bt_process_identify(call->tid, &event->program, &event->pid);
  if (bt_call_is_valid(self, call) && bt_call_continue(self, call) && event != NULL)
    bt_explainer_add(self->explainer, g_steal_pointer(&event));
}

gboolean
bt_notify_is_change(int number)
{
  for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
    if (paths[i].number == number)
      return TRUE;
  return FALSE;
}
