/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker's filter: what the supervisor answers, our allow-list, and what
 * antiEscape.denySyscalls adds.
 *
 * Adding never removes: a call that is refused already keeps its errno, since
 * libraries rely on some of them (ENOSYS for clone3 makes glibc fall back).
 * The kernel refuses by itself, so these refusals have no event.
 */
#include "plan/change-calls.h"
#include "plan/bt-plan-private.h"
#include "plan/metadata-calls.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static gboolean
add_number(GArray *numbers, const BtDenySyscall *denied, GError **error)
{
  int number = bt_seccomp_open_call(denied->name);
  g_autofree char *object = bt_origin_format(&denied->origin);
  g_autofree char *safe = bt_text_neutralise(object, -1);

  /* A denial of nothing would be one that does not hold. */
  if (!bt_seccomp_knows_call(denied->name))
    return bt_fail(error, BUNTIME_ERROR_POLICY, safe, _("no system call has this name"),
                   _("write it as in syscalls(2)"));
  if (strcmp(denied->name, "execve") == 0) {
    return bt_fail(error, BUNTIME_ERROR_POLICY, safe, _("the program itself is started by execve"),
                   _("leave it out: exec rules say which programs may run"));
  }
  /* init's, when the filter is there already (init/bt-worker.c). */
  if (strcmp(denied->name, "read") == 0 || strcmp(denied->name, "write") == 0)
    return bt_fail(error, BUNTIME_ERROR_POLICY, safe, _("no program starts without this call"),
                   _("leave it out"));
  for (guint i = 0; i < numbers->len; i++)
    if (g_array_index(numbers, int, i) == number)
      return TRUE;
  if (number >= 0)
    g_array_append_val(numbers, number);
  return TRUE;
}

static gboolean
warns_of_files(BtPolicy *policy, BtFsPerms perms)
{
  GPtrArray *rules = bt_policy_get_fs_rules(policy);

  for (guint i = 0; i < rules->len; i++) {
    const BtPathRule *rule = g_ptr_array_index(rules, i);
    if (rule->rule.action == BT_ACTION_WARN && (rule->perms & perms) != 0)
      return TRUE;
  }
  return FALSE;
}

/* What is done to a file by opening it. */
#define OPENED                                                                                   \
  (BT_FS_READ | (BtFsPerms)(BT_FS_WRITE_FILE | BT_FS_TRUNCATE | BT_FS_MAKE_REG))

gboolean
bt_plan_has_opener(BtPolicy *policy)
{
  return warns_of_files(policy, OPENED);
}

/* Are opens that only read notified? */
static gboolean
looks_at_reads(BtCompile *self)
{
  return (bt_policy_get_audit(self->request->policy) & BT_AUDIT_OPENAT) != 0 ||
         warns_of_files(self->request->policy, BT_FS_READ);
}

