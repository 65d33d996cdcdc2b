/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan/metadata-calls.h"

/*
 * The calls by name, for gen-seccomp.c alone.
 *
 * What is in no list gives ENOSYS: clone3 and openat2, so that a libc falls
 * back to calls whose arguments a filter sees; io_uring, which would make
 * calls that no filter sees; and whatever the kernel learns later.
 */

/* What Python, Bun, Node, Deno, Perl, Ruby, curl and git were seen to need, and its kin. */
static const char *const worker_allowed[] = {
  "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
  "pwritev2", "open", "openat", "creat", "close", "close_range", "stat", "fstat", "lstat",
  "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "readlink",
  "readlinkat", "lseek", "dup", "dup2", "dup3", "pipe", "pipe2", "poll", "ppoll", "select",
  "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
  "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create",
  "timerfd_settime", "timerfd_gettime", "inotify_init", "inotify_init1", "inotify_add_watch",
  "inotify_rm_watch", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat",
  "rmdir", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "symlink",
  "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown",
  "lchown", "fchownat", "umask", "utime", "utimes", "utimensat", "futimesat", "truncate",
  "ftruncate", "fallocate", "fadvise64", "readahead", "fsync", "fdatasync", "sync", "syncfs",
  "sync_file_range", "sendfile", "splice", "tee", "copy_file_range", "flock", "setxattr",
  "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
  "flistxattr", "removexattr", "lremovexattr", "fremovexattr", "io_setup", "io_destroy",
  "io_submit", "io_cancel", "io_getevents", "io_pgetevents", "mmap", "munmap", "mprotect",
  "mremap", "madvise", "brk", "mincore", "msync", "mlock", "mlock2", "munlock", "mlockall",
  "munlockall", "pkey_alloc", "pkey_free", "pkey_mprotect", "membarrier", "get_mempolicy",
  "set_mempolicy", "mbind", "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop",
  "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend",
  "mq_timedreceive", "mq_notify", "mq_getsetattr", "fork", "vfork", "clone", "execve", "execveat",
  "exit", "exit_group", "wait4", "waitid", "kill", "tkill", "tgkill", "rt_sigaction",
  "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
  "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "pause", "alarm", "getitimer",
  "setitimer", "pidfd_open", "pidfd_send_signal", "getpid", "getppid", "gettid", "getpgid",
  "getpgrp", "setpgid", "getsid", "setsid", "getuid", "geteuid", "getgid", "getegid", "getresuid",
  "getresgid", "getgroups", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
  "setgroups", "setfsuid", "setfsgid", "capget", "capset", "getrlimit", "setrlimit", "prlimit64",
  "getrusage", "times", "getpriority", "setpriority", "sched_yield", "sched_getaffinity",
  "sched_setaffinity", "sched_getparam", "sched_setparam", "sched_getscheduler",
  "sched_setscheduler", "sched_getattr", "sched_setattr", "sched_get_priority_max",
  "sched_get_priority_min", "sched_rr_get_interval", "ioprio_get", "ioprio_set", "getcpu",
  "futex", "futex_waitv", "get_robust_list", "set_robust_list", "set_tid_address", "rseq",
  "restart_syscall", "arch_prctl", "nanosleep", "clock_nanosleep", "clock_gettime",
  "clock_getres", "gettimeofday", "time", "timer_create", "timer_settime", "timer_gettime",
  "timer_getoverrun", "timer_delete", "uname", "sysinfo", "getrandom", "prctl", "personality",
  "ioctl", "fcntl", "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect",
  "getsockname", "getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg",
  "recvmmsg", "shutdown", "setsockopt", "getsockopt", "landlock_create_ruleset",
  "landlock_add_rule", "landlock_restrict_self", "seccomp",
  NULL,
};

/* Known, and either dangerous or of no use without privileges: EPERM. */
static const char *const worker_refused[] = {
  "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
  "process_mrelease", "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot",
  "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "swapon",
  "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "name_to_handle_at", "open_by_handle_at",
  "fanotify_init", "fanotify_mark", "bpf", "perf_event_open", "userfaultfd", "lookup_dcookie",
  "keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module",
  "create_module", "get_kernel_syms", "query_module", "kexec_load", "kexec_file_load", "reboot",
  "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "stime", "sethostname",
  "setdomainname", "syslog", "acct", "vhangup", "uselib", "iopl", "ioperm", "modify_ldt", "vm86",
  "vm86old", "migrate_pages", "move_pages", "set_mempolicy_home_node", "memfd_secret",
  NULL,
};

/*
 * Allowed in namespaces, and refused without them: what would reach the
 * user's other processes or the whole machine's IPC, or enter the groups of
 * the session's other jobs, and what changes or watches files by their name,
 * which Landlock does not govern.
 */
static const char *const flat_refused[] = {
  "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget",
  "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
  "mq_notify", "mq_getsetattr", "bind", "listen", "inotify_init", "inotify_init1",
  "inotify_add_watch", "setpgid", BT_METADATA_CALLS,
  NULL,
};

/*
 * Attributes hold whatever somebody put there, and Landlock does not ask who reads them by a
 * file's name: EOPNOTSUPP, as of a file system without.  By a descriptor that was opened they
 * are told.
 */
static const char *const flat_unsupported[] = {
  "getxattr", "lgetxattr", "listxattr", "llistxattr",
  NULL,
};

/*
 * Without namespaces, and where Landlock does not keep signals inside: the supervisor sends what
 * goes to the worker's own processes, and is told of each that is made.
 */
static const char *const flat_unscoped_notified[] = {
  "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal", "fork",
  "vfork",
  NULL,
};

/*
 * pid 1 after the worker's start: it waits, reports and ends. The supervisor
 * passes signals on by itself, so there is no kill.
 */
static const char *const init_allowed[] = {
  "read", "write", "recvmsg", "sendmsg", "sendto", "close", "poll", "ppoll", "wait4", "waitid",
  "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "restart_syscall", "exit", "exit_group",
  "getpid", "gettid", "clock_gettime", "futex",
  NULL,
};

/* Where it has to look for what is left (init/bt-flat.c): the list of its children. */
static const char *const init_unscoped[] = {
  "pread64",
  NULL,
};

/* The opener: it opens, looks at what it opened, hands it over, and waits in children. */
static const char *const opener_allowed[] = {
  "openat2", "close", "close_range", "fstat", "newfstatat", "fstatfs", "readlink", "readlinkat",
  "umask", "fcntl", "recvmsg", "sendmsg", "poll", "ppoll", "clone", "pidfd_send_signal", "getpid",
  "write", "rt_sigreturn", "restart_syscall", "exit", "exit_group",
  NULL,
};

/* A sanitizer's runtime prints, looks at its own maps, allocates and unwinds. */
static const char *const init_sanitizer[] = {
  "open", "openat", "fstat", "newfstatat", "readlink", "readlinkat", "lseek", "sigaltstack",
  "sched_yield", "prctl", "getrlimit", "prlimit64", "sched_getaffinity", "getrusage", "uname",
  "ioctl", "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "kill", "tgkill",
  NULL,
};

/* Newer than libseccomp 2.5.4; one number on every architecture. */
static const struct {
  const char *name;
  int number;
} new_calls[] = {
  { "cachestat", 451 },     { "fchmodat2", 452 },  { "map_shadow_stack", 453 }, { "futex_wake", 454 },
  { "futex_wait", 455 },    { "futex_requeue", 456 }, { "mseal", 462 },
};
