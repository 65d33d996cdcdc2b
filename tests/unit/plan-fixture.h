/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Policies over a small tree of files, and the plans that they become. */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/bt-plan-compile.h"
#include "plan/bt-seccomp.h"
#include "plan/change-calls.h"

static char *root; /* canonical */

typedef struct {
  BtPolicy *policy;
  BtPlanRequest request;
  BtPlan *plan;
  BtPlanView view;
} Fixture;

static inline char *
at(const char *path)
{
  return path[0] == '/' ? g_strdup(path) : g_build_filename(root, path, NULL);
}

static inline void
make_file(const char *path, const char *text, int mode)
{
  g_autofree char *full = at(path);
  g_autofree char *folder = g_path_get_dirname(full);

  g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
  g_assert_true(g_file_set_contents(full, text, -1, NULL));
  g_assert_cmpint(chmod(full, mode), ==, 0);
}

/* pattern: "/var/tmp/name-XXXXXX". */
static inline void
make_root(const char *pattern)
{
  g_autofree char *made = g_strdup(pattern);

  g_assert_nonnull(g_mkdtemp(made));
  root = realpath(made, NULL);
}

static inline void
remove_root(void)
{
  const char *const remove[] = { "rm", "-rf", root, NULL };
  g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  free(root);
}

/* "allow-read=ro,rw" as on the command line, in the tree; "lower-" puts it into the layer below. */
static inline void
add_flag(BtPolicy *policy, const char *flag)
{
  static const struct {
    const char *name;
    BtKind kind;
  } kinds[] = { { "net", BT_KIND_NET }, { "read", BT_KIND_READ }, { "write", BT_KIND_WRITE },
                { "run", BT_KIND_RUN }, { "env", BT_KIND_ENV },   { "ffi", BT_KIND_FFI },
                { "sys", BT_KIND_SYS } };
  g_autoptr(GError) error = NULL;
  const char *equals = strchr(flag, '=');
  gboolean lower = g_str_has_prefix(flag, "lower-");
  const char *name = flag + (lower ? strlen("lower-") : 0);
  BtAction action = g_str_has_prefix(name, "deny-") ? BT_ACTION_DENY : BT_ACTION_ALLOW;

  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_str_has_prefix(strchr(name, '-') + 1, kinds[i].name))
      bt_policy_add_flag(policy, lower ? BT_LAYER_VARIABLES : BT_LAYER_FLAGS, kinds[i].kind, action,
                         name, equals != NULL ? equals + 1 : NULL, root, root, &error);
  g_assert_no_error(error);
}

/* NULL ends the flags; there may be none. */
static inline void
add_flags(BtPolicy *policy, const char *const *flags)
{
  g_autoptr(GError) error = NULL;

  for (; flags != NULL && *flags != NULL; flags++)
    add_flag(policy, *flags);
  g_assert_true(bt_policy_resolve(policy, "/usr/bin:/bin", NULL, &error));
  g_assert_no_error(error);
}

/* What every request is alike in. */
static inline BtPlanRequest
make_request(BtPolicy *policy, const char *entry, const char *const *variables)
{
  static const char *const nothing[] = { NULL };

  return (BtPlanRequest){
    .policy = policy,
    .entry = entry,
    .args = nothing,
    .cwd = root,
    .home = "/home/nobody-has-this",
    .user_name = "jane",
    .environment = variables,
    .uid = 1234,
    .gid = 1234,
    .terminal_fd = -1,
  };
}

static inline void
open_plan(Fixture *self)
{
  gsize size;
  const void *bytes = g_bytes_get_data(self->plan->bytes, &size);
  g_assert_cmpint(bt_plan_open(bytes, size, &self->view), ==, BT_PLAN_OK);
}

static inline void
clear(Fixture *self)
{
  g_clear_pointer(&self->plan, bt_plan_free);
  bt_policy_unref(self->policy);
}

/* Index of the last operation on target of that kind; -1: none. */
static inline int
find_op(const Fixture *self, BtPlanOpKind kind, const char *target)
{
  for (int i = (int)self->view.header->ops.count - 1; i >= 0; i--)
    if (self->view.ops[i].kind == kind &&
        strcmp(bt_plan_string(&self->view, self->view.ops[i].target), target) == 0)
      return i;
  return -1;
}

/* The rights of the rule for exactly path; 0: no rule. */
static inline guint64
rights(const Fixture *self, const char *path)
{
  for (guint32 i = 0; i < self->view.header->landlock.count; i++)
    if (strcmp(bt_plan_string(&self->view, self->view.landlock[i].path), path) == 0)
      return self->view.landlock[i].access;
  return 0;
}

static inline guint64
rights_in_tree(const Fixture *self, const char *path)
{
  g_autofree char *full = at(path);
  return rights(self, full);
}

/* How long the worker's filter is in front of the allow-list. */
static inline guint
notify_count(void)
{
  static const char *const changes[] = { BT_CHANGE_CALLS, "setpgid" };
  g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(int));
  g_autoptr(GArray) program = g_array_new(FALSE, FALSE, sizeof(struct sock_filter));

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    int number = bt_seccomp_open_call(changes[i]);
    if (number >= 0)
      g_array_append_val(numbers, number);
  }
  bt_seccomp_notify_calls(program, numbers);
  return program->len + bt_terminal_filter().count + bt_map_filter().count + bt_notify_filter(FALSE).count;
}
