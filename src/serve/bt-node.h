/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A line of JSON as a tree, and lines of JSON in the making.
 *
 * Reading is strict: one value, valid UTF-8, no key twice, no comments, and bounds on depth
 * and number of values, so that a line costs little more than its length. Where each value
 * stands in the line is kept: a policy is handed on as it was written.
 *
 * What is written holds no byte that could end the line, and no character that a terminal or
 * an editor takes for more than itself, whatever the worker sent.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_NODE_MAX_DEPTH 40
#define BT_NODE_MAX_COUNT 100000

typedef enum {
  BT_NODE_NULL,
  BT_NODE_BOOLEAN,
  BT_NODE_NUMBER,
  BT_NODE_STRING,
  BT_NODE_ARRAY,
  BT_NODE_OBJECT,
} BtNodeKind;

typedef struct {
  BtNodeKind kind;
  char *name;          /* the key of an object's member, else NULL */
  gboolean boolean;
  gboolean integral;   /* a number that is in `number` whole */
  gint64 number;
  char *string;        /* NUL-terminated, and of this length: it may have NULs in it */
  gsize length;
  GPtrArray *children; /* BtNode; NULL but for arrays and objects */
  const char *text;    /* in the line */
  gsize size;
} BtNode;

/* text: length bytes, borrowed. The error's message is "column N: reason". */
BtNode *bt_node_parse(const char *text, gsize length, GError **error);
void bt_node_free(BtNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtNode, bt_node_free)

/* An object's member; NULL: there is none. */
const BtNode *bt_node_get(const BtNode *node, const char *name);

/*
 * Members of an object whose opening brace is in the text already; commas come by themselves.
 * name: NULL for an element of an array.
 */
void bt_put_name(GString *text, const char *name);
/* length: -1 if it ends at its NUL. What is no UTF-8 in it is replaced. */
void bt_put_string(GString *text, const char *name, const char *value, gssize length);
void bt_put_int(GString *text, const char *name, gint64 value);
void bt_put_bool(GString *text, const char *name, gboolean value);
/* JSON of the library's, which may be several lines. */
void bt_put_json(GString *text, const char *name, const char *json);
/*
 * Any bytes, without loss: "text" where they are UTF-8, else "base64"; also where escapes would
 * make much of a large text, so that a worker's message cannot become six times as long.
 */
void bt_put_bytes(GString *text, const void *bytes, gsize size);
/* By another name than "text". */
void bt_put_bytes_as(GString *text, const char *name, const void *bytes, gsize size);

G_END_DECLS
