/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process takes from itself for good. The worker and pid 1 use the
 * same functions with different contents.
 */
#include "init/bt-confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "init/bt-flat.h"
#include "init/bt-paths.h"
#include "init/bt-report.h"
#include "init/bt-system.h"

/* ---- descriptors ---- */

/* In ascending order; they are few. */
static void
sort_fds(int *fds, unsigned count)
{
  for (unsigned i = 1; i < count; i++)
    for (unsigned k = i; k > 0 && fds[k] < fds[k - 1]; k--) {
      int lower = fds[k];
      fds[k] = fds[k - 1];
      fds[k - 1] = lower;
    }
}

void
bt_close_all_but(int *keep, unsigned count)
{
  unsigned from = 0;

  sort_fds(keep, count);
  for (unsigned i = 0; i < count; i++) {
    if ((unsigned)keep[i] > from && close_range(from, (unsigned)keep[i] - 1, 0) != 0)
      bt_fail_at("close_range");
    from = (unsigned)keep[i] + 1;
  }
  if (close_range(from, ~0u, 0) != 0)
    bt_fail_at("close_range");
}

/* ---- capabilities ---- */

void
bt_confine_bounding_set(void)
{
  /* Uid 0 of the namespace, should it be mapped, means nothing either. */
  if (prctl(PR_SET_SECUREBITS, SECURE_ALL_BITS | SECURE_ALL_LOCKS, 0, 0, 0) != 0)
    bt_fail_at("securebits");
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
      continue;
    /* The kernel knows no more; each we run on knows that of 5.9. */
    if (errno == EINVAL && capability > CAP_CHECKPOINT_RESTORE)
      return;
    bt_fail_at("bounding set");
  }
}

void
bt_confine_privileges(void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    bt_fail_at("ambient capabilities");
  if (syscall(SYS_capset, &header, none) != 0)
    bt_fail_at("capabilities");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    bt_fail_at("no_new_privs");
}

/* ---- Landlock ---- */

/* The kernel takes a longer struct than it knows if the rest is 0; headers are of 6.1. */
typedef struct {
  uint64_t handled_fs;
  uint64_t handled_net;
  uint64_t scoped;
} Ruleset;

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)

static int
make_ruleset(const Ruleset *ruleset)
{
  int fd = (int)syscall(SYS_landlock_create_ruleset, ruleset, sizeof *ruleset, 0);
  if (fd < 0)
    bt_fail_at("ruleset");
  return fd;
}

static void
enter(int ruleset)
{
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
    bt_fail_at("landlock_restrict_self");
}

/* In the host's own tree anybody may have put a link into the path. */
static void
add_path(int ruleset, const char *path, uint64_t access, bool flat)
{
  struct landlock_path_beneath_attr rule = { .allowed_access = access };
  BT_LEFT_FD fd = flat ? bt_open_source(path) : openat(AT_FDCWD, path, O_PATH | O_CLOEXEC);

  rule.parent_fd = fd;
  if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
    bt_fail_at(path);
}

/*
 * /dev/stdout and its like open anew what the caller gave. That may grant no
 * more than the descriptor itself does.
 */
static void
add_descriptor(int ruleset, int fd, uint64_t access)
{
  struct landlock_path_beneath_attr rule = { .parent_fd = fd };
  struct stat info;
  char object[24];
  int flags = fcntl(fd, F_GETFL);

  snprintf(object, sizeof object, "descriptor %d", fd);
  if (flags < 0 || fstat(fd, &info) != 0)
    bt_fail_at(object);
  if ((flags & O_PATH) != 0 || S_ISDIR(info.st_mode))
    return;
  if ((flags & O_ACCMODE) != O_WRONLY)
    rule.allowed_access |= FS_READ | FS_IOCTL_DEV;
  if ((flags & O_ACCMODE) != O_RDONLY)
    rule.allowed_access |= LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
  rule.allowed_access &= access;
  /* EBADFD: a pipe, a socket, a memfd; Landlock does not govern their file systems. Without
   * the rule there is only less that may be opened. */
  if (rule.allowed_access != 0 &&
      syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 &&
      errno != EBADFD)
    bt_fail_at(object);
}

void
bt_confine_landlock(const BtPlanView *plan)
{
  const BtPlanHeader *header = plan->header;
  bool flat = (header->flags & BT_PLAN_NO_NAMESPACES) != 0;
  Ruleset ruleset = {
    .handled_fs = header->landlock_fs,
    .handled_net = header->landlock_net,
    .scoped = header->landlock_scoped,
  };

  if (ruleset.handled_fs == 0 && ruleset.scoped == 0)
    return;
  BT_AUTO_FD fd = make_ruleset(&ruleset);
  for (uint32_t i = 0; i < header->landlock.count; i++)
    add_path(fd, bt_plan_string(plan, plan->landlock[i].path), plan->landlock[i].access, flat);
  if (flat)
    bt_flat_add_proc(fd, ruleset.handled_fs);
  for (int i = 0; i < 3; i++)
    add_descriptor(fd, i, header->landlock_stdio & ruleset.handled_fs);
  enter(fd);
}

void
bt_confine_signals(void)
{
  /*
   * A kernel that does not know it refuses. Moving a file to another directory is denied by each
   * domain that does not speak of it: that is left to the worker's own.
   */
  const Ruleset ruleset = {
    .handled_fs = LANDLOCK_ACCESS_FS_REFER,
    .scoped = BT_PLAN_SCOPE_SIGNAL,
  };
  BT_AUTO_FD fd = make_ruleset(&ruleset);
  add_path(fd, "/", LANDLOCK_ACCESS_FS_REFER, false);
  enter(fd);
}

void
bt_confine_landlock_empty(const BtPlanView *plan)
{
  /* By the version of the kernel's ABI, from 1: what it can refuse. */
  static const uint64_t fs[] = { 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff };
  const int newest = sizeof fs / sizeof fs[0];
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

  if (abi < 1 && plan->header->landlock_fs == 0)
    return; /* turned off by the policy, and this kernel has none */
  if (abi < 1)
    bt_fail_at("landlock");
  Ruleset ruleset = {
    .handled_fs = fs[(abi < newest ? abi : newest) - 1],
    .handled_net = abi >= 4 ? BT_PLAN_TCP : 0,
    .scoped = abi >= 6 ? BT_PLAN_SCOPE_ALL : 0,
  };
  /* What is below init has to be ended by it: the domain of bt_confine_signals() bounds that. */
  if ((plan->header->flags & BT_PLAN_NO_NAMESPACES) != 0)
    ruleset.scoped &= BT_PLAN_SCOPE_ABSTRACT;
  BT_AUTO_FD fd = make_ruleset(&ruleset);
  enter(fd);
}

/* ---- seccomp ---- */

int
bt_confine_seccomp(const struct sock_filter *program, uint32_t count, unsigned flags,
                   const char *object)
{
  struct sock_fprog filter = {
    .len = (unsigned short)count,
    .filter = (struct sock_filter *)program,
  };

  if (count == 0)
    return -1;
  if (count > BPF_MAXINSNS)
    bt_fail_with(E2BIG, object);
  int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (result < 0)
    bt_fail_at(object);
  return result;
}
