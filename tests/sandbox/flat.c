// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * flat OP ARGUMENT [OP ARGUMENT ...]: one attempt each to reach what namespaces
 * would have kept away, and prints "OP ARGUMENT: RESULT", an errno's name or "ok".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <mqueue.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

/* ---- a file ---- */

static int
opened(const char *path, int flags)
{
  int fd = open(path, flags | O_CLOEXEC, 0600);
  if (fd >= 0)
    close(fd);
  return fd;
}

static int op_read(const char *path)
{
  char byte;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  int got = (int)read(fd, &byte, 1);
  close(fd);
  return got;
}
static int op_write(const char *path) { return opened(path, O_WRONLY); }
static int op_neither(const char *path) { return opened(path, O_ACCMODE); }
static int op_append(const char *path) { return opened(path, O_RDWR | O_APPEND); }
static int op_create(const char *path) { return opened(path, O_WRONLY | O_CREAT); }
static int op_list(const char *path) { return opened(path, O_RDONLY | O_DIRECTORY); }
static int op_mkdir(const char *path) { return mkdir(path, 0700); }
static int op_unlink(const char *path) { return unlink(path); }
static int op_truncate(const char *path) { return truncate(path, 0); }
static int op_symlink(const char *path) { return symlink("/etc", path); }
static int op_link(const char *path) { return link(path, "linked"); }
static int op_rename(const char *path) { return rename(path, "renamed"); }
static int op_chmod(const char *path) { return chmod(path, 0777); }
static int op_fchmodat2(const char *path) { return (int)syscall(452, AT_FDCWD, path, 0777, 0); }
static int op_chown(const char *path) { return chown(path, getuid(), getgid()); }
static int op_utime(const char *path) { return utime(path, NULL); }
static int op_utimensat(const char *path) { return utimensat(AT_FDCWD, path, NULL, 0); }
static int op_setxattr(const char *path) { return setxattr(path, "user.x", "x", 1, 0); }
static int op_removexattr(const char *path) { return removexattr(path, "user.x"); }
static int told(ssize_t size) { return size < 0 ? -1 : 0; }
static char value[1024];
#define VALUE "user.x", value, sizeof value
static int op_getxattr(const char *path) { return told(getxattr(path, VALUE)); }
static int op_lgetxattr(const char *path) { return told(lgetxattr(path, VALUE)); }
static int op_listxattr(const char *path) { return told(listxattr(path, value, sizeof value)); }
static int op_llistxattr(const char *path) { return told(llistxattr(path, value, sizeof value)); }
static int op_fgetxattr(const char *path)
{
  return told(fgetxattr(open(path, O_RDONLY | O_CLOEXEC), VALUE));
}
static int op_opath_fgetxattr(const char *path)
{
  return told(fgetxattr(open(path, O_PATH | O_CLOEXEC), VALUE));
}
static int op_inotify(const char *path)
{
  return inotify_add_watch(inotify_init1(IN_CLOEXEC), path, IN_ALL_EVENTS);
}
/* By a descriptor that only reads. */
static int op_fchmod(const char *path) { return fchmod(open(path, O_RDONLY | O_CLOEXEC), 0777); }
static int op_futimens(const char *path) { return futimens(open(path, O_RDONLY | O_CLOEXEC), NULL); }
static int op_fsetxattr(const char *path)
{
  return fsetxattr(open(path, O_RDONLY | O_CLOEXEC), "user.x", "x", 1, 0);
}
static int op_setflags(const char *path)
{
  int flags = FS_NOATIME_FL;
  return ioctl(open(path, O_RDONLY | O_CLOEXEC), FS_IOC_SETFLAGS, &flags);
}
/* What the program holds O_PATH is under no rule. */
static int op_opath_chmod(const char *path)
{
  int fd = open(path, O_PATH | O_CLOEXEC);
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return chmod(link, 0777);
}
static int op_opath_read(const char *path)
{
  int fd = open(path, O_PATH | O_CLOEXEC);
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return op_read(link);
}

/* ---- a process ---- */

