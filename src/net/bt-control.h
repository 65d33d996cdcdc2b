/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The control socket to the supervisor. Its hang-up ends this process: a
 * sandbox without a supervisor has no network.
 */

#include <glib.h>

#include "wire/bt-net-msg.h"
#include "wire/bt-net-policy.h"

G_BEGIN_DECLS

/* What the first messages bring. */
typedef struct {
  BtNetMsgConfig config;
  guint8 *policy_bytes; /* owned */
  BtNetPolicy policy;   /* a view of them */
  int udp_fd, tcp_fd; /* -1 with streams_fd */
  int streams_fd; /* streams of DNS are handed over by it; -1: there are the two sockets */
  int frame_fd; /* -1: no network is granted */
  int capture_fd; /* -1: frames are not recorded */
  int relay_fds[BT_NET_MSG_MAX_FDS];
  guint n_relays;
  BtNetMsgPublish publish; /* n_listeners 0: nothing is published */
  int publish_fds[BT_NET_MSG_MAX_FDS]; /* the listeners, then the dialers */
} BtSetup;

/* Waits for RELAYS and PUBLISH, if they come, and CONFIG; FALSE for anything else. */
gboolean bt_control_receive_setup(int fd, BtSetup *setup_out);
/* FALSE if the supervisor does not take it now. */
gboolean bt_control_send(int fd, gconstpointer message, gsize size);

typedef struct {
  void (*answer)(gpointer data, const BtNetMsgAnswer *answer);
  void (*host_addrs)(gpointer data, const BtNetMsgHostAddrs *host_addrs);
  void (*open)(gpointer data, const BtNetMsgOpen *open);
  void (*finish)(gpointer data);
  void (*ended)(gpointer data);
} BtControlFuncs;

/* funcs and data must live as long as the main loop runs. */
void bt_control_watch(int fd, const BtControlFuncs *funcs, gpointer data);

G_END_DECLS
