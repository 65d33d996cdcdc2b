/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The confinement, in this order because each step needs what the next takes:
 *
 *   1. limits ......... descriptors for libslirp; memory, for whatever the tables'
 *                       bounds leave out; no core dump of a worker's data
 *   2. dumpable 0 ..... no other process of the user's reads or traces this one
 *   3. capabilities ... none, and none to regain; also where root is the caller
 *   4. no_new_privs ... what Landlock and seccomp ask for
 *   5. Landlock ....... no filesystem right at all, no TCP port to listen on.
 *                       connect() stays: it is what libslirp is for, and the
 *                       gate decides about it; it goes, too, where only names
 *                       are answered
 *   6. seccomp ........ the allow-list that gen-net-filter.c compiles
 */
#include "net/bt-confine.h"

#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net-filter.h"

/* Headers of Linux 6.1 know ABI 2. */
#define FS_RIGHTS_ABI1 ((1ull << 13) - 1)
#define FS_REFER (1ull << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ull << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define NET_BIND_TCP (1ull << 0)  /* ABI 4, as the next */
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ALL 3ull            /* ABI 6: abstract sockets and signals */

typedef struct {
  guint64 fs, net, scoped;
} Ruleset;

#define MAX_DESCRIPTORS 16384u

/*
 * The places of bt-buffers.c are 4.7 GiB of addresses, two for each connection that the
 * flow table holds. Who takes much more has found a way around the bounds, and is ended
 * with the run.
 */
#define MAX_MEMORY ((rlim_t)6 << 30)

gboolean
bt_confine_bind_life(void)
{
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

#ifndef BT_SANITIZED /* its shadow memory is terabytes of addresses */
static gboolean
limit_memory(void)
{
  struct rlimit memory;

  if (getrlimit(RLIMIT_AS, &memory) != 0)
    return FALSE;
  memory.rlim_max = MIN(memory.rlim_max, MAX_MEMORY);
  memory.rlim_cur = memory.rlim_max;
  return setrlimit(RLIMIT_AS, &memory) == 0;
}
#else
static gboolean
limit_memory(void)
{
  return TRUE;
}
#endif

static gboolean
set_limits(void)
{
  struct rlimit none = { 0, 0 }, files;

  if (setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
    return FALSE;
  files.rlim_max = MIN(files.rlim_max, MAX_DESCRIPTORS);
  files.rlim_cur = files.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &files) == 0 && limit_memory();
}

static gboolean
drop_privileges(void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

  return prctl(PR_SET_DUMPABLE, 0) == 0 && syscall(SYS_capset, &header, none) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static gboolean
enter_landlock(gboolean names_only)
{
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 1)
    return FALSE;
  Ruleset ruleset = { .fs = FS_RIGHTS_ABI1 };
  gsize size = sizeof ruleset.fs;
  if (abi >= 2)
    ruleset.fs |= FS_REFER;
  if (abi >= 3)
    ruleset.fs |= FS_TRUNCATE;
  if (abi >= 4) {
    ruleset.net = NET_BIND_TCP | (names_only ? NET_CONNECT_TCP : 0);
    size = sizeof ruleset.fs + sizeof ruleset.net;
  }
  if (abi >= 5)
    ruleset.fs |= FS_IOCTL_DEV;
  if (abi >= 6) {
    ruleset.scoped = SCOPE_ALL;
    size = sizeof ruleset;
  }
  int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
  if (fd < 0)
    return FALSE;
  gboolean ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  close(fd);
  return ok;
}

static gboolean
enter_seccomp(gboolean names_only)
{
  const struct sock_fprog program = {
    .len = names_only ? G_N_ELEMENTS(names_filter) : G_N_ELEMENTS(net_filter),
    .filter = (struct sock_filter *)(names_only ? names_filter : net_filter),
  };
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

int
bt_confine(gboolean names_only)
{
  if (!set_limits() || !drop_privileges())
    return BT_NET_EXIT_PRIVILEGES;
  if (!enter_landlock(names_only))
    return BT_NET_EXIT_LANDLOCK;
  if (!enter_seccomp(names_only))
    return BT_NET_EXIT_SECCOMP;
  return BT_NET_EXIT_OK;
}
