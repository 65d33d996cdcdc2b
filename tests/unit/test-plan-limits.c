/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What limits become in a plan, and what a control group takes from it. */
#include <glib.h>
#include <string.h>
#include <sys/resource.h>

#include "plan/bt-plan-compile.h"

#define MIB (1ull << 20)

static const char *const nothing[] = { NULL };

typedef struct {
  BtPolicy *policy;
  BtPlan *plan;
  BtPlanView view;
} Fixture;

/* limits: "--pids=3", as on the command line. */
static gboolean
compile(Fixture *self, guint cgroup_limits, const char *limits, GError **error)
{
  g_auto(GStrv) words = g_strsplit(limits, " ", -1);
  gsize size;

  *self = (Fixture){ .policy = bt_policy_new() };
  for (char **word = words; *word != NULL && **word != '\0'; word++) {
    char *value = strchr(*word, '=');
    BtLimit limit = 0;
    *value++ = '\0';
    while (strcmp(bt_limit_flag(limit), *word + 2) != 0)
      limit++;
    g_assert_true(bt_policy_add_limit(self->policy, BT_LAYER_FLAGS, limit, value, NULL));
  }
  g_assert_true(bt_policy_resolve(self->policy, "/usr/bin:/bin", NULL, NULL));
  const BtPlanRequest request = {
    .policy = self->policy,
    .entry = "/bin/true",
    .args = nothing,
    .cwd = "/",
    .home = "/home/nobody-has-this",
    .user_name = "jane",
    .environment = nothing,
    .uid = 1234,
    .gid = 1234,
    .cgroup_limits = cgroup_limits,
    .terminal_fd = -1,
  };
  self->plan = bt_plan_compile(&request, error);
  if (self->plan == NULL)
    return FALSE;
  const void *bytes = g_bytes_get_data(self->plan->bytes, &size);
  g_assert_cmpint(bt_plan_open(bytes, size, &self->view), ==, BT_PLAN_OK);
  return TRUE;
}

static void
clear(Fixture *self)
{
  g_clear_pointer(&self->plan, bt_plan_free);
  bt_policy_unref(self->policy);
}

/* Both of a resource's limits, the last set; G_MAXUINT64: not set. */
static guint64
limit_of(const Fixture *self, guint resource)
{
  guint64 found = G_MAXUINT64;

  for (guint i = 0; i < self->view.header->limits.count; i++) {
    const BtPlanLimit *limit = &self->view.limits[i];
    if (limit->resource != resource)
      continue;
    g_assert_cmpuint(limit->soft, ==, limit->hard);
    found = limit->hard;
  }
  return found;
}

static guint64
size_of(const Fixture *self, const char *path)
{
  guint64 found = 0;

  for (guint i = 0; i < self->view.header->ops.count; i++) {
    const BtPlanOp *op = &self->view.ops[i];
    if (op->kind == BT_PLAN_TMPFS && strcmp(bt_plan_string(&self->view, op->target), path) == 0)
      found = op->size;
  }
  return found;
}

static gboolean
has_notice(const Fixture *self, const char *text)
{
  for (guint i = 0; i < self->plan->notices->len; i++)
    if (strstr(g_ptr_array_index(self->plan->notices, i), text) != NULL)
      return TRUE;
  return FALSE;
}

static void
test_none(void)
{
  Fixture self;

  g_assert_true(compile(&self, 0, "", NULL));
  g_assert_cmpuint(limit_of(&self, RLIMIT_NPROC), ==, 1024);
  g_assert_cmpuint(limit_of(&self, RLIMIT_CORE), ==, 1);
  g_assert_cmpuint(limit_of(&self, RLIMIT_DATA), ==, G_MAXUINT64);
  g_assert_cmpuint(limit_of(&self, RLIMIT_CPU), ==, G_MAXUINT64);
  g_assert_cmpuint(limit_of(&self, RLIMIT_AS), ==, G_MAXUINT64);
  g_assert_cmpuint(size_of(&self, "/tmp"), ==, 256 * MIB);
  g_assert_cmpuint(size_of(&self, "/dev/shm"), ==, 256 * MIB);
  g_assert_null(self.plan->silent_limits);
  clear(&self);
}

