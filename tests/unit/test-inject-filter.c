/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a run with a fast path is refused. The descriptor is none, so what passes
 * fails with EBADF, and what is notified with ENOSYS, since nobody listens.
 */
#include <errno.h>
#include <glib.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan/bt-seccomp.h"

#define HIGH 0xbeef00000000ul
#define MAX_OPTION 256

typedef struct {
  int number;
  unsigned long args[4];
  int error;
} Case;

/* Once for many: forking is what takes long. */
static void
ask(BtFilter filter, Case *cases, gsize count)
{
  int *errors = mmap(NULL, count * sizeof *errors, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status;
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    struct sock_fprog program = {
      .len = filter.count,
      .filter = (struct sock_filter *)filter.instructions,
    };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
      _exit(255);
    for (gsize i = 0; i < count; i++) {
      const unsigned long *a = cases[i].args;
      errors[i] = syscall(cases[i].number, a[0], a[1], a[2], a[3], 0, 0) == -1 ? errno : 0;
    }
    _exit(0);
  }
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_cmpint(status, ==, 0);
  for (gsize i = 0; i < count; i++)
    cases[i].error = errors[i];
  munmap(errors, count * sizeof *errors);
}

static void
check_options(BtFilter filter, gboolean flat)
{
  static const struct {
    int level;
    int allowed[40];
  } levels[] = {
    { SOL_SOCKET, { 2, 6, 7, 8, 9, 10, 12, 13, 15, 16, 18, 20, 21, 29, 34, 35, 40, 42, 47, 49, 63,
                    64, 66, 67, 72, 76 } },
    { IPPROTO_TCP, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 17, 18, 25, 27, 36, 37 } },
    { IPPROTO_IP, { 1, 6, 7, 8, 10, 11, 12, 13, 18, 20, 24, 25, 26, 32, 33, 34, 35, 36, 49 } },
    { IPPROTO_IPV6, { 17, 18, 19, 20, 21, 23, 24, 25, 26, 29, 31, 49, 51, 52, 60, 62, 66, 67, 70,
                      72, 74, 77 } },
  };

  /* The errors of routers, which only UDP needs. */
  static const struct {
    int level, option;
  } errors[] = { { IPPROTO_IP, 11 }, { IPPROTO_IP, 26 }, { IPPROTO_IPV6, 25 }, { IPPROTO_IPV6, 31 } };

  for (gsize level = 0; level < G_N_ELEMENTS(levels); level++) {
    Case cases[2 * MAX_OPTION];
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
      cases[i] = (Case){ SYS_setsockopt,
                         { 999, (unsigned)levels[level].level | (i % 2 ? HIGH : 0),
                           i / 2 | (i % 2 ? HIGH : 0) } };
    ask(filter, cases, G_N_ELEMENTS(cases));
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
      gboolean allowed = FALSE;
      for (gsize j = 0; levels[level].allowed[j] != 0; j++)
        allowed |= levels[level].allowed[j] == (int)i / 2;
      for (gsize j = 0; flat && j < G_N_ELEMENTS(errors); j++)
        allowed &= errors[j].level != levels[level].level || errors[j].option != (int)i / 2;
      if (cases[i].error != (allowed ? EBADF : EPERM))
        g_error("level %d, option %u: %s", levels[level].level, i / 2, g_strerror(cases[i].error));
    }
  }
}

static void
test_options(void)
{
  check_options(bt_inject_filter(), FALSE);
  check_options(bt_flat_socket_filter(), TRUE);
}

