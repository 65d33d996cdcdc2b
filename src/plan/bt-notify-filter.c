/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which calls the supervisor answers, as hand-written BPF.
 *
 * What it allows is not allowed yet: it goes on to the allow-list, with which it
 * becomes one program (bt_seccomp_join).  So a call of a foreign architecture is
 * left to that, which kills it.  Only opens are done with: they are what programs
 * do most of all that is looked at, and the allow-list has nothing to add.
 *
 * An open is notified when it could write: the access mode is not O_RDONLY, or
 * O_CREAT, O_TRUNC or O_TMPFILE's own bit is set.  O_PATH opens nothing, so
 * the kernel ignores those flags with it, and so does this filter.  Flags are
 * an int: the kernel looks at the low 32 bits only.
 */
#include "plan/bt-seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the notify filter has not been written for this architecture"
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "arguments are read by their low half first"
#endif

#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define WRITE_INTENT (O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE_BIT)

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ANY_OF(bits, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)

/* The legacy calls exist on x86-64 alone; elsewhere the other names stand in their places. */
#ifdef SYS_open
#define NR_OPEN SYS_open
#define NR_CREAT SYS_creat
#define NR_FORK SYS_fork
#define NR_VFORK SYS_vfork
#else
#define NR_OPEN SYS_openat
#define NR_CREAT SYS_connect
#define NR_FORK SYS_clone
#define NR_VFORK SYS_clone
#endif

/* As gen-checks.c has them. */
#define NAMESPACES                                                                                \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |    \
   CLONE_NEWNET)

/* intent: of the flags, whether the open is notified; the next is ALLOW, then NOTIFY. */
#define PROGRAM(intent) {                                                                         \
  /* 0 */ LOAD(arch),                                                                             \
  /* 1 */ EQUAL(NATIVE_ARCH, 0, 14),                                                              \
  /* 2 */ LOAD(nr),                                                                               \
  /* 3 */ EQUAL(SYS_openat, 7, 0),                                                                \
  /* 4 */ EQUAL(NR_OPEN, 8, 0),                                                                   \
  /* 5 */ EQUAL(SYS_connect, 11, 0),                                                              \
  /* 6 */ EQUAL(SYS_execve, 10, 0),                                                               \
  /* 7 */ EQUAL(SYS_execveat, 9, 0),                                                              \
  /* 8 */ EQUAL(NR_CREAT, 8, 0),                                                                  \
  /* 9 */ EQUAL(SYS_sysinfo, 7, 0),                                                               \
  /* 10 */ RETURN(SECCOMP_RET_ALLOW),                                                             \
  /* 11 openat */ LOAD(args[2]),                                                                  \
  /* 12 */ BPF_STMT(BPF_JMP | BPF_JA, 1),                                                         \
  /* 13 open */ LOAD(args[1]),                                                                    \
  /* 14 */ ANY_OF(O_PATH, 1, 0),                                                                  \
  /* 15 */ intent,                                                                                \
  /* 16 */ RETURN(BT_SECCOMP_ALLOWED),                                                            \
  /* 17 */ RETURN(SECCOMP_RET_USER_NOTIF),                                                        \
}

/*
 * What makes a process or thread. What a supervisor continues no filter sees again, so a clone that
 * the allow-list has an eye on is left to it.
 */
static const struct sock_filter forks[] = {
  /* 0 */ LOAD(arch),
  /* 1 */ EQUAL(NATIVE_ARCH, 0, 4),
  /* 2 */ LOAD(nr),
  /* 3 */ EQUAL(SYS_clone, 3, 0),
  /* 4 */ EQUAL(NR_FORK, 4, 0),
  /* 5 */ EQUAL(NR_VFORK, 3, 0),
  /* 6 */ RETURN(SECCOMP_RET_ALLOW),
  /* 7 */ LOAD(args[0]),
  /* 8 */ ANY_OF(NAMESPACES, 1, 0),
  /* 9 */ RETURN(SECCOMP_RET_USER_NOTIF),
  /* 10 */ RETURN(SECCOMP_RET_ALLOW),
};

/* Taking a terminal (lib/bt-notify-terminal.c), by ioctl's own number of it: an int. */
static const struct sock_filter foreground[] = {
  /* 0 */ LOAD(arch),
  /* 1 */ EQUAL(NATIVE_ARCH, 0, 4),
  /* 2 */ LOAD(nr),
  /* 3 */ EQUAL(SYS_ioctl, 0, 2),
  /* 4 */ LOAD(args[1]),
  /* 5 */ EQUAL(TIOCSPGRP, 1, 0),
  /* 6 */ RETURN(SECCOMP_RET_ALLOW),
  /* 7 */ RETURN(SECCOMP_RET_USER_NOTIF),
};

