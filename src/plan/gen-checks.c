/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of a worker whose arguments are looked at; each check ends in a
 * verdict on every path.
 *
 * libseccomp cannot say "any of these flags" and miscompiles two NE rules on
 * one argument, so they are assembled here.  Flags and commands that the kernel
 * takes as int are compared by their low 32 bits: the upper half of the register
 * is the attacker's to choose.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fscrypt.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "plan/gen-program.h"

/* Namespaces are made by no one inside. CLONE_NEWTIME is not clone()'s: its bit is the exit signal. */
static void
refuse_namespaces(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_any(program,
             CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
               CLONE_NEWPID | CLONE_NEWNET,
             GEN_REFUSE(EPERM));
}

static void
check_clone(GenProgram *program)
{
  refuse_namespaces(program);
  gen_verdict(program, GEN_ALLOW);
}

/* _IOW(0xbc, 16, 32 bytes); no header has it. */
#define BCACHEFS_SUBVOLUME_CREATE 0x4020bc10u

/* Typing into the caller's terminal, its selection, its line discipline, taking it over. */
static void
check_ioctl(GenProgram *program)
{
  static const unsigned refused[] = {
    TIOCSTI,
    TIOCLINUX,
    TIOCSETD,
    TIOCSCTTY,
    FIOASYNC,
    /* A snapshot of a granted directory's subvolume holds what was masked, or beside the grant. */
    BTRFS_IOC_SNAP_CREATE,
    BTRFS_IOC_SNAP_CREATE_V2,
    BCACHEFS_SUBVOLUME_CREATE,
    /* The key of the user's encrypted directories, which the same uid may take away. */
    FS_IOC_REMOVE_ENCRYPTION_KEY,
  };
  gen_load_arg(program, 1);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    gen_if_equal(program, refused[i], GEN_REFUSE(EPERM));
  /* A text console's keyboard, font and switching: 'K' and 'V' without direction or size. */
  gen_mask(program, 0xffffff00u);
  gen_if_equal(program, 'K' << 8, GEN_REFUSE(EPERM));
  gen_if_equal(program, 'V' << 8, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

/* SOCK_NONBLOCK and SOCK_CLOEXEC share the argument. */
#define TYPE_MASK (~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC))

/*
 * An AF_UNIX datagram socket may send to any path it sees, without connect().
 * SOCK_RAW of AF_UNIX is a datagram socket by another name.
 */
static void
check_unix_type(GenProgram *program)
{
  gen_load_arg(program, 1);
  gen_mask(program, TYPE_MASK);
  gen_if_equal(program, SOCK_STREAM, GEN_ALLOW);
  gen_if_equal(program, SOCK_SEQPACKET, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EACCES));
}

static void
check_inet_type(GenProgram *program)
{
  static const unsigned protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };

  gen_load_arg(program, 1);
  gen_mask(program, TYPE_MASK);
  unsigned raw = gen_group_begin(program, SOCK_RAW);
  gen_verdict(program, GEN_REFUSE(EPERM));
  gen_group_end(program, raw);
  gen_load_arg(program, 2);
  for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
    gen_if_equal(program, protocols[i], GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPROTONOSUPPORT));
}

static void
check_socket(GenProgram *program)
{
  static const unsigned inet[] = { AF_INET, AF_INET6 };

  gen_load_arg(program, 0);
  unsigned family = gen_group_begin(program, AF_UNIX);
  check_unix_type(program);
  gen_group_end(program, family);
  for (size_t i = 0; i < sizeof inet / sizeof inet[0]; i++) {
    family = gen_group_begin(program, inet[i]);
    check_inet_type(program);
    gen_group_end(program, family);
  }
  family = gen_group_begin(program, AF_NETLINK);
  gen_load_arg(program, 2);
  gen_if_equal(program, NETLINK_ROUTE, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPROTONOSUPPORT));
  gen_group_end(program, family);
  gen_verdict(program, GEN_REFUSE(EAFNOSUPPORT));
}

