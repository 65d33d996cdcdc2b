/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies that turn namespaces off: the Landlock rules that they become, and what is refused. */
#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "plan-fixture.h"
#include "plan/bt-seccomp.h"
#include "policy/bt-policy-private.h"

static void
compile(Fixture *self, const char *entry, const char *const *flags, GError **error)
{
  static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
  const BtOrigin origins[BT_N_PLUGINS] = { { (char *)"p.json", 1, (char *)"plugins.namespaces" } };

  *self = (Fixture){ .policy = bt_policy_new() };
  bt_policy_merge_plugins(self->policy, BT_PLUGINS_ALL & ~BT_PLUGIN_NAMESPACES, origins);
  add_flags(self->policy, flags);
  self->request = make_request(self->policy, entry, environment);
  self->plan = bt_plan_compile(&self->request, error);
  if (self->plan != NULL)
    open_plan(self);
}

static gboolean
has_env(const Fixture *self, const char *name)
{
  for (guint i = 0; i < self->view.header->env.count; i++)
    if (g_str_has_prefix(bt_plan_string(&self->view, self->view.env[i]), name))
      return TRUE;
  return FALSE;
}

static void
test_base(void)
{
  static const char *const none[] = { NULL };
  static const char *const never[] = { "/", "/etc", "/etc/passwd", "/etc/hosts", "/proc", "/sys",
                                       "/dev", "/dev/shm", "/tmp", "/run", "/home" };
  Fixture self;
  g_autoptr(GError) error = NULL;

  compile(&self, "w.py", none, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(self.view.header->flags, ==, BT_PLAN_NO_NAMESPACES);
  g_assert_cmpuint(self.view.header->landlock_scoped, ==, BT_PLAN_SCOPE_ALL);
  g_assert_cmpuint(self.view.header->init_filter.count, ==, bt_seccomp_flat_init(TRUE).count);
  g_assert_cmpuint(rights(&self, "/usr"), ==, BT_FS_READ);
  for (gsize i = 0; i < G_N_ELEMENTS(never); i++)
    g_assert_cmpuint(rights(&self, never[i]), ==, 0);
  /* The entry by itself, and its interpreter to run. */
  g_assert_cmpuint(rights_in_tree(&self, "w.py"), ==, BT_FS_READ_FILE);
  g_assert_cmpuint(rights_in_tree(&self, ""), ==, 0);
  g_autofree char *python = realpath("/usr/bin/python3", NULL);
  g_assert_true((rights(&self, python) & BT_FS_EXECUTE) != 0);
  g_assert_true((rights(&self, "/dev/null") & BT_FS_WRITE_FILE) != 0);
  g_assert_cmpstr(self.plan->hidden_folder, ==, root);
  g_assert_false(has_env(&self, "TMPDIR=") || has_env(&self, "DENO_DIR="));
  g_assert_true(has_env(&self, "HOME="));
  g_assert_cmpuint(self.plan->notices->len, ==, 2);
  clear(&self);
}

static const struct {
  const char *flags[3];
  const char *path;
  guint64 rights;
} grants[] = {
  { { "allow-read=dir" }, "dir", BT_FS_READ },
  { { "allow-read=dir/f" }, "dir/f", BT_FS_READ_FILE },
  { { "allow-read=dir/f" }, "dir", 0 },
  { { "allow-write=dir" }, "dir", BT_FS_WRITE },
  { { "allow-write=dir/f" }, "dir/f", BT_FS_WRITE_FILE | BT_FS_TRUNCATE },
  { { "allow-read=dir", "allow-write=dir" }, "dir", BT_FS_READ | BT_FS_WRITE },
  { { "allow-run=./dir/tool" }, "dir/tool", BT_FS_READ_FILE | BT_FS_EXECUTE },
  { { "allow-run=./dir/tool" }, "dir", 0 },
  { { "allow-run=./dir" }, "dir", BT_FS_READ | BT_FS_EXECUTE },
  { { "allow-run" }, "w.py", BT_FS_READ_FILE | BT_FS_EXECUTE },
  { { "allow-run", "deny-run=." }, "w.py", BT_FS_READ_FILE },
  { { "allow-run", "deny-run=/usr" }, "w.py", BT_FS_READ_FILE | BT_FS_EXECUTE },
  { { "allow-read=dir", "deny-write=dir/f" }, "dir", BT_FS_READ },
  { { "allow-read=dir", "deny-run=./dir/tool" }, "dir", BT_FS_READ },
  { { "deny-read=dir" }, "dir", 0 },
  { { "allow-read=link" }, "dir", BT_FS_READ },
};

static void
test_rights(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(grants); i++) {
    Fixture self;
    g_autoptr(GError) error = NULL;
    g_autofree char *words = g_strjoinv(" ", (char **)grants[i].flags);

    g_test_message("%s: %s", words, grants[i].path);
    compile(&self, "w.py", grants[i].flags, &error);
    g_assert_no_error(error);
    g_assert_cmphex(rights_in_tree(&self, grants[i].path), ==, grants[i].rights);
    g_assert_cmpuint(self.view.header->ops.count, ==, 0);
    clear(&self);
  }
}