/* Without namespaces the allow-list refuses what changes modes and their like. */
static gboolean
is_refused_flat(const char *name)
{
  static const char *const metadata[] = { BT_METADATA_CALLS };

  for (gsize i = 0; i < G_N_ELEMENTS(metadata); i++)
    if (strcmp(metadata[i], name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_refused(const GArray *refused, const char *name)
{
  int number = bt_seccomp_open_call(name);

  for (guint i = 0; i < refused->len; i++)
    if (g_array_index(refused, int, i) == number)
      return TRUE;
  return FALSE;
}

/*
 * What is notified only to be told of (but setpgid), and never if it is refused: a call that is
 * continued passes by all filters.
 */
static void
add_told(BtCompile *self, const GArray *refused)
{
  static const char *const changes[] = { BT_CHANGE_CALLS };
  g_autoptr(GArray) told = g_array_new(FALSE, FALSE, sizeof(int));

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    int number = bt_seccomp_open_call(changes[i]);
    if (number >= 0 && !is_refused(refused, changes[i]) &&
        !(self->flat && is_refused_flat(changes[i])))
      g_array_append_val(told, number);
  }
  /* lib/bt-notify-group.c */
  int group = bt_seccomp_open_call("setpgid");
  if (!self->flat && !is_refused(refused, "setpgid"))
    g_array_append_val(told, group);
  bt_seccomp_notify_calls(self->worker_program, told);
  if (!self->flat && !is_refused(refused, "ioctl"))
    bt_seccomp_notify_terminal(self->worker_program);
  if (bt_compile_counts_forks(self) && !is_refused(refused, "clone") &&
      !is_refused(refused, "fork") && !is_refused(refused, "vfork"))
    bt_seccomp_notify_forks(self->worker_program);
}

/*
 * The kernel's mounts know no warning, so where a rule warns of files the opens
 * that are notified are carried out by the opener (init/bt-opener.c).  It would
 * know nothing of a Landlock domain that a program of the worker's makes for
 * itself: so none can be made then, instead of one that does not hold.
 */
static void
add_opener(BtCompile *self, GArray *refused)
{
  int number = bt_seccomp_open_call("landlock_create_ruleset");

  if (warns_of_files(self->request->policy, BT_FS_WRITE & ~OPENED))
    bt_compile_note(self, g_strdup(_("warnings of files are given when one is opened: making, renaming "
                                     "and removing otherwise goes on without a word")));
  if (!bt_plan_has_opener(self->request->policy))
    return;
  bt_plan_builder_opener(self->builder, bt_seccomp_opener());
  g_array_append_val(refused, number);
}

/* What must not be done to sockets of the host's network, if the worker has any. */
static BtFilter
sockets_filter(const BtCompile *self)
{
  if (self->flat)
    return bt_flat_socket_filter();
  return (bt_plan_builder_header(self->builder)->flags & BT_PLAN_FAST_PATH) != 0
           ? bt_inject_filter()
           : (BtFilter){ NULL, 0 };
}

/* By a file's name, which Landlock before its third version (Linux 6.2) does not govern. */
static void
refuse_truncate(GArray *refused)
{
  int number = bt_seccomp_open_call("truncate");

  if (!is_refused(refused, "truncate"))
    g_array_append_val(refused, number);
}

gboolean
bt_compile_filters(BtCompile *self, GError **error)
{
  BtPlanHeader *header = bt_plan_builder_header(self->builder);
  GPtrArray *denied = bt_policy_get_deny_syscalls(self->request->policy);
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int));
  gboolean memfd = (self->run_everything && !self->run_denials) || self->map_everything;
  gboolean scoped = header->landlock_scoped != 0;
  gboolean cuts = bt_compile_loses_truncate(self);

  if (!bt_compile_has_plugin(self, BT_PLUGIN_SECCOMP)) {
    const BtFilter none = { NULL, 0 };
    header->flags |= BT_PLAN_NO_SECCOMP;
    bt_plan_builder_filters(self->builder, none, bt_seccomp_init());
    return TRUE;
  }
  for (guint i = 0; i < denied->len; i++)
    if (!add_number(numbers, g_ptr_array_index(denied, i), error))
      return FALSE;
  BtFilter list =
    self->flat ? bt_seccomp_flat_worker(memfd, scoped) : bt_seccomp_worker(memfd, scoped);
  gboolean file_ioctls = !bt_compile_refuse_metadata(self, numbers);
  if (cuts)
    refuse_truncate(numbers);
  add_opener(self, numbers);
  self->worker_program =
    bt_seccomp_join(numbers, file_ioctls, self->request->channel || self->request->sockets,
                    sockets_filter(self),
                    bt_notify_filter(looks_at_reads(self)), list);
  add_told(self, numbers);
  if (self->flat || cuts)
    bt_seccomp_refuse_opens(self->worker_program, cuts);
  const BtFilter worker = { (const struct sock_filter *)self->worker_program->data,
                            self->worker_program->len };
  bt_plan_builder_filters(self->builder, worker,
                          self->flat ? bt_seccomp_flat_init(scoped) : bt_seccomp_init());
  return TRUE;
}
