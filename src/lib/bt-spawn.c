/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting the helpers.
 *
 * The child shares the supervisor's memory until it executes the helper
 * (CLONE_VM).  So it may only make system calls and write to the BtSpawn made
 * for it, which holds its stack, too; it runs with every signal blocked, because
 * a handler would run in memory that is not the child's.  errno is the calling
 * thread's: it is touched where the child fails, and with it the start.
 *
 * The supervisor goes on meanwhile, since compiling the plan takes no less time.
 * The kernel says when the child has left the memory, by exec or by its end, as
 * it does of a thread (CLONE_CHILD_CLEARTID): it clears a word and wakes who waits.
 *
 * For buntime-init the clone itself makes the namespaces that its place and its
 * rights depend on, so that the helper is pid 1 with one exec and no fork.
 * Between clone and exec the child
 *
 *   1. gives up setgroups and maps its uid and gid onto themselves: a process
 *      in a new user namespace may write just this one line by itself;
 *   2. keeps the capabilities init needs as ambient ones, which alone survive
 *      the exec of a program by a uid other than 0;
 *   3. places the descriptors and closes all others.
 *
 * init is executed inside the new user namespace on purpose: its memory then
 * belongs to that namespace, and so the supervisor, as the namespace's owner,
 * may take the seccomp listener from it although it is not dumpable.
 */
#include "lib/bt-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bt-helper-path.h"
#include "lib/buntime-cure.h"
#include "policy/buntime-error.h"
#include "wire/bt-plan.h"
#include "wire/bt-status.h"

/* The others init makes itself while the supervisor compiles the plan. */
#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWPID)

#define STACK_SIZE (32u << 10)
#define EMPTY (-2)

#ifdef __SANITIZE_ADDRESS__
/* Its runtime keeps one state a thread, which two processes would change at once. */
#define TOGETHER CLONE_VFORK
#else
#define TOGETHER 0
#endif

/* What init needs to build the sandbox; it drops them all before the worker starts. */
static const int init_capabilities[] = {
  CAP_SYS_ADMIN,        /* mounts, host name */
  CAP_NET_ADMIN,        /* interfaces and routes */
  CAP_NET_RAW,          /* the AF_PACKET end of a veth pair */
  CAP_NET_BIND_SERVICE, /* port 53 inside */
  CAP_SETPCAP,          /* dropping the bounding set */
  CAP_SYS_RESOURCE,     /* /proc/sys/user/max_*_namespaces */
};

typedef struct {
  /* in */
  char *path; /* owned */
  const char *name;
  const char *argument; /* NULL: none */
  const char *const *environment; /* NULL: empty */
  gboolean namespaces;
  int fd3, fd4; /* fd4 -1: not passed */
  int channel[BT_INIT_CHANNEL_FDS]; /* -1: not passed */
  int stdio[3]; /* -1: to be closed; EMPTY: is closed */
  char uid_map[40];
  char gid_map[40];
  /* out */
  BtStage stage;
  const char *object;
  int error;
} Child;

struct _BtSpawn {
  Child child;
  int running; /* cleared by the kernel */
  char stack[STACK_SIZE] __attribute__((aligned(16)));
};

static int
child_failed(Child *child, BtStage stage, const char *object)
{
  child->error = errno;
  child->stage = stage;
  child->object = object;
  return -1;
}

static int
write_proc(Child *child, const char *path, const char *text)
{
  /* Not by their names: points of cancellation may change what the thread shares. */
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return child_failed(child, BT_STAGE_IDS, path);
  long written = syscall(SYS_write, fd, text, strlen(text));
  if (written < 0)
    child_failed(child, BT_STAGE_IDS, path);
  syscall(SYS_close, fd);
  return written < 0 ? -1 : 0;
}

static int
keep_capabilities(Child *child)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS(init_capabilities); i++) {
    int capability = init_capabilities[i];
    data[capability / 32].permitted |= 1u << (capability % 32);
  }
  for (int i = 0; i < 2; i++)
    data[i].effective = data[i].inheritable = data[i].permitted;
  if (syscall(SYS_capset, &header, data) != 0)
    return child_failed(child, BT_STAGE_IDS, "capset");
  for (gsize i = 0; i < G_N_ELEMENTS(init_capabilities); i++)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, init_capabilities[i], 0, 0) != 0)
      return child_failed(child, BT_STAGE_IDS, "PR_CAP_AMBIENT_RAISE");
  return 0;
}

