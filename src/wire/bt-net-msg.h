/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages between the supervisor and buntime-net, one a datagram of a
 * SOCK_SEQPACKET socketpair (descriptor 3 of buntime-net).  Both sides treat
 * the other's as hostile: buntime-net parses packets, and could be taken over.
 *
 * Start: the supervisor sends CONFIG with the descriptors DNS udp, DNS tcp and,
 * with a network grant, the frame fd; or one alone, a socket by which streams of DNS will be
 * handed over.  RELAYS and PUBLISH, if there are any, are
 * sent before it.  buntime-net confines itself before it reads a frame or a query, and
 * answers READY.
 */

#include "bt-addr.h"
#include "bt-host-name.h"

#define BT_NET_CONTROL_FD 3
#define BT_NET_MSG_MAX_SIZE (192u << 10) /* CONFIG with a large policy is the largest */
#define BT_DNS_NAME_SIZE BT_HOST_NAME_SIZE
#define BT_NET_MSG_MAX_ADDRS 32
#define BT_NET_MSG_MAX_PIN_RULES 64

/* Exit statuses of buntime-net, for the supervisor to explain. */
enum {
  BT_NET_EXIT_OK = 0,         /* the supervisor has hung up */
  BT_NET_EXIT_SETUP = 3,      /* no CONFIG, or not one that can be */
  BT_NET_EXIT_STACK = 4,      /* libslirp or a descriptor of ours */
  BT_NET_EXIT_PRIVILEGES = 5, /* no_new_privs, dumpable, capabilities, limits */
  BT_NET_EXIT_LANDLOCK = 6,   /* not in this kernel, or not enabled */
  BT_NET_EXIT_SECCOMP = 7,
};

typedef enum {
  /* supervisor to buntime-net */
  BT_NET_MSG_CONFIG = 1, /* BtNetMsgConfig, then an encoded net policy */
  BT_NET_MSG_ANSWER,     /* BtNetMsgAnswer */
  BT_NET_MSG_HOST_ADDRS, /* BtNetMsgHostAddrs: replaces the list of the host's own addresses */
  BT_NET_MSG_RELAYS,     /* BtNetMsgRelays */
  BT_NET_MSG_OPEN,       /* BtNetMsgOpen */
  BT_NET_MSG_PUBLISH,    /* BtNetMsgPublish */
  BT_NET_MSG_FINISH,     /* BtNetMsgHeader alone: the worker is gone; pass on what it sent, and end */
  /* buntime-net to supervisor */
  BT_NET_MSG_READY = 64, /* BtNetMsgHeader alone */
  BT_NET_MSG_RESOLVE,    /* BtNetMsgResolve */
  BT_NET_MSG_UNPIN,      /* BtNetMsgUnpin */
  BT_NET_MSG_DENIED,     /* BtNetMsgDenied */
  BT_NET_MSG_FLOW,       /* BtNetMsgFlow */
  BT_NET_MSG_OPENED,     /* BtNetMsgOpened */
  BT_NET_MSG_ACCEPTED,   /* BtNetMsgAccepted */
  BT_NET_MSG_COUNTS,     /* BtNetMsgCounts: the last of all, if it is wanted */
} BtNetMsgKind;

typedef struct {
  uint32_t kind;
  uint32_t id; /* RESOLVE's and OPEN's, repeated by ANSWER and OPENED; else 0 */
} BtNetMsgHeader;

typedef struct {
  BtNetMsgHeader header;
  uint32_t worker_address; /* IPv4, network order: the only source the gate lets out */
  uint32_t gateway;        /* libslirp's own address */
  uint32_t prefix_length;
  uint32_t mtu;
  BtAddr worker_address6; /* the same for IPv6; all zero: there is none */
  BtAddr gateway6;
  uint8_t worker_mac[6];
  uint8_t gateway_mac[6];
  uint32_t pin_seconds;   /* life of a pin after the last answer and the last flow */
  uint32_t policy_size;   /* bytes that follow, 8-byte aligned */
  uint32_t flow_rate;     /* new flows a second, BT_NET_MSG_ANY_RATE: not limited */
  uint64_t byte_limit;    /* sent and received together, BT_NET_MSG_ANY_BYTES: not limited */
  uint32_t tell_flows;    /* 1: FLOW is wanted */
  uint32_t tell_counts;   /* 1: COUNTS is wanted */
} BtNetMsgConfig;

