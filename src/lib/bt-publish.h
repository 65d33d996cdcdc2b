/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * --publish: ports of the host that lead to the worker's.
 *
 *   [ADDR:]PORT[:PORT]     127.0.0.1 unless another address is written; the port
 *                          inside is the host's unless another one is
 *
 * The supervisor listens, before anything of the worker's runs, so that a port
 * that cannot be had is an error and not a surprise; buntime-net, to which the
 * socket goes, takes the connections (net/bt-publish.h).
 */

#include <glib.h>

#include "policy/bt-policy.h"
#include "wire/bt-addr.h"

G_BEGIN_DECLS

typedef struct {
  BtAddr addr;
  guint16 port, inner;
  int fd;          /* -1: does not listen yet, or no more here */
  BtOrigin origin; /* the flag */
} BtPublished;

/* The error is about text. */
BtPublished *bt_published_parse(const char *text, GError **error);
/* Of one that listens, a copy does not yet (transfer full). */
BtPublished *bt_published_copy(const BtPublished *published);
void bt_published_free(BtPublished *published);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtPublished, bt_published_free)

gboolean bt_published_listen(BtPublished *published, GError **error);
/* "127.0.0.1:8080" (transfer full) */
char *bt_published_format(const BtPublished *published);

G_END_DECLS
