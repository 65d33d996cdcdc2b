/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every rule of the worker's filter by its effect: a child installs the
 * filter, makes the call, and tells its errno by its exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan/bt-seccomp.h"

#define HIGH 0xdead00000000ul /* what a caller may put above an int */
#define NOBODYS_PID 0x7ffffff0ul
#define KILLED (-SIGSYS)
#define ANYTHING_BUT_FILTER 0

typedef struct {
  const char *name;
  long number;
  unsigned long args[6];
  int expected; /* errno; 0: not refused with EPERM, EACCES or ENOSYS; or -signal */
} Case;

static void
install(BtFilter filter)
{
  struct sock_fprog program = {
    .len = filter.count,
    .filter = (struct sock_filter *)filter.instructions,
  };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    _exit(255);
}

static int
outcome_of(BtFilter filter, const Case *c)
{
  int status;
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    const unsigned long *a = c->args;
    install(filter);
    errno = 0;
    long result = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    _exit(result == -1 ? errno : 0);
  }
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  if (WIFSIGNALED(status))
    return -WTERMSIG(status);
  g_assert_cmpint(WEXITSTATUS(status), !=, 255);
  return WEXITSTATUS(status);
}

static void
check(BtFilter filter, const Case *cases, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    int outcome = outcome_of(filter, &cases[i]);
    g_test_message("%s: %d, expected %d", cases[i].name, outcome, cases[i].expected);
    if (cases[i].expected == ANYTHING_BUT_FILTER) {
      g_assert_cmpint(outcome, >=, 0);
      g_assert_cmpint(outcome, !=, EPERM);
      g_assert_cmpint(outcome, !=, EACCES);
      g_assert_cmpint(outcome, !=, ENOSYS);
    } else {
      g_assert_cmpint(outcome, ==, cases[i].expected);
    }
  }
}

static const Case sockets[] = {
  { "tcp", SYS_socket, { AF_INET, SOCK_STREAM, 0 }, 0 },
  { "tcp6 nonblock", SYS_socket, { AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP }, 0 },
  { "udp cloexec", SYS_socket, { AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP }, 0 },
  { "raw", SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_RAW }, EPERM },
  { "raw cloexec", SYS_socket, { AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP }, EPERM },
  { "mptcp", SYS_socket, { AF_INET, SOCK_STREAM, 262 }, EPROTONOSUPPORT },
  { "sctp", SYS_socket, { AF_INET, SOCK_STREAM, IPPROTO_SCTP }, EPROTONOSUPPORT },
  { "unix stream", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, 0 },
  { "unix seqpacket", SYS_socket, { AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0 }, 0 },
  { "unix dgram", SYS_socket, { AF_UNIX, SOCK_DGRAM, 0 }, EACCES },
  { "unix dgram flags", SYS_socket, { AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0 }, EACCES },
  { "unix raw", SYS_socket, { AF_UNIX, SOCK_RAW, 0 }, EACCES },
  { "unix dgram, high half", SYS_socket, { AF_UNIX | HIGH, SOCK_DGRAM | HIGH, 0 }, EACCES },
  { "pair stream", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, 0 }, EFAULT },
  { "pair dgram", SYS_socketpair, { AF_UNIX, SOCK_DGRAM, 0, 0 }, EACCES },
  { "pair raw", SYS_socketpair, { AF_UNIX, SOCK_RAW | SOCK_CLOEXEC, 0, 0 }, EACCES },
  { "netlink route", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE }, 0 },
  { "netlink audit", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_AUDIT }, EPROTONOSUPPORT },
  { "netlink generic", SYS_socket, { AF_NETLINK, SOCK_DGRAM, NETLINK_GENERIC }, EPROTONOSUPPORT },
  { "packet", SYS_socket, { AF_PACKET, SOCK_DGRAM, 0 }, EAFNOSUPPORT },
  { "vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 }, EAFNOSUPPORT },
  { "alg", SYS_socket, { AF_ALG, SOCK_SEQPACKET, 0 }, EAFNOSUPPORT },
  { "bluetooth", SYS_socket, { AF_BLUETOOTH, SOCK_STREAM, 3 }, EAFNOSUPPORT },
  { "sendto", SYS_sendto, { 999, 0, 0, MSG_NOSIGNAL, 0, 0 }, EBADF },
  { "sendto fastopen", SYS_sendto, { 999, 0, 0, MSG_FASTOPEN | MSG_NOSIGNAL, 0, 0 }, EOPNOTSUPP },
  { "sendmsg", SYS_sendmsg, { 999, 0, MSG_NOSIGNAL }, EBADF },
  { "sendmsg fastopen", SYS_sendmsg, { 999, 0, MSG_FASTOPEN }, EOPNOTSUPP },
  { "sendmmsg fastopen", SYS_sendmmsg, { 999, 0, 1, MSG_FASTOPEN | HIGH }, EOPNOTSUPP },
  { "nodelay", SYS_setsockopt, { 999, IPPROTO_TCP, TCP_NODELAY, 0, 0 }, EBADF },
  { "fastopen connect", SYS_setsockopt, { 999, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0, 0 }, EOPNOTSUPP },
  { "30 of another level", SYS_setsockopt, { 999, SOL_SOCKET, TCP_FASTOPEN_CONNECT, 0, 0 }, EBADF },
  { "ulp", SYS_setsockopt, { 999, IPPROTO_TCP, TCP_ULP, 0, 0 }, EOPNOTSUPP },
  { "repair", SYS_setsockopt, { 999, IPPROTO_TCP, TCP_REPAIR, 0, 0 }, EPERM },
};

