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
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-process.h"
#include "plan/bt-program.h"
#include "policy/bt-reason.h"

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

/* ---- what one exec runs ---- */

/* The kernel goes from script to script this often (load_script, BINPRM's depth). */
#define MAX_PROGRAMS 6

/* The program, and where it is a script what the kernel starts for it. */
typedef struct {
  guint count;
  struct {
    BtResolved object;
    gboolean may_run;
  } programs[MAX_PROGRAMS];
  char *searched; /* what the last one, env, will look for on PATH; NULL: nothing */
} Chain;

static void
chain_clear(Chain *chain)
{
  for (guint i = 0; i < chain->count; i++)
    bt_resolved_clear(&chain->programs[i].object);
  g_free(chain->searched);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Chain, chain_clear)

/* Only a regular file is opened: that has no effect. */
static gboolean
read_program(const BtResolved *object, BtProgram *program_out)
{
  char link[64];
  guint8 bytes[4096];

  if (object->fd < 0)
    return FALSE;
  snprintf(link, sizeof link, "/proc/self/fd/%d", object->fd);
  int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return FALSE;
  gssize got = read(fd, bytes, sizeof bytes);
  close(fd);
  return got > 0 && bt_program_parse(bytes, got, program_out);
}

/* "python3" of "#!/usr/bin/env python3" and "-S python3 -I"; NULL if it is no name. */
static char *
searched_by_env(const BtProgram *script)
{
  g_autofree char *base = g_path_get_basename(script->interpreter);
  const char *words = script->argument;

  if (strcmp(base, "env") != 0 || words == NULL)
    return NULL;
  if (g_str_has_prefix(words, "-S"))
    words += 2;
  words += strspn(words, " \t");
  gsize length = strcspn(words, " \t");
  gboolean name = length > 0 && words[0] != '-' && memchr(words, '=', length) == NULL;
  return name ? g_strndup(words, length) : NULL;
}

/* What is no program anyway is left to the kernel's better error. */
static gboolean
is_program(const BtResolved *object)
{
  struct stat info;
  return object->fd >= 0 && fstat(object->fd, &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_mode & 0111) != 0;
}

/* Takes over the object. */
static void
chain_add(Chain *chain, const BtPlanView *plan, BtResolved *object)
{
  chain->programs[chain->count].object = *object;
  chain->programs[chain->count++].may_run = may_execute(plan, object);
  *object = BT_RESOLVED_INIT;
}

/*
 * The kernel would find nothing there, but that is for want of a grant, if
 * anything. The answer must not depend on whether the host has it.
 */
static void
chain_add_unseen(Chain *chain, const BtPlanView *plan, const char *path)
{
  char real[PATH_MAX];
  BtResolved unseen = BT_RESOLVED_INIT;

  unseen.path = g_strdup(realpath(path, real) != NULL ? real : path);
  chain_add(chain, plan, &unseen);
}

static void
chain_follow(Chain *chain, const BtNotifier *self, const BtCall *call)
{
  while (chain->count < MAX_PROGRAMS) {
    g_auto(BtProgram) script = BT_PROGRAM_INIT;
    g_auto(BtResolved) next = BT_RESOLVED_INIT;

    if (!read_program(&chain->programs[chain->count - 1].object, &script) ||
        script.interpreter == NULL)
      return;
    gboolean seen = bt_process_resolve(call->tid, AT_FDCWD, script.interpreter, TRUE, &next) &&
                    next.fd >= 0;
    if (seen && !is_program(&next))
      return;
    if (seen)
      chain_add(chain, self->plan, &next);
    else
      chain_add_unseen(chain, self->plan, script.interpreter);
    g_free(chain->searched);
    chain->searched = searched_by_env(&script);
  }
}

/* "/proc/self/fd/3" is its descriptor, which no look-up by path finds. */
static int
descriptor_of(const char *path)
{
  static const char *const folders[] = { "/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/" };

  for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
    gsize length = strlen(folders[i]);
    guint64 number;
    if (strncmp(path, folders[i], length) == 0 &&
        g_ascii_string_to_unsigned(path + length, 10, 0, G_MAXINT, &number, NULL))
      return (int)number;
  }
  return -1;
}

static gboolean
find_program(const BtCall *call, const char *path, BtResolved *object_out)
{
  gboolean at = call->number == SYS_execveat;
  int dirfd = at ? (int)call->args[0] : AT_FDCWD;
  guint64 flags = at ? call->args[4] : 0;
  int descriptor = descriptor_of(path);

  /* Empty with AT_EMPTY_PATH: the descriptor is the program; else the kernel's ENOENT. */
  if (path[0] == '\0' && (flags & AT_EMPTY_PATH) == 0)
    return FALSE;
  gboolean found = descriptor >= 0 ? bt_process_resolve_fd(call->tid, descriptor, object_out)
                   : path[0] == '\0'
                     ? bt_process_resolve_fd(call->tid, dirfd, object_out)
                     : bt_process_resolve(call->tid, dirfd, path,
                                          (flags & AT_SYMLINK_NOFOLLOW) == 0, object_out);
  return found && is_program(object_out);
}

/* ---- the answers ---- */