static int
place_descriptors(Child *child)
{
  /* The sources are all above 7 or in their place, so that none is overwritten. */
  for (int fd = 0; fd < 3; fd++) {
    if (child->stdio[fd] == EMPTY)
      continue;
    if (child->stdio[fd] < 0)
      syscall(SYS_close, fd);
    else if (dup2(child->stdio[fd], fd) < 0)
      return child_failed(child, BT_STAGE_SPAWN, "dup2");
  }
  if (dup2(child->fd3, 3) < 0 || (child->fd4 >= 0 && dup2(child->fd4, 4) < 0))
    return child_failed(child, BT_STAGE_SPAWN, "dup2");
  int next = child->fd4 >= 0 ? 5 : 4;
  for (int i = 0; i < BT_INIT_CHANNEL_FDS && child->channel[i] >= 0; i++, next++)
    if (dup2(child->channel[i], next) < 0)
      return child_failed(child, BT_STAGE_SPAWN, "dup2");
  if (close_range((unsigned)next, ~0u, 0) != 0)
    return child_failed(child, BT_STAGE_SPAWN, "close_range");
  return 0;
}

/* On a stack of its own, of which AddressSanitizer would say that it does not know it. */
__attribute__((no_sanitize_address)) static int
child_main(void *data)
{
  Child *child = data;
  char *const argv[] = { (char *)child->name, (char *)child->argument, NULL };
  char *const empty[] = { NULL };

  if (child->namespaces &&
      (write_proc(child, "/proc/self/setgroups", "deny") != 0 ||
       write_proc(child, "/proc/self/uid_map", child->uid_map) != 0 ||
       write_proc(child, "/proc/self/gid_map", child->gid_map) != 0 ||
       keep_capabilities(child) != 0))
    _exit(1);
  if (place_descriptors(child) != 0)
    _exit(1);
  execve(child->path, argv,
         child->environment != NULL ? (char *const *)child->environment : empty);
  child_failed(child, BT_STAGE_HELPER, child->path);
  _exit(1);
}

static gboolean
spawn_failed(const Child *child, GError **error)
{
  g_autofree char *object = NULL;
  const char *cure = NULL;

  if (child->stage == BT_STAGE_HELPER) {
    object = g_strdup(child->path);
    cure = _("install buntime again, or run it from its build directory");
  } else {
    object = g_strdup_printf("%s (%s)", child->object, bt_stage_name(child->stage));
    cure = child->stage == BT_STAGE_IDS || strcmp(child->object, "clone") == 0
             ? bt_namespace_cure(child->error)
             : NULL;
    if (cure == NULL)
      cure = bt_call_cure(child->error);
  }
  return bt_fail(error, BUNTIME_ERROR_SETUP, object, g_strerror(child->error), cure);
}

/* Takes over the path. NULL: nothing was started, and error says why. */
static BtSpawn *
begin(const Child *child, int flags, BtHelper *helper_out, GError **error)
{
  sigset_t all, before;
  int pidfd = -1;

  BtSpawn *self = g_malloc(sizeof *self);
  self->child = *child;
  if (self->child.error != 0) {
    spawn_failed(&self->child, error);
    bt_spawn_free(self);
    return NULL;
  }
  self->running = 1;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t pid = clone(child_main, self->stack + sizeof self->stack,
                    flags | TOGETHER | CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD,
                    &self->child, &pidfd, NULL, &self->running);
  if (pid < 0)
    child_failed(&self->child, BT_STAGE_SPAWN, "clone");
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid >= 0) {
    *helper_out = (BtHelper){ .pid = pid, .pidfd = pidfd };
    return self;
  }
  spawn_failed(&self->child, error);
  bt_spawn_free(self);
  return NULL;
}

gboolean
bt_spawn_finish(BtSpawn *self, BtHelper *helper, GError **error)
{
  gboolean ok = TRUE;

  while (g_atomic_int_get(&self->running) != 0)
    syscall(SYS_futex, &self->running, FUTEX_WAIT, 1, NULL, NULL, 0);
  if (self->child.error != 0) {
    bt_helper_reap(helper);
    ok = spawn_failed(&self->child, error);
  }
  bt_spawn_free(self);
  return ok;
}

void
bt_spawn_free(BtSpawn *self)
{
  g_free(self->child.path);
  g_free(self);
}

/* A copy above the numbers that place_descriptors() fills; -1, and child tells of it, if there is none. */
static int
lift(Child *child, int fd)
{
  int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 10);

  if (lifted < 0)
    child_failed(child, BT_STAGE_SPAWN, "F_DUPFD_CLOEXEC");
  return lifted;
}

/* The usual ones are in their place already. */
static int
lift_stdio(Child *child, int fd, int place)
{
  if (fd == place && fcntl(fd, F_GETFD) == 0)
    return fd;
  if (fcntl(fd, F_GETFD) >= 0)
    return lift(child, fd);
  return fcntl(place, F_GETFD) < 0 ? EMPTY : -1;
}

