/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies over a small tree, compiled, and looked at as buntime-init will see them. */
#include <arpa/inet.h>
#include <glib.h>

#include "plan-fixture.h"
#include "plan/bt-seccomp.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "SECRET=x",
                                           "LD_PRELOAD=/x.so", "TERM=xterm", NULL };

/* NULL ends the flags. */
static void
set_up(Fixture *self, const char *entry, const char *const *flags)
{
  *self = (Fixture){ .policy = bt_policy_new() };
  add_flags(self->policy, flags);
  self->request = make_request(self->policy, entry, environment);
  self->request.net_mode = BT_PLAN_NET_AUTO;
}

static void
compile(Fixture *self)
{
  g_autoptr(GError) error = NULL;

  self->plan = bt_plan_compile(&self->request, &error);
  g_assert_no_error(error);
  open_plan(self);
}

static void
compile_with(Fixture *self, const char *entry, const char *const *flags)
{
  set_up(self, entry, flags);
  compile(self);
}

static int
find_in_tree(const Fixture *self, BtPlanOpKind kind, const char *path)
{
  g_autofree char *full = at(path);
  return find_op(self, kind, full);
}

static void
assert_bind(const Fixture *self, const char *target, guint attr)
{
  int i = find_op(self, BT_PLAN_BIND, target);
  struct stat info;

  g_test_message("%s", target);
  g_assert_cmpint(i, >=, 0);
  g_assert_cmpuint(self->view.ops[i].attr & (BT_PLAN_RDONLY | BT_PLAN_NOEXEC), ==, attr);
  g_assert_cmpint(lstat(target, &info), ==, 0);
  g_assert_cmpuint(self->view.ops[i].ino, ==, info.st_ino);
  g_assert_cmpuint(self->view.ops[i].dev, ==, info.st_dev);
}

static void
assert_bind_in_tree(const Fixture *self, const char *path, guint attr)
{
  g_autofree char *full = at(path);
  assert_bind(self, full, attr);
}

static gboolean
has_string(const Fixture *self, const uint32_t *table, guint32 count, const char *text)
{
  for (guint32 i = 0; i < count; i++)
    if (strcmp(bt_plan_string(&self->view, table[i]), text) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
has_env(const Fixture *self, const char *text)
{
  return has_string(self, self->view.env, self->view.header->env.count, text);
}

#define RO BT_PLAN_RDONLY
#define NX BT_PLAN_NOEXEC

/* ---- tests ---- */

static void
test_default(void)
{
  Fixture self;
  char real[4096];

  compile_with(&self, "w.py", NULL);
  g_assert_nonnull(realpath("/usr/bin/python3", real));
  assert_bind(&self, "/usr", RO | NX);
  assert_bind(&self, real, RO);
  assert_bind_in_tree(&self, "w.py", RO | NX);
  g_assert_cmpint(find_op(&self, BT_PLAN_PROC, "/proc"), >=, 0);
  /* Libraries, and the interpreter, come over /usr. */
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, real), >, find_op(&self, BT_PLAN_BIND, "/usr"));

  /* Nothing of the user's but the entry. */
  for (guint32 i = 0; i < self.view.header->ops.count; i++) {
    const BtPlanOp *op = &self.view.ops[i];
    const char *source = bt_plan_string(&self.view, op->source);
    if (op->kind != BT_PLAN_BIND)
      continue;
    g_autofree char *entry = at("w.py");
    g_assert_true(g_str_has_prefix(source, "/usr") || g_str_has_prefix(source, "/etc/") ||
                  strcmp(source, entry) == 0);
    g_assert_true((op->attr & BT_PLAN_RDONLY) != 0);
  }
  g_assert_cmpstr(bt_plan_string(&self.view, self.view.header->executable), ==, "/usr/bin/python3");
  g_assert_cmpstr(bt_plan_string(&self.view, self.view.argv[0]), ==, "/usr/bin/python3");
  g_assert_cmpstr(bt_plan_string(&self.view, self.view.argv[1]), ==, "w.py");
  g_assert_cmpuint(self.view.header->argv.count, ==, 2);
  g_assert_cmpuint(self.view.header->uid, ==, 1234);
  g_assert_cmpstr(self.plan->hidden_folder, ==, root);
  g_assert_cmpuint(self.plan->notices->len, ==, 0);
  clear(&self);
}

