/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs.
 *
 * An exec is decided by what the kernel will do anyway: the mount that the
 * program is on and the plan's Landlock rules.  What is asked of the policy is
 * only the words: which rule it was.  Paths are resolved in the worker's own
 * root, so that the event names what was really meant.
 */
#include "lib/bt-notifier-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-process.h"

static gboolean
is_below(const char *path, const char *folder)
{
  gsize length = strlen(folder);
  if (length == 1)
    return TRUE;
  return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* The same rules that the kernel was given: Landlock's, and where all may run the mount's. */
static gboolean
may_execute(const BtPlanView *plan, const BtResolved *object)
{
  const char *path = object->path;

  if (object->no_exec)
    return FALSE;
  if ((plan->header->landlock_fs & BT_FS_EXECUTE) == 0)
    return TRUE;
  for (guint32 i = 0; i < plan->header->landlock.count; i++)
    if ((plan->landlock[i].access & BT_FS_EXECUTE) != 0 &&
        is_below(path, bt_plan_string(plan, plan->landlock[i].path)))
      return TRUE;
  return FALSE;
}

/*
 * The program behind "#! program" of a script, as the kernel would read it;
 * NULL if it is no script. Only a regular file is opened: that has no effect.
 */
static char *
script_interpreter(const BtResolved *object)
{
  char link[64], buffer[256];
  struct stat info;

  if (fstat(object->fd, &info) != 0 || !S_ISREG(info.st_mode))
    return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", object->fd);
  int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return NULL;
  gssize got = read(fd, buffer, sizeof buffer - 1);
  close(fd);
  if (got < 3 || buffer[0] != '#' || buffer[1] != '!')
    return NULL;
  buffer[got] = '\0';
  const char *word = buffer + 2 + strspn(buffer + 2, " \t");
  gsize length = strcspn(word, " \t\n");
  return length > 0 ? g_strndup(word, length) : NULL;
}

/* Of a script that may run: is it for want of its interpreter that it will not? */
static gboolean
interpreter_is_refused(BtNotifier *self, const BtCall *call, const BtResolved *script,
                       BtResolved *interpreter_out)
{
  g_autofree char *path = script_interpreter(script);
  return path != NULL && bt_process_resolve(call->tid, AT_FDCWD, path, TRUE, interpreter_out) &&
         interpreter_out->fd >= 0 && !may_execute(self->plan, interpreter_out);
}

/* The same program refused to the same thread under another name, right before? */
static gboolean
is_search_along_path(BtNotifier *self, const BtCall *call, const char *written, const char *path)
{
  BtLastExec *last = &self->last_exec;
  gboolean search = last->tid == call->tid && strcmp(last->path, path) == 0 &&
                    strcmp(last->written, written) != 0;

  last->tid = call->tid;
  g_free(last->written);
  g_free(last->path);
  last->written = g_strdup(written);
  last->path = g_strdup(path);
  return search;
}

static void
deny_exec(BtNotifier *self, const BtCall *call, const char *written, const char *path)
{
  if (is_search_along_path(self, call, written, path)) {
    bt_call_return(self, call, EACCES);
    return;
  }
  BtVerdict verdict = bt_policy_check_run(self->policy, path);
  bt_call_deny(self, call, BT_KIND_RUN, &verdict, g_strdup(path), bt_suggest_path(BT_KIND_RUN, path),
               verdict.action == BT_ACTION_DENY ? NULL : _("not executable in this sandbox"));
}

/* An event is all that is decided here, and only for a warning. */
static void
continue_exec(BtNotifier *self, const BtCall *call, const BtResolved *object)
{
  BtVerdict verdict = { .action = BT_ACTION_ALLOW };
  if (object->fd >= 0)
    verdict = bt_policy_check_run(self->policy, object->path);
  if (bt_call_continue(self, call) && verdict.action == BT_ACTION_WARN)
    bt_call_warn(self, call, BT_KIND_RUN, &verdict, g_strdup(object->path));
}

void
bt_notify_exec(BtNotifier *self, const BtCall *call)
{
  gboolean at = call->number == SYS_execveat;
  int dirfd = at ? (int)call->args[0] : AT_FDCWD;
  guint64 flags = at ? call->args[4] : 0;
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_auto(BtResolved) interpreter = BT_RESOLVED_INIT;
  g_autofree char *path = bt_process_read_path(call->tid, call->args[at ? 1 : 0]);

  if (path == NULL) {
    bt_call_return(self, call, EFAULT);
    return;
  }
  if (!bt_call_is_valid(self, call))
    return;
  /* Empty with AT_EMPTY_PATH: the descriptor is the program; else the kernel's ENOENT. */
  gboolean named = path[0] != '\0' || (flags & AT_EMPTY_PATH) != 0;
  gboolean found = named &&
                   bt_process_resolve(call->tid, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0,
                                      &object) &&
                   object.fd >= 0;
  if (found && !may_execute(self->plan, &object))
    deny_exec(self, call, path, object.path);
  else if (found && interpreter_is_refused(self, call, &object, &interpreter))
    deny_exec(self, call, path, interpreter.path);
  else
    continue_exec(self, call, &object);
}