static BtSpawn *
spawn_init(Child *child, int plan_fd, int status_fd, const BtWorkerFds *fds, BtHelper *helper_out,
           GError **error)
{
  child->path = bt_helper_path("buntime-init", error);
  if (child->path == NULL)
    return NULL;

  child->name = "buntime-init";
  for (int fd = 0; fd < 3; fd++)
    child->stdio[fd] = lift_stdio(child, fds->stdio[fd], fd);
  for (int i = 0; i < BT_INIT_CHANNEL_FDS; i++)
    child->channel[i] = fds->channel[i] < 0 ? -1 : lift(child, fds->channel[i]);
  child->fd3 = lift(child, plan_fd);
  child->fd4 = lift(child, status_fd);
  BtSpawn *self = begin(child, child->namespaces ? NAMESPACES : 0, helper_out, error);
  close(child->fd3);
  close(child->fd4);
  for (int fd = 0; fd < 3; fd++)
    if (child->stdio[fd] > 2)
      close(child->stdio[fd]);
  for (int i = 0; i < BT_INIT_CHANNEL_FDS; i++)
    if (child->channel[i] >= 0)
      close(child->channel[i]);
  return self;
}

BtSpawn *
bt_spawn_init(int plan_fd, int status_fd, const BtWorkerFds *fds, uid_t uid, gid_t gid,
              BtHelper *helper_out, GError **error)
{
  Child child = { .namespaces = TRUE };

  snprintf(child.uid_map, sizeof child.uid_map, "%u %u 1\n", uid, uid);
  snprintf(child.gid_map, sizeof child.gid_map, "%u %u 1\n", gid, gid);
  return spawn_init(&child, plan_fd, status_fd, fds, helper_out, error);
}

BtSpawn *
bt_spawn_flat_init(int plan_fd, int status_fd, const BtWorkerFds *fds, BtHelper *helper_out,
                   GError **error)
{
  Child child = { .argument = BT_INIT_FLAT };

  return spawn_init(&child, plan_fd, status_fd, fds, helper_out, error);
}

gboolean
bt_spawn_helper(const char *name, int control_fd, const char *const *environment,
                BtHelper *helper_out, GError **error)
{
  g_autofree char *path = bt_helper_path(name, error);
  if (path == NULL)
    return FALSE;

  Child child = { .name = name, .environment = environment, .fd4 = -1,
                  .channel = { -1, -1, -1 } };
  int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0)
    return bt_fail(error, BUNTIME_ERROR_SETUP, "/dev/null", g_strerror(errno), bt_call_cure(errno));
  child.path = g_steal_pointer(&path);
  child.stdio[0] = child.stdio[1] = child.stdio[2] = lift(&child, null_fd);
  child.fd3 = lift(&child, control_fd);
  BtSpawn *spawn = begin(&child, 0, helper_out, error);
  close(child.stdio[0]);
  close(child.fd3);
  close(null_fd);
  return spawn != NULL && bt_spawn_finish(spawn, helper_out, error);
}

int
bt_helper_reap(BtHelper *helper)
{
  int status = -1;
  pid_t reaped;

  if (helper->pid <= 0)
    return -1;
  do
    reaped = waitpid(helper->pid, &status, 0);
  while (reaped < 0 && errno == EINTR);
  if (helper->pidfd >= 0)
    close(helper->pidfd);
  *helper = BT_HELPER_INIT;
  return reaped < 0 ? -1 : status;
}

gboolean
bt_helper_await(const BtHelper *helper, int milliseconds)
{
  struct pollfd end = { .fd = helper->pidfd, .events = POLLIN };

  return helper->pidfd < 0 || poll(&end, 1, milliseconds) > 0;
}

void
bt_worker_fds_close(BtWorkerFds *fds)
{
  for (int i = 0; i < 3; i++) {
    if (fds->stdio[i] >= 0)
      close(g_steal_fd(&fds->stdio[i]));
    if (fds->channel[i] >= 0)
      close(g_steal_fd(&fds->channel[i]));
  }
}

void
bt_helper_kill(const BtHelper *helper)
{
  /* Its number is its own until it is reaped: a filter that refuses the call must not keep it. */
  if (helper->pidfd >= 0 &&
      syscall(SYS_pidfd_send_signal, helper->pidfd, SIGKILL, NULL, 0) != 0 && errno != ESRCH)
    kill(helper->pid, SIGKILL);
}

void
bt_helper_clear(BtHelper *helper)
{
  bt_helper_kill(helper);
  bt_helper_reap(helper);
}
