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
 *                 take a packet to whoever the program names)
 *   getsockopt .. that tells which network it is, or by which interface a packet came
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
#define OPTION_IPV6_MINHOPCOUNT 73
#define OPTION_IPV6_RECVORIGDSTADDR 74
#define OPTION_IPV6_RECVFRAGSIZE 77
#define OPTION_IPV6_2292PKTOPTIONS 6

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
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
          BIT(SO_MAX_PACING_RATE) | BIT(SO_INCOMING_CPU) | BIT(SO_ZEROCOPY) |                    \
          BIT(OPTION_TIMESTAMP_NEW),                                                             \
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
#define IPV4_OPTIONS                                                                             \
  LEVEL(BIT(IP_TOS) | BIT(IP_TTL) | BIT(IP_RECVOPTS) | BIT(IP_RETOPTS) | BIT(IP_PKTINFO) |       \
          BIT(IP_MTU_DISCOVER) | BIT(IP_RECVERR) | BIT(IP_RECVTTL) | BIT(IP_RECVTOS) |           \
          BIT(IP_PASSSEC) | BIT(IP_RECVORIGDSTADDR) | BIT(IP_MINTTL) |                           \
          BIT(IP_BIND_ADDRESS_NO_PORT) | BIT(OPTION_IP_RECVFRAGSIZE) |                           \
          BIT(OPTION_IP_RECVERR_RFC4884),                                                        \
        BIT(IP_MULTICAST_IF) | BIT(IP_MULTICAST_TTL) | BIT(IP_MULTICAST_LOOP) |                  \
          BIT(IP_ADD_MEMBERSHIP) | BIT(IP_DROP_MEMBERSHIP) | BIT(OPTION_IP_MULTICAST_ALL),       \
        0)

#define IPV6_OPTIONS                                                                             \
  LEVEL(BIT(IPV6_UNICAST_HOPS) | BIT(IPV6_MULTICAST_IF) | BIT(IPV6_MULTICAST_HOPS) |             \
          BIT(IPV6_MULTICAST_LOOP) | BIT(IPV6_ADD_MEMBERSHIP) | BIT(IPV6_DROP_MEMBERSHIP) |      \
          BIT(IPV6_MTU_DISCOVER) | BIT(IPV6_MTU) | BIT(IPV6_RECVERR) | BIT(IPV6_V6ONLY) |        \
          BIT(OPTION_IPV6_MULTICAST_ALL) | BIT(OPTION_IPV6_RECVERR_RFC4884),                     \
        BIT(IPV6_RECVPKTINFO) | BIT(IPV6_RECVHOPLIMIT) | BIT(IPV6_HOPLIMIT) |                    \
          BIT(IPV6_RECVPATHMTU) | BIT(IPV6_DONTFRAG),                                            \
        BIT(IPV6_RECVTCLASS) | BIT(IPV6_TCLASS) | BIT(IPV6_AUTOFLOWLABEL) |                      \
          BIT(IPV6_ADDR_PREFERENCES) | BIT(OPTION_IPV6_MINHOPCOUNT) |                            \
          BIT(OPTION_IPV6_RECVORIGDSTADDR) | BIT(OPTION_IPV6_RECVFRAGSIZE))

static const struct sock_filter program[] = {
  /* 0 */ LOAD(nr),
  /* 1 */ EQUAL(SYS_shutdown, 4, 0),
  /* 2 */ EQUAL(SYS_ioctl, 7, 0),
  /* 3 */ EQUAL(SYS_getsockopt, 16, 0),
  /* 4 */ EQUAL(SYS_setsockopt, 28, 0),
  /* 5 */ GO_ON,
  /* 6 shutdown */ LOAD(arch),
  /* 7 */ EQUAL(NATIVE_ARCH, 0, 1),
  /* 8 */ RETURN(SECCOMP_RET_USER_NOTIF),
  /* 9 */ GO_ON,
  /* 10 ioctl */ LOAD(args[1]),
  /* 11 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffff),
  /* 12 SIOCOUTQNSD */ EQUAL(0x894b, 5, 0),
  /* 13 */ BELOW(0x8900, 4, 0),
  /* 14 owners, urgent data, time stamps */ BELOW(0x8908, 3, 0),
  /* 15 */ BELOW(0x8a00, 3, 0),
  /* 16 */ BELOW(0x8b00, 1, 0),
  /* 17 radio */ BELOW(0x8c00, 1, 0),
  /* 18 */ GO_ON,
  /* 19 */ REFUSE,
  /* 20 getsockopt */ LOAD(args[1]),
  /* 21 */ EQUAL(SOL_SOCKET, 3, 0),
  /* 22 */ EQUAL(IPPROTO_IP, 4, 0),
  /* 23 */ EQUAL(IPPROTO_IPV6, 5, 0),
  /* 24 */ GO_ON,
  /* 25 */ LOAD(args[2]),
  /* 26 */ EQUAL(OPTION_SO_NETNS_COOKIE, 5, 4),
  /* 27 */ LOAD(args[2]),
  /* 28 */ EQUAL(IP_PKTOPTIONS, 3, 2),
  /* 29 */ LOAD(args[2]),
  /* 30 */ EQUAL(OPTION_IPV6_2292PKTOPTIONS, 1, 0),
  /* 31 */ GO_ON,
  /* 32 */ REFUSE,
  /* 33 setsockopt */ LOAD(args[1]),
  /* 34 */ EQUAL(SOL_SOCKET, 4, 0),
  /* 35 */ EQUAL(IPPROTO_TCP, 3 + LEVEL_SIZE, 0),
  /* 36 */ EQUAL(IPPROTO_IP, 2 + 2 * LEVEL_SIZE, 0),
  /* 37 */ EQUAL(IPPROTO_IPV6, 1 + 3 * LEVEL_SIZE, 0),
  /* 38 */ GO_ON,
  /* 39 */ SOCKET_OPTIONS,
  TCP_OPTIONS,
  IPV4_OPTIONS,
  IPV6_OPTIONS,
};

BtFilter
bt_inject_filter(void)
{
  return (BtFilter){ program, G_N_ELEMENTS(program) };
}
