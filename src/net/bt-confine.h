/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#if defined(__SANITIZE_ADDRESS__)
#define BT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BT_SANITIZED 1
#endif
#endif

/* Exit statuses of buntime-net, for the supervisor to explain. */
enum {
  BT_NET_EXIT_OK = 0,         /* the supervisor has hung up */
  BT_NET_EXIT_SETUP = 3,      /* no CONFIG, or not one that can be */
  BT_NET_EXIT_STACK = 4,      /* libslirp or a descriptor of ours */
  BT_NET_EXIT_PRIVILEGES = 5, /* no_new_privs, dumpable, capabilities, limits */
  BT_NET_EXIT_LANDLOCK = 6,   /* not in this kernel, or not enabled */
  BT_NET_EXIT_SECCOMP = 7,
};

/*
 * Dies with the supervisor from now on. Before anything else, so that nothing
 * outlives it.
 */
gboolean bt_confine_bind_life(void);

/*
 * Gives up everything that moving packets does not need, for good. Returns
 * BT_NET_EXIT_OK, or the status to exit with: a process that could not be
 * confined must not read a packet.
 */
int bt_confine(void);

G_END_DECLS
