/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * buntime-init: carries out one plan (wire/bt-plan.h), becomes pid 1 of the
 * sandbox and reaps.
 *
 * It is started by a child of the supervisor's (lib/bt-spawn.c), already in
 * new user and pid namespaces, with its ids mapped and a few capabilities
 * over them.  It decides nothing.  Everything goes by descriptors
 * opened once, and whatever fails ends the run with (stage, errno, object).
 *
 * The order of the stages is the security property:
 *
 *   PLAN        Close this process to others, make the other namespaces (some
 *               by bt-net-namespace.c), drop the bounding set, wait
 *               for the plan, read it.  Nothing that the plan says may have been
 *               done before it is checked whole.  Then the cgroup namespace:
 *               where its root is may depend on what the supervisor did meanwhile.
 *   UTS         Host name.
 *   SOURCES     Open everything that will be mounted, O_PATH, without
 *               following a link.  Must not mount: each path must mean what
 *               it meant to the supervisor.
 *   MOUNTS      Build the new tree beside the old one.  Must not create
 *               anything but in file systems made here, nor follow a link
 *               in a bound tree.  procfs needs the old one still visible.
 *   NETWORK     Needs the host's /dev/net/tun and /proc/self/ns, so it comes
 *               before the root changes, and as late as that, since the
 *               namespace takes the longest to make; needs CAP_NET_ADMIN and
 *               port 53, so before capabilities go.  Sends the frame fd and the
 *               DNS sockets away; no copy of them is left when the worker starts.
 *   ROOT        pivot_root.  From here on an absolute path is one of the new
 *               tree; the old one still lies over it.
 *   WORKER      Clone the worker.  Two processes now, both busy at once, and
 *               both of them this program:
 *
 *     pid 1: ROOT (the old tree  worker: CWD            as the user's own
 *     goes: no host path can be          LANDLOCK       needs paths and
 *     named), NAMESPACES (nested                        descriptors, as does
 *     ones are closed by sysctl,         OPENER         if any; so before
 *     then procfs is read-only).         LIMITS         may refuse them
 *     Confines itself (Landlock,         PRIVILEGES     no way back
 *     capabilities, descriptors,         SECCOMP        last, as it refuses
 *     filter), and only then                            what the others use
 *     opens the gate; reaps.               - gate -
 *                                        EXEC           waits, notified, for
 *                                                       the supervisor
 *
 * Where the policy turned namespaces off, one stage stands for all of them,
 * and "pid 1" is no more than a manner of speaking: see bt-flat.c.
 *
 * pid 1 and its worker have the same uid.  What keeps them apart: pid 1 is
 * not dumpable (its /proc files, memory and descriptors are closed), it is in
 * another Landlock domain (no ptrace across), it ignores every signal from
 * inside by being pid 1, and has nothing worth taking any more.  A few policies
 * have a third process of this program, the opener (bt-opener.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/bt-confine.h"
#include "init/bt-flat.h"
#include "init/bt-init.h"
#include "init/bt-report.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

/*
 * A socket acts in the network namespace it was made in, the host's: by
 * connect(AF_UNSPEC) and connect() a TCP one reaches whatever the host does,
 * and so do datagrams. A connected Unix stream is tied to its peer for good.
 */
static bool
is_tied(int fd)
{
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer, type_size = sizeof(int), domain_size = sizeof(int);
  int type = 0, domain = 0;

  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) == 0 && domain == AF_UNIX &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
         (type == SOCK_STREAM || type == SOCK_SEQPACKET) &&
         getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

/*
 * A descriptor the caller had closed must not become one of ours, and a
 * directory would be a way out of the new root by "..".  What is no file at all
 * is a hold on the caller: an epoll instance hands it pointers, the rings of an
 * io_uring have the kernel do what is written there, a listener answers for it.
 */
static void
check_stdio(void)
{
  struct stat info;

  for (int fd = 0; fd < 3; fd++) {
    if (fstat(fd, &info) == 0) {
      const char *name = fd == 0 ? "standard input" : "standard output";
      if (S_ISDIR(info.st_mode))
        bt_fail_with(EISDIR, name);
      if (S_ISSOCK(info.st_mode) && !is_tied(fd))
        bt_fail_with(ESOCKTNOSUPPORT, name);
      if ((info.st_mode & S_IFMT) == 0)
        bt_fail_with(ENOTSUP, name);
    } else if (open("/dev/null", O_RDWR) != fd) {
      bt_fail_at("/dev/null");
    }
  }
}

/* The worker must not read or trace us; the supervisor's end must be ours. */
static void
close_to_others(BtInit *init)
{
  sigset_t set;

  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_DUMPABLE");
  /* Follows the thread that spawned us: the reaper also watches the socket. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
    bt_fail_at("PR_SET_PDEATHSIG");
  check_stdio();
  if (fcntl(BT_INIT_PLAN_FD, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(BT_INIT_STATUS_FD, F_SETFD, FD_CLOEXEC) != 0)
    bt_fail_at("descriptors 3 and 4");
  /* All other signals at their default: the kernel drops them for a pid 1. */
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  signal(SIGCHLD, SIG_DFL);
  if (init->flat)
    bt_flat_block_signals();
  else if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
    bt_fail_at("signal mask");
  init->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (init->signal_fd < 0)
    bt_fail_at("signalfd");
}

static void
enter_namespace(int kind, const char *object)
{
  if (unshare(kind) != 0)
    bt_fail_at(object);
}

/* We are started while the plan is still being made (lib/bt-launch.h). */
static void
await_plan(void)
{
  char word;
  ssize_t got;

  do
    got = recv(BT_INIT_STATUS_FD, &word, 1, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0)
    bt_fail_at("status socket");
  /* The supervisor is gone or found a mistake: nobody wants to hear of it. */
  if (got != 1)
    _exit(125);
}

static void
stage_plan(BtInit *init)
{
  struct stat info;

  close_to_others(init);
  if (!init->flat) {
    /* Before there is a thread, which would keep the old one. */
    enter_namespace(CLONE_NEWNS | CLONE_NEWUTS, "mount and uts namespaces");
    bt_net_namespace_begin(init);
    /* Who made no user namespace has no capability, and none over that set. */
    bt_confine_bounding_set();
  }
  await_plan();
  if (!init->flat)
    enter_namespace(CLONE_NEWCGROUP, "cgroup namespace");
  init->caller_umask = umask(0);
  if (fstat(BT_INIT_PLAN_FD, &info) != 0)
    bt_fail_at("plan");
  int seals = fcntl(BT_INIT_PLAN_FD, F_GET_SEALS);
  if (seals < 0 || (seals & SEALS) != SEALS)
    bt_fail_with(EPERM, "plan: not sealed");
  if (info.st_size <= 0 || info.st_size > BT_PLAN_MAX_SIZE)
    bt_fail_with(EINVAL, "plan: size");
  void *bytes = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, BT_INIT_PLAN_FD, 0);
  if (bytes == MAP_FAILED)
    bt_fail_at("plan");
  BtPlanError error = bt_plan_open(bytes, info.st_size, &init->plan);
  if (error != BT_PLAN_OK) {
    char object[96];
    snprintf(object, sizeof object, "plan: %s", bt_plan_error_text(error));
    bt_fail_with(EINVAL, object);
  }
  if (((init->plan.header->flags & BT_PLAN_NO_NAMESPACES) != 0) != init->flat)
    bt_fail_with(EPERM, "plan: for another kind of sandbox");
  if (getuid() != init->plan.header->uid || getgid() != init->plan.header->gid)
    bt_fail_with(EPERM, "plan: made for another user");
}

