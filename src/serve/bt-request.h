/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A request on its way from a line to its method.
 */

#include <gio/gio.h>

#include "serve/bt-methods.h"
#include "serve/bt-node.h"

G_BEGIN_DECLS

typedef struct {
  char *id; /* as it was written; NULL: it has none, or none that can be told */
  const BtMethod *method;
  const BtNode *params; /* an object of the root's; NULL: none were given */
  BtNode *root;
  gboolean later; /* its method will answer */
  int fds[3];     /* that go with its answer; -1: none */
} BtRequest;

#define BT_REQUEST_INIT ((BtRequest){ .fds = { -1, -1, -1 } })
void bt_request_clear(BtRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtRequest, bt_request_clear)

/* Reads and checks a line; the id is there after an error, too, if it was found. */
gboolean bt_request_parse(const char *text, gsize length, BtRequest *request_out, GError **error);

/* Parameters, which have been checked. */
const char *bt_request_text(const BtRequest *request, const char *name); /* NULL: not given */
gboolean bt_request_boolean(const BtRequest *request, const char *name); /* FALSE: not given */
gint64 bt_request_int(const BtRequest *request, const char *name, gint64 otherwise);
GStrv bt_request_texts(const BtRequest *request, const char *name); /* empty: not given */
const BtNode *bt_request_node(const BtRequest *request, const char *name);
/* Those of "text" or "base64" (transfer full). */
GBytes *bt_request_bytes(const BtRequest *request, GError **error);

/* The members of an error object: code, message, cure. */
void bt_put_error(GString *text, const char *name, const GError *error);

G_END_DECLS
