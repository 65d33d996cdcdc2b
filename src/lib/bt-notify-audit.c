/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Audit of opens that only read.
 *
 * Each is continued: mounts and Landlock decide it.  What is said about it is
 * what they will do, looked at once for a path and process, and only counted
 * while the group of its event is open: programs open the same files again
 * and again.  A path that the sandbox has not is a refused read if the policy
 * does not grant it and the user could read it; else nothing was lost.
 */
#include "lib/bt-notifier-private.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bt-process.h"
#include "policy/bt-path.h"

#define MAX_KNOWN 1024

/* The same rules that the kernel was given. */
static gboolean
landlock_lets_read(const BtPlanView *plan, const char *path, BtFsPerms perm)
{
  if ((plan->header->landlock_fs & perm) == 0)
    return TRUE;
  for (guint32 i = 0; i < plan->header->landlock.count; i++)
    if ((plan->landlock[i].access & perm) != 0 &&
        bt_path_is_below(path, bt_plan_string(plan, plan->landlock[i].path)))
      return TRUE;
  return FALSE;
}

/* What is there without a rule (the runtime, /tmp) is allowed by none. */
BtVerdict
bt_notify_verdict_of_read(BtNotifier *self, int fd, const char *path)
{
  const BtVerdict given = { BT_ACTION_ALLOW, NULL };
  struct stat info;
  BtFsPerms denied, perm = BT_FS_READ_FILE;

  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))
    perm = BT_FS_READ_DIR;
  bt_policy_path_perms(self->policy, path, &denied);
  BtVerdict verdict = bt_policy_check_path(self->policy, path, perm);
  if (verdict.action != BT_ACTION_DENY || (denied & perm) != 0)
    return verdict;
  return landlock_lets_read(self->plan, path, perm) ? given : verdict;
}

static BtEvent *
event_of_unseen(BtNotifier *self, const char *path)
{
  BtVerdict verdict = bt_policy_check_path(self->policy, path, BT_FS_READ_FILE);
  gboolean refused = verdict.action == BT_ACTION_DENY && access(path, R_OK) == 0;
  BtEvent *event = bt_event_new(BT_EVENT_READ, refused ? BT_ACTION_DENY : BT_ACTION_ALLOW);

  event->object = g_strdup(path);
  if (!refused) {
    event->reason = g_strdup(N_("nothing is there that you could read yourself"));
    return event;
  }
  bt_event_set_rule(event, verdict.origin);
  if (bt_origin_yields_to_flags(verdict.origin))
    event->suggestion = bt_call_suggest(self, BT_KIND_READ, path);
  return event;
}

static BtEvent *
event_of_read(BtNotifier *self, const BtCall *call, int dirfd, const char *path)
{
  g_auto(BtResolved) object = BT_RESOLVED_INIT;

  if (bt_process_resolve(call->tid, dirfd, path, TRUE, &object) && object.fd >= 0) {
    BtVerdict verdict = bt_notify_verdict_of_read(self, object.fd, object.path);
    /* Who may not read a file is not told a made-up fact by it, either. */
    BtEvent *event =
      verdict.action != BT_ACTION_DENY ? bt_notify_event_of_fact(self, object.path) : NULL;
    if (event != NULL)
      return event;
    event = bt_event_new(BT_EVENT_READ, verdict.action);
    event->object = g_strdup(object.path);
    bt_event_set_rule(event, verdict.origin);
    if (verdict.action == BT_ACTION_DENY && bt_origin_yields_to_flags(verdict.origin))
      event->suggestion = bt_call_suggest(self, BT_KIND_READ, object.path);
    return event;
  }
  g_autofree char *absolute = bt_process_absolute(call->tid, dirfd, path);
  g_autofree char *plain = absolute != NULL ? g_canonicalize_filename(absolute, "/") : NULL;
  return plain != NULL ? event_of_unseen(self, plain) : NULL;
}

BtEvent *
bt_notify_unread(BtNotifier *self, const BtCall *call, int dirfd, const char *path)
{
  BtEvent *event = event_of_read(self, call, dirfd, path);
  if (event == NULL)
    return NULL;
  bt_process_identify(call->tid, &event->program, &event->pid);
  event->observed = TRUE;
  return event;
}

void
bt_notify_read(BtNotifier *self, const BtCall *call, int dirfd, const char *path)
{
  g_autofree char *key = g_strdup_printf("%d:%s", (int)call->tid, path);
  BtEventHandle *known =
    path[0] == '/' ? g_hash_table_lookup(self->audited, key) : NULL;

  if (known != NULL && bt_explainer_again(self->explainer, known)) {
    bt_call_continue(self, call);
    return;
  }
  g_autoptr(BtEvent) event = bt_notify_unread(self, call, dirfd, path);
  /* A caller that is gone read nothing. */
  if (!bt_call_continue(self, call) || event == NULL)
    return;
  BtEventHandle *handle = g_new(BtEventHandle, 1);
  bt_explainer_add_handle(self->explainer, g_steal_pointer(&event), handle);
  if (g_hash_table_size(self->audited) >= MAX_KNOWN)
    g_hash_table_remove_all(self->audited);
  g_hash_table_insert(self->audited, g_steal_pointer(&key), handle);
}