/* EXECUTE is for the interpreter and its loader, and for nothing else. */
static void
test_execute(void)
{
  static const char *const flags[] = { "allow-run=env", NULL };
  Fixture self;
  char python[4096], loader[4096], env[4096];

  g_assert_nonnull(realpath("/usr/bin/python3", python));
  g_assert_nonnull(realpath("/usr/bin/env", env));
#ifdef __x86_64__
  g_assert_nonnull(realpath("/lib64/ld-linux-x86-64.so.2", loader));
#else
  g_assert_nonnull(realpath("/lib/ld-linux-aarch64.so.1", loader));
#endif
  for (int granted = 0; granted <= 1; granted++) {
    compile_with(&self, "w.py", granted ? flags : NULL);
    for (guint32 i = 0; i < self.view.header->landlock.count; i++) {
      const char *path = bt_plan_string(&self.view, self.view.landlock[i].path);
      gboolean expected = strcmp(path, python) == 0 || strcmp(path, loader) == 0 ||
                          (granted && strcmp(path, env) == 0);
      g_test_message("%s", path);
      g_assert_true(((self.view.landlock[i].access & BT_FS_EXECUTE) != 0) == expected);
    }
    g_assert_cmpuint(rights(&self, python) & BT_FS_EXECUTE, !=, 0);
    g_assert_cmpuint(rights(&self, loader) & BT_FS_EXECUTE, !=, 0);
    if (granted)
      assert_bind(&self, env, RO);
    else
      g_assert_cmpint(find_op(&self, BT_PLAN_BIND, env), ==, -1);
    clear(&self);
  }
}

static void
test_environment(void)
{
  static const char *const flags[] = { "allow-env", NULL };
  Fixture self;

  compile_with(&self, "w.py", NULL);
  g_assert_true(has_env(&self, "LANG=C.UTF-8"));
  g_assert_true(has_env(&self, "USER=jane"));
  g_assert_true(has_env(&self, "PATH=/usr/local/bin:/usr/bin:/bin"));
  g_assert_true(has_env(&self, "TMPDIR=/tmp"));
  g_assert_false(has_env(&self, "SECRET=x"));
  clear(&self);
  compile_with(&self, "w.py", flags);
  g_assert_true(has_env(&self, "SECRET=x"));
  g_assert_false(has_env(&self, "LD_PRELOAD=/x.so"));
  clear(&self);
}

static void
test_read(void)
{
  static const char *const flags[] = { "allow-read=ro,link", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  assert_bind_in_tree(&self, "ro", RO | NX);
  assert_bind_in_tree(&self, "rw/target", RO | NX);
  int link = find_in_tree(&self, BT_PLAN_SYMLINK, "link");
  g_assert_cmpint(link, >=, 0);
  g_assert_cmpstr(bt_plan_string(&self.view, self.view.ops[link].source), ==, "rw/target");
  g_assert_cmpint(find_in_tree(&self, BT_PLAN_BIND, "rw"), ==, -1);
  g_assert_cmpuint(rights_in_tree(&self, "ro") & BT_FS_WRITE, ==, 0);
  g_assert_cmpuint(rights(&self, "/") & BT_FS_READ, ==, BT_FS_READ);
  clear(&self);
}

/* Every directory between is a mount before what it guards. */
static void
test_deny_below_write(void)
{
  static const char *const flags[] = { "allow-read=rw", "allow-write=rw", "deny-read=rw/a/b/secret",
                                       "deny-write=rw/a/c/fixed", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  int rw = find_in_tree(&self, BT_PLAN_BIND, "rw");
  int a = find_in_tree(&self, BT_PLAN_BIND, "rw/a");
  int b = find_in_tree(&self, BT_PLAN_BIND, "rw/a/b");
  int mask = find_in_tree(&self, BT_PLAN_HIDE, "rw/a/b/secret");
  assert_bind_in_tree(&self, "rw", NX);
  assert_bind_in_tree(&self, "rw/a", NX);
  assert_bind_in_tree(&self, "rw/a/b", NX);
  assert_bind_in_tree(&self, "rw/a/c", NX);
  assert_bind_in_tree(&self, "rw/a/c/fixed", RO | NX);
  g_assert_cmpint(rw, <, a);
  g_assert_cmpint(a, <, b);
  g_assert_cmpint(b, <, mask);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_WRITE_FILE, !=, 0);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_EXECUTE, ==, 0);
  clear(&self);
}