/*
 * For a worker with a channel, or whose stdin is a socket, as programs of Node have it.  Whether a close waits for what was written to go out is the
 * supervisor's to say: a host program closes what is sent to it, and must not wait for it
 * (lib/bt-notify-linger.c).  And such sockets are of the host's network, by any socket
 * of which the kernel tells of interfaces and addresses: of the ioctls of sockets only those are
 * left that are about the socket itself.
 */
static const struct sock_filter channel[] = {
  /* 0 */ LOAD(arch),
  /* 1 */ EQUAL(NATIVE_ARCH, 0, 12),
  /* 2 */ LOAD(nr),
  /* 3 */ EQUAL(SYS_ioctl, 5, 0),
  /* 4 */ EQUAL(SYS_setsockopt, 0, 9),
  /* 5 */ LOAD(args[1]),
  /* 6 */ EQUAL(SOL_SOCKET, 0, 7),
  /* 7 */ LOAD(args[2]),
  /* 8 */ EQUAL(SO_LINGER, 7, 5),
  /* 9 ioctl */ LOAD(args[1]),
  /* 10 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
  /* 11 SIOCOUTQNSD */ EQUAL(0x894b, 2, 0),
  /* 12 owners, urgent data, time stamps */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x8908, 0, 1),
  /* 13 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x8c00, 0, 1),
  /* 14 */ RETURN(SECCOMP_RET_ALLOW),
  /* 15 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
  /* 16 */ RETURN(SECCOMP_RET_USER_NOTIF),
};

/*
 * Access mode 3 neither reads nor writes, and Landlock asks of an open that does neither nothing at
 * all.  By what comes of it a file's attributes can be read, before Linux 6.10 another terminal of
 * the user's be set, and before 6.2 a file was cut by opening it.  Then one that reads could cut as
 * well, of which Landlock asked for reading alone.
 *
 * cutting: O_TRUNC, if that is so; else 3 once more.
 */
#define ODD_OPENS(cutting) {                                                                      \
  /* 0 */ LOAD(arch),                                                                             \
  /* 1 */ EQUAL(NATIVE_ARCH, 0, 3),                                                               \
  /* 2 */ LOAD(nr),                                                                               \
  /* 3 */ EQUAL(SYS_openat, 2, 0),                                                                \
  /* 4 */ EQUAL(NR_OPEN, 3, 0),                                                                   \
  /* 5 */ RETURN(SECCOMP_RET_ALLOW),                                                              \
  /* 6 openat */ LOAD(args[2]),                                                                   \
  /* 7 */ BPF_STMT(BPF_JMP | BPF_JA, 1),                                                          \
  /* 8 open */ LOAD(args[1]),                                                                     \
  /* 9 */ ANY_OF(O_PATH, 5, 0),                                                                   \
  /* 10 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, O_ACCMODE | O_TRUNC),                              \
  /* 11 */ EQUAL(O_ACCMODE, 2, 0),                                                                \
  /* 12 */ EQUAL(O_ACCMODE | O_TRUNC, 1, 0),                                                      \
  /* 13 */ EQUAL(cutting, 0, 1),                                                                  \
  /* 14 */ RETURN(SECCOMP_RET_ERRNO | EACCES),                                                    \
  /* 15 */ RETURN(SECCOMP_RET_ALLOW),                                                             \
}

static const struct sock_filter neither[] = ODD_OPENS(O_ACCMODE);
static const struct sock_filter cuts[] = ODD_OPENS(O_TRUNC);

static const struct sock_filter writing[] = PROGRAM(ANY_OF(WRITE_INTENT, 1, 0));
/* Any: a jump that is always taken. */
static const struct sock_filter every[] = PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 1));

BtFilter
bt_fork_filter(void)
{
  return (BtFilter){ forks, G_N_ELEMENTS(forks) };
}

BtFilter
bt_terminal_filter(void)
{
  return (BtFilter){ foreground, G_N_ELEMENTS(foreground) };
}

BtFilter
bt_open_filter(gboolean cutting)
{
  return cutting ? (BtFilter){ cuts, G_N_ELEMENTS(cuts) }
                 : (BtFilter){ neither, G_N_ELEMENTS(neither) };
}

BtFilter
bt_channel_filter(void)
{
  return (BtFilter){ channel, G_N_ELEMENTS(channel) };
}

BtFilter
bt_notify_filter(gboolean every_open)
{
  return every_open ? (BtFilter){ every, G_N_ELEMENTS(every) }
                    : (BtFilter){ writing, G_N_ELEMENTS(writing) };
}