/* Zeros let nothing pass: a limit that was forgotten is no hole. */
#define BT_NET_MSG_ANY_RATE UINT32_MAX
#define BT_NET_MSG_ANY_BYTES UINT64_MAX

enum { /* BtNetMsgResolve.type */
  BT_DNS_TYPE_A = 1,
  BT_DNS_TYPE_PTR = 12,
  BT_DNS_TYPE_AAAA = 28,
};

typedef struct {
  BtNetMsgHeader header;
  uint32_t type; /* only A, AAAA and PTR are asked of the supervisor */
  char name[BT_DNS_NAME_SIZE];
} BtNetMsgResolve;

typedef struct {
  BtNetMsgHeader header;
  uint32_t rcode; /* 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN */
  uint32_t ttl;   /* seconds */
  uint32_t n_addrs;
  uint32_t n_rules;                          /* each address is pinned to each of the rules; 0: no pins */
  BtAddr addrs[BT_NET_MSG_MAX_ADDRS];        /* of the type asked for */
  uint32_t rules[BT_NET_MSG_MAX_PIN_RULES];
  char name[BT_DNS_NAME_SIZE]; /* PTR: the answer */
} BtNetMsgAnswer;

#define BT_NET_MSG_MAX_HOST_ADDRS 256

typedef struct {
  BtNetMsgHeader header;
  uint32_t n_addrs;
  uint32_t reserved;
  BtAddr addrs[BT_NET_MSG_MAX_HOST_ADDRS];
} BtNetMsgHostAddrs;

typedef struct {
  BtNetMsgHeader header;
  BtAddr addr;
  uint32_t rule;
} BtNetMsgUnpin;

#define BT_NET_MSG_MAX_PUBLISHED 16
/* PUBLISH: its listeners, and two for each of BT_PLAN_MAX_DIALERS. */
#define BT_NET_MSG_MAX_FDS 144

/* With as many descriptors: the sockets inside that stand for the host's loopback. */
typedef struct {
  BtNetMsgHeader header;
  uint32_t n_listeners;
  uint32_t reserved;
} BtNetMsgRelays;

/* The worker is about to connect to a relay: is the host's service there? */
typedef struct {
  BtNetMsgHeader header;
  BtAddr addr;
  uint32_t port;
  uint32_t reserved;
} BtNetMsgOpen;

typedef struct {
  BtNetMsgHeader header;
  uint32_t refused; /* 1: nobody listens there */
  uint32_t reserved;
} BtNetMsgOpened;

/* With n_listeners sockets of the host's that listen, and n_dialers for connections inside. */
typedef struct {
  BtNetMsgHeader header;
  uint32_t n_listeners;
  uint32_t n_dialers;
  uint32_t tell; /* 1: ACCEPTED is wanted */
  uint32_t reserved;
  uint16_t ports[BT_NET_MSG_MAX_PUBLISHED]; /* inside, of each listener */
} BtNetMsgPublish;

/* Someone was connected to a published port. */
typedef struct {
  BtNetMsgHeader header;
  BtAddr addr; /* whose */
  uint32_t port;
  uint32_t listener; /* index */
} BtNetMsgAccepted;