static void
check_socketpair(GenProgram *program)
{
  gen_load_arg(program, 0);
  unsigned family = gen_group_begin(program, AF_UNIX);
  check_unix_type(program);
  gen_group_end(program, family);
  gen_verdict(program, GEN_REFUSE(EAFNOSUPPORT));
}

/* A connect that is not called connect: its address would be seen by nobody. */
static void
check_sendto(GenProgram *program)
{
  gen_load_arg(program, 3);
  gen_if_any(program, MSG_FASTOPEN, GEN_REFUSE(EOPNOTSUPP));
  gen_verdict(program, GEN_ALLOW);
}

static void
check_sendmsg(GenProgram *program)
{
  gen_load_arg(program, 2);
  gen_if_any(program, MSG_FASTOPEN, GEN_REFUSE(EOPNOTSUPP));
  gen_verdict(program, GEN_ALLOW);
}

static void
check_setsockopt(GenProgram *program)
{
  gen_load_arg(program, 1);
  unsigned level = gen_group_begin(program, IPPROTO_TCP);
  gen_load_arg(program, 2);
  gen_if_equal(program, TCP_FASTOPEN_CONNECT, GEN_REFUSE(EOPNOTSUPP));
  gen_if_equal(program, TCP_ULP, GEN_REFUSE(EOPNOTSUPP));
  gen_if_equal(program, TCP_REPAIR, GEN_REFUSE(EPERM));
  gen_group_end(program, level);
  gen_verdict(program, GEN_ALLOW);
}

