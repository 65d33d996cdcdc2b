/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Build-time generator of the seccomp programs (never installed).
 *
 *     gen-seccomp [--sanitize]   prints a C header of BPF arrays
 *
 * A program has two parts, one behind the other:
 *
 *  1. argument checks, assembled here.  libseccomp cannot say "any of these
 *     flags" and miscompiles two NE rules on one argument, so it is given no
 *     argument rule at all.  Each call with a check is a block that always
 *     ends in a verdict; every other call jumps past it;
 *  2. the allow-list, compiled by libseccomp as a binary tree: allowed,
 *     EPERM for what is known and dangerous, ENOSYS for everything else, so
 *     that a libc falls back as it would on an old kernel.
 *
 * A foreign architecture, x32 included, is killed by the first instructions.
 * The kernel finds by itself which numbers part 1 and 2 allow whatever their
 * arguments, and then does not run the filter for them.
 *
 * Flags and commands that the kernel takes as int are compared by their low
 * 32 bits: the upper half of the register is the attacker's to choose.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/btrfs.h>
#include <linux/filter.h>
#include <linux/fscrypt.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plan/seccomp-lists.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the filters have not been written for this architecture"
#endif

#define MAX_INSTRUCTIONS 4096u
#define MAX_BLOCK 250u /* a conditional jump reaches 255 */

static void
die(const char *what, int error)
{
  fprintf(stderr, "gen-seccomp: %s: %s\n", what, strerror(error));
  exit(1);
}

/* ---- the assembler ---- */

typedef struct {
  struct sock_filter code[MAX_INSTRUCTIONS];
  unsigned count;
} Program;

static unsigned
emit(Program *program, unsigned code, unsigned k, unsigned yes, unsigned no)
{
  if (program->count >= MAX_INSTRUCTIONS || yes > 255 || no > 255)
    die("program too long", E2BIG);
  program->code[program->count] = (struct sock_filter){ code, yes, no, k };
  return program->count++;
}

