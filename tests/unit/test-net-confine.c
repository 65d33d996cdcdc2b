/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The confinement of buntime-net, each rule tried by its effect in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/bt-confine.h"

#define KILLED (-1)

/* Prepared before the confinement. */
static int pair[2];
static int inet;

/* Each returns 0 or an errno. */
#define TRY(name, expression)                                                                    \
  static int name(void)                                                                          \
  {                                                                                              \
    return (expression) < 0 ? errno : 0;                                                         \
  }

static const struct sockaddr_in loopback = { .sin_family = AF_INET };
static const int one = 1;

TRY(try_open, openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY))
#ifdef SYS_open
TRY(try_open_legacy, syscall(SYS_open, "/dev/null", O_RDONLY))
#endif
TRY(try_openat2, syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0))
TRY(try_stat, access("/", F_OK))
TRY(try_unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(try_unix_pair, socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
TRY(try_raw, socket(AF_INET, SOCK_RAW, IPPROTO_ICMP))
TRY(try_packet, socket(AF_PACKET, SOCK_DGRAM, 0))
TRY(try_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
TRY(try_raw6, socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6))
TRY(try_stream, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
TRY(try_datagram, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
TRY(try_bind, bind(inet, (const struct sockaddr *)&loopback, sizeof loopback))
TRY(try_listen, listen(inet, 1))
TRY(try_nodelay, setsockopt(inet, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
TRY(try_filter, setsockopt(inet, SOL_SOCKET, SO_ATTACH_FILTER, &one, sizeof one))
TRY(try_device, setsockopt(inet, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2))
TRY(try_interfaces, ioctl(inet, 0x8912 /* SIOCGIFCONF */, NULL))
TRY(try_dup, fcntl(inet, F_DUPFD, 50))
TRY(try_owner, fcntl(inet, F_SETOWN, 1))
TRY(try_recvmsg, recvmsg(pair[0], &(struct msghdr){ 0 }, MSG_DONTWAIT))
TRY(try_take, recvmsg(pair[0], &(struct msghdr){ 0 }, MSG_DONTWAIT | MSG_CMSG_CLOEXEC))
TRY(try_recv, recv(pair[0], (char[1]){ 0 }, 1, MSG_DONTWAIT))
TRY(try_sendmsg, sendmsg(pair[0], &(struct msghdr){ 0 }, MSG_DONTWAIT))
TRY(try_fork, (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
TRY(try_kill, kill(getppid(), 0))
#ifndef BT_SANITIZED /* its runtime may */
TRY(try_prlimit, setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 9, 9 }))
#endif
TRY(try_memfd, memfd_create("x", 0))
TRY(try_user_namespace, (int)syscall(SYS_unshare, 0x10000000))
TRY(try_userfaultfd, (int)syscall(SYS_userfaultfd, 0))
TRY(try_keyring, (int)syscall(SYS_keyctl, 0, 0, 0, 0, 0))
TRY(try_exec, (int)syscall(SYS_execve, "/bin/true", NULL, NULL))
TRY(try_execveat, (int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0))
TRY(try_ptrace, (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(try_process_vm, (int)syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0))

/* Let through; the machine may have no IPv6. */
static int
try_inet6(void)
{
  return socket(AF_INET6, SOCK_STREAM, 0) < 0 && errno == EPERM ? EPERM : 0;
}

static int
try_map_exec(void)
{
  return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
           ? errno
           : 0;
}

static int
try_protect_exec(void)
{
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return page == MAP_FAILED ? EIO : mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0;
}

/* More than its tables can ever take; not even addresses without memory. */
static int
map(gsize gigabytes)
{
  void *memory = mmap(NULL, gigabytes << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? errno : 0;
}

#ifndef BT_SANITIZED
static int
try_map_all(void)
{
  return map(6);
}
#endif

static int
try_map_less(void)
{
  return map(5);
}

/* The port in the address is 0, so nothing is reached: the call itself is let through. */
static int
try_connect(void)
{
  int result = connect(inet, (const struct sockaddr *)&loopback, sizeof loopback);
  return result < 0 && errno == EPERM ? EPERM : 0;
}

typedef struct {
  const char *name;
  int (*try)(void);
  int expected; /* 0, an errno, or KILLED */
} Case;

static const Case cases[] = {
  { "open", try_open, EPERM },
#ifdef SYS_open
  { "open, the old call", try_open_legacy, EPERM },
#endif
  { "openat2", try_openat2, EPERM },
  { "access", try_stat, EPERM },
  { "unix socket", try_unix, EPERM },
  { "unix socketpair", try_unix_pair, EPERM },
  { "raw socket", try_raw, EPERM },
  { "packet socket", try_packet, EPERM },
  { "netlink socket", try_netlink, EPERM },
  { "IPv6 socket", try_inet6, 0 },
  { "raw IPv6 socket", try_raw6, EPERM },
  { "stream socket", try_stream, 0 },
  { "datagram socket", try_datagram, 0 },
  { "connect", try_connect, 0 },
  { "bind", try_bind, EPERM },
  { "listen", try_listen, EPERM },
  { "TCP_NODELAY", try_nodelay, 0 },
  { "SO_ATTACH_FILTER", try_filter, EPERM },
  { "SO_BINDTODEVICE", try_device, EPERM },
  { "interface ioctl", try_interfaces, EPERM },
  { "F_DUPFD", try_dup, EPERM },
  { "F_SETOWN", try_owner, EPERM },
  { "recvmsg", try_recvmsg, EPERM },
  { "recv", try_recv, EAGAIN },
  { "sendmsg", try_sendmsg, EPERM },
  { "fork", try_fork, EPERM },
  { "kill", try_kill, EPERM },
#ifndef BT_SANITIZED
  { "setrlimit", try_prlimit, EPERM },
#endif
  { "memfd_create", try_memfd, EPERM },
  { "unshare", try_user_namespace, EPERM },
  { "userfaultfd", try_userfaultfd, EPERM },
  { "keyctl", try_keyring, EPERM },
  { "executable memory", try_map_exec, EPERM },
  { "memory made executable", try_protect_exec, EPERM },
#ifndef BT_SANITIZED
  { "memory beyond the bound", try_map_all, ENOMEM },
#endif
  { "memory within it", try_map_less, 0 },
  { "execve", try_exec, KILLED },
  { "execveat", try_execveat, KILLED },
  { "ptrace", try_ptrace, KILLED },
  { "process_vm_writev", try_process_vm, KILLED },
};

/* Where streams are handed over and no packets are moved. */
static const Case names_cases[] = {
  { "open", try_open, EPERM },
  { "stream socket", try_stream, EPERM },
  { "datagram socket", try_datagram, EPERM },
  { "IPv6 socket", try_inet6, EPERM },
  { "unix socket", try_unix, EPERM },
  { "connect", try_connect, EPERM },
  { "bind", try_bind, EPERM },
  { "listen", try_listen, EPERM },
  { "TCP_NODELAY", try_nodelay, EPERM },
  { "recvmsg", try_recvmsg, EPERM },
  { "a descriptor that is sent", try_take, EAGAIN },
  { "recv", try_recv, EAGAIN },
  { "fork", try_fork, EPERM },
  { "executable memory", try_map_exec, EPERM },
  { "execve", try_exec, KILLED },
};

/* The child says by its status what came of it. */
static void
check(const Case *all, gsize n_all, gboolean names_only)
{
  g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint(inet, >=, 0);
  for (gsize i = 0; i < n_all; i++) {
    int status;

    g_test_message("%s", all[i].name);
    pid_t pid = fork();
    if (pid == 0) {
      if (bt_confine(names_only) != BT_NET_EXIT_OK)
        _exit(255);
      _exit(all[i].try());
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    if (all[i].expected == KILLED) {
      g_assert_true(WIFSIGNALED(status));
      g_assert_cmpint(WTERMSIG(status), ==, SIGSYS);
    } else {
      g_assert_true(WIFEXITED(status));
      g_assert_cmpint(WEXITSTATUS(status), ==, all[i].expected);
    }
  }
}

static void
test_effects(void)
{
  check(cases, G_N_ELEMENTS(cases), FALSE);
}

static void
test_names_only(void)
{
  check(names_cases, G_N_ELEMENTS(names_cases), TRUE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/net-confine/effects", test_effects);
  g_test_add_func("/net-confine/names-only", test_names_only);
  return g_test_run();
}
