/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * JSON out: events, verdicts and policy files. json-glib is not linked into
 * the supervisor, and what is written here needs no tree.
 *
 *   BtJsonWriter json = BT_JSON_WRITER_INIT(text, 0);
 *   bt_json_begin_object(&json, NULL);
 *   bt_json_put_string(&json, "kind", "net");
 *   bt_json_begin_array(&json, "items");
 *   bt_json_put_int(&json, NULL, 7);
 *   bt_json_end(&json);
 *   bt_json_end(&json);                       {"kind":"net","items":[7]}
 *
 * The result is one JSON value and ASCII where it could deceive: whatever the
 * strings hold, a line stays a line and a terminal that shows it is safe.
 */

#include <glib.h>

G_BEGIN_DECLS

#define BT_JSON_WRITER_MAX_DEPTH 32

typedef struct {
  GString *text; /* appended to; not owned */
  guint indent;  /* blanks a level; 0: all on one line */
  guint depth;
  struct {
    char close;    /* '}' or ']' */
    gboolean used; /* a comma comes before the next */
  } levels[BT_JSON_WRITER_MAX_DEPTH];
} BtJsonWriter;

#define BT_JSON_WRITER_INIT(text_, indent_) { .text = (text_), .indent = (indent_) }

/* name is the key inside an object, NULL inside an array and for the whole value. */
void bt_json_begin_object(BtJsonWriter *self, const char *name);
void bt_json_begin_array(BtJsonWriter *self, const char *name);
/* Of the innermost object or array. */
void bt_json_end(BtJsonWriter *self);

/* Invalid UTF-8 becomes U+FFFD; NULL becomes null. */
void bt_json_put_string(BtJsonWriter *self, const char *name, const char *value);
void bt_json_put_bytes(BtJsonWriter *self, const char *name, const char *value, gsize length);
void bt_json_put_int(BtJsonWriter *self, const char *name, gint64 value);
void bt_json_put_bool(BtJsonWriter *self, const char *name, gboolean value);
void bt_json_put_null(BtJsonWriter *self, const char *name);

G_END_DECLS