/* Along the PATH that the worker was given; it may have another by now. */
static void
find_searched(const BtNotifier *self, const BtCall *call, const char *name, BtResolved *found_out)
{
  const BtPlanView *plan = self->plan;
  const char *path = "/usr/local/bin:/usr/bin:/bin";

  for (guint32 i = 0; i < plan->header->env.count; i++) {
    const char *entry = bt_plan_string(plan, plan->env[i]);
    if (g_str_has_prefix(entry, "PATH="))
      path = entry + strlen("PATH=");
  }
  g_auto(GStrv) folders = g_strsplit(path, ":", -1);
  for (char **folder = folders; *folder != NULL; folder++) {
    g_autofree char *candidate = g_build_filename(*folder, name, NULL);
    if ((*folder)[0] == '/' &&
        bt_process_resolve(call->tid, AT_FDCWD, candidate, TRUE, found_out) &&
        is_program(found_out))
      return;
    bt_resolved_clear(found_out);
  }
}

/* One flag for all that the exec lacks: "--allow-run=/x/script,/usr/bin/python3.11". */
static char *
suggest(const BtNotifier *self, const BtCall *call, const Chain *chain)
{
  g_auto(BtResolved) searched = BT_RESOLVED_INIT;
  GString *flag = NULL;

  if (chain->searched != NULL)
    find_searched(self, call, chain->searched, &searched);
  for (guint i = 0; i <= chain->count; i++) {
    const BtResolved *object = i < chain->count ? &chain->programs[i].object : &searched;
    gboolean lacking = i < chain->count ? !chain->programs[i].may_run
                                        : object->fd >= 0 && !may_execute(self->plan, object);
    /* What the host has not cannot be granted. */
    if (!lacking || (object->fd < 0 && access(object->path, X_OK) != 0))
      continue;
    g_autofree char *one = bt_suggest_path(BT_KIND_RUN, object->path);
    if (one == NULL) {
      if (flag != NULL)
        g_string_free(flag, TRUE);
      return NULL;
    }
    if (flag == NULL)
      flag = g_string_new(one);
    else
      g_string_append_printf(flag, ",%s", strchr(one, '=') + 1);
  }
  return flag != NULL ? g_string_free(flag, FALSE) : NULL;
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
deny_exec(BtNotifier *self, const BtCall *call, const char *written, const Chain *chain, guint which)
{
  const BtResolved *object = &chain->programs[which].object;
  g_autofree char *reason = NULL;

  if (is_search_along_path(self, call, written, object->path)) {
    bt_call_return(self, call, EACCES);
    return;
  }
  BtVerdict verdict = bt_policy_check_run(self->policy, object->path);
  /* What lies on the sandbox's own filesystems has no path of the host's to grant. */
  gboolean own = object->fd >= 0 && bt_notifier_owns_device(self, object->device);
  if (own)
    reason = g_strdup(N_("made during the run: only --allow-run, for every program, runs it"));
  else if (which > 0)
    reason = bt_reason_new(N_("it is the interpreter of %s"),
                           chain->programs[which - 1].object.path, NULL);
  else if (verdict.action != BT_ACTION_DENY)
    reason = g_strdup(N_("not executable in this sandbox"));
  bt_call_deny(self, call, BT_KIND_RUN, &verdict, g_strdup(object->path),
               own ? NULL : suggest(self, call, chain), reason);
}

/* An event is all that is decided here. What the sandbox gives by itself no rule allowed. */
static void
continue_exec(BtNotifier *self, const BtCall *call, const Chain *chain)
{
  if (!bt_call_continue(self, call))
    return;
  for (guint i = 0; i < chain->count; i++) {
    const char *path = chain->programs[i].object.path;
    BtVerdict verdict = bt_policy_check_run(self->policy, path);
    if (verdict.action == BT_ACTION_DENY)
      verdict = (BtVerdict){ BT_ACTION_ALLOW, NULL };
    bt_call_tell(self, call, BT_KIND_RUN, &verdict, g_strdup(path), TRUE);
  }
}

/*
 * init's own execve is the first of all, and the program waits for it. So the look
 * at what init will execute is taken while init still waits for other things; but
 * not where there is something to refuse or to tell, which is done when it asks.
 */
void
bt_notify_exec_foresee(BtNotifier *self, pid_t pid)
{
  const BtCall call = { .tid = pid, .number = SYS_execve };
  const char *path = bt_plan_string(self->plan, self->plan->header->executable);
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_auto(Chain) chain = { 0 };

  if ((self->audit & BT_AUDIT_EXECVE) != 0 || !find_program(&call, path, &object))
    return;
  chain_add(&chain, self->plan, &object);
  chain_follow(&chain, self, &call);
  for (guint i = 0; i < chain.count; i++)
    if (!chain.programs[i].may_run ||
        bt_policy_check_run(self->policy, chain.programs[i].object.path).action == BT_ACTION_WARN)
      return;
  self->foreseen = TRUE;
}

void
bt_notify_exec(BtNotifier *self, const BtCall *call)
{
  if (self->foreseen) {
    self->foreseen = FALSE;
    bt_call_continue(self, call);
    return;
  }
  g_autofree char *path =
    bt_process_read_path(call->tid, call->args[call->number == SYS_execveat ? 1 : 0]);
  g_auto(BtResolved) object = BT_RESOLVED_INIT;
  g_auto(Chain) chain = { 0 };

  if (path == NULL) {
    bt_call_return(self, call, EFAULT);
    return;
  }
  if (!bt_call_is_valid(self, call))
    return;
  if (find_program(call, path, &object)) {
    chain_add(&chain, self->plan, &object);
    chain_follow(&chain, self, call);
  }
  for (guint i = 0; i < chain.count; i++)
    if (!chain.programs[i].may_run) {
      deny_exec(self, call, path, &chain, i);
      return;
    }
  continue_exec(self, call, &chain);
}
