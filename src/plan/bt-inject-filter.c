/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a run with a fast path (lib/bt-inject.c) is refused, since one of its sockets may be
 * of the host's network:
 *
 *   shutdown .... is notified: while such a socket connects it would be free to listen
 *   ioctl ....... that tells of interfaces, routes and radio; of 0x89 only what is about the
 *                 socket itself
 *   setsockopt .. all but the options listed here.  Others choose an interface or a source
 *                 address, join groups, or put routes into packets (IP_OPTIONS and IPV6_RTHDR
 *                 take a packet to whoever the program names).  Hops count the routers on the
 *                 way, of what is sent (IP_TTL) and of what comes (IP_MINTTL)
 *   getsockopt .. that tells which network it is, or by which interface or queue a packet came
 *   recv* ....... of the queue of errors, which holds who sent them: the routers on the way.  Of a
 *                 connect over IPv4 they come there unasked, without IP_RECVERR, so that it is the
 *                 reading that is refused: always EAGAIN, as of an empty queue.  What else is told
 *                 there is not asked for then: SO_ZEROCOPY, time stamps
 *
 * A number does not say which network a descriptor is of, so the sandbox's own sockets are
 * held by this, too.  Options are ints: the kernel looks at the low 32 bits.  Those of other
 * levels do nothing to TCP.
 */
#include "plan/bt-seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/* Newer than our C library's headers, or in the kernel's alone. */
#define OPTION_SO_INCOMING_NAPI_ID 56
#define OPTION_SO_NETNS_COOKIE 71
#define OPTION_SO_BUF_LOCK 72
#define OPTION_SO_PASSPIDFD 76
#define OPTION_TIMESTAMP_NEW 63 /* and TIMESTAMPNS_NEW */
#define OPTION_RCVTIMEO_NEW 66  /* and SNDTIMEO_NEW */
#define OPTION_TCP_INQ 36
#define OPTION_TCP_TX_DELAY 37
#define OPTION_IP_RECVFRAGSIZE 25
#define OPTION_IP_RECVERR_RFC4884 26
#define OPTION_IP_MULTICAST_ALL 49
#define OPTION_IPV6_MULTICAST_ALL 29
#define OPTION_IPV6_RECVERR_RFC4884 31
#define OPTION_IPV6_RECVORIGDSTADDR 74
#define OPTION_IPV6_RECVFRAGSIZE 77
#define OPTION_IPV6_2292PKTOPTIONS 6

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ANY_OF(bits, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, yes, no)
#define BELOW(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, value, no, yes)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define GO_ON RETURN(SECCOMP_RET_ALLOW)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)

/* The bit of an option in its word of 32. */
#define BIT(option) (1u << ((option) % 32))

/* One of 32 options: are its bits set? 7 instructions. */
#define WORD(bits)                                                                               \
  BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 31), BPF_STMT(BPF_MISC | BPF_TAX, 0),                      \
    BPF_STMT(BPF_LD | BPF_IMM, bits), BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0),                    \
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 1), GO_ON, REFUSE

/* The options 0-31, 32-63 and 64-95 of a level. LEVEL_SIZE instructions. */
#define LEVEL(first, second, third)                                                              \
  LOAD(args[2]), BELOW(32, 3, 0), BELOW(64, 9, 0), BELOW(96, 15, 0), REFUSE, WORD(first),        \
    WORD(second), WORD(third)
#define LEVEL_SIZE 26

#define SOCKET_OPTIONS                                                                           \
  LEVEL(BIT(SO_REUSEADDR) | BIT(SO_BROADCAST) | BIT(SO_SNDBUF) | BIT(SO_RCVBUF) |                \
          BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_PRIORITY) | BIT(SO_LINGER) |            \
          BIT(SO_REUSEPORT) | BIT(SO_PASSCRED) | BIT(SO_RCVLOWAT) | BIT(SO_RCVTIMEO) |           \
          BIT(SO_SNDTIMEO) | BIT(SO_TIMESTAMP),                                                  \
        BIT(SO_PASSSEC) | BIT(SO_TIMESTAMPNS) | BIT(SO_RXQ_OVFL) | BIT(SO_PEEK_OFF) |            \
          BIT(SO_MAX_PACING_RATE) | BIT(SO_INCOMING_CPU) | BIT(OPTION_TIMESTAMP_NEW),            \
        BIT(OPTION_TIMESTAMP_NEW + 1) | BIT(OPTION_RCVTIMEO_NEW) | BIT(OPTION_RCVTIMEO_NEW + 1) | \
          BIT(OPTION_SO_BUF_LOCK) | BIT(OPTION_SO_PASSPIDFD))