static const Case terminal[] = {
  { "TCGETS", SYS_ioctl, { 999, TCGETS, 0 }, EBADF },
  { "TIOCGWINSZ", SYS_ioctl, { 999, TIOCGWINSZ, 0 }, EBADF },
  { "TIOCSTI", SYS_ioctl, { 999, TIOCSTI, 0 }, EPERM },
  { "TIOCSTI, high half", SYS_ioctl, { 999, TIOCSTI | HIGH, 0 }, EPERM },
  { "TIOCLINUX", SYS_ioctl, { 999, TIOCLINUX, 0 }, EPERM },
  { "TIOCSETD", SYS_ioctl, { 999, TIOCSETD, 0 }, EPERM },
  { "TIOCSCTTY", SYS_ioctl, { 999, TIOCSCTTY, 0 }, EPERM },
  { "KDSKBMODE", SYS_ioctl, { 999, 0x4b45, 0 }, EPERM },
  { "VT_ACTIVATE, high half", SYS_ioctl, { 999, 0x5606 | HIGH, 0 }, EPERM },
  { "VIDIOC_QUERYCAP", SYS_ioctl, { 999, 0x80685600, 0 }, EBADF },
  { "btrfs snapshot", SYS_ioctl, { 999, 0x50009401, 0 }, EPERM },
  { "btrfs snapshot, version 2", SYS_ioctl, { 999, 0x50009417 | HIGH, 0 }, EPERM },
  { "btrfs subvolume", SYS_ioctl, { 999, 0x5000940e, 0 }, EBADF },
  { "bcachefs subvolume", SYS_ioctl, { 999, 0x4020bc10, 0 }, EPERM },
  { "fscrypt key taken away", SYS_ioctl, { 999, 0xc0406618, 0 }, EPERM },
  { "F_GETFD", SYS_fcntl, { 0, F_GETFD, 0 }, 0 },
  { "F_NOTIFY", SYS_fcntl, { 0, F_NOTIFY, 0 }, EPERM },
  { "F_SETLEASE", SYS_fcntl, { 0, F_SETLEASE, F_WRLCK }, EPERM },
};

