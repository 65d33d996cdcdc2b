/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are mapped executable.
 *
 * The mount decides: on one with noexec the kernel refuses.  That refusal is
 * given here instead, with the event that the kernel cannot make; whatever
 * else happens between this look and the kernel's, nothing is mapped by it.
 * A mapping that is made executable later (mprotect) is refused without one.
 */
#include "lib/bt-notifier-private.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "lib/bt-process.h"

void
bt_notify_map(BtNotifier *self, const BtCall *call)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  const char *reason = NULL;
  struct stat info;

  /*
   * Each program has its libraries mapped, and waits: of those no more is asked
   * than this. Without namespaces a noexec mount is the host's, and none of our concern.
   */
  if (self->flat || !bt_process_is_no_exec(call->tid, (int)call->args[4]) ||
      !bt_process_resolve_fd(call->tid, (int)call->args[4], &object) || !object.no_exec ||
      fstat(object.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    bt_call_continue(self, call);
    return;
  }
  if (!bt_call_is_valid(self, call))
    return;
  BtVerdict verdict = bt_policy_check_ffi(self->policy, object.path);
  gboolean own = bt_notifier_owns_device(self, object.device);
  /* What lies on the sandbox's own filesystems has no path of the host's to grant. */
  if (own)
    reason = N_("made during the run, and what can be written is not loaded as code");
  else if (verdict.action != BT_ACTION_DENY)
    reason = object.read_only ? N_("kept from being loaded by buntime")
                              : N_("what can be written is not loaded as code");
  bt_call_deny(self, call, BT_KIND_FFI, &verdict, g_strdup(object.path),
               own ? NULL : bt_suggest_path(BT_KIND_FFI, object.path), reason);
}
