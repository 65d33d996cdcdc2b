/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens with write intent.
 *
 * Decided by what the kernel will do anyway: the mount that the object is on.
 * What is asked of the policy is only the words: which rule it was.  Paths are
 * resolved in the worker's own root, so that the event names what was really
 * meant.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/bt-process.h"

/* As the filter has it, src/plan/bt-notify-filter.c. */
#define WRITE_INTENT (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

/* Where a path-taking call keeps its directory, path and flags. */
static void
open_arguments(const BtCall *call, int *dirfd_out, guint64 *path_out, guint64 *flags_out)
{
  if (call->number == SYS_openat) {
    *dirfd_out = (int)call->args[0];
    *path_out = call->args[1];
    *flags_out = call->args[2];
    return;
  }
  *dirfd_out = AT_FDCWD;
  *path_out = call->args[0];
  *flags_out = call->args[1];
#ifdef SYS_creat
  if (call->number == SYS_creat)
    *flags_out = O_WRONLY | O_CREAT | O_TRUNC;
#endif
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
perms_of(guint64 flags, gboolean exists)
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

/* Notified only where a rule warns of reading (plan/bt-plan-syscalls.c); never refused here. */
static void
warn_of_read(BtNotifier *self, const BtCall *call, int dirfd, const char *path)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  BtVerdict verdict = { BT_ACTION_ALLOW, NULL };

  if (path[0] != '\0' && bt_process_resolve(call->tid, dirfd, path, TRUE, &object) &&
      object.fd >= 0)
    verdict = bt_policy_check_path(self->policy, object.path,
                                   kind_of(&object) == S_IFDIR ? BT_FS_READ_DIR : BT_FS_READ_FILE);
  if (verdict.action != BT_ACTION_WARN) {
    bt_call_continue(self, call);
    return;
  }
  if (bt_call_continue(self, call))
    bt_call_tell(self, call, BT_KIND_READ, &verdict, g_strdup(object.path), TRUE);
}

static void
notify_read(BtNotifier *self, const BtCall *call, int dirfd, const char *path)
{
  if ((self->audit & BT_AUDIT_OPENAT) != 0)
    bt_notify_read(self, call, dirfd, path);
  else
    warn_of_read(self, call, dirfd, path);
}

void
bt_notify_open(BtNotifier *self, const BtCall *call)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_autofree char *path = NULL;
  guint64 address, flags;
  int dirfd;

  open_arguments(call, &dirfd, &address, &flags);
  path = bt_process_read_path(call->tid, address);
  if (path == NULL) {
    bt_call_return(self, call, EFAULT);
    return;
  }
  if (!bt_call_is_valid(self, call))
    return;
  if ((flags & WRITE_INTENT) == 0) {
    notify_read(self, call, dirfd, path);
    return;
  }
  /* Where it leads nowhere, or to what must not exist, the kernel has the better error. */
  if (path[0] == '\0' || !bt_process_resolve(call->tid, dirfd, path, TRUE, &object) ||
      (object.fd < 0 && (flags & O_CREAT) == 0) ||
      (object.fd >= 0 && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))) {
    bt_call_continue(self, call);
    return;
  }
  BtFsPerms perms = perms_of(flags, object.fd >= 0);
  if (perms == 0) {
    notify_read(self, call, dirfd, path);
    return;
  }
  /*
   * Writing to a device, pipe or socket is not stopped by a read-only mount,
   * but by Landlock. Below the private /tmp Landlock alone would let a host's
   * pipe be written that was granted for reading: hence it is asked here.
   */
  mode_t kind = kind_of(&object);
  if (kind != S_IFREG && kind != S_IFDIR && kind != S_IFIFO) {
    bt_call_continue(self, call);
    return;
  }

  BtVerdict verdict = bt_policy_check_path(self->policy, object.path, perms);
  gboolean read_only = object.read_only && kind != S_IFIFO;
  gboolean own = !read_only && bt_notifier_owns_device(self, object.device);
  if (own || (!read_only && verdict.action != BT_ACTION_DENY)) {
    const BtVerdict given = { BT_ACTION_ALLOW, NULL };
    if (bt_call_continue(self, call))
      bt_call_tell(self, call, BT_KIND_WRITE, own ? &given : &verdict, g_strdup(object.path), TRUE);
    return;
  }
  /* What does not exist cannot be granted; the directory it would be made in can. */
  bt_call_deny(self, call, BT_KIND_WRITE, &verdict, g_strdup(object.path),
               bt_suggest_path(BT_KIND_WRITE, object.parent != NULL ? object.parent : object.path),
               verdict.action == BT_ACTION_DENY ? NULL : _("kept read-only by buntime"));
}