/* An editor that saves takes the file away for a moment: nothing would lie over the next one. */
static void
test_deny_gone(void)
{
  static const char *const flags[] = { "allow-write=rw", "deny-write=rw/moment", NULL };
  g_autoptr(GError) error = NULL;
  Fixture self;

  make_file("rw/moment", "", 0644);
  set_up(&self, "w.py", flags);
  g_autofree char *path = at("rw/moment");
  g_assert_cmpint(unlink(path), ==, 0);
  g_assert_null(bt_plan_compile(&self.request, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_POLICY);
  g_assert_nonnull(strstr(error->message, "rw/moment"));
  clear(&self);
}

/* A denial of what is visible without a grant. */
static void
test_deny_base(void)
{
  static const char *const flags[] = { "deny-read=/usr/share,/etc/passwd", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  g_assert_cmpint(find_op(&self, BT_PLAN_HIDE, "/usr/share"), >,
                  find_op(&self, BT_PLAN_BIND, "/usr"));
  g_assert_cmpint(find_op(&self, BT_PLAN_HIDE, "/etc/passwd"), >,
                  find_op(&self, BT_PLAN_FILE, "/etc/passwd"));
  clear(&self);
}

static void
test_write_only(void)
{
  static const char *const flags[] = { "allow-write=rw", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  assert_bind_in_tree(&self, "rw", NX);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_READ, ==, 0);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_MAKE_REG, !=, 0);
  /* No rule above it may give reading back. */
  g_assert_cmpuint(rights(&self, "/"), ==, 0);
  g_assert_cmpuint(rights(&self, root) & BT_FS_READ, ==, 0);
  g_assert_cmpuint(rights(&self, "/usr") & BT_FS_READ, ==, BT_FS_READ);
  clear(&self);
}

/* The entry is granted by naming it, whatever its directory is. */
static void
test_write_only_entry(void)
{
  static const char *const flags[] = { "allow-write=.", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  g_assert_cmpuint(rights(&self, root) & BT_FS_READ, ==, 0);
  g_assert_cmpuint(rights_in_tree(&self, "w.py") & BT_FS_READ_FILE, !=, 0);
  clear(&self);
}

/* Nothing shows it, so denying to read it is no reason to lose the grant for writing. */
static void
test_write_below_unread(void)
{
  static const char *const flags[] = { "deny-read=.", "allow-write=rw", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  assert_bind_in_tree(&self, "rw", NX);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_READ, ==, 0);
  g_assert_cmpuint(rights_in_tree(&self, "rw") & BT_FS_WRITE_FILE, !=, 0);
  clear(&self);
}

/* A grant of another kind inside it does not make it executable again. */
static void
test_deny_run_inside(void)
{
  static const char *const reads[] = { "allow-run", "allow-read=rw/a", "allow-read=rw/a/c/fixed",
                                       "deny-run=./rw/a", NULL };
  static const char *const writes[] = { "allow-run", "allow-read=rw", "allow-write=rw/a/c",
                                        "deny-run=./rw/a", NULL };
  Fixture self;

  compile_with(&self, "w.py", reads);
  assert_bind_in_tree(&self, "rw/a", RO | NX);
  g_assert_cmpint(find_in_tree(&self, BT_PLAN_BIND, "rw/a/c/fixed"), ==, -1);
  clear(&self);
  compile_with(&self, "w.py", writes);
  assert_bind_in_tree(&self, "rw/a", RO | NX);
  assert_bind_in_tree(&self, "rw/a/c", NX);
  clear(&self);
}

/* What lies below a mask is not there to be masked. */
static void
test_deny_twice(void)
{
  static const char *const flags[] = { "deny-read=/etc,/etc/ssl", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  g_assert_cmpint(find_op(&self, BT_PLAN_HIDE, "/etc"), >=, 0);
  g_assert_cmpint(find_op(&self, BT_PLAN_HIDE, "/etc/ssl"), ==, -1);
  clear(&self);
}

static void
test_never(void)
{
  static const char *const flags[] = { "allow-read=/proc,/sys,/dev,/run,/tmp", "allow-write=/dev/shm",
                                       NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  for (guint32 i = 0; i < self.view.header->ops.count; i++) {
    const BtPlanOp *op = &self.view.ops[i];
    const char *source = bt_plan_string(&self.view, op->source);
    if (op->kind == BT_PLAN_BIND)
      g_assert_false(g_str_has_prefix(source, "/proc") || g_str_has_prefix(source, "/sys") ||
                     g_str_has_prefix(source, "/dev") || g_str_has_prefix(source, "/run") ||
                     strcmp(source, "/tmp") == 0);
  }
  g_assert_cmpuint(self.plan->notices->len, ==, 6);
  clear(&self);
}

static void
test_everything(void)
{
  static const char *const flags[] = { "allow-read", "allow-write", "allow-run", NULL };
  Fixture self;

  compile_with(&self, "w.py", flags);
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, "/proc"), ==, -1);
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, "/tmp"), ==, -1);
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, "/"), ==, -1);
  assert_bind(&self, "/home", 0);
  g_assert_cmpuint(rights(&self, "/") & BT_FS_EXECUTE, !=, 0);
  gboolean scoped = self.view.header->landlock_scoped != 0;
  guint notify = notify_count();
  g_assert_cmpuint(self.view.header->worker_filter.count, ==,
                   notify + bt_seccomp_worker(TRUE, scoped).count);
  clear(&self);
  compile_with(&self, "w.py", (const char *const[]){ "allow-run", "deny-run=ls", NULL });
  g_assert_cmpuint(self.view.header->worker_filter.count, ==,
                   notify + bt_seccomp_worker(FALSE, scoped).count);
  assert_bind(&self, "/usr/bin/ls", RO | NX);
  clear(&self);
}