static void
test_values(void)
{
  Fixture self;

  g_assert_true(compile(&self, 0, "--pids=3 --open-files=50 --memory=64M --cpu-time=2500ms", NULL));
  g_assert_cmpuint(limit_of(&self, RLIMIT_NPROC), ==, 4);
  g_assert_cmpuint(limit_of(&self, RLIMIT_NOFILE), ==, 50);
  g_assert_cmpuint(limit_of(&self, RLIMIT_DATA), ==, 64 * MIB);
  g_assert_cmpuint(limit_of(&self, RLIMIT_AS), ==, G_MAXUINT64);
  g_assert_cmpuint(limit_of(&self, RLIMIT_CPU), ==, 3);
  g_assert_true(has_notice(&self, "--cpu-time=2500ms: for each process by itself"));
  g_assert_true(has_notice(&self, "--memory=64M: for each process by itself"));
  g_assert_cmpstr(self.plan->silent_limits, ==,
                  "--memory=64M, --cpu-time=2500ms, --open-files=50");
  clear(&self);
}

static void
test_sizes(void)
{
  static const struct {
    const char *limits;
    guint64 tmp, shm;
  } cases[] = {
    { "--tmp-size=1G", 1024, 1024 },
    { "--shm-size=1G", 256, 1024 },
    { "--tmp-size=8M --shm-size=4M", 8, 4 },
    { "--memory=64M", 64, 64 },
    { "--memory=1G", 256, 256 },
    { "--memory=64M --tmp-size=8M", 8, 8 },
    { "--memory=64M --shm-size=128M", 64, 64 },
  };
  Fixture self;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_assert_true(compile(&self, 0, cases[i].limits, NULL));
    g_assert_cmpuint(size_of(&self, "/tmp"), ==, cases[i].tmp * MIB);
    g_assert_cmpuint(size_of(&self, "/dev/shm"), ==, cases[i].shm * MIB);
    clear(&self);
  }
}

/* What a control group holds is not held a second time, nor announced as weaker. */
static void
test_control_group(void)
{
  guint taken = 1u << BT_LIMIT_MEMORY | 1u << BT_LIMIT_CPU | 1u << BT_LIMIT_CPU_TIME;
  g_autoptr(GError) error = NULL;
  Fixture self;

  g_assert_false(compile(&self, 0, "--cpu=0.5", &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_SETUP);
  clear(&self);
  g_assert_true(compile(&self, taken, "--cpu=0.5 --memory=64M --cpu-time=10s", NULL));
  g_assert_cmpuint(limit_of(&self, RLIMIT_DATA), ==, G_MAXUINT64);
  g_assert_cmpuint(limit_of(&self, RLIMIT_CPU), ==, 12); /* behind what the group counts */
  g_assert_cmpuint(size_of(&self, "/tmp"), ==, 64 * MIB);
  g_assert_false(has_notice(&self, "for each process by itself"));
  g_assert_null(self.plan->silent_limits);
  clear(&self);

  /* Of processes there is a bound in any case; the group's is lower, and so is what strikes. */
  g_assert_true(compile(&self, 1u << BT_LIMIT_PIDS, "--pids=2000", NULL));
  g_assert_cmpuint(limit_of(&self, RLIMIT_NPROC), ==, 2002);
  clear(&self);
  g_assert_true(compile(&self, 1u << BT_LIMIT_PIDS, "--pids=1", NULL));
  g_assert_cmpuint(limit_of(&self, RLIMIT_NPROC), ==, 2);
  clear(&self);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/plan-limits/none", test_none);
  g_test_add_func("/plan-limits/values", test_values);
  g_test_add_func("/plan-limits/sizes", test_sizes);
  g_test_add_func("/plan-limits/control-group", test_control_group);
  return g_test_run();
}
