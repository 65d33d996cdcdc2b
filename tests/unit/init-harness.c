/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "init-harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/bt-helper-path.h"

/* The one this build made, wherever the test program lies. */
char *
bt_helper_path(const char *name, GError **error)
{
  return g_strdup(BT_TEST_INIT);
}

/* ---- a plan ---- */

guint32
plan_add_bytes(Plan *plan, gconstpointer data, gsize size)
{
  static const guint8 zeros[8] = { 0 };
  guint32 offset = plan->bytes->len;
  g_byte_array_append(plan->bytes, data, size);
  g_byte_array_append(plan->bytes, zeros, (8 - size % 8) % 8);
  return offset;
}

guint32
plan_add_string(Plan *plan, const char *text)
{
  return text == NULL ? 0 : plan_add_bytes(plan, text, strlen(text) + 1);
}

BtPlanTable
plan_add_table(Plan *plan, gconstpointer records, gsize count, gsize size)
{
  return (BtPlanTable){ .offset = plan_add_bytes(plan, records, count * size), .count = count };
}

BtPlanOp *
plan_add_op(Plan *plan, BtPlanOpKind kind, const char *source, const char *target, guint attr)
{
  BtPlanOp op = {
    .kind = kind,
    .attr = attr,
    .source = plan_add_string(plan, source),
    .target = plan_add_string(plan, target),
    .mode = kind == BT_PLAN_FILE ? 0644 : 0755,
  };
  g_array_append_val(plan->ops, op);
  return &g_array_index(plan->ops, BtPlanOp, plan->ops->len - 1);
}

static BtPlanTable
add_strings(Plan *plan, const char *const *strings)
{
  g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(guint32));
  for (; *strings != NULL; strings++) {
    guint32 offset = plan_add_string(plan, *strings);
    g_array_append_val(offsets, offset);
  }
  return plan_add_table(plan, offsets->data, offsets->len, sizeof(guint32));
}

#define STATEMENT(code, k) { code, 0, 0, k }