#define TCP_OPTIONS                                                                              \
  LEVEL(BIT(TCP_NODELAY) | BIT(TCP_MAXSEG) | BIT(TCP_CORK) | BIT(TCP_KEEPIDLE) |                 \
          BIT(TCP_KEEPINTVL) | BIT(TCP_KEEPCNT) | BIT(TCP_SYNCNT) | BIT(TCP_LINGER2) |           \
          BIT(TCP_DEFER_ACCEPT) | BIT(TCP_WINDOW_CLAMP) | BIT(TCP_QUICKACK) |                    \
          BIT(TCP_CONGESTION) | BIT(TCP_THIN_LINEAR_TIMEOUTS) | BIT(TCP_THIN_DUPACK) |           \
          BIT(TCP_USER_TIMEOUT) | BIT(TCP_NOTSENT_LOWAT) | BIT(TCP_SAVE_SYN),                    \
        BIT(OPTION_TCP_INQ) | BIT(OPTION_TCP_TX_DELAY), 0)

/* Groups are joined by the calls that the kernel refuses for TCP. */
#define IPV4_OPTIONS(errors)                                                                     \
  LEVEL(BIT(IP_TOS) | BIT(IP_RECVOPTS) | BIT(IP_RETOPTS) | BIT(IP_PKTINFO) |                     \
          BIT(IP_MTU_DISCOVER) | BIT(IP_RECVTTL) | BIT(IP_RECVTOS) | BIT(IP_PASSSEC) |           \
          BIT(IP_RECVORIGDSTADDR) | BIT(IP_BIND_ADDRESS_NO_PORT) |                               \
          BIT(OPTION_IP_RECVFRAGSIZE) | (errors),                                                \
        BIT(IP_MULTICAST_IF) | BIT(IP_MULTICAST_TTL) | BIT(IP_MULTICAST_LOOP) |                  \
          BIT(IP_ADD_MEMBERSHIP) | BIT(IP_DROP_MEMBERSHIP) | BIT(OPTION_IP_MULTICAST_ALL),       \
        0)

#define IPV6_OPTIONS(errors)                                                                     \
  LEVEL(BIT(IPV6_MULTICAST_IF) | BIT(IPV6_MULTICAST_HOPS) | BIT(IPV6_MULTICAST_LOOP) |           \
          BIT(IPV6_ADD_MEMBERSHIP) | BIT(IPV6_DROP_MEMBERSHIP) | BIT(IPV6_MTU_DISCOVER) |        \
          BIT(IPV6_MTU) | BIT(IPV6_V6ONLY) | BIT(OPTION_IPV6_MULTICAST_ALL) | (errors),          \
        BIT(IPV6_RECVPKTINFO) | BIT(IPV6_RECVHOPLIMIT) | BIT(IPV6_HOPLIMIT) |                    \
          BIT(IPV6_RECVPATHMTU) | BIT(IPV6_DONTFRAG),                                            \
        BIT(IPV6_RECVTCLASS) | BIT(IPV6_TCLASS) | BIT(IPV6_AUTOFLOWLABEL) |                      \
          BIT(IPV6_ADDR_PREFERENCES) | BIT(OPTION_IPV6_RECVORIGDSTADDR) |                        \
          BIT(OPTION_IPV6_RECVFRAGSIZE))

/* Errors of a connect with who sent them: the routers on its way. */
#define IPV4_ERRORS (BIT(IP_RECVERR) | BIT(OPTION_IP_RECVERR_RFC4884))
#define IPV6_ERRORS (BIT(IPV6_RECVERR) | BIT(OPTION_IPV6_RECVERR_RFC4884))

