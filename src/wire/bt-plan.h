/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The plan: everything buntime-init will do, decided beforehand.
 *
 * The supervisor compiles a policy into this flat, versioned block of bytes,
 * seals it into a memfd, and buntime-init only carries it out.  Nothing in it
 * is a decision left open: no path is searched for, no default is applied.
 *
 * Layout: one BtPlanHeader, then tables of fixed-size records, BPF programs,
 * file contents and strings, all found by offsets from the start of the plan.
 * A string is an offset into the plan of NUL-terminated bytes; 0 means absent.
 * Records are in host byte order and naturally aligned: both ends are of one
 * build.  bt_plan_open() checks every offset once, so that a view can be used
 * without further checks.
 */

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bt-addr.h"

#define BT_PLAN_MAGIC 0x4e4c5042u /* "BPLN" */
#define BT_PLAN_VERSION 1u
/* Programs whose sums are known are in it, whole. */
#define BT_PLAN_MAX_SIZE (272u << 20)

/* The descriptors buntime-init is spawned with; 0, 1 and 2 are the worker's. */
enum {
  BT_INIT_PLAN_FD = 3,   /* the plan, sealed before one byte on the status socket says so */
  BT_INIT_STATUS_FD = 4, /* SOCK_SEQPACKET to the supervisor, bt-status.h */
  BT_INIT_CHANNEL_FD = 5, /* the first of three, with BT_PLAN_CHANNEL: handed on as they are */
};

#define BT_INIT_CHANNEL_FDS 3

/* Mostly what the policy turned off. Without the flag a missing filter is an error. */
enum {
  BT_PLAN_NO_SECCOMP = 1u << 0, /* the worker has no filter, and nothing is notified */
  /*
   * No namespace is made: nothing is mounted, sockets are the host's, and Landlock and seccomp
   * are all there is. Then the paths of Landlock's rules are canonical ones of the host.
   */
  BT_PLAN_NO_NAMESPACES = 1u << 1,
  /* Notified calls end by their answer or their caller's death: what one made is not made again. */
  BT_PLAN_KILLABLE = 1u << 2,
  BT_PLAN_CHANNEL = 1u << 3, /* the worker has a channel to the supervisor (bt-channel.h) */
  /* Sockets of the host's network may be handed to the worker; its filter allows for it. */
  BT_PLAN_FAST_PATH = 1u << 4,
};

/* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL: newer than our headers. */
#define BT_PLAN_SCOPE_ABSTRACT 1u
#define BT_PLAN_SCOPE_SIGNAL 2u
#define BT_PLAN_SCOPE_ALL (BT_PLAN_SCOPE_ABSTRACT | BT_PLAN_SCOPE_SIGNAL)

/* LANDLOCK_ACCESS_NET_BIND_TCP and LANDLOCK_ACCESS_NET_CONNECT_TCP: newer, too. */
#define BT_PLAN_TCP 3u

/* buntime-init's only argument, where it is to make no namespaces; the plan must say so, too. */
#define BT_INIT_FLAT "flat"

typedef struct {
  uint32_t offset; /* bytes from the start of the plan; a multiple of 8 */
  uint32_t count;  /* records */
} BtPlanTable;

/* What a mount operation makes at its target. */
typedef enum {
  BT_PLAN_DIR = 1, /* a directory of the sandbox's own tmpfs */
  BT_PLAN_SYMLINK, /* source is the link's text */
  BT_PLAN_FILE,    /* a regular file holding data[0..data_size), or a mount point */
  BT_PLAN_BIND,    /* the host's object at source; the target must exist already */
  BT_PLAN_TMPFS,   /* a fresh tmpfs of size bytes (0: 4 KiB pages as needed, 64 MiB) and mode */
  BT_PLAN_PROC,    /* the pid namespace's own procfs, read-only */
  BT_PLAN_DEVPTS,  /* a private devpts */
  BT_PLAN_DEVICE,  /* like BIND for one device node, which keeps working as a device */
  BT_PLAN_HIDE,    /* an empty thing without any permission over an existing target */
  BT_PLAN_CONSOLE, /* the terminal behind the worker's descriptor `mode` (0, 1 or 2) */
  BT_PLAN_COVER,   /* a made file holding data, read-only over an existing one */
  BT_PLAN_PROGRAM, /* the made file at source, a path inside, over an existing one, to be run */
  /*
   * Nothing inside: a mount of the host's directory at source, writable, which the supervisor gets
   * and no process of the sandbox. target is the file in it that may be made.
   */
  BT_PLAN_LEND,
} BtPlanOpKind;

/* Attributes; nosuid is always set and nodev is set on all but DEVICE and DEVPTS. */
enum {
  BT_PLAN_RDONLY = 1u << 0,
  BT_PLAN_NOEXEC = 1u << 1,
  BT_PLAN_RECURSIVE = 1u << 2, /* BIND: with the mounts below, all given the attributes */
};

/* Operations are carried out in table order, after every source was opened. */
typedef struct {
  uint32_t kind;        /* BtPlanOpKind */
  uint32_t attr;        /* BT_PLAN_RDONLY ... */
  uint32_t source;      /* string: canonical host path, a symlink's text, PROGRAM: a path inside */
  uint32_t target;      /* string: absolute path inside, without symlinks or dots */
  uint32_t mode;        /* DIR, FILE, TMPFS, COVER: permission bits; CONSOLE: descriptor */
  uint32_t data_offset; /* FILE, COVER */
  uint32_t data_size;   /* FILE, COVER */
  uint32_t reserved;
  uint64_t size; /* TMPFS: bytes */
  uint64_t dev;  /* BIND, LEND: what the supervisor saw at source; ino 0 means unchecked */
  uint64_t ino;
} BtPlanOp;

