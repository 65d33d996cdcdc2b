/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may be written, run and mapped: the mounts and rights that policies become. */
#include <glib.h>

#include "plan-fixture.h"
#include "plan/bt-plan-private.h"
#include "plan/bt-seccomp.h"
#include "policy/bt-policy-private.h"

#define RO BT_PLAN_RDONLY
#define NX BT_PLAN_NOEXEC

static BtPlan *
make_plan(BtPolicy *policy, GError **error)
{
  g_autofree char *venv = g_strconcat("VIRTUAL_ENV=", root, "/venv", NULL);
  const char *const environment[] = { "PATH=/usr/bin:/bin", venv, NULL };
  const BtPlanRequest request = make_request(policy, "w.py", environment);

  return bt_plan_compile(&request, error);
}

static void
compile_again(Fixture *self)
{
  g_autoptr(GError) error = NULL;

  self->plan = make_plan(self->policy, &error);
  g_assert_no_error(error);
  open_plan(self);
}

static void
compile(Fixture *self, const char *const *flags)
{
  *self = (Fixture){ .policy = bt_policy_new() };
  add_flags(self->policy, flags);
  compile_again(self);
}

/* What the last mount at or above path is given; NX if nothing of the host's is there. */
static guint
attributes(const Fixture *self, const char *path)
{
  g_autofree char *full = at(path);
  gsize best = 0;
  guint attr = NX;

  for (guint32 i = 0; i < self->view.header->ops.count; i++) {
    const BtPlanOp *op = &self->view.ops[i];
    const char *target = bt_plan_string(&self->view, op->target);
    gsize length = strlen(target);
    if (op->kind != BT_PLAN_BIND || strncmp(target, full, length) != 0 ||
        (full[length] != '\0' && full[length] != '/') || length < best)
      continue;
    best = length;
    attr = op->attr & (RO | NX);
  }
  return attr;
}

/* Would Landlock let a program there run? */
static gboolean
may_execute(const Fixture *self, const char *path)
{
  g_autofree char *full = at(path);

  for (guint32 i = 0; i < self->view.header->landlock.count; i++) {
    const char *rule = bt_plan_string(&self->view, self->view.landlock[i].path);
    gsize length = strcmp(rule, "/") == 0 ? 0 : strlen(rule);
    if ((self->view.landlock[i].access & BT_FS_EXECUTE) != 0 && strncmp(full, rule, length) == 0 &&
        (full[length] == '\0' || full[length] == '/'))
      return TRUE;
  }
  return FALSE;
}