static const struct {
  const char *flags[4];
  const char *words;
} refused[] = {
  { { "allow-ffi=dir" }, "allow-ffi=dir" },
  { { "deny-ffi=dir" }, "deny-ffi=dir" },
  { { "deny-sys=hostname" }, "deny-sys=hostname" },
  { { "deny-sys" }, "deny-sys" },
  { { "allow-read=/tmp" }, "allow-read=/tmp" },
  { { "allow-read=.", "deny-read=dir" }, "deny-read=dir" },
  { { "allow-read=dir", "deny-read=dir/f" }, "deny-read=dir/f" },
  { { "allow-write=dir", "deny-write=dir/sub" }, "deny-write=dir/sub" },
  { { "allow-read=dir", "allow-write=dir", "deny-write=dir/f" }, "deny-write=dir/f" },
  { { "allow-run=./dir", "deny-run=./dir/tool" }, "deny-run=./dir/tool" },
  { { "allow-run", "deny-run=/usr/bin/env" }, "deny-run=/usr/bin/env" },
  { { "deny-read=/usr/share" }, "deny-read=/usr/share" },
  { { "deny-read=/usr" }, "deny-read=/usr" },
  { { "deny-read=/etc/ssl" }, "deny-read=/etc/ssl" },
  { { "deny-read=w.py" }, "w.py" },
  { { "allow-write=dir", "allow-run=./dir/tool" }, "dir/tool" },
  { { "allow-run=./dir", "allow-write=dir/sub" }, "dir/sub" },
  { { "allow-write=dir", "allow-run=./dir/sub" }, "dir/sub" },
};

static void
test_refused(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    Fixture self;
    g_autoptr(GError) error = NULL;
    g_autofree char *words = g_strjoinv(" ", (char **)refused[i].flags);

    compile(&self, "w.py", refused[i].flags, &error);
    g_test_message("%s: %s", words, error != NULL ? error->message : "compiled");
    g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
    g_assert_nonnull(strstr(error->message, refused[i].words));
    g_assert_true(strstr(error->message, "namespaces") != NULL || strstr(words, "deny-read=w.py"));
    clear(&self);
  }
}

/* As a program that the user cannot change, it may lie where writing is granted. */
static void
test_unchangeable(void)
{
  static const char *const flags[] = { "allow-write=dir", "allow-run=./dir/fixed", NULL };
  g_autoptr(GError) error = NULL;
  Fixture self;

  if (geteuid() == 0) {
    g_test_skip("root may write anything");
    return;
  }
  compile(&self, "w.py", flags, &error);
  g_assert_no_error(error);
  g_assert_cmphex(rights_in_tree(&self, "dir/fixed"), ==, BT_FS_READ_FILE | BT_FS_EXECUTE);
  g_assert_cmphex(rights_in_tree(&self, "dir"), ==, BT_FS_WRITE);
  clear(&self);
}

/* ---- rules and policy say the same ---- */

static const char *const nodes[] = { "t", "t/f", "t/a", "t/a/f", "t/a/b", "t/a/b/f", "t/c", "t/c/f" };

/* What comes to path by Landlock. */
static guint64
rights_of(const Fixture *self, const char *path)
{
  guint64 found = 0;

  for (guint i = 0; i < self->view.header->landlock.count; i++) {
    const char *rule = bt_plan_string(&self->view, self->view.landlock[i].path);
    gsize length = strlen(rule);
    if (strncmp(path, rule, length) == 0 && (path[length] == '/' || path[length] == '\0'))
      found |= self->view.landlock[i].access;
  }
  return found;
}