/* shutting: what is done about SYS_shutdown, which may go to 9. */
#define PROGRAM(shutting, errors4, errors6) {                                                    \
  /* 0 */ LOAD(nr),                                                                              \
  /* 1 */ shutting,                                                                              \
  /* 2 */ EQUAL(SYS_ioctl, 16, 0),                                                               \
  /* 3 */ EQUAL(SYS_getsockopt, 25, 0),                                                          \
  /* 4 */ EQUAL(SYS_setsockopt, 38, 0),                                                          \
  /* 5 */ EQUAL(SYS_recvfrom, 7, 0),                                                             \
  /* 6 */ EQUAL(SYS_recvmmsg, 6, 0),                                                             \
  /* 7 */ EQUAL(SYS_recvmsg, 7, 0),                                                              \
  /* 8 */ GO_ON,                                                                                 \
  /* 9 shutdown */ LOAD(arch),                                                                   \
  /* 10 */ EQUAL(NATIVE_ARCH, 0, 1),                                                             \
  /* 11 */ RETURN(SECCOMP_RET_USER_NOTIF),                                                       \
  /* 12 */ GO_ON,                                                                                \
  /* 13 recvfrom, recvmmsg */ LOAD(args[3]),                                                     \
  /* 14 */ BPF_STMT(BPF_JMP | BPF_JA, 1),                                                        \
  /* 15 recvmsg */ LOAD(args[2]),                                                                \
  /* 16 */ ANY_OF(MSG_ERRQUEUE, 0, 1),                                                           \
  /* 17 */ RETURN(SECCOMP_RET_ERRNO | EAGAIN),                                                   \
  /* 18 */ GO_ON,                                                                                \
  /* 19 ioctl */ LOAD(args[1]),                                                                  \
  /* 20 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),                                          \
  /* 21 SIOCOUTQNSD */ EQUAL(0x894b, 5, 0),                                                      \
  /* 22 */ BELOW(0x8900, 4, 0),                                                                  \
  /* 23 owners, urgent data, time stamps */ BELOW(0x8908, 3, 0),                                 \
  /* 24 */ BELOW(0x8a00, 3, 0),                                                                  \
  /* 25 */ BELOW(0x8b00, 1, 0),                                                                  \
  /* 26 radio */ BELOW(0x8c00, 1, 0),                                                            \
  /* 27 */ GO_ON,                                                                                \
  /* 28 */ REFUSE,                                                                               \
  /* 29 getsockopt */ LOAD(args[1]),                                                             \
  /* 30 */ EQUAL(SOL_SOCKET, 3, 0),                                                              \
  /* 31 */ EQUAL(IPPROTO_IP, 5, 0),                                                              \
  /* 32 */ EQUAL(IPPROTO_IPV6, 6, 0),                                                            \
  /* 33 */ GO_ON,                                                                                \
  /* 34 */ LOAD(args[2]),                                                                        \
  /* 35 */ EQUAL(OPTION_SO_INCOMING_NAPI_ID, 6, 0),                                              \
  /* 36 */ EQUAL(OPTION_SO_NETNS_COOKIE, 5, 4),                                                  \
  /* 37 */ LOAD(args[2]),                                                                        \
  /* 38 */ EQUAL(IP_PKTOPTIONS, 3, 2),                                                           \
  /* 39 */ LOAD(args[2]),                                                                        \
  /* 40 */ EQUAL(OPTION_IPV6_2292PKTOPTIONS, 1, 0),                                              \
  /* 41 */ GO_ON,                                                                                \
  /* 42 */ REFUSE,                                                                               \
  /* 43 setsockopt */ LOAD(args[1]),                                                             \
  /* 44 */ EQUAL(SOL_SOCKET, 4, 0),                                                              \
  /* 45 */ EQUAL(IPPROTO_TCP, 3 + LEVEL_SIZE, 0),                                                \
  /* 46 */ EQUAL(IPPROTO_IP, 2 + 2 * LEVEL_SIZE, 0),                                             \
  /* 47 */ EQUAL(IPPROTO_IPV6, 1 + 3 * LEVEL_SIZE, 0),                                           \
  /* 48 */ GO_ON,                                                                                \
  /* 49 */ SOCKET_OPTIONS,                                                                       \
  TCP_OPTIONS,                                                                                   \
  IPV4_OPTIONS(errors4),                                                                         \
  IPV6_OPTIONS(errors6),                                                                         \
}

/* The C library asks for errors of UDP, and gives up a resolver without; it does not read them. */
static const struct sock_filter lent[] = PROGRAM(EQUAL(SYS_shutdown, 7, 0), IPV4_ERRORS,
                                                 IPV6_ERRORS);
/* Without namespaces nobody listens, and there is TCP alone. */
static const struct sock_filter flat[] = PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 0), 0, 0);

BtFilter
bt_inject_filter(void)
{
  return (BtFilter){ lent, G_N_ELEMENTS(lent) };
}

BtFilter
bt_flat_socket_filter(void)
{
  return (BtFilter){ flat, G_N_ELEMENTS(flat) };
}
