/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "wire/bt-net-msg.h"

G_BEGIN_DECLS

#if defined(__SANITIZE_ADDRESS__)
#define BT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BT_SANITIZED 1
#endif
#endif

/*
 * Dies with the supervisor from now on. Before anything else, so that nothing
 * outlives it.
 */
gboolean bt_confine_bind_life(void);

/*
 * Gives up everything that moving packets does not need, for good; names_only: that answering
 * names by streams that are handed over does not. Returns
 * BT_NET_EXIT_OK, or the status to exit with: a process that could not be
 * confined must not read a packet.
 */
int bt_confine(gboolean names_only);

G_END_DECLS