static void
check_node(const Fixture *self, const char *node)
{
  g_autofree char *path = at(node);
  guint64 all = BT_FS_READ_FILE | BT_FS_WRITE_FILE | BT_FS_TRUNCATE;
  guint64 found = rights_of(self, path);
  guint64 wanted = bt_policy_path_perms(self->policy, path, NULL);

  if (!g_str_has_suffix(node, "f"))
    all |= BT_FS_READ_DIR | BT_FS_WRITE_DIR;
  /* What runs can be read, too; and of running and writing one may have been taken away. */
  if ((wanted & BT_FS_EXECUTE) != 0) {
    g_assert_cmphex(found & all & ~wanted & ~(guint64)BT_FS_READ, ==, 0);
    g_assert_true((found & BT_FS_EXECUTE) == 0 || (found & BT_FS_WRITE) == 0);
  } else {
    g_assert_cmphex(found & all, ==, wanted & all);
    g_assert_cmphex(found & BT_FS_EXECUTE, ==, 0);
  }
}

/* Either a policy is refused, or each place has just the rights that the matcher says. */
static void
test_random(void)
{
  static const char *const kinds[] = { "read", "write", "run" };
  guint compiled = 0;

  for (guint i = 0; i < 1000; i++) {
    g_auto(GStrv) flags = g_new0(char *, 6);
    g_autoptr(GError) error = NULL;
    Fixture self;
    guint count = g_test_rand_int_range(1, 6);

    for (guint k = 0; k < count; k++)
      flags[k] = g_strdup_printf("%s%s-%s=./%s", g_test_rand_int_range(0, 3) == 0 ? "lower-" : "",
                                 g_test_rand_int_range(0, 3) == 0 ? "deny" : "allow",
                                 kinds[g_test_rand_int_range(0, G_N_ELEMENTS(kinds))],
                                 nodes[g_test_rand_int_range(0, G_N_ELEMENTS(nodes))]);
    g_autofree char *words = g_strjoinv(" ", flags);
    compile(&self, "w.py", (const char *const *)flags, &error);
    g_test_message("%s: %s", words, error != NULL ? error->message : "compiled");
    for (gsize k = 0; error == NULL && k < G_N_ELEMENTS(nodes); k++)
      check_node(&self, nodes[k]);
    compiled += error == NULL;
    clear(&self);
  }
  /* Both happen. */
  g_assert_cmpuint(compiled, >, 100);
  g_assert_cmpuint(compiled, <, 950);
}

static void
test_look(void)
{
  static const char *const flags[] = { "allow-read=dir", "allow-run=./dir/tool", NULL };
  static const char *const no_environment[] = { NULL };
  const BtOrigin origins[BT_N_PLUGINS] = { { (char *)"p.json", 1, (char *)"plugins.namespaces" } };
  g_autoptr(BtPolicy) policy = bt_policy_new();
  g_autoptr(GError) error = NULL;
  g_autofree char *tool = at("dir/tool"), *other = at("w.py");
  BtPlanLook look;

  bt_policy_merge_plugins(policy, BT_PLUGINS_ALL & ~BT_PLUGIN_NAMESPACES, origins);
  for (gsize i = 0; flags[i] != NULL; i++)
    add_flag(policy, flags[i]);
  g_assert_true(bt_policy_resolve(policy, "/usr/bin:/bin", NULL, &error));
  const BtPlanRequest request = { .policy = policy, .cwd = root, .home = "/h", .user_name = "jane",
                                  .environment = no_environment, .uid = 1234, .gid = 1234,
                                  .terminal_fd = -1 };
  g_assert_true(bt_plan_look(&request, tool, &look, &error));
  g_assert_true(look.host && look.readable && look.runs && look.maps && !look.writable);
  g_assert_true(bt_plan_look(&request, other, &look, &error));
  g_assert_false(look.host || look.readable || look.runs || look.maps || look.writable);
  g_assert_true(bt_plan_look(&request, "/dev/null", &look, &error));
  g_assert_true(look.made && look.readable && look.writable && !look.runs);
  g_assert_true(bt_plan_look(&request, "/tmp", &look, &error));
  g_assert_false(look.scratch || look.host || look.writable);
}

/* ---- a kernel whose Landlock is older ---- */

static int version;

/* Answers every landlock_create_ruleset() of the thread that made the listener. */
static gpointer
tell_version(gpointer data)
{
  int listener = GPOINTER_TO_INT(data);

  for (;;) {
    union {
      struct seccomp_notif request;
      char space[1024];
    } buffer = { .space = { 0 } };
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) != 0)
      return NULL;
    struct seccomp_notif_resp response = { .id = buffer.request.id, .val = version };
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }
}