static const struct {
  const char *flags[5];
  const char *path;
  guint attr;
  gboolean executes; /* by Landlock; with NX it does not help */
} places[] = {
  /* written or run, the narrower grant counts, and of two at one place the one to run */
  { { "allow-write=rw", "allow-run=./rw/bin" }, "rw", NX, FALSE },
  { { "allow-write=rw", "allow-run=./rw/bin" }, "rw/bin/tool", RO, TRUE },
  { { "allow-write=rw/bin", "allow-run=./rw" }, "rw/bin/tool", NX, TRUE },
  { { "allow-write=rw/bin", "allow-run=./rw" }, "rw/tool", RO, TRUE },
  { { "allow-write=rw", "allow-run=./rw" }, "rw/tool", RO, TRUE },
  { { "allow-write=rw", "allow-run=./rw/tool" }, "rw/tool", RO, TRUE },
  { { "allow-write=rw/tool", "allow-run=./rw/tool" }, "rw/tool", RO, TRUE },
  { { "allow-write=rw/tool", "allow-run=./rw" }, "rw/tool", NX, TRUE },
  { { "allow-write=rw", "allow-run" }, "rw/tool", 0, TRUE },
  { { "allow-write=rw", "allow-run=/" }, "rw/tool", 0, TRUE },
  /* denied to run is not denied to write */
  { { "allow-write=rw", "allow-run", "deny-run=./rw/bin" }, "rw/bin/tool", NX, TRUE },
  { { "allow-read=rw", "allow-run", "deny-run=./rw/bin" }, "rw/bin/tool", RO | NX, TRUE },
  /* the environment is mapped and not run, read-only in a write grant */
  { { NULL }, "venv/lib/x.so", RO, FALSE },
  { { "allow-write=." }, "venv/lib/x.so", RO, FALSE },
  { { "allow-write=venv" }, "venv/lib/x.so", RO, FALSE },
  { { "allow-write=venv/share" }, "venv/share/x.so", NX, FALSE },
  { { "allow-run" }, "venv/bin/tool", RO, TRUE },
  /* ... also if it is denied to run below a grant for more */
  { { "allow-run", "deny-run=." }, "venv/bin/tool", RO, FALSE },
  { { "allow-run", "deny-run=./venv" }, "venv/bin/tool", RO, FALSE },
  { { "allow-run", "allow-read=.", "deny-run=./venv" }, "venv/bin/tool", RO, FALSE },
  { { "allow-run", "allow-read=.", "deny-run=./venv" }, "rw/bin/tool", RO, TRUE },
  { { "allow-run", "allow-read=.", "deny-run=./venv" }, "/usr/bin/env", RO, TRUE },
  { { "allow-run=.", "deny-run=./venv" }, "venv/bin/tool", RO, FALSE },
  { { "allow-run=.", "deny-run=./venv" }, "rw/bin/tool", RO, TRUE },
  { { "allow-run=./venv/bin", "lower-deny-run=./venv" }, "venv/bin/tool", RO, TRUE },
  { { "allow-run=./venv/bin", "lower-deny-run=./venv" }, "venv/lib/x.so", RO, FALSE },
  { { "allow-run", "deny-run=/usr/lib" }, "/usr/lib/x/tool", RO | NX, FALSE },
  { { "allow-run", "deny-run=/usr/lib" }, "/usr/lib/python3/tool", RO, FALSE },
  { { "allow-run", "deny-run=/usr/lib" }, "/usr/bin/env", RO, TRUE },
  /* code that is loaded */
  { { "allow-read=rw" }, "rw/lib/x.so", RO | NX, FALSE },
  { { "allow-ffi=rw/lib" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi=rw/lib/x.so" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi=rw/lib/x.so", "allow-read=rw" }, "rw/lib/y.so", RO | NX, FALSE },
  { { "allow-ffi=rw/lib", "deny-ffi=rw/lib/y.so" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi=rw/lib", "deny-ffi=rw/lib/y.so" }, "rw/lib/y.so", RO | NX, FALSE },
  { { "allow-ffi=rw/lib/y.so", "lower-deny-ffi=rw/lib" }, "rw/lib/y.so", RO, FALSE },
  { { "allow-ffi=rw/lib", "deny-ffi" }, "rw/lib/y.so", NX, FALSE },
  { { "allow-ffi=rw/lib", "allow-write=rw" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi=rw/lib", "allow-write=rw" }, "rw/f", NX, FALSE },
  { { "allow-ffi=rw", "allow-write=rw/lib" }, "rw/lib/x.so", NX, FALSE },
  { { "allow-ffi=rw", "allow-write=rw" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi", "allow-read=rw" }, "rw/lib/x.so", RO, FALSE },
  { { "allow-ffi" }, "/usr/bin/env", RO, FALSE },
  { { "allow-ffi", "allow-write=rw" }, "rw/lib/x.so", NX, FALSE },
  { { "allow-ffi", "allow-read=rw", "allow-write=rw/bin" }, "rw/bin/tool", NX, FALSE },
  { { "allow-ffi", "allow-read=rw", "deny-ffi=rw/lib" }, "rw/lib/x.so", RO | NX, FALSE },
  { { "allow-ffi=venv", "deny-ffi=venv/lib" }, "venv/lib/x.so", RO | NX, FALSE },
  { { "deny-ffi=venv/lib" }, "venv/lib/x.so", RO | NX, FALSE },
};

static void
test_places(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
    Fixture self;
    g_autofree char *words = g_strjoinv(" ", (char **)places[i].flags);

    g_test_message("%s: %s", words, places[i].path);
    compile(&self, places[i].flags);
    g_assert_cmpuint(attributes(&self, places[i].path), ==, places[i].attr);
    g_assert_cmpint(may_execute(&self, places[i].path), ==, places[i].executes);
    clear(&self);
  }
}

/* Of a program that is known by its sum the plan holds the bytes, over whatever the host has. */
static void
test_copy(void)
{
  static const char bytes[] = "#!/bin/sh\nexit 0\n";
  const gsize size = sizeof bytes - 1;
  g_autofree char *folder = at("sum"), *tool = at("sum/tool");
  g_autoptr(GError) error = NULL;
  Fixture self = { .policy = bt_policy_new() };

  make_file("sum/tool", "", 0755);
  g_assert_true(g_file_set_contents(tool, bytes, (gssize)size, &error));
  g_assert_cmpint(chmod(tool, 0755), ==, 0);
  BtPathRule *rule = bt_path_rule_new(BT_FS_EXECUTE);
  bt_rule_init(&rule->rule, BT_ACTION_ALLOW, BT_LAYER_FILES, "p.json", 1, "exec.rules[0]");
  rule->written = g_strdup(tool);
  rule->path = g_strdup(tool);
  rule->sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes, (gssize)size);
  g_ptr_array_add(bt_policy_get_run_rules(self.policy), rule);
  add_flag(self.policy, "allow-write=sum");
  g_assert_true(bt_policy_resolve(self.policy, "/usr/bin:/bin", NULL, &error));
  /* Too late. */
  g_assert_true(g_file_set_contents(tool, "#!/bin/false\n", -1, &error));
  g_assert_cmpint(chmod(tool, 0755), ==, 0);
  compile_again(&self);

  int placed = find_op(&self, BT_PLAN_PROGRAM, tool);
  g_assert_cmpint(placed, >, find_op(&self, BT_PLAN_BIND, folder));
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, tool), ==, -1);
  int made = find_op(&self, BT_PLAN_FILE, bt_plan_string(&self.view, self.view.ops[placed].source));
  g_assert_true(made >= 0 && made < placed);
  const BtPlanOp *file = &self.view.ops[made];
  g_assert_cmpmem(self.view.bytes + file->data_offset, file->data_size, bytes, size);
  g_assert_cmpuint(file->mode, ==, 0555);
  g_assert_true(may_execute(&self, "sum/tool"));
  clear(&self);
}

/* A program in memory is one without a path. */
static const struct {
  const char *flags[4];
  gboolean allowed;
} memories[] = {
  { { NULL }, FALSE },
  { { "allow-run" }, TRUE },
  { { "allow-ffi" }, TRUE },
  { { "allow-run=env" }, FALSE },
  { { "allow-ffi=rw" }, FALSE },
  { { "allow-run", "deny-run=ls" }, FALSE },
  { { "allow-ffi", "deny-ffi=rw" }, FALSE },
};

static void
test_memory(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(memories); i++) {
    Fixture self;

    compile(&self, memories[i].flags);
    gboolean scoped = self.view.header->landlock_scoped != 0;
    g_assert_cmpuint(self.view.header->worker_filter.count, ==,
                     notify_count() + bt_seccomp_worker(memories[i].allowed, scoped).count);
    clear(&self);
  }
}

/* What is taken away of a grant is said. */
static const struct {
  const char *flags[4];
  guint notices;
} silent[] = {
  { { "allow-write=rw", "allow-run" }, 0 },
  { { "allow-write=rw", "allow-run=./rw/bin" }, 1 },
  { { "allow-write=rw/bin", "allow-run=./rw" }, 1 },
  { { "allow-write=rw", "allow-run=./rw/bin/tool" }, 1 },
  { { "allow-write=rw", "allow-ffi=rw/lib" }, 1 },
  { { "allow-write=rw", "allow-run=./linked" }, 1 },
  { { "allow-run=./linked" }, 0 },
  { { "allow-ffi=/tmp" }, 1 },
  { { "allow-ffi=/dev/shm" }, 1 },
  { { "allow-run", "allow-write=.", "deny-run=./venv" }, 1 },
};

static void
test_notices(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(silent); i++) {
    Fixture self;
    g_autofree char *words = g_strjoinv(" ", (char **)silent[i].flags);

    compile(&self, silent[i].flags);
    g_test_message("%s", words);
    for (guint k = 0; k < self.plan->notices->len; k++)
      g_test_message("%s", (char *)g_ptr_array_index(self.plan->notices, k));
    g_assert_cmpuint(self.plan->notices->len, ==, silent[i].notices);
    clear(&self);
  }
}