static void
test_program_folder(void)
{
  static const char *const single[] = { "allow-write=rw/f", NULL };
  static const char *const denied[] = { "deny-read=/usr/lib/python3", NULL };
  Fixture self;

  compile_with(&self, "w.py", single);
  assert_bind_in_tree(&self, "rw/f", NX);
  g_assert_cmpuint(rights_in_tree(&self, "rw/f") & ~(guint64)(BT_FS_WRITE_FILE | BT_FS_TRUNCATE), ==, 0);
  clear(&self);
  /* What is denied stays so, even where libraries are shown. */
  compile_with(&self, "w.py", denied);
  g_assert_cmpint(find_op(&self, BT_PLAN_HIDE, "/usr/lib/python3"), >=, 0);
  g_assert_cmpint(find_op(&self, BT_PLAN_BIND, "/usr/lib/python3"), ==, -1);
  clear(&self);
}

static void
test_net(void)
{
  static const char *const flags[] = { "allow-net=example.com", NULL };
  Fixture self;

  compile_with(&self, "w.py", NULL);
  g_assert_cmpuint(self.view.header->net.mode, ==, BT_PLAN_NET_NONE);
  g_assert_cmpuint(self.view.header->net.dns, ==, inet_addr("127.0.0.53"));
  g_assert_false(self.plan->network);
  clear(&self);
  compile_with(&self, "w.py", flags);
  g_assert_cmpuint(self.view.header->net.mode, ==, BT_PLAN_NET_AUTO);
  g_assert_cmpuint(self.view.header->net.address, ==, inet_addr("10.0.2.15"));
  g_assert_false(bt_plan_net_has_ipv6(&self.view.header->net));
  g_assert_true(self.plan->network);
  clear(&self);
  /* Who names a place of IPv6 is told that there is none. */
  compile_with(&self, "w.py", (const char *const[]){ "allow-net=::/0", NULL });
  g_assert_cmpuint(self.plan->notices->len, ==, 0);
  clear(&self);
  compile_with(&self, "w.py", (const char *const[]){ "allow-net=[2001:db8::1]:80", NULL });
  g_assert_cmpuint(self.plan->notices->len, ==, 1);
  clear(&self);
  set_up(&self, "w.py", (const char *const[]){ "allow-net=[2001:db8::1]:80", NULL });
  self.request.ipv6 = TRUE;
  compile(&self);
  g_assert_cmpuint(self.plan->notices->len, ==, 0);
  clear(&self);
  set_up(&self, "w.py", flags);
  self.request.ipv6 = TRUE;
  compile(&self);
  g_assert_true(bt_plan_net_has_ipv6(&self.view.header->net));
  g_assert_cmpint(bt_addr_classify(&self.view.header->net.address6), ==, BT_ADDR_SPECIAL);
  clear(&self);
}

