/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON for policy files.
 *
 * json-glib costs more to link than a whole run takes to start (DESIGN 11),
 * so it sits in a program of its own, buntime-json, that is started when a
 * policy file is read and hands back the document as a serialised GVariant.
 * json-glib tells no positions, keeps the last of duplicate keys and crashes
 * on deep nesting: before it sees a byte, bt_json_scan() has checked them all
 * and noted where each value starts, in document order.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  BT_JSON_NULL,
  BT_JSON_BOOLEAN,
  BT_JSON_NUMBER,
  BT_JSON_STRING,
  BT_JSON_ARRAY,
  BT_JSON_OBJECT,
} BtJsonKind;

/* Both count from 1; columns are characters. */
typedef struct {
  guint line, column;
} BtJsonPosition;

typedef struct {
  BtJsonKind kind;
  char *name; /* the key of an object's member, else NULL */
  gboolean boolean;
  double number;
  char *string;
  GPtrArray *children; /* BtJsonNode: elements or members, in order; NULL for other kinds */
  BtJsonPosition position;
  BtJsonPosition name_position; /* of the key; 0, 0 without one */
} BtJsonNode;

BtJsonNode *bt_json_node_new(BtJsonKind kind);
void bt_json_node_free(BtJsonNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BtJsonNode, bt_json_node_free)

/* Where a value starts, and the key before it if there is one. */
typedef struct {
  BtJsonPosition value, name;
} BtJsonPlace;

#define BT_JSON_MAX_DEPTH 32
#define BT_JSON_MAX_SIZE (1u << 20)

/*
 * Is this one strict JSON value, within bounds and without duplicate keys?
 * places_out (element-type BtJsonPlace) receives one place a value, in the
 * order in which the values start.  The error is "LINE:COLUMN: reason\ncure".
 */
gboolean bt_json_scan(const char *text, gsize length, GArray *places_out, GError **error);

#define BT_JSON_MAX_FAULTS 20

/*
 * The same, but what leaves no doubt about the rest (comments, second keys, commas
 * too many) is added to faults_out (element-type utf8, "LINE:COLUMN: reason; cure"),
 * and mended_out is the text with spaces in its place, of the same length; NULL
 * without such faults. A text with faults is to be read for its other errors alone.
 */
gboolean bt_json_scan_all(const char *text, gsize length, GArray *places_out,
                          GPtrArray *faults_out, char **mended_out, GError **error);

/* What a text of BT_JSON_MAX_SIZE becomes at most: "0," takes 20 bytes as a GVariant. */
#define BT_JSON_MAX_VARIANT (16u << 20)
/* The socket of buntime-json. */
#define BT_JSON_FD 3

/*
 * The tree of a text that bt_json_scan() passed: bytes are what the reader made
 * of it, places the scan's array. Refused if the two do not agree.
 */
BtJsonNode *bt_json_from_variant(GBytes *bytes, GArray *places, GError **error);

/* The reader: what bt_json_scan() passed, as a serialised variant (type v). */
typedef GBytes *(*BtJsonReadFunc)(const char *text, gsize length, GError **error);
/* json-glib's, for buntime-json and for tests: not a part of the supervisor. */
GBytes *bt_json_to_variant(const char *text, gsize length, GError **error);

void bt_policy_set_json_reader(BtJsonReadFunc reader);

G_END_DECLS
