/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-init, run for real with plans made by hand: the supervisor's part
 * is played by the harness, and the worker is a shell whose output is looked
 * at. As root it proves nothing, so it does not run.
 */
#include "init-harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/bt-open-msg.h"

/* ---- what the worker sees ---- */

static const View views[] = {
  { "runs", "echo hello $0", "hello sh\n" },
  { "hostname", "hostname", "sandbox\n" },
  { "root", "echo /*", "/bin /dev /lib /lib64 /proc /tmp /usr\n" },
  { "cwd", "pwd", "/tmp\n" },
  { "umask", "umask", "0027\n" },
  { "capabilities", "grep -h '^Cap' /proc/self/status | sort -u -k2",
    "CapInh:\t0000000000000000\n" },
  { "no-new-privs", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n" },
  { "signals", "grep -hE 'Sig(Blk|Ign)' /proc/self/status",
    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" },
  { "descriptors", "cd /proc/self/fd; echo *", "0 1 2 3\n" }, /* 3 reads the folder */
  { "root-read-only", "echo x 2>/dev/null > /x || echo refused; mkdir /usr/x 2>&1",
    "refused\nmkdir: cannot create directory '/usr/x': Read-only file system\n" },
  { "tmp-writable", "echo x > x && cat x && chmod +x x && ./x 2>&1",
    "x\nsh: line 1: ./x: Permission denied\n" },
  { "tmp-limited", "head -c 2000000 /dev/zero 2>/dev/null >x || stat -c %s x", "1048576\n" },
  { "nested-namespaces", "unshare -U true 2>&1",
    "unshare: unshare failed: No space left on device\n" },
  { "nested-sysctl",
    "cat /proc/sys/user/max_*_namespaces | sort -u; exec 2>/dev/null; "
    "echo 9 > /proc/sys/user/max_user_namespaces || echo refused",
    "0\nrefused\n" },
  { "pid-1", "exec 2>/dev/null; cat /proc/1/environ || echo environ; cat /proc/1/maps || echo maps; "
             "ls /proc/1/fd/ || echo fd; ls /proc/1/root/ || echo root; "
             "for s in KILL STOP TERM CHLD INT USR1 64; do kill -$s 1 || echo kill; done; "
             "echo alive",
    "environ\nmaps\nfd\nroot\nalive\n" },
  { "lo-only", "echo /sys/* ; tail -n +3 /proc/net/dev | cut -d: -f1", "/sys/*\n    lo\n" },
  { "devices", "echo x >/dev/null && head -c 3 /dev/zero | tr '\\0' 0; "
             "touch -c -d @0 /dev/null 2>&1; test -w /dev/null && echo writable",
    "000touch: setting times of '/dev/null': Read-only file system\nwritable\n" },
  /* In the end there are init and the shell, which looks without starting anything. */
  { "orphans", "for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5 6 7 8; do (sleep 0.01 &) ; done) & "
               "done; wait; until set -- /proc/[0-9]*; test $# = 2 -o $((looks += 1)) = 100; "
               "do sleep 0.1; done; echo $#",
    "2\n" },
  { "exit-kills", "sleep 1000 & echo done", "done\n" },
};

static void
test_view(gconstpointer data)
{
  const View *view = data;
  assert_view(view, plan_new(view->script), run_start);
}

/* What is limited to so much or less stays where it was lower already, and is set where it was not. */
static void
test_limit_or_less(void)
{
  static const BtPlanLimit limits[] = {
    { .resource = RLIMIT_CORE },
    { .resource = RLIMIT_CORE, .flags = BT_PLAN_OR_LESS, .soft = 1, .hard = 1 },
    { .resource = RLIMIT_NOFILE, .flags = BT_PLAN_OR_LESS, .soft = 20, .hard = 20 },
  };
  Plan *plan = plan_new("ulimit -Hc; ulimit -Sn; ulimit -Hn");
  Run run;

  plan->header.limits = plan_add_table(plan, limits, G_N_ELEMENTS(limits), sizeof limits[0]);
  run_start(&run, plan);
  run_until(&run, NULL);
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
  g_assert_cmpstr(run_output(&run), ==, "0\n20\n20\n");
  run_clear(&run);
}

/* ---- failures: stage, errno, object ---- */

static void
wrong_inode(Plan *plan)
{
  BtPlanOp *op = &g_array_index(plan->ops, BtPlanOp, 1);
  op->ino = 1;
  op->dev = 1;
}

static void
linked_source(Plan *plan)
{
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/x", 0);
  plan_add_op(plan, BT_PLAN_BIND, "/proc/self", "/x", 0);
}

static void
missing_source(Plan *plan)
{
  plan_add_op(plan, BT_PLAN_BIND, "/nonexistent/x", "/tmp", 0);
}

static void
missing_target(Plan *plan)
{
  plan_add_op(plan, BT_PLAN_BIND, "/usr", "/missing", 0);
}

static void
linked_target(Plan *plan)
{
  plan_add_op(plan, BT_PLAN_BIND, "/usr/share", "/lib", 0);
}

static void
made_on_host(Plan *plan)
{
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/usr/made/by/init", 0);
}

static void
missing_program(Plan *plan)
{
  plan->header.executable = plan_add_string(plan, "/usr/bin/missing");
}

static void
missing_cwd(Plan *plan)
{
  plan->header.cwd = plan_add_string(plan, "/home/nobody");
}

static void
missing_rule(Plan *plan)
{
  BtPlanLandlock rule = { .access = LANDLOCK_ACCESS_FS_READ_FILE };
  rule.path = plan_add_string(plan, "/missing");
  plan->header.landlock_fs = LANDLOCK_ACCESS_FS_READ_FILE;
  g_array_append_val(plan->landlock, rule);
}

static void
raised_limit(Plan *plan)
{
  static const BtPlanLimit limits[] = {
    { .resource = RLIMIT_CORE },
    { .resource = RLIMIT_CORE, .soft = 1, .hard = 1 },
  };
  plan->header.limits = plan_add_table(plan, limits, 2, sizeof limits[0]);
}

static void
other_user(Plan *plan)
{
  plan->header.uid++;
}

static const Failure failures[] = {
  { "wrong-inode", wrong_inode, BT_STAGE_SOURCES, ESTALE, "/usr" },
  { "linked-source", linked_source, BT_STAGE_SOURCES, ELOOP, "/proc/self" },
  { "missing-source", missing_source, BT_STAGE_SOURCES, ENOENT, "/nonexistent/x" },
  { "missing-target", missing_target, BT_STAGE_MOUNTS, ENOENT, "/missing" },
  { "linked-target", linked_target, BT_STAGE_MOUNTS, ELOOP, "/lib" },
  { "made-on-host", made_on_host, BT_STAGE_MOUNTS, EROFS, "/usr/made/by/init" },
  { "missing-program", missing_program, BT_STAGE_EXEC, ENOENT, "/usr/bin/missing" },
  { "missing-cwd", missing_cwd, BT_STAGE_CWD, ENOENT, "/home/nobody" },
  { "missing-rule", missing_rule, BT_STAGE_LANDLOCK, ENOENT, "/missing" },
  { "raised-limit", raised_limit, BT_STAGE_LIMITS, EPERM, "RLIMIT_CORE" },
  { "other-user", other_user, BT_STAGE_PLAN, EPERM, "plan: made for another user" },
};

static void
test_failure(gconstpointer data)
{
  assert_failure(data, plan_new("echo ran"), run_start);
}

static void
test_unsealed(void)
{
  Run run;

  run_start_sealed(&run, plan_new("echo ran"), F_SEAL_GROW | F_SEAL_SHRINK);
  assert_refused(&run);
}

/* ---- mounts ---- */

static void
test_files(void)
{
  static const char text[] = "made here\n";
  Plan *plan = plan_new("cat /etc/made; stat -c '%a %s' /etc/made; echo x > /etc/made");
  guint32 offset = plan_add_bytes(plan, text, sizeof text - 1);
  BtPlanOp *op = plan_add_op(plan, BT_PLAN_FILE, NULL, "/etc/made", 0);
  Run run;

  op->data_offset = offset;
  op->data_size = sizeof text - 1;
  op->mode = 0640;
  run_start(&run, plan);
  run_until(&run, NULL);
  g_assert_cmpstr(run_output(&run), ==,
                  "made here\n640 10\nsh: line 1: /etc/made: Read-only file system\n");
  run_clear(&run);
}

/* A hidden folder and file below a writable bind, and what happens to the host's. */
static void
test_hide(void)
{
  g_autofree char *folder = g_dir_make_tmp("test-init-XXXXXX", NULL);
  g_autofree char *below = g_build_filename(folder, "dir", NULL);
  g_autofree char *inner = g_build_filename(below, "secret", NULL);
  g_autofree char *file = g_build_filename(folder, "file", NULL);
  g_autofree char *made = g_build_filename(folder, "made", NULL);
  Plan *plan = plan_new("cd /data; cat file 2>&1; ls dir 2>&1; chmod 700 dir 2>&1; "
                        "rm -rf dir 2>/dev/null; echo x > made; echo /.b*");
  Run run;

  g_assert_no_errno(g_mkdir(below, 0755));
  g_assert_true(g_file_set_contents(inner, "secret", -1, NULL));
  g_assert_true(g_file_set_contents(file, "secret", -1, NULL));
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/data", 0);
  plan_add_op(plan, BT_PLAN_BIND, folder, "/data", BT_PLAN_RECURSIVE | BT_PLAN_NOEXEC);
  plan_add_op(plan, BT_PLAN_HIDE, NULL, "/data/dir", 0);
  plan_add_op(plan, BT_PLAN_HIDE, NULL, "/data/file", 0);
  run_start(&run, plan);
  run_until(&run, NULL);
  g_assert_cmpstr(run_output(&run), ==,
                  "cat: file: Permission denied\n"
                  "ls: cannot open directory 'dir': Permission denied\n"
                  "chmod: changing permissions of 'dir': Read-only file system\n"
                  "/.b*\n");
  run_clear(&run);
  g_assert_no_errno(g_unlink(inner));
  g_assert_no_errno(g_unlink(file));
  g_assert_no_errno(g_unlink(made));
  g_assert_no_errno(g_rmdir(below));
  g_assert_no_errno(g_rmdir(folder));
}

/* ---- the caller's descriptors ---- */

/* Starts the run with fd as its standard input. Takes fd. */
static void
start_with_stdin(Run *run, Plan *plan, int fd)
{
  int saved = dup(0);

  g_assert_cmpint(dup2(fd, 0), ==, 0);
  run_start(run, plan);
  g_assert_cmpint(dup2(saved, 0), ==, 0);
  close(saved);
  close(fd);
}

/* A way out of the root by "..". */
static void
test_stdin_directory(void)
{
  Run run;

  start_with_stdin(&run, plan_new("echo ran"), open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  run_until(&run, NULL);
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_FAILED);
  g_assert_cmpint(run.last.error, ==, EISDIR);
  g_assert_cmpstr(run.last.object, ==, "standard input");
  run_clear(&run);
}

/* The kernel shows them as files of no type. */
static void
test_stdin_no_file(void)
{
  int fds[] = { eventfd(0, EFD_CLOEXEC), epoll_create1(EPOLL_CLOEXEC), timerfd_create(CLOCK_MONOTONIC, 0) };

  for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
    Run run;
    g_assert_cmpint(fds[i], >=, 0);
    start_with_stdin(&run, plan_new("echo ran"), fds[i]);
    run_until(&run, NULL);
    g_assert_cmpuint(run.last.kind, ==, BT_STATUS_FAILED);
    g_assert_cmpint(run.last.error, ==, ENOTSUP);
    g_assert_cmpstr(run.last.object, ==, "standard input");
    run_clear(&run);
  }
}

static void
test_console(void)
{
  Plan *plan = plan_new("tty; test -t 0 && echo terminal; chmod 666 /dev/console 2>&1");
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  Run run;

  g_assert_no_errno(unlockpt(master));
  plan_add_op(plan, BT_PLAN_FILE, NULL, "/dev/console", 0);
  plan_add_op(plan, BT_PLAN_CONSOLE, NULL, "/dev/console", 0)->mode = 0;
  start_with_stdin(&run, plan, open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
  run_until(&run, NULL);
  g_assert_cmpstr(run_output(&run), ==,
                  "/dev/console\nterminal\n"
                  "chmod: changing permissions of '/dev/console': Read-only file system\n");
  run_clear(&run);
  close(master);
}

/* ---- Landlock ---- */

static void
test_landlock(void)
{
  Plan *plan = plan_new("cat /usr/lib/os-release >/dev/null && echo read; "
                        "echo x 2>/dev/null >/tmp/x || echo refused; echo again >> /dev/fd/1");
  const guint64 read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  const guint64 write = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
  BtPlanLandlock rules[] = {
    { .access = read | LANDLOCK_ACCESS_FS_EXECUTE, .path = plan_add_string(plan, "/usr") },
    { .access = read, .path = plan_add_string(plan, "/proc") },
    { .access = LANDLOCK_ACCESS_FS_WRITE_FILE, .path = plan_add_string(plan, "/dev/null") },
  };
  Run run;

  g_array_append_vals(plan->landlock, rules, G_N_ELEMENTS(rules));
  plan->header.landlock_fs = read | write | LANDLOCK_ACCESS_FS_EXECUTE;
  plan->header.landlock_stdio = read | write;
  plan_add_op(plan, BT_PLAN_SYMLINK, "/proc/self/fd", "/dev/fd", 0);
  run_start(&run, plan);
  run_until(&run, NULL);
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
  g_assert_cmpstr(run_output(&run), ==, "read\nrefused\nagain\n");
  run_clear(&run);
}

/* ---- the opener ---- */

/* The worker's number in the sandbox. */
static pid_t
inner_pid(const Run *run)
{
  g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", run->worker);
  g_autofree char *info = NULL;

  g_assert_true(g_file_get_contents(path, &info, NULL, NULL));
  const char *line = strstr(info, "\nNSpid:");
  g_assert_nonnull(line);
  g_strdelimit((char *)line + 1, "\n", '\0');
  return atoi(strrchr(line + 1, '\t'));
}

static void
take_parts(struct msghdr *message, int *fd_out, pid_t *sender_out)
{
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part))
    if (part->cmsg_type == SCM_RIGHTS)
      memcpy(fd_out, CMSG_DATA(part), sizeof *fd_out);
    else if (part->cmsg_type == SCM_CREDENTIALS)
      *sender_out = ((struct ucred *)CMSG_DATA(part))->pid;
}