static void
check_prctl(GenProgram *program)
{
  /* PR_SET_MM moves what /proc shows of the process; the others need privileges or other tasks. */
  static const unsigned refused[] = {
    PR_SET_MM, PR_MCE_KILL, PR_SET_IO_FLUSHER, PR_SCHED_CORE,
  };
  gen_load_arg(program, 0);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    gen_if_equal(program, refused[i], GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

static void
check_personality(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, PER_LINUX, GEN_ALLOW);
  gen_if_equal(program, 0xffffffffu, GEN_ALLOW); /* a question */
  gen_if_equal(program, ADDR_NO_RANDOMIZE, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

/*
 * What has the kernel send signals when something comes.  A descriptor that was passed in may have
 * an owner already, the caller, who gets what the worker chose (F_SETSIG: SIGKILL) or asked for
 * (O_ASYNC); Landlock's scope looks at who set the owner.  And a terminal tells its foreground group,
 * whoever set that.  So none is asked for, nor chosen.
 */
static void
refuse_async(GenProgram *program)
{
  gen_load_arg(program, 1);
  gen_if_equal(program, F_SETSIG, GEN_REFUSE(EPERM));
  unsigned flags = gen_group_begin(program, F_SETFL);
  gen_load_arg(program, 2);
  gen_if_any(program, O_ASYNC, GEN_REFUSE(EPERM));
  gen_group_end(program, flags);
}

/* A lease makes the host's own programs wait; a directory notification watches them. */
static void
check_fcntl(GenProgram *program)
{
  refuse_async(program);
  gen_load_arg(program, 1);
  gen_if_equal(program, F_SETLEASE, GEN_REFUSE(EPERM));
  gen_if_equal(program, F_NOTIFY, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

/*
 * There is one listener, and the kernel says so; but once the supervisor is dead there is none, and
 * who made one of its own would continue what was only for us to answer, until it is ended, too.
 */
static void
check_seccomp(GenProgram *program)
{
  gen_load_arg(program, 0);
  unsigned filter = gen_group_begin(program, SECCOMP_SET_MODE_FILTER);
  gen_load_arg(program, 1);
  gen_if_any(program, SECCOMP_FILTER_FLAG_NEW_LISTENER, GEN_REFUSE(EBUSY));
  gen_group_end(program, filter);
  gen_verdict(program, GEN_ALLOW);
}

/* Shared memory that is mapped as a program is. */
static void
check_shmat(GenProgram *program)
{
  gen_load_arg(program, 2);
  gen_if_any(program, 0100000 /* SHM_EXEC */, GEN_REFUSE(EACCES));
  gen_verdict(program, GEN_ALLOW);
}

/* Same uid, same limits to set: pid 1's are not the worker's. Its own it sets as pid 0. */
static void
check_prlimit(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_load_arg(program, 2); /* no new limit: a question */
  unsigned low = gen_group_begin(program, 0);
  gen_load(program, offsetof(struct seccomp_data, args) + 8 * 2 + 4);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_group_end(program, low);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

/*
 * The worker is in the caller's process group, with the supervisor and the
 * rest of a pipeline: a group is slowed down across pid namespaces.
 */
static void
check_setpriority(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, PRIO_PGRP, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

static void
check_ioprio_set(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 2 /* IOPRIO_WHO_PGRP */, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

/* pid 1 put on no processor, or at the end of every queue, ends nothing any more. */
static void
check_sched_set(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 1, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

/* The same group killed: only where Landlock does not keep signals inside (before 6.12). */
static void
check_kill(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 0, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

/*
 * A file that runs as its owner: whoever else has an account there would be the caller by
 * it. Of opens the supervisor sees to it (lib/bt-notify-file.c); a directory is made without.
 */
static void
check_mode(GenProgram *program, unsigned arg)
{
  gen_load_arg(program, arg);
  gen_if_any(program, S_ISUID, GEN_REFUSE(EPERM));
  gen_verdict(program, GEN_ALLOW);
}

static void
check_second_mode(GenProgram *program)
{
  check_mode(program, 1);
}

static void
check_third_mode(GenProgram *program)
{
  check_mode(program, 2);
}

/* ---- the same without namespaces, where other processes have numbers, too ---- */

/*
 * Of the host's network: TCP alone, which does nothing before connect(), and that the supervisor
 * makes.  Datagrams go wherever each one says; that they are asked for the supervisor tells.
 */
static void
check_flat_inet_type(GenProgram *program)
{
  gen_load_arg(program, 1);
  gen_mask(program, TYPE_MASK);
  unsigned stream = gen_group_begin(program, SOCK_STREAM);
  gen_load_arg(program, 2);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_if_equal(program, IPPROTO_TCP, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPROTONOSUPPORT));
  gen_group_end(program, stream);
  gen_if_equal(program, SOCK_DGRAM, SECCOMP_RET_USER_NOTIF);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

static void
check_flat_socket(GenProgram *program)
{
  static const unsigned inet[] = { AF_INET, AF_INET6 };

  gen_load_arg(program, 0);
  unsigned family = gen_group_begin(program, AF_UNIX);
  check_unix_type(program);
  gen_group_end(program, family);
  for (size_t i = 0; i < sizeof inet / sizeof inet[0]; i++) {
    family = gen_group_begin(program, inet[i]);
    check_flat_inet_type(program);
    gen_group_end(program, family);
  }
  gen_verdict(program, GEN_REFUSE(EAFNOSUPPORT));
}

/* Of itself alone, by 0: its own number could be another's by then. */
static void
check_flat_sched_set(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

/* PRIO_USER would be all that the user runs. */
static void
check_flat_setpriority(GenProgram *program)
{
  gen_load_arg(program, 0);
  unsigned process = gen_group_begin(program, PRIO_PROCESS);
  gen_load_arg(program, 1);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_group_end(program, process);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

static void
check_flat_ioprio_set(GenProgram *program)
{
  gen_load_arg(program, 0);
  unsigned process = gen_group_begin(program, 1 /* IOPRIO_WHO_PROCESS */);
  gen_load_arg(program, 1);
  gen_if_equal(program, 0, GEN_ALLOW);
  gen_group_end(program, process);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

/* Of a process that is not dumpable the supervisor could read no call's path or address. */
static void
check_flat_prctl(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, PR_SET_DUMPABLE, GEN_REFUSE(EPERM));
  check_prctl(program);
}

/*
 * The terminal's, and what a socket tells of itself; but no group of the caller's session, nor its
 * shell's, is made the foreground: it would be that one's terminal, and not be restored. Others change a file's flags
 * or a subvolume by a descriptor that only reads, or tell of the host's interfaces.
 */
static void
check_flat_ioctl(GenProgram *program)
{
  static const unsigned refused[] = { TIOCSTI, TIOCLINUX, TIOCSETD, TIOCSCTTY, TIOCSPGRP,
                                      FIOASYNC };

  gen_load_arg(program, 1);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    gen_if_equal(program, refused[i], GEN_REFUSE(EPERM));
  gen_if_equal(program, SIOCATMARK, GEN_ALLOW);
  gen_if_equal(program, SIOCOUTQNSD, GEN_ALLOW);
  gen_mask(program, 0xff00u);
  gen_if_equal(program, 'T' << 8, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(ENOTTY));
}

/*
 * ---- and where Landlock does not keep signals inside either (before 6.12) ----
 *
 * Signals by number are the supervisor's to send (lib/bt-notify-signal.c).  Here is what has the
 * kernel send them later.
 */

/* Threads end with their process; processes are made as long as somebody says yes (init/bt-flat.c). */
static void
check_flat_unscoped_clone(GenProgram *program)
{
  refuse_namespaces(program);
  gen_if_any(program, CLONE_THREAD, GEN_ALLOW);
  gen_verdict(program, SECCOMP_RET_USER_NOTIF);
}

/* To whom a descriptor's signals go: any process or group by its number. FIOSETOWN is no ioctl here. */
static void
check_flat_unscoped_fcntl(GenProgram *program)
{
  gen_load_arg(program, 1);
  gen_if_equal(program, F_SETOWN, GEN_REFUSE(EPERM));
  gen_if_equal(program, F_SETOWN_EX, GEN_REFUSE(EPERM));
  check_fcntl(program);
}

/* A child of its own, which is its own until it has waited for it. */
void
gen_check_init_kill_child(GenProgram *program)
{
  gen_load_arg(program, 0);
  gen_if_equal(program, 0, GEN_REFUSE(EPERM));
  gen_if_any(program, 0x80000000u, GEN_REFUSE(EPERM));
  gen_load_arg(program, 1);
  gen_if_equal(program, SIGKILL, GEN_ALLOW);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

void
gen_check_init_kill(GenProgram *program)
{
  gen_load_arg(program, 0);
  unsigned all = gen_group_begin(program, 0xffffffffu);
  gen_load_arg(program, 1);
  gen_if_equal(program, SIGKILL, GEN_ALLOW);
  gen_group_end(program, all);
  gen_verdict(program, GEN_REFUSE(EPERM));
}

const GenChecked gen_checked[] = {
  { "clone", check_clone, .flat_unscoped = check_flat_unscoped_clone },
  { "ioctl", check_ioctl, .flat = check_flat_ioctl },
  { "fcntl", check_fcntl, .flat_unscoped = check_flat_unscoped_fcntl },
  { "socket", check_socket, .flat = check_flat_socket },
  { "socketpair", check_socketpair },
  { "sendto", check_sendto },
  { "sendmsg", check_sendmsg },
  { "sendmmsg", check_sendto }, /* flags are its fourth argument too */
  { "setsockopt", check_setsockopt },
  { "prctl", check_prctl, .flat = check_flat_prctl },
  { "prlimit64", check_prlimit },
  { "personality", check_personality },
  { "seccomp", check_seccomp },
  { "shmat", check_shmat },
  { "setpriority", check_setpriority, .flat = check_flat_setpriority },
  { "ioprio_set", check_ioprio_set, .flat = check_flat_ioprio_set },
  { "sched_setaffinity", check_sched_set, .flat = check_flat_sched_set },
  { "sched_setparam", check_sched_set, .flat = check_flat_sched_set },
  { "sched_setscheduler", check_sched_set, .flat = check_flat_sched_set },
  { "sched_setattr", check_sched_set, .flat = check_flat_sched_set },
  { "kill", NULL, .unscoped = check_kill },
  { "chmod", check_second_mode },
  { "fchmod", check_second_mode },
  { "fchmodat", check_third_mode },
  { "fchmodat2", check_third_mode },
  { "mknod", check_second_mode },
  { "mknodat", check_third_mode },
};
const unsigned gen_n_checked = sizeof gen_checked / sizeof gen_checked[0];
