/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compiles buntime-net's system call filter at build time and prints it as a
 * C header: libseccomp takes a millisecond for what loads in 0.1 as a tree.
 *
 * Two, the second for one that only answers names by streams that are handed over, and has no
 * network to move packets for: it takes descriptors, and makes and connects no socket.
 *
 * An allow-list.  What a taken-over buntime-net would reach for first ends it
 * (exec, tracing); everything else that is not listed fails with EPERM, which
 * libslirp takes as the failure of that one call (it would read resolv.conf).
 * Arguments are compared on their low 32 bits where the kernel reads an int.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof *(array))

#define INT_IS(argument, value)                                                                  \
  SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)(uint32_t)(value))

static const int moving[] = {
  /* sockets of libslirp and the worker's */
  SCMP_SYS(connect), SCMP_SYS(shutdown), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
  SCMP_SYS(accept4),
};

static const int plain[] = {
  /* frames, control socket */
  SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(recvfrom), SCMP_SYS(sendto),
  /* the main loop */
  SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
  SCMP_SYS(epoll_pwait), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(futex),
  SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(getpid), SCMP_SYS(gettid),
  SCMP_SYS(sched_yield),
  /* memory */
  SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getrandom),
  /* the end */
  SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigprocmask), SCMP_SYS(tgkill),
};

static const int deadly[] = {
  SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
  SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(bpf), SCMP_SYS(io_uring_setup),
};

static const struct {
  int level, name;
} options[] = {
  { SOL_SOCKET, SO_ERROR },     { SOL_SOCKET, SO_OOBINLINE }, { SOL_SOCKET, SO_REUSEADDR },
  { IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_IP, IP_TTL },       { IPPROTO_IP, IP_RECVERR },
  { SOL_SOCKET, SO_LINGER },    { IPPROTO_TCP, TCP_INFO },    { IPPROTO_IPV6, IPV6_RECVERR }, { IPPROTO_IPV6, IPV6_UNICAST_HOPS },
};

static const unsigned long ioctls[] = { FIONREAD, FIONBIO };
static const int fcntls[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD };
static const int families[] = { AF_INET, AF_INET6 };
static const int socket_types[] = { SOCK_STREAM, SOCK_DGRAM };

static scmp_filter_ctx filter;

static void
check(int result, const char *what)
{
  if (result == 0)
    return;
  fprintf(stderr, "gen-net-filter: %s: error %d\n", what, -result);
  exit(1);
}

/* Inet streams and datagrams; ICMP only as the datagram kind, which is ping. */
static void
allow_sockets(void)
{
  for (size_t i = 0; i < N_ELEMENTS(families); i++)
    for (size_t j = 0; j < N_ELEMENTS(socket_types); j++)
      check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, INT_IS(0, families[i]),
                             SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xf, socket_types[j])),
            "socket");
}

static void
allow_options(void)
{
  const int calls[] = { SCMP_SYS(setsockopt), SCMP_SYS(getsockopt) };

  for (size_t i = 0; i < N_ELEMENTS(options); i++)
    for (size_t j = 0; j < N_ELEMENTS(calls); j++)
      check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[j], 2, INT_IS(1, options[i].level),
                             INT_IS(2, options[i].name)),
            "socket option");
}

static void
allow_selected(void)
{
  for (size_t i = 0; i < N_ELEMENTS(ioctls); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, INT_IS(1, ioctls[i])),
          "ioctl");
  for (size_t i = 0; i < N_ELEMENTS(fcntls); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, INT_IS(1, fcntls[i])),
          "fcntl");
  /* Memory that is never executable, from nothing. */
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                         SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                         SCMP_CMP64(3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)),
        "mmap");
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                         SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)),
        "mprotect");
}

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

/* What the runtime of a sanitized build needs; never part of another one. */
static void
allow_sanitizers(void)
{
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
  const int calls[] = {
    SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(getrlimit), SCMP_SYS(prlimit64),
    SCMP_SYS(readlink),
  };
  for (size_t i = 0; i < N_ELEMENTS(calls); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0), "sanitizer");
#endif
}

/* Where packets are moved. */
static void
allow_moving(void)
{
  for (size_t i = 0; i < N_ELEMENTS(moving); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, moving[i], 0), "moving");
  allow_sockets();
  allow_options();
  /* libslirp asks why a datagram did not arrive; descriptors cannot come this way. */
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1, INT_IS(2, MSG_ERRQUEUE)),
        "recvmsg");
}

/* Where streams are handed over. */
static void
allow_taking(void)
{
  check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
                         INT_IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)),
        "recvmsg");
}

static void
print(const char *name)
{
  static struct sock_filter program[4096];
  int fds[2];

  check(pipe(fds) == 0 ? 0 : -errno, "pipe");
  check(fcntl(fds[1], F_SETPIPE_SZ, sizeof program) > 0 ? 0 : -errno, "pipe size");
  check(seccomp_export_bpf(filter, fds[1]), "export");
  close(fds[1]);
  ssize_t size = read(fds[0], program, sizeof program);
  check(size > 0 && size % sizeof *program == 0 ? 0 : -EINVAL, "read");
  printf("/* Made by gen-net-filter.c. */\nstatic const struct sock_filter %s[] = {\n", name);
  for (size_t i = 0; i < size / sizeof *program; i++)
    printf("  { 0x%x, %u, %u, 0x%x },\n", program[i].code, program[i].jt, program[i].jf,
           program[i].k);
  printf("};\n");
}

static void
generate(const char *name, void (*allow_more)(void))
{
  filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  check(filter != NULL ? 0 : -ENOMEM, "init");
  check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "arch");
  check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "tree");
  for (size_t i = 0; i < N_ELEMENTS(plain); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0), "plain");
  for (size_t i = 0; i < N_ELEMENTS(deadly); i++)
    check(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0), "deadly");
  allow_selected();
  allow_more();
  allow_sanitizers();
  print(name);
  seccomp_release(filter);
}

int
main(void)
{
  generate("net_filter", allow_moving);
  generate("names_filter", allow_taking);
  return 0;
}
