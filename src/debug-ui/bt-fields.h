/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Members of the page's messages, checked. FALSE with error set: one is missing, of another
 * kind, or too much.
 */

#include "serve/bt-node.h"

G_BEGIN_DECLS

/* Bytes: of code and policies, of other texts. */
#define BT_FIELD_MAX_CODE (1u << 20)
#define BT_FIELD_MAX_TEXT (64u << 10)

/* An object, with these members at most. keys: NULL-terminated. */
gboolean bt_fields_check(const BtNode *node, const char *const *keys, GError **error);

/* A string without NUL, of max bytes at most. */
gboolean bt_field_text(const BtNode *node, const char *name, gsize max, const char **text_out,
                       GError **error);
gboolean bt_field_number(const BtNode *node, const char *name, gint64 *number_out, GError **error);
gboolean bt_field_boolean(const BtNode *node, const char *name, gboolean *value_out,
                          GError **error);
/* node: the array itself, of at most max strings (transfer full). */
gboolean bt_field_texts(const BtNode *node, const char *name, guint max, GStrv *texts_out,
                        GError **error);

G_END_DECLS