/* Why the gate dropped; what it says in an event. */
typedef enum {
  BT_NET_REASON_POLICY = 1, /* rule says which */
  BT_NET_REASON_FRAGMENT,
  BT_NET_REASON_SOURCE, /* not the worker's address or MAC */
  BT_NET_REASON_TYPE,   /* ethertype, protocol, IPv6 where there is none */
  BT_NET_REASON_SERVICE, /* raw DNS, DHCP, TFTP */
  BT_NET_REASON_MULTICAST,
  BT_NET_REASON_MALFORMED,
  BT_NET_REASON_RATE,  /* more new flows than a second may have; of no one destination */
  BT_NET_REASON_BYTES, /* the bytes are used up: nothing passes any more; told once */
  /* On a flow that a rule for a name opened; rule says which, and for NAME which denied. */
  BT_NET_REASON_NAME,    /* it asks for a name that it may not: name */
  BT_NET_REASON_NO_NAME, /* TLS or HTTP without a name */
  BT_NET_REASON_TUNNEL,  /* HTTP that goes over to what has other names */
  BT_NET_REASON_STREAM,  /* TLS or HTTP whose name is not certain */
  BT_NET_REASON_QUIC,    /* UDP to port 443 */
  BT_NET_REASON_QUERIES, /* more names asked for than a second may have; of no one name */
  BT_NET_REASON_CAPTURE, /* a frame was not recorded; of no one destination */
  BT_NET_REASON_LAST = BT_NET_REASON_CAPTURE,
} BtNetReason;

/* At most one a second and reason+object; count tells how many it stands for. */
typedef struct {
  BtNetMsgHeader header;
  uint32_t reason; /* BtNetReason */
  uint32_t proto;  /* one BT_PROTO_* bit, 0 if not known */
  BtAddr addr;     /* destination; all zero if not known */
  uint32_t port;
  uint32_t source_port;
  int32_t rule; /* as BtNetVerdict.rule, for POLICY and those of names */
  uint32_t count;
  char name[BT_DNS_NAME_SIZE]; /* NAME: what was asked for; else empty */
} BtNetMsgDenied;

enum { /* BtNetMsgFlow.state */
  BT_NET_FLOW_OPENED = 1,
  BT_NET_FLOW_CLOSED,
};

#define BT_NET_MSG_NO_TIME UINT32_MAX

/* What happened when in a flow, in milliseconds; NO_TIME: it did not, or is not known. */
typedef struct {
  uint32_t connect;    /* from its first packet to the answer that makes the connection */
  uint32_t sent;       /* from its first packet to the first bytes that the worker sent */
  uint32_t tls;        /* from these to the end of TLS's handshake: bt-tls-records.h */
  uint32_t first_byte; /* from the first bytes behind all this to the first that came then */
} BtNetMsgTimes;

/* Lost where the supervisor does not take it. */
typedef struct {
  BtNetMsgHeader header;
  uint32_t state;
  uint32_t proto; /* one BT_PROTO_* bit */
  BtAddr addr;    /* the far end's */
  uint32_t port;
  uint32_t milliseconds; /* CLOSED: from its first packet to its last */
  uint64_t bytes_out, bytes_in; /* CLOSED: of IP payload */
  uint64_t number; /* of the flow, from 1 */
  int64_t time;    /* monotonic, in microseconds: OPENED of its first packet, CLOSED of its last */
  BtNetMsgTimes times; /* CLOSED */
} BtNetMsgFlow;

/* Of the whole run. */
typedef struct {
  BtNetMsgHeader header;
  uint64_t flows;               /* opened, those of relays included */
  uint64_t bytes_out, bytes_in; /* of theirs */
  uint64_t dropped;             /* packets of the worker's that were refused */
  uint64_t queries;             /* names asked for */
} BtNetMsgCounts;

/*
 * Checks a received datagram of exactly the kind's size and values; copies it
 * into *message_out, a union of all fixed messages. CONFIG's policy bytes are
 * left in place: *policy_out borrows them.
 */
typedef union {
  BtNetMsgHeader header;
  BtNetMsgConfig config;
  BtNetMsgAnswer answer;
  BtNetMsgHostAddrs host_addrs;
  BtNetMsgRelays relays;
  BtNetMsgOpen open;
  BtNetMsgOpened opened;
  BtNetMsgPublish publish;
  BtNetMsgAccepted accepted;
  BtNetMsgResolve resolve;
  BtNetMsgUnpin unpin;
  BtNetMsgDenied denied;
  BtNetMsgFlow flow;
  BtNetMsgCounts counts;
} BtNetMsg;

bool bt_net_msg_parse(const void *bytes, size_t size, BtNetMsg *message_out,
                      const uint8_t **policy_out);