static void
load(Program *program, unsigned offset)
{
  emit(program, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void
load_arg(Program *program, unsigned arg)
{
  load(program, offsetof(struct seccomp_data, args) + 8 * arg);
}

static void
verdict(Program *program, unsigned action)
{
  emit(program, BPF_RET | BPF_K, action, 0, 0);
}

#define ALLOW SECCOMP_RET_ALLOW
#define REFUSE(error) (SECCOMP_RET_ERRNO | (error))

/* The accumulator decides: equal to value, any bit of value, below value. */
static void
if_equal(Program *program, unsigned value, unsigned action)
{
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
  verdict(program, action);
}

static void
if_any(Program *program, unsigned bits, unsigned action)
{
  emit(program, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
  verdict(program, action);
}

static void
mask(Program *program, unsigned bits)
{
  emit(program, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
}

/* A group is entered when the accumulator equals value; group_end closes it. */
static unsigned
group_begin(Program *program, unsigned value)
{
  return emit(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 0);
}

static void
group_end(Program *program, unsigned begin)
{
  unsigned length = program->count - begin - 1;
  if (length > MAX_BLOCK)
    die("block too long", E2BIG);
  program->code[begin].jf = length;
}

/* ---- argument checks; each ends in a verdict on every path ---- */

/* Namespaces are made by no one inside. CLONE_NEWTIME is not clone()'s: its bit is the exit signal. */
static void
check_clone(Program *program)
{
  load_arg(program, 0);
  if_any(program, CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                    CLONE_NEWPID | CLONE_NEWNET, REFUSE(EPERM));
  verdict(program, ALLOW);
}

/* _IOW(0xbc, 16, 32 bytes); no header has it. */
#define BCACHEFS_SUBVOLUME_CREATE 0x4020bc10u

/* Typing into the caller's terminal, its selection, its line discipline, taking it over. */
static void
check_ioctl(Program *program)
{
  static const unsigned refused[] = {
    TIOCSTI,
    TIOCLINUX,
    TIOCSETD,
    TIOCSCTTY,
    /* A snapshot of a granted directory's subvolume holds what was masked, or beside the grant. */
    BTRFS_IOC_SNAP_CREATE,
    BTRFS_IOC_SNAP_CREATE_V2,
    BCACHEFS_SUBVOLUME_CREATE,
    /* The key of the user's encrypted directories, which the same uid may take away. */
    FS_IOC_REMOVE_ENCRYPTION_KEY,
  };
  load_arg(program, 1);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    if_equal(program, refused[i], REFUSE(EPERM));
  /* A text console's keyboard, font and switching: 'K' and 'V' without direction or size. */
  mask(program, 0xffffff00u);
  if_equal(program, 'K' << 8, REFUSE(EPERM));
  if_equal(program, 'V' << 8, REFUSE(EPERM));
  verdict(program, ALLOW);
}

/* SOCK_NONBLOCK and SOCK_CLOEXEC share the argument. */
#define TYPE_MASK (~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC))

/*
 * An AF_UNIX datagram socket may send to any path it sees, without connect().
 * SOCK_RAW of AF_UNIX is a datagram socket by another name.
 */
static void
check_unix_type(Program *program)
{
  load_arg(program, 1);
  mask(program, TYPE_MASK);
  if_equal(program, SOCK_STREAM, ALLOW);
  if_equal(program, SOCK_SEQPACKET, ALLOW);
  verdict(program, REFUSE(EACCES));
}

static void
check_inet_type(Program *program)
{
  static const unsigned protocols[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };

  load_arg(program, 1);
  mask(program, TYPE_MASK);
  unsigned raw = group_begin(program, SOCK_RAW);
  verdict(program, REFUSE(EPERM));
  group_end(program, raw);
  load_arg(program, 2);
  for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
    if_equal(program, protocols[i], ALLOW);
  verdict(program, REFUSE(EPROTONOSUPPORT));
}

static void
check_socket(Program *program)
{
  static const unsigned inet[] = { AF_INET, AF_INET6 };

  load_arg(program, 0);
  unsigned family = group_begin(program, AF_UNIX);
  check_unix_type(program);
  group_end(program, family);
  for (size_t i = 0; i < sizeof inet / sizeof inet[0]; i++) {
    family = group_begin(program, inet[i]);
    check_inet_type(program);
    group_end(program, family);
  }
  family = group_begin(program, AF_NETLINK);
  load_arg(program, 2);
  if_equal(program, NETLINK_ROUTE, ALLOW);
  verdict(program, REFUSE(EPROTONOSUPPORT));
  group_end(program, family);
  verdict(program, REFUSE(EAFNOSUPPORT));
}

static void
check_socketpair(Program *program)
{
  load_arg(program, 0);
  unsigned family = group_begin(program, AF_UNIX);
  check_unix_type(program);
  group_end(program, family);
  verdict(program, REFUSE(EAFNOSUPPORT));
}

/* A connect that is not called connect: its address would be seen by nobody. */
static void
check_sendto(Program *program)
{
  load_arg(program, 3);
  if_any(program, MSG_FASTOPEN, REFUSE(EOPNOTSUPP));
  verdict(program, ALLOW);
}

static void
check_sendmsg(Program *program)
{
  load_arg(program, 2);
  if_any(program, MSG_FASTOPEN, REFUSE(EOPNOTSUPP));
  verdict(program, ALLOW);
}

static void
check_setsockopt(Program *program)
{
  load_arg(program, 1);
  unsigned level = group_begin(program, IPPROTO_TCP);
  load_arg(program, 2);
  if_equal(program, TCP_FASTOPEN_CONNECT, REFUSE(EOPNOTSUPP));
  if_equal(program, TCP_ULP, REFUSE(EOPNOTSUPP));
  if_equal(program, TCP_REPAIR, REFUSE(EPERM));
  group_end(program, level);
  verdict(program, ALLOW);
}

static void
check_prctl(Program *program)
{
  /* PR_SET_MM moves what /proc shows of the process; the others need privileges or other tasks. */
  static const unsigned refused[] = {
    PR_SET_MM, PR_MCE_KILL, PR_SET_IO_FLUSHER, PR_SCHED_CORE,
  };
  load_arg(program, 0);
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
    if_equal(program, refused[i], REFUSE(EPERM));
  verdict(program, ALLOW);
}

static void
check_personality(Program *program)
{
  load_arg(program, 0);
  if_equal(program, PER_LINUX, ALLOW);
  if_equal(program, 0xffffffffu, ALLOW); /* a question */
  if_equal(program, ADDR_NO_RANDOMIZE, ALLOW);
  verdict(program, REFUSE(EPERM));
}

/* A sealed or unsealed memfd is a program without a path, and noexec does not reach it. */
static void
check_memfd(Program *program)
{
  verdict(program, REFUSE(EPERM));
}

/* A lease makes the host's own programs wait; a directory notification watches them. */
static void
check_fcntl(Program *program)
{
  load_arg(program, 1);
  if_equal(program, F_SETLEASE, REFUSE(EPERM));
  if_equal(program, F_NOTIFY, REFUSE(EPERM));
  verdict(program, ALLOW);
}

/* Shared memory that is mapped as a program is. */
static void
check_shmat(Program *program)
{
  load_arg(program, 2);
  if_any(program, 0100000 /* SHM_EXEC */, REFUSE(EACCES));
  verdict(program, ALLOW);
}

/* Same uid, same limits to set: pid 1's are not the worker's. Its own it sets as pid 0. */
static void
check_prlimit(Program *program)
{
  load_arg(program, 0);
  if_equal(program, 0, ALLOW);
  load_arg(program, 2); /* no new limit: a question */
  unsigned low = group_begin(program, 0);
  load(program, offsetof(struct seccomp_data, args) + 8 * 2 + 4);
  if_equal(program, 0, ALLOW);
  group_end(program, low);
  verdict(program, REFUSE(EPERM));
}

/*
 * The worker is in the caller's process group, with the supervisor and the
 * rest of a pipeline: a group is slowed down across pid namespaces.
 */
static void
check_setpriority(Program *program)
{
  load_arg(program, 0);
  if_equal(program, PRIO_PGRP, REFUSE(EPERM));
  verdict(program, ALLOW);
}

static void
check_ioprio_set(Program *program)
{
  load_arg(program, 0);
  if_equal(program, 2 /* IOPRIO_WHO_PGRP */, REFUSE(EPERM));
  verdict(program, ALLOW);
}

/* pid 1 put on no processor, or at the end of every queue, ends nothing any more. */
static void
check_sched_set(Program *program)
{
  load_arg(program, 0);
  if_equal(program, 1, REFUSE(EPERM));
  verdict(program, ALLOW);
}

/* The same group killed: only where Landlock does not keep signals inside (before 6.12). */
static void
check_kill(Program *program)
{
  load_arg(program, 0);
  if_equal(program, 0, REFUSE(EPERM));
  verdict(program, ALLOW);
}

typedef struct {
  const char *name;
  void (*check)(Program *program);
} Check;

static const Check checks[] = {
  { "clone", check_clone },
  { "ioctl", check_ioctl },
  { "fcntl", check_fcntl },
  { "socket", check_socket },
  { "socketpair", check_socketpair },
  { "sendto", check_sendto },
  { "sendmsg", check_sendmsg },
  { "sendmmsg", check_sendto }, /* flags are its fourth argument too */
  { "setsockopt", check_setsockopt },
  { "prctl", check_prctl },
  { "prlimit64", check_prlimit },
  { "personality", check_personality },
  { "shmat", check_shmat },
  { "setpriority", check_setpriority },
  { "ioprio_set", check_ioprio_set },
  { "sched_setaffinity", check_sched_set },
  { "sched_setparam", check_sched_set },
  { "sched_setscheduler", check_sched_set },
  { "sched_setattr", check_sched_set },
  { "kill", check_kill },
  { "memfd_create", check_memfd },
};

static void
emit_checks(Program *program, bool memfd_allowed, bool signals_scoped)
{
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    int number = seccomp_syscall_resolve_name(checks[i].name);
    if (number < 0 || (memfd_allowed && checks[i].check == check_memfd) ||
        (signals_scoped && checks[i].check == check_kill))
      continue;
    unsigned begin = group_begin(program, number);
    checks[i].check(program);
    group_end(program, begin);
  }
}

static void
emit_head(Program *program)
{
  load(program, offsetof(struct seccomp_data, arch));
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
  verdict(program, SECCOMP_RET_KILL_PROCESS);
  load(program, offsetof(struct seccomp_data, nr));
#ifdef X32_BIT
  /* -1 is a number a tracer uses; nobody traces here, and the list refuses it. */
  emit(program, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 2);
  emit(program, BPF_JMP | BPF_JEQ | BPF_K, 0xffffffffu, 1, 0);
  verdict(program, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* ---- the allow-list, by libseccomp ---- */

static void
add_names(scmp_filter_ctx context, const char *const *names, unsigned action)
{
  for (; *names != NULL; names++) {
    int number = seccomp_syscall_resolve_name(*names);
    /* Negative: another architecture's, or newer than this libseccomp. */
    if (number < 0)
      continue;
    int error = seccomp_rule_add(context, action, number, 0);
    if (error != 0)
      die(*names, -error);
  }
}

/* Calls that have one number everywhere and are newer than the libseccomp of the floor. */
static void
add_numbers(scmp_filter_ctx context)
{
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++) {
    if (seccomp_syscall_resolve_name(new_calls[i].name) != __NR_SCMP_ERROR)
      continue; /* it is known by name, and in a list */
    int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, new_calls[i].number, 0);
    if (error != 0)
      die(new_calls[i].name, -error);
  }
}

static scmp_filter_ctx
new_context(unsigned default_action)
{
  scmp_filter_ctx context = seccomp_init(default_action);

  if (context == NULL ||
      seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
      seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
    die("libseccomp", EINVAL);
  return context;
}

static void
append_compiled(Program *program, scmp_filter_ctx context)
{
  FILE *file = tmpfile();

  if (file == NULL || seccomp_export_bpf(context, fileno(file)) != 0)
    die("export", errno);
  seccomp_release(context);
  rewind(file);
  size_t room = MAX_INSTRUCTIONS - program->count;
  size_t got = fread(program->code + program->count, sizeof(struct sock_filter), room, file);
  if (got == 0 || got == room)
    die("export", E2BIG);
  program->count += got;
  fclose(file);
}

static void
print_program(const Program *program, const char *name)
{
  printf("static const struct sock_filter %s[%u] = {\n", name, program->count);
  for (unsigned i = 0; i < program->count; i++)
    printf("  { 0x%02x, %u, %u, 0x%08x },\n", program->code[i].code, program->code[i].jt,
           program->code[i].jf, program->code[i].k);
  printf("};\n\n");
}

static void
print_worker(const char *name, bool memfd_allowed, bool signals_scoped)
{
  Program program = { .count = 0 };
  scmp_filter_ctx context = new_context(SCMP_ACT_ERRNO(ENOSYS));

  add_names(context, worker_allowed, SCMP_ACT_ALLOW);
  add_names(context, worker_refused, SCMP_ACT_ERRNO(EPERM));
  if (memfd_allowed)
    add_names(context, (const char *const[]){ "memfd_create", NULL }, SCMP_ACT_ALLOW);
  add_numbers(context);
  emit_head(&program);
  emit_checks(&program, memfd_allowed, signals_scoped);
  append_compiled(&program, context);
  print_program(&program, name);
}

static void
print_init(bool sanitize)
{
  Program program = { .count = 0 };
  scmp_filter_ctx context = new_context(SCMP_ACT_ERRNO(EPERM));

  add_names(context, init_allowed, SCMP_ACT_ALLOW);
  if (sanitize)
    add_names(context, init_sanitizer, SCMP_ACT_ALLOW);
  emit_head(&program);
  append_compiled(&program, context);
  print_program(&program, "bt_program_init");
}

/* What a policy can still refuse: the calls that the worker's program lets through. */
static void
print_open_calls(void)
{
  printf("static const struct {\n  const char *name;\n  int number;\n} bt_open_calls[] = {\n");
  for (const char *const *name = worker_allowed; *name != NULL; name++) {
    int number = seccomp_syscall_resolve_name(*name);
    if (number >= 0)
      printf("  { \"%s\", %d },\n", *name, number);
  }
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    printf("  { \"%s\", %d },\n", new_calls[i].name, new_calls[i].number);
  printf("  { \"memfd_create\", %d },\n};\n\n", SYS_memfd_create);
}

/* Every name there is, one behind the other, an empty one last. */
static void
print_known_names(void)
{
  printf("static const char bt_known_calls[] =\n");
  for (int number = 0; number < 1024; number++) {
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    if (name != NULL)
      printf("  \"%s\\0\"\n", name);
    free(name);
  }
  for (size_t i = 0; i < sizeof new_calls / sizeof new_calls[0]; i++)
    printf("  \"%s\\0\"\n", new_calls[i].name);
  printf(";\n");
}

int
main(int argc, char **argv)
{
  bool sanitize = argc > 1 && strcmp(argv[1], "--sanitize") == 0;

  printf("/* Generated by gen-seccomp.c. */\n#include <linux/filter.h>\n\n");
  print_worker("bt_program_worker", false, false);
  print_worker("bt_program_worker_memfd", true, false);
  print_worker("bt_program_worker_scoped", false, true);
  print_worker("bt_program_worker_memfd_scoped", true, true);
  print_init(sanitize);
  print_open_calls();
  print_known_names();
  return ferror(stdout) || fflush(stdout) != 0;
}
