/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * connect(), among the files that carry it out: bt-notify-connect.c makes it and waits,
 * bt-notify-inet.c and bt-notify-unix.c decide.
 */

#include <netinet/in.h>
#include <sys/un.h>

#include "lib/bt-net-words.h"
#include "lib/bt-notifier-private.h"

G_BEGIN_DECLS

typedef struct {
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
  };
  socklen_t length;
} BtSockAddr;

typedef struct {
  BtNotifier *notifier;
  BtCall call;
  int fd;
  BtSockAddr address;
  guint source;     /* a moment's wait before it is handed in; 0: none */
  gboolean watched; /* it is in the notifier's ready_fd */
  guint32 asked; /* the question to buntime-net whose answer it waits for; 0: for the socket */
  gboolean made; /* fd was made by us and handed in (bt-inject.c) ... */
  int original;  /* ... for this one; -1: it is not known any more */
} BtWaitingConnect;

/* One more that waits; NULL, and the call is answered, if they are too many. Takes fd. */
BtWaitingConnect *bt_waiting_connect_new(BtNotifier *self, const BtCall *call, int fd,
                                         const BtSockAddr *address);
void bt_waiting_connect_free(BtWaitingConnect *waiting);

/*
 * connect() that never waits; 0 or an errno. *blocking_out: the worker's socket would have.
 * The alarm must be set, for who took O_NONBLOCK away again.
 */
int bt_connect_try(int fd, const BtSockAddr *address, gboolean *blocking_out);
/*
 * Answers a connect that was tried, now or later. Takes fd; found is the descriptor of ours
 * that address names, or -1.
 */
void bt_connect_answer(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
                       int found, int error, gboolean blocking);
/* Tries and answers. */
void bt_connect_carry_out(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
                          int found);
/*
 * For a socket that was handed in, or is to be if later; original is the one whose place it
 * takes, or -1. Takes both.
 */
void bt_connect_wait_for_made(BtNotifier *self, const BtCall *call, int fd, int original,
                              gboolean later);
/* The address of the Unix socket behind a descriptor of ours. */
void bt_sock_addr_set_found(BtSockAddr *address, int found);

/* ---- deciding ---- */

/* FALSE: it is no address of the Internet's. */
gboolean bt_connect_parse(const BtSockAddr *address, BtAddr *addr_out, guint16 *port_out);
/* The loopback address that the kernel takes this one for, as BT_PLAN_RELAY_*; 0: for none. */
guint bt_connect_loopback_of(const BtAddr *addr, BtAddr *loopback_out);
/* What the policy says of it. TRUE: the call was refused and answered, and fd taken. */
gboolean bt_connect_is_denied(BtNotifier *self, const BtCall *call, int *fd, const BtAddr *addr,
                              guint proto, guint16 port, BtVerdict *verdict_out,
                              BtFlowWords *words_out);

/* Each of these takes fd. */

/* A socket that another program made, for what no rule speaks of. */
void bt_connect_refuse_foreign(BtNotifier *self, const BtCall *call, int fd,
                               const BtSockAddr *address);
void bt_connect_inet(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address,
                     gboolean tcp);
/* What was handed in, or passed on by somebody outside. */
void bt_connect_made(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address);
/* Without namespaces: its socket is of the host's network (bt-notify-flat.c). */
void bt_connect_flat(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address);
/* What came of one that was begun; as bt_connect_try(). */
int bt_connect_flat_result(int fd, const BtSockAddr *address);
void bt_connect_unix(BtNotifier *self, const BtCall *call, int fd, const BtSockAddr *address);

G_END_DECLS
