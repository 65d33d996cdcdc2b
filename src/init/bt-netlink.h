/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A batch of rtnetlink requests: written one behind the other, sent at once,
 * answered one by one.
 */

#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#define BT_NETLINK_BATCH 12

typedef struct {
  int fd;
  unsigned count;
  struct {
    const char *object; /* what a failure is called */
    int ignored;        /* an errno that is none, or 0 */
  } requests[BT_NETLINK_BATCH];
  struct nlmsghdr *request; /* the one being written */
  size_t used;
  _Alignas(struct nlmsghdr) uint8_t bytes[2048];
} BtNetlink;

/* A socket in the calling thread's network namespace. */
void bt_netlink_open(BtNetlink *self);
void bt_netlink_clear(BtNetlink *self);

/* The object must live until the batch is run. */
void bt_netlink_add(BtNetlink *self, const char *object, int type, int flags, const void *header,
                    size_t size);
void bt_netlink_ignore(BtNetlink *self, int error);
void bt_netlink_put(BtNetlink *self, int type, const void *data, size_t size);
/* Where the nest starts, for bt_netlink_end_nest(). */
size_t bt_netlink_begin_nest(BtNetlink *self, int type);
void bt_netlink_end_nest(BtNetlink *self, size_t start);

/* Sends the batch and empties it. Does not return if a request failed. */
void bt_netlink_run(BtNetlink *self);

/* Requests both kinds of interface need. */
void bt_netlink_add_setup(BtNetlink *self, const char *name, const uint8_t mac[6], uint32_t mtu);
void bt_netlink_add_up(BtNetlink *self, const char *name);