static void make_tree(const char *folder);

/* The directory of the entry, and the working directory, are read-only below the private /tmp, too. */
static void
test_tmp(void)
{
  static const char *const both[] = { "allow-read=rw", "allow-write=rw", NULL };
  static const char *const reads[] = { "allow-read=rw,ro/f", NULL };
  static const char *const writes[] = { "allow-write=rw", NULL };
  static const char *const single[] = { "allow-write=rw/f", NULL };
  Fixture self;
  char *elsewhere = root;

  make_tree("/tmp");
  compile_with(&self, "w.py", NULL);
  int folder = find_op(&self, BT_PLAN_TMPFS, root);
  g_assert_cmpint(folder, >, find_op(&self, BT_PLAN_TMPFS, "/tmp"));
  g_assert_cmpuint(self.view.ops[folder].attr & BT_PLAN_RDONLY, !=, 0);
  g_assert_cmpint(find_in_tree(&self, BT_PLAN_BIND, "w.py"), >, folder);
  clear(&self);
  compile_with(&self, "w.py", both);
  clear(&self);
  compile_with(&self, "w.py", reads);
  g_assert_true(has_env(&self, "TMPDIR=/tmp"));
  clear(&self);
  /* Landlock's rights for /tmp would give the rest: it has none of these itself. */
  compile_with(&self, "w.py", writes);
  g_assert_cmpuint(rights(&self, "/tmp") & (BT_FS_READ | BT_FS_WRITE_FILE), ==, BT_FS_WRITE_FILE);
  g_assert_cmpuint(rights(&self, "/tmp/private") & BT_FS_READ, ==, BT_FS_READ);
  g_assert_true(has_env(&self, "TMPDIR=/tmp/private"));
  clear(&self);
  compile_with(&self, "w.py", single);
  g_assert_cmpuint(rights(&self, "/tmp") & BT_FS_READ, ==, BT_FS_READ_DIR);
  clear(&self);
  remove_root();
  root = elsewhere;
}