static int op_kill(const char *pid) { return kill(atoi(pid), 0); }
static int op_tgkill(const char *pid) { return (int)syscall(SYS_tgkill, atoi(pid), atoi(pid), 0); }
static int op_sigqueue(const char *pid) { return sigqueue(atoi(pid), 0, (union sigval){ 0 }); }
static int op_pidfd_kill(const char *pid)
{
  return (int)syscall(SYS_pidfd_send_signal, syscall(SYS_pidfd_open, atoi(pid), 0), 0, NULL, 0);
}
static int op_pidfd_getfd(const char *pid)
{
  return (int)syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, atoi(pid), 0), 0, 0);
}
static int op_ptrace(const char *pid)
{
  return (int)ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL);
}
static int op_vm_read(const char *pid)
{
  char byte;
  struct iovec here = { &byte, 1 }, there = { (void *)&byte, 1 };
  return (int)process_vm_readv(atoi(pid), &here, 1, &there, 1, 0);
}
static int in_proc(const char *pid, const char *name, int flags)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
  return opened(path, flags);
}
static int op_mem(const char *pid) { return in_proc(pid, "mem", O_RDONLY); }
static int op_mem_write(const char *pid) { return in_proc(pid, "mem", O_RDWR); }
static int op_environ(const char *pid) { return in_proc(pid, "environ", O_RDONLY); }
static int op_cmdline(const char *pid) { return in_proc(pid, "cmdline", O_RDONLY); }
static int op_fds(const char *pid) { return in_proc(pid, "fd", O_RDONLY | O_DIRECTORY); }
static int op_net(const char *pid) { return in_proc(pid, "net/dev", O_RDONLY); }
static int op_priority(const char *pid) { return setpriority(PRIO_PROCESS, atoi(pid), 19); }
static int op_all_priorities(const char *uid) { return setpriority(PRIO_USER, atoi(uid), 19); }
static int op_io_priority(const char *pid)
{
  return (int)syscall(SYS_ioprio_set, 1, atoi(pid), 3 << 13);
}
static int op_affinity(const char *pid)
{
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(0, &set);
  return sched_setaffinity(atoi(pid), sizeof set, &set);
}
static int op_scheduler(const char *pid)
{
  return sched_setscheduler(atoi(pid), SCHED_BATCH, &(struct sched_param){ 0 });
}
static int op_limit(const char *pid)
{
  return prlimit(atoi(pid), RLIMIT_CORE, &(struct rlimit){ 0, 0 }, NULL);
}
static int op_owner(const char *pid)
{
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
      fcntl(pair[0], F_SETOWN, atoi(pid)) != 0)
    return -1;
  int number = fcntl(pair[0], F_SETSIG, SIGKILL), news = fcntl(pair[0], F_SETFL, O_ASYNC);
  if (number != 0 && news != 0)
    return -1;
  /* The signal would be sent now; the test looks whether it arrived. */
  return write(pair[1], "x", 1) == 1 ? 0 : -1;
}

/* ---- the machine ---- */

static int op_socket(const char *family) { return socket(atoi(family), SOCK_STREAM, 0); }
static int op_datagram(const char *family) { return socket(atoi(family), SOCK_DGRAM, 0); }
static int op_pair(const char *type)
{
  int pair[2];
  return socketpair(AF_UNIX, atoi(type), 0, pair);
}
/* "@name" is abstract. */
static int with_address(const char *name, int (*call)(int, const struct sockaddr *, socklen_t))
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  size_t length = strlen(name);
  memcpy(address.sun_path, name, length + 1);
  if (name[0] == '@')
    address.sun_path[0] = '\0';
  return call(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
              offsetof(struct sockaddr_un, sun_path) + length);
}
static int op_connect(const char *name) { return with_address(name, connect); }
static int op_bind(const char *name) { return with_address(name, bind); }
static int op_interfaces(const char *unused)
{
  struct ifconf request = { 0 };
  (void)unused;
  return ioctl(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), SIOCGIFCONF, &request);
}
static int op_shm(const char *key) { return shmget(atoi(key), 4096, IPC_CREAT | 0600); }
static int op_sem(const char *key) { return semget(atoi(key), 1, IPC_CREAT | 0600); }
static int op_msg(const char *key) { return msgget(atoi(key), IPC_CREAT | 0600); }
static int op_mq(const char *name) { return (int)syscall(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, NULL); }
static int op_memfd(const char *name) { return memfd_create(name, 0); }
static int op_unshare(const char *flags) { return unshare((int)strtol(flags, NULL, 0)); }
static int op_setns(const char *pid)
{
  return (int)syscall(SYS_setns, syscall(SYS_pidfd_open, atoi(pid), 0), CLONE_NEWNET);
}
static int op_undumpable(const char *value) { return prctl(PR_SET_DUMPABLE, atoi(value)); }
static int op_mount(const char *unused)
{
  (void)unused;
  return (int)syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

#define OP(name) { #name, op_##name }
static const struct {
  const char *name;
  int (*attempt)(const char *argument);
} ops[] = {
  OP(read), OP(write), OP(neither), OP(append), OP(create), OP(list), OP(mkdir), OP(unlink), OP(truncate),
  OP(symlink), OP(link), OP(rename), OP(chmod), OP(fchmodat2), OP(chown), OP(utime),
  OP(utimensat), OP(setxattr), OP(removexattr), OP(getxattr), OP(lgetxattr),
  OP(listxattr), OP(llistxattr), OP(fgetxattr), OP(opath_fgetxattr), OP(inotify), OP(fchmod),
  OP(futimens),
  OP(fsetxattr), OP(setflags), OP(opath_chmod), OP(opath_read), OP(kill), OP(tgkill),
  OP(sigqueue), OP(pidfd_kill), OP(pidfd_getfd), OP(ptrace), OP(vm_read), OP(mem), OP(mem_write),
  OP(environ), OP(cmdline), OP(fds), OP(net), OP(priority), OP(all_priorities),
  OP(io_priority), OP(affinity), OP(scheduler), OP(limit), OP(owner), OP(socket), OP(datagram),
  OP(pair), OP(connect), OP(bind), OP(interfaces), OP(shm), OP(sem), OP(msg), OP(mq), OP(memfd),
  OP(unshare), OP(setns), OP(undumpable), OP(mount),
};

int
main(int argc, char **argv)
{
  for (int i = 1; i + 1 < argc; i += 2)
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
      if (strcmp(argv[i], ops[k].name) != 0)
        continue;
      char parent[16];
      snprintf(parent, sizeof parent, "%d", getppid());
      const char *argument = strcmp(argv[i + 1], "PARENT") == 0 ? parent : argv[i + 1];
      errno = 0;
      int result = ops[k].attempt(argument);
      const char *name = result < 0 ? strerrorname_np(errno) : "ok";
      printf("%s %s: %s\n", argv[i], argv[i + 1], name != NULL ? name : "?");
    }
  return 0;
}