/* Without namespaces the same, but for shutdown(), which is nobody's to ask about. */
static void
test_calls(void)
{
  static const Case expected[] = {
    { SYS_shutdown, { 999, SHUT_RDWR }, ENOSYS },
    { SYS_connect, { 999 }, EBADF },
    { SYS_listen, { 999 }, EBADF },
    { SYS_setsockopt, { 999, IPPROTO_UDP, 103 }, EBADF },
    { SYS_setsockopt, { 999, IPPROTO_TCP, 0x80000001u }, EPERM },
    { SYS_getsockopt, { 999, SOL_SOCKET, 71 }, EPERM },
    { SYS_getsockopt, { 999, SOL_SOCKET | HIGH, 71 | HIGH }, EPERM },
    { SYS_getsockopt, { 999, SOL_SOCKET, SO_ERROR }, EBADF },
    { SYS_getsockopt, { 999, SOL_SOCKET, SO_INCOMING_CPU }, EBADF },
    { SYS_getsockopt, { 999, SOL_SOCKET, 56 /* SO_INCOMING_NAPI_ID */ }, EPERM },
    { SYS_recvmsg, { 999, 0, 0, MSG_ERRQUEUE }, EBADF },
    { SYS_recvmsg, { 999, 0, MSG_ERRQUEUE }, EAGAIN },
    { SYS_recvmsg, { 999, 0, MSG_ERRQUEUE | MSG_PEEK | HIGH }, EAGAIN },
    { SYS_recvfrom, { 999, 0, MSG_ERRQUEUE, 0 }, EBADF },
    { SYS_recvfrom, { 999, 0, 0, MSG_ERRQUEUE | MSG_DONTWAIT }, EAGAIN },
    { SYS_recvmmsg, { 999, 0, MSG_ERRQUEUE, 0 }, EBADF },
    { SYS_recvmmsg, { 999, 0, 0, MSG_ERRQUEUE | HIGH }, EAGAIN },
    { SYS_read, { 999, 0, MSG_ERRQUEUE, MSG_ERRQUEUE }, EBADF },
    { SYS_getsockopt, { 999, IPPROTO_IP, IP_PKTOPTIONS }, EPERM },
    { SYS_getsockopt, { 999, IPPROTO_IP, 71 }, EBADF },
    { SYS_getsockopt, { 999, IPPROTO_IPV6, 6 }, EPERM },
    { SYS_getsockopt, { 999, IPPROTO_TCP, TCP_INFO }, EBADF },
    { SYS_ioctl, { 999, FIONREAD }, EBADF },
    { SYS_ioctl, { 999, FIOASYNC }, EBADF },
    { SYS_ioctl, { 999, TIOCGWINSZ }, EBADF },
    { SYS_ioctl, { 999, 0x8901 }, EBADF },
    { SYS_ioctl, { 999, SIOCGPGRP }, EBADF },
    { SYS_ioctl, { 999, SIOCATMARK }, EBADF },
    { SYS_ioctl, { 999, 0x80108906u /* SIOCGSTAMP_NEW */ }, EBADF },
    { SYS_ioctl, { 999, 0x8907 }, EBADF },
    { SYS_ioctl, { 999, SIOCOUTQNSD }, EBADF },
    { SYS_ioctl, { 999, 0x8908 }, EPERM },
    { SYS_ioctl, { 999, SIOCADDRT }, EPERM },
    { SYS_ioctl, { 999, SIOCGIFCONF }, EPERM },
    { SYS_ioctl, { 999, SIOCGIFCONF | HIGH }, EPERM },
    { SYS_ioctl, { 999, SIOCGIFADDR }, EPERM },
    { SYS_ioctl, { 999, SIOCETHTOOL }, EPERM },
    { SYS_ioctl, { 999, 0x894C /* SIOCGSKNS */ }, EPERM },
    { SYS_ioctl, { 999, SIOCDEVPRIVATE }, EPERM },
    { SYS_ioctl, { 999, 0x89ff }, EPERM },
    { SYS_ioctl, { 999, 0x8a00 }, EBADF },
    { SYS_ioctl, { 999, 0x8b01 }, EPERM },
    { SYS_ioctl, { 999, 0x8c00 }, EBADF },
  };
  Case cases[G_N_ELEMENTS(expected)];

  for (gboolean flat = FALSE; flat <= TRUE; flat++) {
    memcpy(cases, expected, sizeof cases);
    ask(flat ? bt_flat_socket_filter() : bt_inject_filter(), cases, G_N_ELEMENTS(cases));
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
      int error = flat && cases[i].number == SYS_shutdown ? EBADF : expected[i].error;
      if (cases[i].error != error)
        g_error("%d %lx %lx: %s", cases[i].number, cases[i].args[1], cases[i].args[2],
                g_strerror(cases[i].error));
    }
  }
}

/* Joined, it is there with a fast path alone. */
static void
test_joined(void)
{
  g_autoptr(GArray) none = g_array_new(FALSE, FALSE, sizeof(int));

  for (gboolean fast = FALSE; fast <= TRUE; fast++) {
    g_autoptr(GArray) all =
      bt_seccomp_join(none, TRUE, FALSE, fast ? bt_inject_filter() : (BtFilter){ NULL, 0 },
                      bt_notify_filter(FALSE), bt_seccomp_worker(FALSE, TRUE));
    const BtFilter filter = { (const struct sock_filter *)all->data, all->len };
    Case cases[] = {
      { SYS_setsockopt, { 999, SOL_SOCKET, SO_BINDTODEVICE } },
      { SYS_setsockopt, { 999, SOL_SOCKET, SO_KEEPALIVE } },
      { SYS_shutdown, { 999, 0 } },
      { SYS_ioctl, { 999, SIOCGIFCONF } },
      { SYS_ioctl, { 999, TIOCSTI } },
    };
    ask(filter, cases, G_N_ELEMENTS(cases));
    g_assert_cmpint(cases[0].error, ==, fast ? EPERM : EBADF);
    g_assert_cmpint(cases[1].error, ==, EBADF);
    g_assert_cmpint(cases[2].error, ==, fast ? ENOSYS : EBADF);
    g_assert_cmpint(cases[3].error, ==, fast ? EPERM : EBADF);
    g_assert_cmpint(cases[4].error, ==, EPERM);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/inject-filter/options", test_options);
  g_test_add_func("/inject-filter/calls", test_calls);
  g_test_add_func("/inject-filter/joined", test_joined);
  return g_test_run();
}
