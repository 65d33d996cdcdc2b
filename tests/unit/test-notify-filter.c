/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls are notified.  With no listener a notified call gives ENOSYS, so
 * the filter shows by itself what it would ask about.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <glib.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan/bt-seccomp.h"

#define HIGH 0xbeef00000000ul

typedef struct {
  const char *name;
  long number;
  unsigned long args[6];
  gboolean notified;
  gboolean read; /* an open that audit alone wants */
} Case;

static int
errno_of(BtFilter filter, const Case *c)
{
  int status;
  pid_t pid = fork();

  g_assert_cmpint(pid, >=, 0);
  if (pid == 0) {
    struct sock_fprog program = {
      .len = filter.count,
      .filter = (struct sock_filter *)filter.instructions,
    };
    const unsigned long *a = c->args;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
      _exit(255);
    long result = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    _exit(result == -1 ? errno : 0);
  }
  g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
  g_assert_true(WIFEXITED(status));
  g_assert_cmpint(WEXITSTATUS(status), !=, 255);
  return WEXITSTATUS(status);
}

#define PATH ((unsigned long)"/nonexistent/x")
#define AT ((unsigned long)AT_FDCWD)

static const Case cases[] = {
  { "connect", SYS_connect, { 999, 0, 0 }, TRUE },
  { "sysinfo", SYS_sysinfo, { 0 }, TRUE },
  { "execve", SYS_execve, { PATH, 0, 0 }, TRUE },
  { "execveat", SYS_execveat, { AT, PATH, 0, 0, 0 }, TRUE },
  { "openat read", SYS_openat, { AT, PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW }, FALSE, TRUE },
  { "openat directory", SYS_openat, { AT, PATH, O_RDONLY | O_DIRECTORY }, FALSE, TRUE },
  { "openat write", SYS_openat, { AT, PATH, O_WRONLY }, TRUE },
  { "openat both", SYS_openat, { AT, PATH, O_RDWR | O_CLOEXEC }, TRUE },
  { "openat access mode 3", SYS_openat, { AT, PATH, O_ACCMODE }, TRUE },
  { "openat create", SYS_openat, { AT, PATH, O_RDONLY | O_CREAT, 0600 }, TRUE },
  { "openat truncate", SYS_openat, { AT, PATH, O_RDONLY | O_TRUNC }, TRUE },
  { "openat tmpfile", SYS_openat, { AT, PATH, O_TMPFILE | O_RDWR, 0600 }, TRUE },
  { "openat path", SYS_openat, { AT, PATH, O_PATH }, FALSE },
  { "openat path, write ignored", SYS_openat, { AT, PATH, O_PATH | O_RDWR | O_CREAT }, FALSE },
  { "openat write, high half", SYS_openat, { AT, PATH, O_WRONLY | HIGH }, TRUE },
  { "openat read, high half", SYS_openat, { AT, PATH, O_RDONLY | HIGH }, FALSE, TRUE },
#ifdef SYS_open
  { "open read", SYS_open, { PATH, O_RDONLY, 0 }, FALSE, TRUE },
  { "open append", SYS_open, { PATH, O_WRONLY | O_APPEND, 0 }, TRUE },
  { "open create", SYS_open, { PATH, O_CREAT, 0600 }, TRUE },
  { "open: not the third argument", SYS_open, { PATH, O_RDONLY, O_WRONLY }, FALSE, TRUE },
  { "creat", SYS_creat, { PATH, 0600 }, TRUE },
#endif
  { "stat", SYS_newfstatat, { AT, PATH, 0, 0 }, FALSE },
  { "bind", SYS_bind, { 999, 0, 0 }, FALSE },
  { "sendto", SYS_sendto, { 999, 0, 0, 0, 0, 0 }, FALSE },
};

#define MAP(prot, flags) { 0, 4096, (prot), (flags), 999, 0 }

static const Case maps[] = {
  { "map to read", SYS_mmap, MAP(PROT_READ, MAP_PRIVATE), FALSE },
  { "map to write", SYS_mmap, MAP(PROT_READ | PROT_WRITE, MAP_SHARED), FALSE },
  { "map to execute", SYS_mmap, MAP(PROT_READ | PROT_EXEC, MAP_PRIVATE), TRUE },
  { "map only to execute", SYS_mmap, MAP(PROT_EXEC, MAP_SHARED), TRUE },
  { "map high", SYS_mmap, MAP(PROT_EXEC | HIGH, MAP_PRIVATE | HIGH), TRUE },
  { "map at a place", SYS_mmap, MAP(PROT_EXEC, MAP_PRIVATE | MAP_FIXED), TRUE },
  { "memory", SYS_mmap, MAP(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS), FALSE },
  { "shared memory", SYS_mmap, MAP(PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS), FALSE },
  { "mprotect", SYS_mprotect, { 0, 4096, PROT_EXEC }, FALSE },
  { "openat", SYS_openat, { AT, PATH, O_WRONLY }, FALSE },
};