static const Case namespaces[] = {
  { "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone ns", SYS_clone, { CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone cgroup", SYS_clone, { CLONE_NEWCGROUP | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone uts", SYS_clone, { CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone ipc", SYS_clone, { CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone pid", SYS_clone, { CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0 }, EPERM },
  { "clone net, high half", SYS_clone, { CLONE_NEWNET | SIGCHLD | HIGH, 0, 0, 0, 0 }, EPERM },
  { "clone user with others", SYS_clone, { CLONE_NEWUSER | CLONE_NEWNET | CLONE_VFORK, 0, 0, 0, 0 }, EPERM },
  { "clone3", SYS_clone3, { 0, 0 }, ENOSYS },
  { "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM },
  { "unshare nothing", SYS_unshare, { 0 }, EPERM },
  { "setns", SYS_setns, { 0, 0 }, EPERM },
  { "mount", SYS_mount, { 0, 0, 0, 0, 0 }, EPERM },
  { "pivot_root", SYS_pivot_root, { 0, 0 }, EPERM },
  { "chroot", SYS_chroot, { 0 }, EPERM },
  { "fsopen", SYS_fsopen, { 0, 0 }, EPERM },
  { "open_tree", SYS_open_tree, { 0, 0, 0 }, EPERM },
};

static const struct rlimit no_core = { 0, 0 };

static const Case others[] = {
  { "getpid", SYS_getpid, { 0 }, 0 },
  { "read", SYS_read, { 999, 0, 0 }, EBADF },
  { "openat2", SYS_openat2, { 0, 0, 0, 0 }, ENOSYS },
  { "a number of the future", 4000, { 0 }, ENOSYS },
  { "io_uring_setup", SYS_io_uring_setup, { 1, 0 }, ENOSYS },
  { "io_uring_enter", SYS_io_uring_enter, { 0, 0, 0, 0, 0, 0 }, ENOSYS },
  { "ptrace", SYS_ptrace, { 0, 0, 0, 0 }, EPERM },
  { "process_vm_readv", SYS_process_vm_readv, { 1, 0, 0, 0, 0, 0 }, EPERM },
  { "process_vm_writev", SYS_process_vm_writev, { 1, 0, 0, 0, 0, 0 }, EPERM },
  { "pidfd_getfd", SYS_pidfd_getfd, { 0, 0, 0 }, EPERM },
  { "kcmp", SYS_kcmp, { 1, 1, 0, 0, 0 }, EPERM },
  { "bpf", SYS_bpf, { 0, 0, 0 }, EPERM },
  { "perf_event_open", SYS_perf_event_open, { 0, 0, 0, 0, 0 }, EPERM },
  { "userfaultfd", SYS_userfaultfd, { 0 }, EPERM },
  { "keyctl", SYS_keyctl, { 0, 0, 0, 0, 0 }, EPERM },
  { "add_key", SYS_add_key, { 0, 0, 0, 0, 0 }, EPERM },
  { "open_by_handle_at", SYS_open_by_handle_at, { 0, 0, 0 }, EPERM },
  { "settimeofday", SYS_settimeofday, { 0, 0 }, EPERM },
  { "syslog", SYS_syslog, { 0, 0, 0 }, EPERM },
  { "memfd_create", SYS_memfd_create, { 0, 0 }, EPERM },
  { "memfd_secret", 447, { 0 }, EPERM },
  { "shmat", SYS_shmat, { 999999, 0, SHM_RDONLY }, EINVAL },
  { "shmat exec", SYS_shmat, { 999999, 0, SHM_EXEC }, EACCES },
  { "own limits", SYS_prlimit64, { 0, 0, 0, 0 }, 0 },
  { "own limits set", SYS_prlimit64, { 0, 4, (unsigned long)&no_core, 0 }, 0 },
  { "another's limits asked", SYS_prlimit64, { NOBODYS_PID | HIGH, 0, 0, 0 }, ESRCH },
  { "another's limits set", SYS_prlimit64, { NOBODYS_PID, 4, (unsigned long)&no_core, 0 }, EPERM },
  { "another's limits, high pointer", SYS_prlimit64, { NOBODYS_PID, 0, HIGH, 0 }, EPERM },
  { "pid 1's processors", SYS_sched_setaffinity, { 1, 0, 0 }, EPERM },
  { "pid 1's processors, high half", SYS_sched_setaffinity, { 1 | HIGH, 0, 0 }, EPERM },
  { "pid 1's scheduler", SYS_sched_setscheduler, { 1, 0, 0 }, EPERM },
  { "pid 1's parameters", SYS_sched_setparam, { 1, 0, 0 }, EPERM },
  { "pid 1's attributes", SYS_sched_setattr, { 1, 0, 0 }, EPERM },
  { "own scheduler", SYS_sched_setscheduler, { 0, 0, 0 }, EINVAL },
  { "own priority", SYS_setpriority, { PRIO_PROCESS, 0, 0 }, 0 },
  { "the group's priority", SYS_setpriority, { PRIO_PGRP, 0, 0 }, EPERM },
  { "the group's priority, high half", SYS_setpriority, { PRIO_PGRP | HIGH, 0, 0 }, EPERM },
  { "the group's I/O priority", SYS_ioprio_set, { 2 | HIGH, 0, 0x4000 }, EPERM },
  { "the group asked for", SYS_kill, { 0, 0 }, 0 },
  { "a listener", SYS_seccomp, { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0 }, EBUSY },
  { "a listener, high halves", SYS_seccomp,
    { SECCOMP_SET_MODE_FILTER | HIGH, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_LOG | HIGH, 0 }, EBUSY },
  { "a filter", SYS_seccomp, { SECCOMP_SET_MODE_FILTER, 0, 0 }, EFAULT },
  { "an action asked for", SYS_seccomp, { SECCOMP_GET_NOTIF_SIZES, 0, 0 }, EFAULT },
  { "personality query", SYS_personality, { 0xffffffff }, 0 },
  { "personality none", SYS_personality, { 0 }, 0 },
  { "personality no aslr", SYS_personality, { ADDR_NO_RANDOMIZE }, 0 },
  { "personality exec", SYS_personality, { READ_IMPLIES_EXEC }, EPERM },
  { "prctl name", SYS_prctl, { PR_SET_NAME, (unsigned long)"x", 0, 0, 0 }, 0 },
  { "prctl mm", SYS_prctl, { PR_SET_MM, PR_SET_MM_BRK, 0, 0, 0 }, EPERM },
  { "prctl mm, high half", SYS_prctl, { PR_SET_MM | HIGH, 0, 0, 0, 0 }, EPERM },
#ifdef __x86_64__
  { "x32 getpid", 0x40000000 + SYS_getpid, { 0 }, KILLED },
  { "x32 execve", 0x40000000 + 520, { 0 }, KILLED },
  { "modify_ldt", SYS_modify_ldt, { 0, 0, 0 }, EPERM },
  { "iopl", SYS_iopl, { 3 }, EPERM },
#endif
};

static void
test_worker(gconstpointer data)
{
  static const struct {
    const Case *cases;
    gsize count;
  } groups[] = {
    { sockets, G_N_ELEMENTS(sockets) },
    { terminal, G_N_ELEMENTS(terminal) },
    { namespaces, G_N_ELEMENTS(namespaces) },
    { others, G_N_ELEMENTS(others) },
  };
  gsize i = GPOINTER_TO_SIZE(data);
  check(bt_seccomp_worker(FALSE, TRUE), groups[i].cases, groups[i].count);
}

/* Descriptors may have an owner outside, who would get what is chosen here. */
static void
test_async(void)
{
  static const Case cases[] = {
    { "news", SYS_fcntl, { 999, F_SETFL, O_ASYNC | O_NONBLOCK }, EPERM },
    { "news, high halves", SYS_fcntl, { 999, F_SETFL | HIGH, O_ASYNC | HIGH }, EPERM },
    { "without", SYS_fcntl, { 999, F_SETFL, O_NONBLOCK }, EBADF },
    { "flags asked for", SYS_fcntl, { 999, F_GETFL, O_ASYNC }, EBADF },
    { "another signal", SYS_fcntl, { 999, F_SETSIG, SIGKILL }, EPERM },
    { "another signal, high half", SYS_fcntl, { 999, F_SETSIG | HIGH, SIGKILL }, EPERM },
    { "its number", SYS_fcntl, { 999, F_GETSIG, 0 }, EBADF },
    { "a lease", SYS_fcntl, { 999, F_SETLEASE, 0 }, EPERM },
    { "news by ioctl", SYS_ioctl, { 999, FIOASYNC | HIGH, 0 }, EPERM },
    { "another ioctl", SYS_ioctl, { 999, FIONBIO, 0 }, EBADF },
    { "TIOCSTI", SYS_ioctl, { 999, TIOCSTI, 0 }, EPERM },
  };
  for (int memfd = FALSE; memfd <= TRUE; memfd++)
    for (int scoped = FALSE; scoped <= TRUE; scoped++) {
      check(bt_seccomp_worker(memfd, scoped), cases, G_N_ELEMENTS(cases));
      check(bt_seccomp_flat_worker(memfd, scoped), cases, G_N_ELEMENTS(cases));
    }
}

/* Before Landlock's scopes the caller's process group is in reach of kill(0). */
static void
test_unscoped(void)
{
  static const Case cases[] = {
    { "the group", SYS_kill, { 0, 0 }, EPERM },
    { "the group, high half", SYS_kill, { HIGH, 0 }, EPERM },
    { "nobody", SYS_kill, { NOBODYS_PID, 0 }, ESRCH },
  };
  check(bt_seccomp_worker(FALSE, FALSE), cases, G_N_ELEMENTS(cases));
  check(bt_seccomp_worker(TRUE, FALSE), cases, G_N_ELEMENTS(cases));
}

static void
test_memfd(void)
{
  static const Case cases[] = {
    { "memfd_create", SYS_memfd_create, { (unsigned long)"x", MFD_CLOEXEC }, 0 },
    { "memfd_secret", 447, { 0 }, EPERM },
    { "ptrace", SYS_ptrace, { 0, 0, 0, 0 }, EPERM },
  };
  check(bt_seccomp_worker(TRUE, TRUE), cases, G_N_ELEMENTS(cases));
}

#ifdef __x86_64__
/* int 0x80 is the i386 door. */
static void
test_i386(void)
{
  int status;
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    long result = 20; /* i386's getpid */
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
    install(bt_seccomp_worker(FALSE, TRUE));
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    _exit(0);
  }
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFSIGNALED(status));
  /* SIGSEGV where the kernel has no i386 at all. */
  g_assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

static void *
thread(void *data)
{
  return data;
}

/* What a runtime does all day works under it: threads (clone3 falls back), processes, mapping code. */
static void
test_ordinary(void)
{
  int status;
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    install(bt_seccomp_worker(FALSE, TRUE));
    pthread_t id;
    void *result = NULL;
    int good = pthread_create(&id, NULL, thread, &status) == 0 && pthread_join(id, &result) == 0 &&
               result == &status;
    good = good && mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    pid_t child = fork();
    if (child == 0)
      _exit(7);
    good = good && child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
    _exit(good ? 0 : 1);
  }
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), ==, 0);
}