static void
test_stdin(void)
{
  Fixture self;
  g_autoptr(GError) error = NULL;

  set_up(&self, "-", NULL);
  self.request.entry_bytes = g_bytes_new_static("print(1)", 8);
  compile(&self);
  int i = find_op(&self, BT_PLAN_FILE, "/run/buntime/stdin.py");
  g_assert_cmpint(i, >=, 0);
  g_assert_cmpmem(self.view.bytes + self.view.ops[i].data_offset, self.view.ops[i].data_size,
                  "print(1)", 8);
  g_bytes_unref((GBytes *)self.request.entry_bytes);
  clear(&self);

  g_autofree char *big = g_malloc0((8u << 20) + 1);
  set_up(&self, "-", NULL);
  self.request.entry_bytes = g_bytes_new_static(big, (8u << 20) + 1);
  g_assert_null(bt_plan_compile(&self.request, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_RUNNABLE);
  g_bytes_unref((GBytes *)self.request.entry_bytes);
  clear(&self);
}

static const struct {
  const char *entry;
  BtWorkerKind worker;
  const char *executable; /* as found */
  const char *argv[4];
} entries[] = {
  { "script", BT_WORKER_AUTO, "/usr/bin/python3", { "/usr/bin/python3", "script" } },
  { "./script", BT_WORKER_AUTO, "/usr/bin/python3", { "/usr/bin/python3", "./script" } },
  { "shell", BT_WORKER_AUTO, "/bin/sh", { "/bin/sh", "-e", "shell" } },
  { "env", BT_WORKER_AUTO, "/usr/bin/env", { "/usr/bin/env" } },
  { "/usr/bin/env", BT_WORKER_AUTO, "/usr/bin/env", { "/usr/bin/env" } },
  { "-m", BT_WORKER_PYTHON, "/usr/bin/python3", { "/usr/bin/python3", "-m" } },
  { "--odd.py", BT_WORKER_AUTO, "/usr/bin/python3", { "/usr/bin/python3", "./--odd.py" } },
  { "data", BT_WORKER_PYTHON, "/usr/bin/python3", { "/usr/bin/python3", "data" } },
};

static void
test_entries(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
    Fixture self;

    g_test_message("%s", entries[i].entry);
    set_up(&self, entries[i].entry, NULL);
    self.request.worker = entries[i].worker;
    compile(&self);
    g_assert_cmpstr(bt_plan_string(&self.view, self.view.header->executable), ==,
                    entries[i].executable);
    guint32 n = 0;
    for (; entries[i].argv[n] != NULL; n++)
      g_assert_cmpstr(bt_plan_string(&self.view, self.view.argv[n]), ==, entries[i].argv[n]);
    g_assert_cmpuint(self.view.header->argv.count, ==, n);
    clear(&self);
  }
}

/* What is shown and what the kernel would start are the same file. */
static void
test_relative_interpreter(void)
{
  g_autofree char *tool = at("ro/tool");
  Fixture self;

  compile_with(&self, "relative", NULL);
  g_assert_cmpstr(bt_plan_string(&self.view, self.view.header->executable), ==, tool);
  assert_bind(&self, tool, RO);
  g_assert_cmpuint(rights(&self, tool) & BT_FS_EXECUTE, !=, 0);
  clear(&self);
}

/* The home is no virtual environment, whatever lies in it; a directory below it may be one. */
static void
test_home_as_venv(void)
{
  g_autofree char *variable = g_strconcat("VIRTUAL_ENV=", root, "/venv", NULL);
  const char *const variables[] = { "PATH=/usr/bin", variable, NULL };
  g_autofree char *venv = at("venv"), *bin = at("venv/bin"), *python = at("venv/bin/python3");
  Fixture self;

  make_file("venv/pyvenv.cfg", "home = /usr/bin\n", 0644);
  g_assert_cmpint(mkdir(bin, 0755), ==, 0);
  g_assert_cmpint(symlink("/usr/bin/python3", python), ==, 0);
  for (int home = 0; home <= 1; home++) {
    set_up(&self, "w.py", NULL);
    self.request.environment = variables;
    self.request.home = home ? venv : root;
    compile(&self);
    g_assert_true((find_op(&self, BT_PLAN_BIND, venv) >= 0) == !home);
    clear(&self);
  }
}

/* Bytes are put where nothing is executed: a script runs from there, a program does not. */
static void
test_copied_program(void)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static("\177ELF", 4);
  g_autoptr(GError) error = NULL;
  Fixture self;

  set_up(&self, "./ro/tool", NULL);
  self.request.entry_bytes = bytes;
  g_assert_null(bt_plan_compile(&self.request, &error));
  g_assert_error(error, BUNTIME_ERROR, BUNTIME_ERROR_NOT_RUNNABLE);
  clear(&self);
}