static void
stage_uts(BtInit *init)
{
  const char *name = bt_plan_string(&init->plan, init->plan.header->hostname);

  if (name != NULL && sethostname(name, strlen(name)) != 0)
    bt_fail_at("host name");
}

typedef struct {
  BtStage stage;
  void (*run)(BtInit *init);
} Stage;

static const Stage stages[] = {
  { BT_STAGE_PLAN, stage_plan },
  { BT_STAGE_UTS, stage_uts },
  { BT_STAGE_SOURCES, bt_stage_sources },
  { BT_STAGE_MOUNTS, bt_stage_mounts },
  { BT_STAGE_NETWORK, bt_stage_network },
  { BT_STAGE_ROOT, bt_stage_root },
  { BT_STAGE_WORKER, bt_stage_worker },
};

static const Stage flat_stages[] = {
  { BT_STAGE_PLAN, stage_plan },
  { BT_STAGE_FLAT, bt_stage_flat },
  { BT_STAGE_WORKER, bt_stage_worker },
};

static void
run_stages(BtInit *init, const Stage *list, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    bt_report_stage(list[i].stage);
    list[i].run(init);
  }
}

int
main(int argc, char **argv)
{
  BtInit init = { .signal_fd = -1, .proc_fd = -1, .root_fd = -1, .children_fd = -1,
                  .folder.fd = -1 };
  pid_t pid = getpid();

  init.flat = argc == 2 && strcmp(argv[1], BT_INIT_FLAT) == 0;
  /* Outside a sandbox there is nothing to do, and the umask is not ours. */
  if (pid != 1 && !init.flat) {
    static const char text[] = "buntime-init is started by buntime, not by hand\n";
    (void)!write(2, text, sizeof text - 1);
    return 125;
  }
  if (init.flat) {
    bt_report_init(pid);
    run_stages(&init, flat_stages, sizeof flat_stages / sizeof flat_stages[0]);
  } else {
    run_stages(&init, stages, sizeof stages / sizeof stages[0]);
  }
  return 125; /* not reached: the last stage does not return */
}