static gboolean
refuses(const GArray *numbers, const char *name)
{
  for (guint i = 0; i < numbers->len; i++)
    if (g_array_index(numbers, int, i) == bt_seccomp_open_call(name))
      return TRUE;
  return FALSE;
}

/* What a grant of some kinds of writing takes away, with and without Landlock's right to truncate. */
static const struct {
  BtFsPerms perms;
  gboolean metadata, truncate, truncate_without;
} partial[] = {
  { BT_FS_READ, FALSE, FALSE, FALSE },
  { BT_FS_READ | BT_FS_WRITE, FALSE, FALSE, FALSE },
  { BT_FS_WRITE_FILE | BT_FS_TRUNCATE, FALSE, FALSE, FALSE },
  { BT_FS_TRUNCATE, TRUE, FALSE, FALSE },
  { BT_FS_MAKE_DIR, TRUE, FALSE, TRUE },
  { BT_FS_WRITE_DIR | BT_FS_READ, TRUE, FALSE, TRUE },
  { BT_FS_WRITE_DIR | BT_FS_TRUNCATE, TRUE, FALSE, FALSE },
};

static void
test_metadata(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(partial); i++)
    for (int right = 0; right < 2; right++) {
      BtGrant grant = { .path = (char *)"/srv", .perms = partial[i].perms, .folder = TRUE };
      g_autoptr(GArray) grants = g_array_new(FALSE, FALSE, sizeof(BtGrant));
      g_autoptr(GArray) refused = g_array_new(FALSE, FALSE, sizeof(int));
      g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func(g_free);
      BtCompile self = {
        .grants = grants,
        .notices = notices,
        .handled = right ? BT_FS_ALL : BT_FS_ALL & ~BT_FS_TRUNCATE,
      };

      g_array_append_val(grants, grant);
      g_assert_true(bt_compile_refuse_metadata(&self, refused) == partial[i].metadata);
      g_assert_true(refuses(refused, "fchmodat2") == partial[i].metadata);
      g_assert_true(refuses(refused, "removexattr") == partial[i].metadata);
      g_assert_true(refuses(refused, "truncate") ==
                    (right ? partial[i].truncate : partial[i].truncate_without));
      g_assert_false(refuses(refused, "ftruncate"));
      g_assert_cmpuint(notices->len, ==, partial[i].metadata ? 1 : 0);
    }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  make_root("/var/tmp/buntime-run-XXXXXX");
  make_file("w.py", "", 0644);
  make_file("rw/f", "", 0644);
  make_file("rw/tool", "", 0755);
  make_file("rw/bin/tool", "", 0755);
  make_file("rw/lib/x.so", "", 0644);
  make_file("rw/lib/y.so", "", 0644);
  make_file("venv/lib/x.so", "", 0644);
  make_file("venv/share/f", "", 0644);
  make_file("venv/bin/tool", "", 0755);
  make_file("venv/pyvenv.cfg", "", 0644);
  make_file("linked", "", 0755);
  g_autofree char *linked = at("linked"), *alias = at("rw/alias");
  g_assert_cmpint(link(linked, alias), ==, 0);
  g_autofree char *python = at("venv/bin/python3");
  g_assert_cmpint(symlink("/usr/bin/python3", python), ==, 0);
  g_test_add_func("/plan-run/places", test_places);
  g_test_add_func("/plan-run/copy", test_copy);
  g_test_add_func("/plan-run/memory", test_memory);
  g_test_add_func("/plan-run/notices", test_notices);
  g_test_add_func("/plan-run/metadata", test_metadata);
  int status = g_test_run();
  remove_root();
  return status;
}