static const struct {
  const char *entry;
  const char *flags[4];
  int code;
} failures[] = {
  { "missing.py", { NULL }, BUNTIME_ERROR_NOT_FOUND },
  { "./missing", { NULL }, BUNTIME_ERROR_NOT_FOUND },
  { "no-such-program-anywhere", { NULL }, BUNTIME_ERROR_NOT_FOUND },
  { "ro", { NULL }, BUNTIME_ERROR_NOT_RUNNABLE },
  { "data", { NULL }, BUNTIME_ERROR_NOT_RUNNABLE },
  { "w.ts", { NULL }, BUNTIME_ERROR_NOT_FOUND },
  { "lost", { NULL }, BUNTIME_ERROR_NOT_FOUND },
  /* Landlock would give the reading that is granted above; the grant is not dropped either. */
  { "w.py", { "allow-write=rw/a/b", "lower-allow-read=rw", "lower-deny-read=rw/a" },
    BUNTIME_ERROR_POLICY },
};

static void
test_failures(void)
{
  for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
    Fixture self;
    g_autoptr(GError) error = NULL;

    g_test_message("%s", failures[i].entry);
    if (g_str_has_suffix(failures[i].entry, ".ts") && access("/usr/bin/bun", F_OK) == 0)
      continue;
    set_up(&self, failures[i].entry, failures[i].flags);
    BtPlan *plan = bt_plan_compile(&self.request, &error);
    g_assert_null(plan);
    g_test_message("%s", error->message);
    g_assert_error(error, BUNTIME_ERROR, failures[i].code);
    clear(&self);
  }
}

static void
make_tree(const char *folder)
{
  g_autofree char *pattern = g_build_filename(folder, "buntime-plan-XXXXXX", NULL);
  g_autofree char *link = NULL;

  make_root(pattern);
  make_file("w.py", "", 0644);
  make_file("w.ts", "", 0644);
  make_file("--odd.py", "", 0644);
  make_file("data", "just text", 0644);
  make_file("script", "#!/usr/bin/env python3\n", 0755);
  make_file("shell", "#! /bin/sh -e\n", 0755);
  make_file("lost", "#!/no/such/interpreter\n", 0755);
  make_file("relative", "#!ro/tool -x\n", 0755);
  make_file("ro/tool", "just text", 0755);
  make_file("ro/f", "", 0644);
  make_file("rw/f", "", 0644);
  make_file("rw/target", "", 0644);
  make_file("rw/a/b/secret/f", "", 0644);
  make_file("rw/a/c/fixed", "", 0644);
  link = at("link");
  g_assert_cmpint(symlink("rw/target", link), ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  /* Not /tmp, where all is different: test_tmp(). */
  make_tree("/var/tmp");
  g_test_add_func("/plan/default", test_default);
  g_test_add_func("/plan/execute", test_execute);
  g_test_add_func("/plan/environment", test_environment);
  g_test_add_func("/plan/read", test_read);
  g_test_add_func("/plan/deny-below-write", test_deny_below_write);
  g_test_add_func("/plan/deny-gone", test_deny_gone);
  g_test_add_func("/plan/deny-base", test_deny_base);
  g_test_add_func("/plan/write-only", test_write_only);
  g_test_add_func("/plan/write-only-entry", test_write_only_entry);
  g_test_add_func("/plan/write-below-unread", test_write_below_unread);
  g_test_add_func("/plan/deny-run-inside", test_deny_run_inside);
  g_test_add_func("/plan/deny-twice", test_deny_twice);
  g_test_add_func("/plan/never", test_never);
  g_test_add_func("/plan/everything", test_everything);
  g_test_add_func("/plan/program-folder", test_program_folder);
  g_test_add_func("/plan/net", test_net);
  g_test_add_func("/plan/tmp", test_tmp);
  g_test_add_func("/plan/stdin", test_stdin);
  g_test_add_func("/plan/entries", test_entries);
  g_test_add_func("/plan/relative-interpreter", test_relative_interpreter);
  g_test_add_func("/plan/copied-program", test_copied_program);
  g_test_add_func("/plan/home-as-venv", test_home_as_venv);
  g_test_add_func("/plan/failures", test_failures);
  int status = g_test_run();
  remove_root();
  return status;
}