/* The descriptors that a process of the sandbox holds, below 64. */
static guint
count_held(pid_t pid)
{
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  guint n = 0;

  g_assert_cmpint(pidfd, >=, 0);
  for (int number = 0; number < 64; number++) {
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
    if (fd < 0) {
      g_assert_cmpint(errno, ==, EBADF);
      continue;
    }
    n++;
    close(fd);
  }
  close(pidfd);
  return n;
}

/* Sends it a request; the open file or -errno. */
static int
ask_opener(Run *run, const char *path, guint flags, pid_t *opener_out)
{
  BtOpenRequest request = { .kind = BT_OPEN_OPEN, .serial = 5, .flags = flags, .mode = 0666,
                            .umask = 027, .process = inner_pid(run), .thread = inner_pid(run) };
  BtOpenReply reply;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
  } control;
  struct iovec iovec = { .iov_base = &reply, .iov_len = sizeof reply };
  struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = &control,
                            .msg_controllen = sizeof control };
  const int on = 1;
  int fd = -1;

  g_strlcpy(request.path, path, sizeof request.path);
  g_assert_no_errno(setsockopt(run->opener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  g_assert_cmpint(send(run->opener, &request, bt_open_request_size(&request), 0), >, 0);
  do {
    message.msg_controllen = sizeof control;
    g_assert_cmpint(recvmsg(run->opener, &message, MSG_CMSG_CLOEXEC), ==, sizeof reply);
    g_assert_cmpuint(reply.serial, ==, 5);
    take_parts(&message, &fd, opener_out);
  } while (reply.kind != BT_OPEN_DONE);
  g_assert_true((fd >= 0) == (reply.error == 0));
  return fd >= 0 ? fd : -reply.error;
}

/* It has the worker's root, mounts and Landlock rules, and nothing else of init's. */
static void
test_opener(void)
{
  Plan *plan = plan_new("sleep 1000");
  const guint64 read_file = LANDLOCK_ACCESS_FS_READ_FILE, execute = LANDLOCK_ACCESS_FS_EXECUTE;
  const BtPlanLandlock rules[] = {
    { .access = read_file | execute, .path = plan_add_string(plan, "/usr") },
    { .access = read_file, .path = plan_add_string(plan, "/proc") },
  };
  static const struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
  g_autofree char *path = NULL, *status = NULL;
  char comm[16] = "";
  pid_t opener = 0;
  struct stat ours, theirs;
  Run run;

  g_array_append_vals(plan->landlock, rules, G_N_ELEMENTS(rules));
  plan->header.landlock_fs = read_file | execute | LANDLOCK_ACCESS_FS_MAKE_REG;
  plan->header.opener_filter = plan_add_table(plan, &allow, 1, sizeof allow);
  run_start(&run, plan);
  run_until(&run, run_has_network_and_listener);
  g_assert_cmpint(run.opener, >=, 0);
  run_answer(&run);
  int fd = ask_opener(&run, "/usr/lib/os-release", O_RDONLY, &opener);
  g_assert_cmpint(fd, >=, 0);
  g_assert_no_errno(fstat(fd, &theirs));
  g_assert_no_errno(stat("/usr/lib/os-release", &ours));
  g_assert_true(ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev);
  close(fd);
  /* Its socket and nothing else, not even what it has just opened. */
  g_assert_cmpuint(count_held(opener), ==, 1);
  g_assert_cmpint(ask_opener(&run, "/etc/passwd", O_RDONLY, &opener), ==, -ENOENT);
  g_assert_cmpint(ask_opener(&run, "/tmp/x", O_CREAT | O_WRONLY, &opener), ==, -EACCES);
  g_assert_cmpint(ask_opener(&run, "/dev/null", O_RDONLY, &opener), ==, -EACCES);
  g_assert_cmpint(ask_opener(&run, "/usr/x", O_CREAT | O_WRONLY, &opener), ==, -EROFS);
  fd = ask_opener(&run, "/proc/self/comm", O_RDONLY, &opener);
  g_assert_cmpint(read(fd, comm, sizeof comm - 1), >, 0);
  g_assert_true(g_str_equal(comm, "buntime-init\n") || g_str_equal(comm, "bash\n") ||
                g_str_equal(comm, "sleep\n"));
  close(fd);
  path = g_strdup_printf("/proc/%d/status", opener);
  g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
  g_assert_nonnull(strstr(status, "CapEff:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "CapPrm:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "NoNewPrivs:\t1"));
  g_assert_nonnull(strstr(status, "Seccomp:\t2"));
  g_assert_nonnull(strstr(status, "NSpid:\t"));
  /* Whoever asked is gone: so is the opener. */
  int pidfd = (int)syscall(SYS_pidfd_open, opener, 0);
  g_assert_cmpint(pidfd, >=, 0);
  close(run.opener);
  run.opener = -1;
  run_await_end(pidfd);
  close(pidfd);
  run_clear(&run);
}

static void
test_no_opener(void)
{
  Run run;

  run_start(&run, plan_new("set -- /proc/[0-9]*; echo $#"));
  run_until(&run, NULL);
  g_assert_cmpint(run.opener, <, 0);
  g_assert_cmpstr(run_output(&run), ==, "2\n");
  run_clear(&run);
}

/* ---- life and death ---- */

static void
test_hang_up(void)
{
  Run run;

  run_start(&run, plan_new("sleep 1000"));
  run_until(&run, run_has_network_and_listener);
  g_assert_true(run.taken);
  run_answer(&run);
  close(run.status_fd);
  run_await_end(run.init.pidfd);
  run_await_end(run.worker);
  run.status_fd = dup(0);
  run_clear(&run);
}

static gboolean
has_stopped(Run *run)
{
  return run->stops > 0;
}

static void
test_stop(void)
{
  Run run;

  run_start(&run, plan_new("kill -STOP $$; exit 7"));
  run_until(&run, has_stopped);
  g_assert_cmpuint(run.stops, ==, 1);
  g_assert_no_errno(syscall(SYS_pidfd_send_signal, run.worker, SIGCONT, NULL, 0));
  run_until(&run, NULL);
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
  g_assert_true(WIFEXITED(run.last.value));
  g_assert_cmpint(WEXITSTATUS(run.last.value), ==, 7);
  run_clear(&run);
}

/* Nothing of pid 1 is open to the worker's uid, and nothing of value is left in it. */
static void
test_pid_1(void)
{
  g_autofree char *path = NULL, *status = NULL;
  Run run;

  run_start(&run, plan_new("sleep 1000"));
  run_until(&run, run_has_started);
  path = g_strdup_printf("/proc/%d/status", run.init.pid);
  g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
  g_assert_nonnull(strstr(status, "CapEff:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "CapPrm:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "CapBnd:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "CapAmb:\t0000000000000000"));
  g_assert_nonnull(strstr(status, "NoNewPrivs:\t1"));
  g_assert_nonnull(strstr(status, "Seccomp:\t2"));
  run_clear(&run);
}

/* The smallest program; the best of 5 rounds, with -m perf of 200. */
static void
test_speed(void)
{
  const int rounds = g_test_perf() ? 200 : 5;
  gint64 best[3] = { G_MAXINT, G_MAXINT, G_MAXINT };

  for (int i = 0; i < rounds; i++) {
    Plan *plan = plan_new("");
    Run run;
    plan->header.executable = plan_add_string(plan, "/usr/bin/true");
    gint64 start = g_get_monotonic_time();
    run_start(&run, plan);
    run_until(&run, run_has_network_and_listener);
    best[0] = MIN(best[0], g_get_monotonic_time() - start);
    run_until(&run, NULL);
    best[1] = MIN(best[1], g_get_monotonic_time() - start);
    g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
    bt_helper_reap(&run.init);
    best[2] = MIN(best[2], g_get_monotonic_time() - start);
    run_clear(&run);
  }
  g_test_message("us from spawn to the worker's execve: %d, its end: %d, init's: %d",
                 (int)best[0], (int)best[1], (int)best[2]);
}

#define ADD_TABLE(prefix, table, function)                                                       \
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {                                              \
    g_autofree char *test_path = g_strconcat(prefix, table[i].name, NULL);                       \
    g_test_add_data_func(test_path, &table[i], function);                                        \
  }

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  if (getuid() == 0)
    g_error("to be run as an ordinary user");
  umask(027);
  ADD_TABLE("/init/view/", views, test_view);
  ADD_TABLE("/init/failure/", failures, test_failure);
  g_test_add_func("/init/failure/unsealed", test_unsealed);
  g_test_add_func("/init/limit-or-less", test_limit_or_less);
  g_test_add_func("/init/files", test_files);
  g_test_add_func("/init/hide", test_hide);
  g_test_add_func("/init/stdin-directory", test_stdin_directory);
  g_test_add_func("/init/stdin-no-file", test_stdin_no_file);
  g_test_add_func("/init/console", test_console);
  g_test_add_func("/init/landlock", test_landlock);
  g_test_add_func("/init/opener", test_opener);
  g_test_add_func("/init/no-opener", test_no_opener);
  g_test_add_func("/init/hang-up", test_hang_up);
  g_test_add_func("/init/stop", test_stop);
  g_test_add_func("/init/pid-1", test_pid_1);
  g_test_add_func("/init/speed", test_speed);
  return g_test_run();
}