static void
test_init(void)
{
  static const Case cases[] = {
    { "getpid", SYS_getpid, { 0 }, 0 },
    { "waitid", SYS_waitid, { P_ALL, 0, 0, WEXITED | WNOHANG, 0 }, ECHILD },
    { "read", SYS_read, { 999, 0, 0 }, EBADF },
    { "execve", SYS_execve, { 0, 0, 0 }, EPERM },
    { "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, EPERM },
    { "connect", SYS_connect, { 999, 0, 0 }, EPERM },
    { "pidfd_getfd", SYS_pidfd_getfd, { 0, 0, 0 }, EPERM },
    { "ptrace", SYS_ptrace, { 0, 0, 0, 0 }, EPERM },
    { "unshare", SYS_unshare, { 0 }, EPERM },
    { "mount", SYS_mount, { 0, 0, 0, 0, 0 }, EPERM },
#if !defined(__SANITIZE_ADDRESS__)
    { "openat", SYS_openat, { AT_FDCWD, 0, 0 }, EPERM },
    { "kill", SYS_kill, { 999999999, 0 }, EPERM },
    { "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0 }, EPERM },
#endif
  };
  check(bt_seccomp_init(), cases, G_N_ELEMENTS(cases));
}

/* Without namespaces: what would reach other processes, the host's network, IPC and files by name. */
static const Case flat[] = {
  { "tcp", SYS_socket, { AF_INET, SOCK_STREAM, 0 }, 0 },
  { "tcp6", SYS_socket, { AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP }, 0 },
  { "mptcp", SYS_socket, { AF_INET, SOCK_STREAM, 262 }, EPROTONOSUPPORT },
  { "sctp", SYS_socket, { AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP }, EPROTONOSUPPORT },
  { "sctp packets", SYS_socket, { AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP }, EPERM },
  { "udp", SYS_socket, { AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0 }, ENOSYS }, /* notified, and nobody listens */
  { "udp6", SYS_socket, { AF_INET6 | HIGH, SOCK_DGRAM, 0 }, ENOSYS },
  { "raw", SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_ICMP }, EPERM },
  { "raw6", SYS_socket, { AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_RAW }, EPERM },
  { "packet", SYS_socket, { AF_INET, 10 /* SOCK_PACKET */, 0 }, EPERM },
  { "packets", SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, EAFNOSUPPORT },
  { "fast open", SYS_sendto, { 999, 0, 0, MSG_FASTOPEN }, EOPNOTSUPP },
  { "netlink", SYS_socket, { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE }, EAFNOSUPPORT },
  { "vsock", SYS_socket, { AF_VSOCK, SOCK_STREAM, 0 }, EAFNOSUPPORT },
  { "unix", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, 0 },
  { "unix dgram", SYS_socket, { AF_UNIX, SOCK_DGRAM, 0 }, EACCES },
  { "pair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, 0 }, EFAULT },
  { "bind", SYS_bind, { 999, 0, 0 }, EPERM },
  { "listen", SYS_listen, { 999, 0 }, EPERM },
  { "tty", SYS_ioctl, { 999, TIOCGWINSZ, 0 }, EBADF },
  { "non-blocking", SYS_ioctl, { 999, FIONBIO, 0 }, EBADF },
  { "urgent data", SYS_ioctl, { 999, 0x8905 /* SIOCATMARK */, 0 }, EBADF },
  { "interfaces", SYS_ioctl, { 999, 0x8912 /* SIOCGIFCONF */, 0 }, ENOTTY },
  { "network", SYS_ioctl, { 999, 0x894c /* SIOCGSKNS */, 0 }, ENOTTY },
  { "pty number", SYS_ioctl, { 999, TIOCGPTN, 0 }, EBADF },
  { "TIOCSTI", SYS_ioctl, { 999, TIOCSTI | HIGH, 0 }, EPERM },
  { "TIOCSPGRP", SYS_ioctl, { 999, TIOCSPGRP | HIGH, 0 }, EPERM },
  { "interfaces", SYS_ioctl, { 999, SIOCGIFCONF, 0 }, ENOTTY },
  { "file flags", SYS_ioctl, { 999, 0x40086602 /* FS_IOC_SETFLAGS */, 0 }, ENOTTY },
  { "own nice", SYS_setpriority, { PRIO_PROCESS, 0, 19 }, 0 },
  { "another's nice", SYS_setpriority, { PRIO_PROCESS, NOBODYS_PID, 19 }, EPERM },
  { "the user's nice", SYS_setpriority, { PRIO_USER, 0, 19 }, EPERM },
  { "the group's nice", SYS_setpriority, { PRIO_PGRP, 0, 19 }, EPERM },
  { "own io", SYS_ioprio_set, { 1, 0, 3 << 13 }, 0 },
  { "another's io", SYS_ioprio_set, { 1, NOBODYS_PID, 3 << 13 }, EPERM },
  { "the user's io", SYS_ioprio_set, { 3, 0, 3 << 13 }, EPERM },
  { "own affinity", SYS_sched_setaffinity, { 0, 0, 0 }, EINVAL },
  { "another's affinity", SYS_sched_setaffinity, { NOBODYS_PID, 0, 0 }, EPERM },
  { "another's scheduler", SYS_sched_setscheduler, { NOBODYS_PID, 0, 0 }, EPERM },
  { "another's attributes", SYS_sched_setattr, { NOBODYS_PID, 0, 0 }, EPERM },
  { "dumpable", SYS_prctl, { PR_SET_DUMPABLE, 0 }, EPERM },
  { "name", SYS_prctl, { PR_SET_NAME, (unsigned long)"x" }, 0 },
  { "mm", SYS_prctl, { PR_SET_MM, 0 }, EPERM },
  { "shmget", SYS_shmget, { 0, 4096, 0 }, EPERM },
  { "semget", SYS_semget, { 0, 1, 0 }, EPERM },
  { "msgget", SYS_msgget, { 0, 0 }, EPERM },
  { "mq_open", SYS_mq_open, { 0, 0, 0, 0 }, EPERM },
  { "fchmod", SYS_fchmod, { 999, 0 }, EPERM },
  { "fchmodat", SYS_fchmodat, { 999, 0, 0 }, EPERM },
  { "fchmodat2", 452, { 999, 0, 0, 0 }, EPERM },
  { "fchown", SYS_fchown, { 999, 0, 0 }, EPERM },
  { "utimensat", SYS_utimensat, { 999, 0, 0, 0 }, EPERM },
  { "fsetxattr", SYS_fsetxattr, { 999, 0, 0, 0, 0 }, EPERM },
  { "setxattrat", 463, { 0 }, ENOSYS },
  { "removexattr", SYS_removexattr, { 0, 0 }, EPERM },
  { "getxattr", SYS_getxattr, { 0, 0, 0, 0 }, EOPNOTSUPP },
  { "lgetxattr", SYS_lgetxattr, { 0, 0, 0, 0 }, EOPNOTSUPP },
  { "listxattr", SYS_listxattr, { 0, 0, 0 }, EOPNOTSUPP },
  { "llistxattr", SYS_llistxattr, { 0, 0, 0 }, EOPNOTSUPP },
  { "fgetxattr", SYS_fgetxattr, { 999, (unsigned long)"user.x", 0, 0 }, EBADF },
  { "inotify", SYS_inotify_add_watch, { 999, 0, 0 }, EPERM },
  { "setpgid", SYS_setpgid, { 0, 0 }, EPERM },
  { "nobody", SYS_kill, { NOBODYS_PID, 0 }, ESRCH }, /* Landlock's to say */
  { "memfd", SYS_memfd_create, { 0, 0 }, EPERM },
  { "clone3", 435, { 0, 0 }, ENOSYS },
  { "openat2", 437, { 0 }, ENOSYS },
  { "unshare", SYS_unshare, { CLONE_NEWUSER }, EPERM },
  { "ptrace", SYS_ptrace, { 0, 0, 0, 0 }, EPERM },
};

static void
test_flat(void)
{
  static const Case memory[] = {
    { "memfd", SYS_memfd_create, { (unsigned long)"x", MFD_CLOEXEC }, 0 },
    { "shmget", SYS_shmget, { 0, 4096, 0 }, EPERM },
  };
  static const Case init[] = {
    /* Nobody is there to be killed by a test: signal 0 and another number are the neighbours. */
    { "all, but not killed", SYS_kill, { -1ul, 0 }, EPERM },
    { "all, by another signal", SYS_kill, { -1ul, SIGTERM }, EPERM },
    { "one", SYS_kill, { NOBODYS_PID, SIGKILL }, EPERM },
    { "the group", SYS_kill, { 0, SIGKILL }, EPERM },
    { "read", SYS_read, { 999, 0, 0 }, EBADF },
    { "execve", SYS_execve, { 0, 0, 0 }, EPERM },
  };
  check(bt_seccomp_flat_worker(FALSE, TRUE), flat, G_N_ELEMENTS(flat));
  check(bt_seccomp_flat_worker(TRUE, TRUE), memory, G_N_ELEMENTS(memory));
  check(bt_seccomp_flat_init(TRUE), init, G_N_ELEMENTS(init));
}

/* Nobody listens here, so what is notified gives ENOSYS. */
static void
test_flat_unscoped(void)
{
  static const Case cases[] = {
    { "kill", SYS_kill, { NOBODYS_PID, 0 }, ENOSYS },
    { "kill, high half", SYS_kill, { HIGH, 0 }, ENOSYS },
    { "tkill", SYS_tkill, { NOBODYS_PID, 0 }, ENOSYS },
    { "tgkill", SYS_tgkill, { NOBODYS_PID, NOBODYS_PID, 0 }, ENOSYS },
    { "rt_sigqueueinfo", SYS_rt_sigqueueinfo, { NOBODYS_PID, 0, 0 }, ENOSYS },
    { "rt_tgsigqueueinfo", SYS_rt_tgsigqueueinfo, { NOBODYS_PID, NOBODYS_PID, 0, 0 }, ENOSYS },
    { "pidfd_send_signal", SYS_pidfd_send_signal, { 999, 0, 0, 0 }, ENOSYS },
    { "an owner", SYS_fcntl, { 999, F_SETOWN, NOBODYS_PID }, EPERM },
    { "an owner, high half", SYS_fcntl, { 999, F_SETOWN | HIGH, NOBODYS_PID }, EPERM },
    { "an owner of any kind", SYS_fcntl, { 999, F_SETOWN_EX, 0 }, EPERM },
    { "an owner by ioctl", SYS_ioctl, { 999, FIOSETOWN, 0 }, ENOTTY },
    { "a socket's owner", SYS_ioctl, { 999, SIOCSPGRP, 0 }, ENOTTY },
    { "flags", SYS_fcntl, { 999, F_SETFL, O_NONBLOCK }, EBADF },
    { "a lease", SYS_fcntl, { 999, F_SETLEASE, 0 }, EPERM },
    { "a terminal's size", SYS_ioctl, { 999, TIOCGWINSZ, 0 }, EBADF },
    { "TIOCSTI", SYS_ioctl, { 999, TIOCSTI, 0 }, EPERM },
    { "clone", SYS_clone, { SIGCHLD, 0, 0, 0, 0 }, ENOSYS },
    { "clone, vfork", SYS_clone, { CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0 }, ENOSYS },
    { "clone, parent", SYS_clone, { CLONE_PARENT | SIGCHLD | HIGH, 0, 0, 0, 0 }, ENOSYS },
    { "clone of a thread", SYS_clone, { CLONE_THREAD, 0, 0, 0, 0 }, EINVAL },
    { "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0 }, EPERM },
    { "clone net of a thread", SYS_clone, { CLONE_NEWNET | CLONE_THREAD, 0, 0, 0, 0 }, EPERM },
#ifdef SYS_fork
    { "fork", SYS_fork, { 0 }, ENOSYS },
    { "vfork", SYS_vfork, { 0 }, ENOSYS },
#endif
    { "clone3", 435, { 0, 0 }, ENOSYS },
    { "a listener", SYS_seccomp, { SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0 }, EBUSY },
    { "bind", SYS_bind, { 999, 0, 0 }, EPERM },
    { "shmget", SYS_shmget, { 0, 4096, 0 }, EPERM },
  };
  static const Case init[] = {
    { "all", SYS_kill, { -1ul, SIGKILL }, EPERM },
    { "the group", SYS_kill, { 0, SIGKILL }, EPERM },
    { "another group", SYS_kill, { -(unsigned long)NOBODYS_PID, SIGKILL }, EPERM },
    { "one, by another signal", SYS_kill, { NOBODYS_PID, SIGTERM }, EPERM },
    { "one", SYS_kill, { NOBODYS_PID, SIGKILL }, ESRCH },
    { "pread64", SYS_pread64, { 999, 0, 0, 0 }, EBADF },
    { "execve", SYS_execve, { 0, 0, 0 }, EPERM },
#if !defined(__SANITIZE_ADDRESS__)
    { "openat", SYS_openat, { AT_FDCWD, 0, 0 }, EPERM },
#endif
  };
  check(bt_seccomp_flat_worker(FALSE, FALSE), cases, G_N_ELEMENTS(cases));
  check(bt_seccomp_flat_worker(TRUE, FALSE), cases, G_N_ELEMENTS(cases));
  check(bt_seccomp_flat_init(FALSE), init, G_N_ELEMENTS(init));
}

static void
test_opener(void)
{
  static const Case cases[] = {
    { "openat2", SYS_openat2, { 999, 0, 0, 0 }, EINVAL },
    { "recvmsg", SYS_recvmsg, { 999, 0, 0 }, EBADF },
    { "clone", SYS_clone, { CLONE_SIGHAND, 0, 0, 0, 0 }, EINVAL },
    { "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0 }, EPERM },
    { "clone3", SYS_clone3, { 0, 0 }, EPERM },
    { "unshare", SYS_unshare, { 0 }, EPERM },
    { "execve", SYS_execve, { 0, 0, 0 }, EPERM },
    { "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, EPERM },
    { "connect", SYS_connect, { 999, 0, 0 }, EPERM },
    { "pidfd_getfd", SYS_pidfd_getfd, { 0, 0, 0 }, EPERM },
    { "ptrace", SYS_ptrace, { 0, 0, 0, 0 }, EPERM },
    { "mount", SYS_mount, { 0, 0, 0, 0, 0 }, EPERM },
    { "renameat2", SYS_renameat2, { 999, 0, 999, 0, 0 }, EPERM },
    { "unlinkat", SYS_unlinkat, { 999, 0, 0 }, EPERM },
    { "chdir", SYS_chdir, { 0 }, EPERM },
#if !defined(__SANITIZE_ADDRESS__)
    { "openat", SYS_openat, { AT_FDCWD, 0, 0 }, EPERM },
    { "kill", SYS_kill, { 999999999, 0 }, EPERM },
    { "mmap", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1ul, 0 }, EPERM },
    { "ioctl", SYS_ioctl, { 999, 0, 0 }, EPERM },
#endif
  };
  check(bt_seccomp_opener(), cases, G_N_ELEMENTS(cases));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/seccomp/sockets", GSIZE_TO_POINTER(0), test_worker);
  g_test_add_data_func("/seccomp/terminal", GSIZE_TO_POINTER(1), test_worker);
  g_test_add_data_func("/seccomp/namespaces", GSIZE_TO_POINTER(2), test_worker);
  g_test_add_data_func("/seccomp/others", GSIZE_TO_POINTER(3), test_worker);
  g_test_add_func("/seccomp/memfd", test_memfd);
  g_test_add_func("/seccomp/async", test_async);
  g_test_add_func("/seccomp/unscoped", test_unscoped);
#ifdef __x86_64__
  g_test_add_func("/seccomp/i386", test_i386);
#endif
  g_test_add_func("/seccomp/ordinary", test_ordinary);
  g_test_add_func("/seccomp/init", test_init);
  g_test_add_func("/seccomp/flat", test_flat);
  g_test_add_func("/seccomp/flat-unscoped", test_flat_unscoped);
  g_test_add_func("/seccomp/opener", test_opener);
  return g_test_run();
}