static void
add_filters(Plan *plan)
{
  static const struct sock_filter notify[] = {
    STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    { BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_execve },
    STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  static const struct sock_filter allow[] = { STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };

  plan->header.worker_filter = plan_add_table(plan, notify, G_N_ELEMENTS(notify), sizeof notify[0]);
  plan->header.init_filter = plan_add_table(plan, allow, 1, sizeof allow[0]);
}

void
plan_add_rule(Plan *plan, const char *path, guint64 access)
{
  BtPlanLandlock rule = { .access = access };
  rule.path = plan_add_string(plan, path);
  g_array_append_val(plan->landlock, rule);
}

Plan *
plan_new_flat(const char *script)
{
  const guint64 read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  Plan *plan = plan_new(script);

  g_array_set_size(plan->ops, 0);
  plan->header.flags = BT_PLAN_NO_NAMESPACES;
  plan->header.hostname = 0;
  plan->header.net.mode = BT_PLAN_NET_HOST;
  plan->header.net.dns = 0;
  plan->header.landlock_fs = (1u << 13) - 1; /* those of the first ABI */
  plan->header.landlock_net = BT_PLAN_TCP;
  plan->header.landlock_scoped = BT_PLAN_SCOPE_ALL;
  plan->header.landlock_stdio = read;
  plan_add_rule(plan, "/usr", read | LANDLOCK_ACCESS_FS_EXECUTE);
  plan_add_rule(plan, "/dev/null",
                LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
  return plan;
}

Plan *
plan_new(const char *script)
{
  Plan *plan = g_new0(Plan, 1);
  const char *const argv[] = { "sh", "-c", script, NULL };
  const char *const env[] = { "PATH=/usr/bin:/usr/sbin", "LC_ALL=C", NULL };
  static const BtPlanLimit no_core = { .resource = RLIMIT_CORE };
  static const char *const devices[] = { "/dev/null", "/dev/zero" };

  plan->bytes = g_byte_array_new();
  plan->ops = g_array_new(FALSE, TRUE, sizeof(BtPlanOp));
  plan->landlock = g_array_new(FALSE, TRUE, sizeof(BtPlanLandlock));
  g_byte_array_set_size(plan->bytes, sizeof plan->header);
  plan->header = (BtPlanHeader){
    .magic = BT_PLAN_MAGIC,
    .version = BT_PLAN_VERSION,
    .uid = getuid(),
    .gid = getgid(),
    .root_size = 4 << 20,
  };
  plan->header.hostname = plan_add_string(plan, "sandbox");
  plan->header.executable = plan_add_string(plan, "/usr/bin/bash");
  plan->header.cwd = plan_add_string(plan, "/tmp");
  plan->header.argv = add_strings(plan, argv);
  plan->header.env = add_strings(plan, env);
  plan->header.limits = plan_add_table(plan, &no_core, 1, sizeof no_core);
  plan->header.net.dns = inet_addr("127.0.0.53");
  add_filters(plan);

  plan_add_op(plan, BT_PLAN_DIR, NULL, "/usr", 0);
  plan_add_op(plan, BT_PLAN_BIND, "/usr", "/usr", BT_PLAN_RDONLY | BT_PLAN_RECURSIVE);
  plan_add_op(plan, BT_PLAN_SYMLINK, "usr/lib", "/lib", 0);
  plan_add_op(plan, BT_PLAN_SYMLINK, "usr/lib64", "/lib64", 0);
  plan_add_op(plan, BT_PLAN_SYMLINK, "usr/bin", "/bin", 0);
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/proc", 0);
  plan_add_op(plan, BT_PLAN_PROC, NULL, "/proc", 0);
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/tmp", 0);
  plan_add_op(plan, BT_PLAN_TMPFS, NULL, "/tmp", BT_PLAN_NOEXEC)->size = 1 << 20;
  plan_add_op(plan, BT_PLAN_DIR, NULL, "/dev/pts", 0);
  for (gsize i = 0; i < G_N_ELEMENTS(devices); i++) {
    plan_add_op(plan, BT_PLAN_FILE, NULL, devices[i], 0);
    plan_add_op(plan, BT_PLAN_DEVICE, devices[i], devices[i], 0);
  }
  plan_add_op(plan, BT_PLAN_DEVPTS, NULL, "/dev/pts", 0);
  return plan;
}

static int
plan_seal(Plan *plan, int seals)
{
  BtPlanHeader *header = &plan->header;
  int fd = memfd_create("plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  header->ops = plan_add_table(plan, plan->ops->data, plan->ops->len, sizeof(BtPlanOp));
  header->landlock =
    plan_add_table(plan, plan->landlock->data, plan->landlock->len, sizeof(BtPlanLandlock));
  header->size = plan->bytes->len;
  memcpy(plan->bytes->data, header, sizeof *header);
  g_assert_cmpint(write(fd, plan->bytes->data, plan->bytes->len), ==, plan->bytes->len);
  g_assert_no_errno(fcntl(fd, F_ADD_SEALS, seals));
  g_byte_array_unref(plan->bytes);
  g_array_unref(plan->ops);
  g_array_unref(plan->landlock);
  g_free(plan);
  return fd;
}

/* ---- a run ---- */

static void
start(Run *run, Plan *plan, int seals, gboolean flat)
{
  g_autoptr(GError) error = NULL;
  int pair[2];
  int plan_fd = plan_seal(plan, seals);

  *run = (Run){ .worker = -1, .listener = -1, .net_fds = { -1, -1, -1 }, .opener = -1 };
  run->output_fd = memfd_create("output", MFD_CLOEXEC);
  g_assert_no_errno(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
  const BtWorkerFds fds = { { STDIN_FILENO, run->output_fd, run->output_fd }, { -1, -1, -1 } };
  BtSpawn *spawn =
    flat ? bt_spawn_flat_init(plan_fd, pair[1], &fds, &run->init, &error)
         : bt_spawn_init(plan_fd, pair[1], &fds, getuid(), getgid(), &run->init, &error);
  g_assert_no_error(error);
  g_assert_true(bt_spawn_finish(spawn, &run->init, &error));
  close(pair[1]);
  close(plan_fd);
  run->status_fd = pair[0];
  /* Init may have failed, and said so, before it came to wait for this. */
  gssize sent = send(run->status_fd, "", 1, MSG_NOSIGNAL);
  g_assert_true(sent == 1 || errno == EPIPE);
}

void
run_start_sealed(Run *run, Plan *plan, int seals)
{
  start(run, plan, seals, FALSE);
}

void
run_start_flat(Run *run, Plan *plan)
{
  start(run, plan, SEALS, TRUE);
}

void
run_start(Run *run, Plan *plan)
{
  run_start_sealed(run, plan, SEALS);
}

static void
run_receive(Run *run)
{
  BtStatus status;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * BT_STATUS_MAX_FDS)];
  } control;
  struct iovec iovec = { .iov_base = &status, .iov_len = sizeof status };
  struct msghdr message = {
    .msg_iov = &iovec,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control,
  };

  gssize got = recvmsg(run->status_fd, &message, MSG_CMSG_CLOEXEC);
  /* Init has ended without reading all that was sent to it. Its own words come after. */
  if (got < 0 && errno == ECONNRESET)
    got = recvmsg(run->status_fd, &message, MSG_CMSG_CLOEXEC);
  g_assert_cmpint(got, ==, sizeof status);
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  switch (status.kind) {
  case BT_STATUS_NET:
    run->net_mode = status.value;
    g_assert_nonnull(part);
    memcpy(run->net_fds, CMSG_DATA(part), part->cmsg_len - CMSG_LEN(0));
    break;
  case BT_STATUS_WORKER:
    g_assert_nonnull(part);
    memcpy(&run->worker, CMSG_DATA(part), sizeof(int));
    break;
  case BT_STATUS_OPENER:
    /* Before anyone could ask for anything. */
    g_assert_cmpint(run->listener, <, 0);
    g_assert_nonnull(part);
    memcpy(&run->opener, CMSG_DATA(part), sizeof(int));
    break;
  case BT_STATUS_LISTENER:
    run->listener = status.value;
    break;
  case BT_STATUS_STOPPED:
    run->stops++;
    break;
  default:
    run->last = status;
  }
}

void
run_answer(Run *run)
{
  union {
    struct seccomp_notif request;
    char space[1024];
  } buffer = { .space = { 0 } };

  if (ioctl(run->listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer) != 0)
    return;
  struct seccomp_notif_resp response = {
    .id = buffer.request.id,
    .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
  };
  run->answers++;
  ioctl(run->listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void
run_until(Run *run, gboolean (*enough)(Run *run))
{
  while (run->last.kind == 0 && (enough == NULL || !enough(run))) {
    struct pollfd fds[] = {
      { .fd = run->status_fd, .events = POLLIN },
      { .fd = run->taken ? run->listener : -1, .events = POLLIN },
    };
    g_assert_cmpint(poll(fds, 2, PATIENCE_MS), >, 0);
    if (fds[0].revents & POLLIN)
      run_receive(run);
    else if (fds[0].revents & POLLHUP)
      g_error("init is gone without a word");
    if (fds[1].revents & POLLIN)
      run_answer(run);
    else if (fds[1].revents != 0)
      run->taken = FALSE; /* nobody is left who could call */
    if (!run->taken && run->worker >= 0 && run->listener >= 0 && fds[1].fd < 0 &&
        run->last.kind == 0) {
      run->listener = (int)syscall(SYS_pidfd_getfd, run->worker, run->listener, 0);
      g_assert_cmpint(run->listener, >=, 0);
      run->taken = TRUE;
    }
  }
}

gboolean
run_has_network_and_listener(Run *run)
{
  return run->net_fds[0] >= 0 && run->taken;
}

gboolean
run_has_started(Run *run)
{
  return run->answers > 0;
}

const char *
run_output(Run *run)
{
  static char text[8192];
  ssize_t length = pread(run->output_fd, text, sizeof text - 1, 0);
  text[MAX(length, 0)] = '\0';
  return text;
}

void
run_clear(Run *run)
{
  bt_helper_clear(&run->init);
  close(run->status_fd);
  close(run->output_fd);
  for (int i = 0; i < 3; i++)
    if (run->net_fds[i] >= 0)
      close(run->net_fds[i]);
  if (run->worker >= 0)
    close(run->worker);
  if (run->opener >= 0)
    close(run->opener);
}

void
run_await_end(int pidfd)
{
  struct pollfd waiting = { .fd = pidfd, .events = POLLIN };
  g_assert_cmpint(poll(&waiting, 1, PATIENCE_MS), ==, 1);
}

void
assert_view(const View *view, Plan *plan, void (*begin)(Run *run, Plan *plan))
{
  Run run;

  begin(&run, plan);
  run_until(&run, NULL);
  if (run.last.kind == BT_STATUS_FAILED)
    g_test_message("%s: %s: %s", bt_stage_name(run.last.stage), run.last.object,
                   g_strerror(run.last.error));
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_EXITED);
  g_assert_cmpstr(run_output(&run), ==, view->output);
  run_clear(&run);
}

void
assert_failure(const Failure *failure, Plan *plan, void (*begin)(Run *run, Plan *plan))
{
  Run run;

  failure->change(plan);
  begin(&run, plan);
  run_until(&run, NULL);
  g_assert_cmpuint(run.last.kind, ==, BT_STATUS_FAILED);
  g_assert_cmpstr(run.last.object, ==, failure->object);
  g_assert_cmpint(run.last.error, ==, failure->error);
  g_assert_cmpstr(bt_stage_name(run.last.stage), ==, bt_stage_name(failure->stage));
  g_assert_cmpstr(run_output(&run), ==, "");
  run_clear(&run);
}

void
assert_refused(Run *run)
{
  run_until(run, NULL);
  g_assert_cmpuint(run->last.kind, ==, BT_STATUS_FAILED);
  g_assert_cmpuint(run->last.stage, ==, BT_STAGE_PLAN);
  g_assert_cmpint(run->last.error, ==, EPERM);
  run_clear(run);
}