/* Namespaces are left to the allow-list, behind whose back a continued call would go. */
static const Case forks[] = {
  { "clone", SYS_clone, { SIGCHLD }, TRUE },
  { "clone of a thread", SYS_clone, { CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD }, TRUE },
  { "clone, high half", SYS_clone, { SIGCHLD | HIGH }, TRUE },
  { "clone of a user namespace", SYS_clone, { CLONE_NEWUSER | SIGCHLD }, FALSE },
  { "clone of a network namespace", SYS_clone, { CLONE_NEWNET | SIGCHLD }, FALSE },
#ifdef SYS_fork
  { "fork", SYS_fork, { 0 }, TRUE },
  { "vfork", SYS_vfork, { 0 }, TRUE },
#endif
  { "openat", SYS_openat, { AT, PATH, O_WRONLY }, FALSE },
  { "getpid", SYS_getpid, { 0 }, FALSE },
};

/* An option's number means something else on another level. */
static const Case lingers[] = {
  { "linger", SYS_setsockopt, { 999, SOL_SOCKET, SO_LINGER, 0, 8 }, TRUE },
  { "linger, high halves", SYS_setsockopt, { 999, SOL_SOCKET | HIGH, SO_LINGER | HIGH, 0, 8 }, TRUE },
  { "keepalive", SYS_setsockopt, { 999, SOL_SOCKET, SO_KEEPALIVE, 0, 4 }, FALSE },
  { "of TCP", SYS_setsockopt, { 999, 6, SO_LINGER, 0, 8 }, FALSE },
  { "getsockopt", SYS_getsockopt, { 999, SOL_SOCKET, SO_LINGER, 0, 0 }, FALSE },
};

static void
check_cases(BtFilter filter, const Case *list, gsize count, gboolean reads)
{
  for (gsize i = 0; i < count; i++) {
    int outcome = errno_of(filter, &list[i]);
    g_test_message("%s: %d", list[i].name, outcome);
    if (list[i].notified || (reads && list[i].read))
      g_assert_cmpint(outcome, ==, ENOSYS);
    else
      g_assert_cmpint(outcome, !=, ENOSYS);
  }
}

static void
test_notified(void)
{
  check_cases(bt_notify_filter(FALSE), cases, G_N_ELEMENTS(cases), FALSE);
  check_cases(bt_notify_filter(TRUE), cases, G_N_ELEMENTS(cases), TRUE);
}

static void
test_forks(void)
{
  check_cases(bt_fork_filter(), forks, G_N_ELEMENTS(forks), FALSE);
}

/* Access mode 3 neither reads nor writes. */
static void
test_opens(void)
{
  static const struct {
    const char *name;
    long number;
    unsigned long args[3];
    enum { NEVER, CUTTING, ALWAYS } refused;
  } opens[] = {
    { "only reading", SYS_openat, { AT, PATH, O_RDONLY }, NEVER },
    { "reading", SYS_openat, { AT, PATH, O_RDONLY | O_TRUNC }, CUTTING },
    { "reading, high half", SYS_openat, { AT, PATH, O_RDONLY | O_TRUNC | HIGH }, CUTTING },
    { "neither", SYS_openat, { AT, PATH, 3 | O_TRUNC }, ALWAYS },
    { "neither, nor cutting", SYS_openat, { AT, PATH, 3 | O_NONBLOCK | HIGH }, ALWAYS },
    { "making", SYS_openat, { AT, PATH, O_CREAT | O_TRUNC }, CUTTING },
    { "writing", SYS_openat, { AT, PATH, O_WRONLY | O_TRUNC }, NEVER },
    { "both", SYS_openat, { AT, PATH, O_RDWR | O_CREAT | O_TRUNC }, NEVER },
    { "a path", SYS_openat, { AT, PATH, O_PATH | O_TRUNC | 3 }, NEVER },
#ifdef SYS_open
    { "open, reading", SYS_open, { PATH, O_TRUNC }, CUTTING },
    { "open, neither", SYS_open, { PATH, 3 }, ALWAYS },
    { "open, writing", SYS_open, { PATH, O_WRONLY | O_TRUNC }, NEVER },
    { "open's mode", SYS_open, { PATH, O_RDONLY, O_TRUNC | 3 }, NEVER },
#endif
    { "another call", SYS_read, { 999, 0, O_TRUNC | 3 }, NEVER },
  };

  for (gsize i = 0; i < G_N_ELEMENTS(opens); i++) {
    Case one = { .name = opens[i].name, .number = opens[i].number };
    memcpy(one.args, opens[i].args, sizeof opens[i].args);
    g_test_message("%s", opens[i].name);
    for (int cutting = 0; cutting < 2; cutting++)
      g_assert_cmpint(errno_of(bt_open_filter(cutting), &one) == EACCES, ==,
                      opens[i].refused == ALWAYS || (cutting && opens[i].refused == CUTTING));
  }
}

static void
test_linger(void)
{
  check_cases(bt_channel_filter(), lingers, G_N_ELEMENTS(lingers), FALSE);
}

static void
test_maps(void)
{
  check_cases(bt_map_filter(), maps, G_N_ELEMENTS(maps), FALSE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/notify-filter/notified", test_notified);
  g_test_add_func("/notify-filter/maps", test_maps);
  g_test_add_func("/notify-filter/forks", test_forks);
  g_test_add_func("/notify-filter/opens", test_opens);
  g_test_add_func("/notify-filter/linger", test_linger);
  return g_test_run();
}
