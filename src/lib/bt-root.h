/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose sandbox it is. The supervisor holds no privilege: called by root it
 * becomes the owner of the entry, or nobody, before it looks at anything.
 */

#include "lib/bt-explain.h"
#include "plan/bt-plan-compile.h"

G_BEGIN_DECLS

typedef struct {
  uid_t uid;
  gid_t gid;
  char *name;
  char *home;          /* only where the caller was root: another user's */
  GBytes *entry_bytes; /* the entry, where that user cannot read it, or stdin's program */
} BtCaller;

#define BT_CALLER_INIT ((BtCaller){ 0 })
void bt_caller_clear(BtCaller *caller);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BtCaller, bt_caller_clear)

/* Fills *caller_out and, for root, gives up root for good and says so. */
gboolean bt_caller_settle(const char *entry, BtCaller *caller_out,
                          BtExplainer *explainer, GError **error);

G_END_DECLS