static GAsyncQueue *listeners;
static GError *old_error;

static gpointer
compile_on_old_kernel(gpointer data)
{
  static const struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = { G_N_ELEMENTS(filter), (struct sock_filter *)filter };
  static const char *const none[] = { NULL };
  Fixture *self = data;

  g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                              SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  g_assert_cmpint(listener, >=, 0);
  /* A thread made now would have the filter, too. */
  g_async_queue_push(listeners, GINT_TO_POINTER(listener));
  compile(self, "w.py", none, &old_error);
  return NULL;
}

static void
compile_with_version(Fixture *self, int abi)
{
  version = abi;
  listeners = g_async_queue_new();
  GThread *thread = g_thread_new("compile", compile_on_old_kernel, self);
  int listener = GPOINTER_TO_INT(g_async_queue_pop(listeners));
  GThread *kernel = g_thread_new("kernel", tell_version, GINT_TO_POINTER(listener));
  g_thread_join(thread);
  g_thread_join(kernel);
  close(listener);
  g_async_queue_unref(listeners);
}

static void
test_old_kernels(void)
{
  for (int abi = 2; abi < 6; abi++) {
    Fixture self;
    compile_with_version(&self, abi);
    g_assert_no_error(old_error);
    const BtPlanHeader *header = self.view.header;
    g_assert_cmpuint(header->flags, ==, BT_PLAN_NO_NAMESPACES | BT_PLAN_KILLABLE);
    g_assert_cmpuint(header->landlock_scoped, ==, 0);
    g_assert_cmpuint(header->landlock_net, ==, abi >= 4 ? BT_PLAN_TCP : 0);
    g_assert_cmpuint(header->init_filter.count, ==, bt_seccomp_flat_init(FALSE).count);
    g_assert_cmpint((header->landlock_fs & BT_FS_TRUNCATE) != 0, ==, abi >= 3);
    /* What it refuses because of that comes first. */
    const struct sock_filter *filter = self.view.worker_filter;
    g_assert_cmpuint(filter[13].k, ==, bt_open_filter(abi < 3).instructions[13].k);
    g_assert_cmpuint(self.plan->notices->len, ==, 3);
    g_assert_nonnull(strstr(g_ptr_array_index(self.plan->notices, 2), "6.12"));
    clear(&self);
  }
}

static void
test_too_old_kernel(void)
{
  Fixture self;

  compile_with_version(&self, 1);
  g_test_message("%s", old_error->message);
  g_assert_error(old_error, BUNTIME_ERROR, BUNTIME_ERROR_SETUP);
  g_assert_nonnull(strstr(old_error->message, "Landlock"));
  g_assert_nonnull(strstr(old_error->message, ", 1,"));
  g_assert_nonnull(strstr(old_error->message, "6.1 "));
  g_clear_error(&old_error);
  clear(&self);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  make_root("/var/tmp/buntime-flat-XXXXXX");
  make_file("w.py", "#!/usr/bin/env\n", 0644);
  make_file("dir/f", "#!/usr/bin/env\n", 0644);
  make_file("dir/tool", "#!/usr/bin/env\n", 0755);
  make_file("dir/fixed", "#!/usr/bin/env\n", 0555);
  make_file("dir/sub/f", "#!/usr/bin/env\n", 0644);
  for (gsize i = 0; i < G_N_ELEMENTS(nodes); i++)
    if (g_str_has_suffix(nodes[i], "f"))
      make_file(nodes[i], "#!/usr/bin/env\n", 0755);
  g_autofree char *link = at("link");
  g_assert_cmpint(symlink("dir", link), ==, 0);
  g_test_add_func("/plan-flat/base", test_base);
  g_test_add_func("/plan-flat/rights", test_rights);
  g_test_add_func("/plan-flat/refused", test_refused);
  g_test_add_func("/plan-flat/unchangeable", test_unchangeable);
  g_test_add_func("/plan-flat/random", test_random);
  g_test_add_func("/plan-flat/look", test_look);
  g_test_add_func("/plan-flat/old-kernels", test_old_kernels);
  g_test_add_func("/plan-flat/too-old-kernel", test_too_old_kernel);
  int status = g_test_run();
  remove_root();
  return status;
}
