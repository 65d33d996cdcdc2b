/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The compiled network policy and the one function that decides a flow.
 *
 * The policy object compiles its net rules into a BtNetPolicy; the supervisor
 * decides connect() with it and sends the same bytes to buntime-net, whose
 * gate decides packets with it.  Name rules match through pins alone: the
 * supervisor resolves a granted name and pins each public address of the
 * answer to the rules that grant the name.
 *
 * A denial of IPv4 addresses holds for the IPv6 forms that carry them, too.
 *
 * Decision: address closure first; then layer by layer (0 is the command
 * line, the highest), the matching rules of one layer by deny > warn > allow;
 * then the default.
 */

#include "bt-addr.h"

#define BT_NET_POLICY_MAX_RULES 16384u
#define BT_NET_POLICY_MAX_PORTS 65536u

/* Ordered by severity: of several matching rules of a layer the greatest decides. */
typedef enum {
  BT_ACTION_NONE = 0,
  BT_ACTION_ALLOW = 1,
  BT_ACTION_WARN = 2,
  BT_ACTION_DENY = 3,
} BtAction;

enum { /* a set */
  BT_PROTO_TCP = 1u << 0,
  BT_PROTO_UDP = 1u << 1,
  BT_PROTO_ICMP = 1u << 2, /* echo requests; only address rules with proto any */
};

enum { /* BtNetRule.flags */
  BT_NET_RULE_NAME = 1u << 0,      /* matches pinned addresses, not addr/prefix */
  BT_NET_RULE_LOOPBACK = 1u << 1,  /* named localhost or a loopback address: opens the host's loopback */
  BT_NET_RULE_BELOW = 1u << 2,     /* NAME: the names below its name, not itself */
  BT_NET_RULE_PLAIN = 1u << 3,     /* NAME: what a flow says on the wire is not looked at */
};

typedef struct {
  uint16_t first, last; /* inclusive */
} BtPortRange;

typedef struct {
  BtAddr addr;
  uint8_t prefix;  /* 0-128 */
  uint8_t action;  /* BtAction */
  uint8_t proto;   /* BT_PROTO_* set */
  uint8_t flags;   /* BT_NET_RULE_* */
  uint16_t layer;  /* 0 decides first */
  uint16_t n_ports; /* 0: every port */
  uint32_t ports;  /* index of the first of its ranges */
  uint32_t name;   /* NAME: where its name is in the names, lower-cased, NUL; else 0 */
} BtNetRule;

/*
 * The addresses from first up to the next span's, and the address rules that
 * cover them: n_ids entries of the ids, ascending. So a flow looks at the rules
 * of its address alone. Few rules, or too many that overlap, have no spans.
 */
typedef struct {
  BtAddr first;
  uint32_t ids;
  uint32_t n_ids;
} BtNetSpan;

#define BT_NET_POLICY_MAX_SPANS (2 * BT_NET_POLICY_MAX_RULES + 1)
#define BT_NET_POLICY_MAX_IDS (1u << 18)
#define BT_NET_POLICY_MAX_NAMES (BT_NET_POLICY_MAX_RULES * 256u) /* bytes */

/* Rules are sorted by layer; a rule's index is its id everywhere. */
typedef struct {
  const BtNetRule *rules;
  const BtPortRange *ports;
  const BtNetSpan *spans; /* sorted; the first begins at :: */
  const uint32_t *ids;
  const char *names;
  uint32_t n_rules, n_ports;
  uint32_t n_spans, n_ids;
  uint32_t default_action; /* BtAction: ALLOW or DENY */
  bool denies_names;       /* there is a NAME rule that denies */
} BtNetPolicy;

typedef struct {
  uint32_t magic, size;
  uint32_t n_rules, n_ports;
  uint32_t n_spans, n_ids;
  uint32_t default_action;
  uint32_t names_size;
  /* BtNetRule[n_rules], BtPortRange[n_ports], BtNetSpan[n_spans], uint32_t[n_ids],
     char[names_size]: names with their NULs, and NULs up to the next 4 bytes */
} BtNetPolicyHeader;

#define BT_NET_POLICY_MAGIC 0x50544e42u /* "BNTP" */

/* Checks and borrows encoded bytes (8-byte aligned); false if malformed. */
bool bt_net_policy_open(const void *bytes, size_t size, BtNetPolicy *policy_out);

#define BT_NET_RULE_DEFAULT (-1) /* no rule matched: the default decided */
#define BT_NET_RULE_CLOSURE (-2) /* address closure decided */

typedef struct {
  BtAction action; /* never BT_ACTION_NONE */
  int32_t rule;    /* index, or BT_NET_RULE_DEFAULT, BT_NET_RULE_CLOSURE */
} BtNetVerdict;

/* The ids of the name rules that addr is pinned to: their number, and where they are. */
typedef uint32_t (*BtNetPinsFunc)(void *data, const BtAddr *addr, const uint32_t **ids_out);

/*
 * Ports that are closed whatever a rule says: names are asked of the sandbox's
 * own resolver, and BOOTP, DHCP (for IPv6, too) and TFTP would be answered by
 * libslirp.
 */
bool bt_net_is_service(unsigned proto, uint16_t port);

/*
 * fe80::/10: without a zone, which stays in the sandbox, such an address names
 * nobody, and with one it would name a neighbour on the sandbox's own link.
 */
bool bt_net_is_on_link(const BtAddr *addr);

/* proto is one BT_PROTO_* bit; port is ignored for ICMP. pins may be NULL. */
BtNetVerdict bt_net_policy_match(const BtNetPolicy *policy, const BtAddr *addr, unsigned proto,
                                 uint16_t port, BtNetPinsFunc pins, void *data);

/*
 * The same for a flow that asks for a name on the wire, NULL: for none, or for
 * one that nobody can see. Rules that allow a name by its pin take part if they
 * are PLAIN or allow this one; rules that deny it do, whatever is pinned.
 */
BtNetVerdict bt_net_policy_match_name(const BtNetPolicy *policy, const BtAddr *addr,
                                      unsigned proto, uint16_t port, const char *name,
                                      BtNetPinsFunc pins, void *data);
