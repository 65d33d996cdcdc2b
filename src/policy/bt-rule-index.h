/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Rules by the beginning of what they speak of: a directory's path, a
 * pattern's letters before its first star, a name from its end.  A search asks
 * once for each place where a beginning can end, however many rules there are.
 */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _BtRuleIndex BtRuleIndex;

BtRuleIndex *bt_rule_index_new(void);
void bt_rule_index_free(BtRuleIndex *index);

/* Both are borrowed: they must outlive the index. */
void bt_rule_index_add(BtRuleIndex *index, const char *beginning, gsize length, gpointer rule);

typedef void (*BtRuleFunc)(gpointer rule, gpointer data);

/*
 * Calls func for every rule that was added with a beginning of text: of any
 * length if boundary is '\0', else one before boundary, none, or all of it.
 */
void bt_rule_index_search(BtRuleIndex *index, const char *text, gsize length, char boundary,
                          BtRuleFunc func, gpointer data);

G_END_DECLS