/* One LANDLOCK_RULE_PATH_BENEATH for the worker. The path is one the worker sees. */
typedef struct {
  uint64_t access;
  uint32_t path;
  uint32_t reserved;
} BtPlanLandlock;

/* A limit of flags: where the caller has less than it, which nobody could raise, that stays. */
enum {
  BT_PLAN_OR_LESS = 1u << 0,
};

typedef struct {
  uint32_t resource; /* RLIMIT_* */
  uint32_t flags;    /* BT_PLAN_OR_LESS */
  uint64_t soft;
  uint64_t hard;
} BtPlanLimit;

enum {
  BT_PLAN_RELAY_IPV4 = 1u << 0, /* 127.0.0.1 */
  BT_PLAN_RELAY_IPV6 = 1u << 1, /* ::1 */
};

/*
 * A TCP port of the host's loopback that the worker may reach: init listens on it inside, and
 * buntime-net relays what comes (net/bt-localhost.c).
 */
typedef struct {
  uint16_t port;
  uint16_t families; /* BT_PLAN_RELAY_* */
} BtPlanRelay;

#define BT_PLAN_MAX_RELAYS 64u
#define BT_PLAN_MAX_DIALERS 64u

/* How frames leave the sandbox. */
typedef enum {
  BT_PLAN_NET_NONE = 0, /* loopback only */
  BT_PLAN_NET_AUTO,     /* tap if /dev/net/tun opens, else veth */
  BT_PLAN_NET_TAP,
  BT_PLAN_NET_VETH,
  BT_PLAN_NET_HOST, /* with NO_NAMESPACES: sockets are the host's, and the supervisor connects them */
} BtPlanNetMode;

typedef struct {
  uint32_t mode; /* BtPlanNetMode */
  uint32_t mtu;
  uint32_t address; /* IPv4, network byte order, as are the next two */
  uint32_t gateway;
  uint32_t dns;           /* resolver's address on lo, port 53 bound by init; 0: none */
  uint32_t prefix_length; /* of address */
  uint8_t mac[6];         /* the worker's interface */
  uint8_t gateway_mac[6]; /* a permanent neighbour entry, so that no ARP is needed */
  uint32_t interface;     /* string: its name inside */
  BtAddr address6;        /* IPv6; all zero: there is none */
  BtAddr gateway6;        /* in the same /64, which holds nobody else; with gateway_mac, too */
} BtPlanNet;

bool bt_plan_net_has_ipv6(const BtPlanNet *net);

typedef struct {
  uint32_t magic, version;
  uint32_t size;  /* bytes of the whole plan */
  uint32_t flags; /* BT_PLAN_NO_SECCOMP ... */
  uint32_t uid, gid;
  uint32_t hostname;   /* string */
  uint32_t executable; /* string: path inside, execve's first argument */
  uint32_t cwd;        /* string: path inside */
  uint32_t dialers;    /* sockets of each family for published ports; 0: none is published */
  uint64_t root_size;       /* bytes of the root tmpfs */
  uint64_t landlock_fs;     /* handled rights of the worker; 0 turns Landlock off */
  uint64_t landlock_net;    /* BT_PLAN_TCP, without namespaces; 0: the kernel does not know it yet */
  uint64_t landlock_scoped; /* BT_PLAN_SCOPE_*, already masked by the kernel's ABI */
  uint64_t landlock_stdio;  /* rights that descriptors 0-2 may add for the objects behind them */
  BtPlanTable ops;           /* BtPlanOp */
  BtPlanTable landlock;      /* BtPlanLandlock */
  BtPlanTable limits;        /* BtPlanLimit */
  BtPlanTable argv;          /* uint32_t strings */
  BtPlanTable env;           /* uint32_t strings, NAME=VALUE */
  BtPlanTable worker_filter; /* struct sock_filter, with a listener; none with NO_SECCOMP */
  BtPlanTable init_filter;   /* struct sock_filter: for pid 1 */
  BtPlanTable opener_filter; /* struct sock_filter: for the opener; none: there is no opener */
  BtPlanTable relays;        /* BtPlanRelay */
  BtPlanNet net;
} BtPlanHeader;

/* A checked plan. Borrows the bytes, which must not change (a sealed memfd). */
typedef struct {
  const uint8_t *bytes;
  size_t size;
  const BtPlanHeader *header;
  const BtPlanOp *ops;
  const BtPlanLandlock *landlock;
  const BtPlanLimit *limits;
  const uint32_t *argv;
  const uint32_t *env;
  const struct sock_filter *worker_filter;
  const struct sock_filter *init_filter;
  const struct sock_filter *opener_filter;
  const BtPlanRelay *relays;
} BtPlanView;

/* Why bt_plan_open() refused; 0 is success. */
typedef enum {
  BT_PLAN_OK = 0,
  BT_PLAN_E_SIZE,    /* too short, too long, or not the size it claims */
  BT_PLAN_E_VERSION, /* other magic or version: helper and supervisor of two builds */
  BT_PLAN_E_TABLE,   /* a table outside the plan or misaligned */
  BT_PLAN_E_STRING,  /* a string outside the plan or without its NUL */
  BT_PLAN_E_RECORD,  /* an operation, limit or network record with impossible values */
} BtPlanError;

BtPlanError bt_plan_open(const void *bytes, size_t size, BtPlanView *view_out);
const char *bt_plan_error_text(BtPlanError error);

/* NULL when offset is 0. Only for offsets that bt_plan_open() has checked. */
static inline const char *
bt_plan_string(const BtPlanView *view, uint32_t offset)
{
  return offset == 0 ? NULL : (const char *)view->bytes + offset;
}
